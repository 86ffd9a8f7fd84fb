//! What is remembered of each peer: its names, its session tickets, and the very verifier they were
//! given under.
//!
//! rustls takes up a session only if the verifier is the same object as before, and keeps sessions by
//! the name that was asked for, which need not be the one that was verified. So each dialled name has
//! a configuration of its own, and peers never mix.
//!
//! A forked child remembers nothing, and so waits for no lock that a thread of its parent held.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls::server::{ServerSessionMemoryCache, StoresServerSessions};

use crate::error::Result;
use crate::socket::per_process::PerProcess;

/// Peers by dialled name, the most recently used ones.
pub(super) struct Sessions {
    most: usize,
    known: PerProcess<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    peers: HashMap<String, (Arc<Peer>, u64)>,
    clock: u64,
}

/// What all connections to a dialled name share.
pub(super) struct Peer {
    /// With the verifier for it, and its sessions.
    pub(super) config: Arc<ClientConfig>,
    /// The name that rustls asks for, or goes by.
    pub(super) asked_for: ServerName<'static>,
    /// The name that the certificate must have.
    pub(super) verified: Option<Arc<String>>,
}

impl Sessions {
    pub(super) fn new(most: usize) -> Sessions {
        Sessions { most, known: PerProcess::empty() }
    }

    /// Whether anything is remembered.
    pub(super) fn are_kept(&self) -> bool {
        self.most > 0
    }

    /// The peer of a name, made if it is new; the one used longest ago makes room.
    pub(super) fn of(&self, name: &str, make: impl FnOnce() -> Result<Peer>) -> Result<Arc<Peer>> {
        let known = self.known.get(|_| Mutex::default());
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        known.clock += 1;
        let now = known.clock;
        if let Some((peer, used)) = known.peers.get_mut(name) {
            *used = now;
            return Ok(peer.clone());
        }
        let peer = Arc::new(make()?);
        if known.peers.len() >= self.most {
            known.forget_oldest();
        }
        known.peers.insert(name.to_string(), (peer.clone(), now));
        Ok(peer)
    }
}

impl Known {
    fn forget_oldest(&mut self) {
        let oldest = self.peers.iter().min_by_key(|(_, (_, used))| *used).map(|(name, _)| name.clone());
        if let Some(name) = oldest {
            self.peers.remove(&name);
        }
    }
}

/// What a server remembers of those who have connected.
pub(super) struct ServerSessions {
    most: usize,
    known: PerProcess<Arc<ServerSessionMemoryCache>>,
}

impl ServerSessions {
    pub(super) fn new(most: usize) -> ServerSessions {
        ServerSessions { most, known: PerProcess::empty() }
    }

    fn known(&self) -> &ServerSessionMemoryCache {
        self.known.get(|_| ServerSessionMemoryCache::new(self.most))
    }
}

impl fmt::Debug for ServerSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerSessions({})", self.most)
    }
}

impl StoresServerSessions for ServerSessions {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        self.known().put(key, value)
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.known().get(key)
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.known().take(key)
    }

    fn can_cache(&self) -> bool {
        true
    }
}
