//! What is remembered of each peer: its session tickets, and the very verifier they were given under.
//!
//! rustls takes up a session only if the verifier is the same object as before, and keeps sessions by
//! the name that was asked for, which need not be the one that was verified. So each dialled name has
//! a configuration of its own, and peers never mix.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ClientConfig;

/// Configurations by dialled name, the most recently used ones.
pub(super) struct Sessions {
    most: usize,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    peers: HashMap<String, Peer>,
    clock: u64,
}

struct Peer {
    config: Arc<ClientConfig>,
    used: u64,
}

impl Sessions {
    pub(super) fn new(most: usize) -> Sessions {
        Sessions { most, known: Mutex::default() }
    }

    /// Whether anything is remembered.
    pub(super) fn are_kept(&self) -> bool {
        self.most > 0
    }

    /// The configuration for a name, made if it is new; the one used longest ago makes room.
    pub(super) fn of(&self, name: &str, make: impl FnOnce() -> ClientConfig) -> Arc<ClientConfig> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.clock += 1;
        let used = known.clock;
        if let Some(peer) = known.peers.get_mut(name) {
            peer.used = used;
            return peer.config.clone();
        }
        if known.peers.len() >= self.most {
            known.forget_oldest();
        }
        let config = Arc::new(make());
        known.peers.insert(name.to_string(), Peer { config: config.clone(), used });
        config
    }
}

impl Known {
    fn forget_oldest(&mut self) {
        let oldest = self.peers.iter().min_by_key(|(_, peer)| peer.used).map(|(name, _)| name.clone());
        if let Some(name) = oldest {
            self.peers.remove(&name);
        }
    }
}
