//! Asking the system for the addresses of a name. This waits for as long as the system likes.

use std::ffi::{CStr, CString, c_int};
use std::io;

use super::address::{Family, IpAddress};
use crate::error::{
    EN_EAI_AGAIN, EN_EAI_FAIL, EN_EAI_FAMILY, EN_EAI_MEMORY, EN_EAI_NODATA, EN_EAI_NONAME, EN_EAI_SERVICE,
    EN_EAI_SYSTEM, Error, Result, lack_of_descriptors,
};

/// glibc's EAI_ADDRFAMILY and EAI_NODATA, which not every libc names.
const EAI_ADDRFAMILY: c_int = -9;
const EAI_NODATA: c_int = -5;

/// What getaddrinfo(3) answers instead of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// One of `EAI_...`.
    pub code: c_int,
    /// What errno said: why, for `EAI_SYSTEM`; for others it may tell what was lacking. 0: nothing.
    pub errno: c_int,
}

/// What stands for getaddrinfo(3): name, family and flags in; addresses without a port out.
pub trait Ask: Fn(&CStr, Family, c_int) -> std::result::Result<Vec<IpAddress>, Failure> {}

impl<T: Fn(&CStr, Family, c_int) -> std::result::Result<Vec<IpAddress>, Failure>> Ask for T {}

/// The addresses of a host, in the system's order, each once. `host` has no NUL.
pub fn resolve(ask: &impl Ask, host: &str, port: u16, family: Family) -> Result<Vec<IpAddress>> {
    let name = CString::new(host).map_err(|_| failed(host, Failure { code: libc::EAI_NONAME, errno: 0 }))?;
    let found = ask_twice(ask, &name, family, is_loopback(host)).map_err(|failure| failed(host, failure))?;
    let mut addresses: Vec<IpAddress> = Vec::with_capacity(found.len());
    for address in found {
        let address = address.with_port(port);
        if family.has(&address) && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    match addresses.is_empty() {
        true => Err(failed(host, Failure { code: EAI_NODATA, errno: 0 })),
        false => Ok(addresses),
    }
}

/// Asks only for families that this machine has an address of, which saves useless questions; if
/// that leaves nothing, for all. What the loopback interface has does not count as an address, so
/// its names are asked for without that.
fn ask_twice(
    ask: &impl Ask,
    name: &CStr,
    family: Family,
    is_loopback: bool,
) -> std::result::Result<Vec<IpAddress>, Failure> {
    if is_loopback {
        return ask(name, family, 0);
    }
    match ask(name, family, libc::AI_ADDRCONFIG) {
        Err(failure) if matches!(failure.code, libc::EAI_NONAME | EAI_NODATA | EAI_ADDRFAMILY) => {
            ask(name, family, 0)
        }
        answer => answer,
    }
}

/// The names that RFC 6761 gives to the loopback interface.
fn is_loopback(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or(host);
    last.eq_ignore_ascii_case("localhost")
}

/// The failure as an error.
fn failed(host: &str, failure: Failure) -> Error {
    if let Some(lack) = lack_of_descriptors(failure.errno) {
        return Error::new(lack.code(), format!("cannot resolve \"{host}\": {}", lack.reason()));
    }
    let code = match failure.code {
        libc::EAI_NONAME => EN_EAI_NONAME,
        libc::EAI_AGAIN => EN_EAI_AGAIN,
        libc::EAI_FAMILY | EAI_ADDRFAMILY => EN_EAI_FAMILY,
        libc::EAI_SERVICE => EN_EAI_SERVICE,
        libc::EAI_MEMORY => EN_EAI_MEMORY,
        libc::EAI_SYSTEM => EN_EAI_SYSTEM,
        EAI_NODATA => EN_EAI_NODATA,
        _ => EN_EAI_FAIL,
    };
    let reason = match failure.code {
        libc::EAI_SYSTEM => io::Error::from_raw_os_error(failure.errno).to_string(),
        // SAFETY: the system answers a terminated string for every number, and never takes it back.
        code => unsafe { CStr::from_ptr(libc::gai_strerror(code)) }.to_string_lossy().into_owned(),
    };
    Error::new(code, format!("cannot resolve \"{host}\": {reason}"))
}

/// getaddrinfo(3) itself.
pub fn getaddrinfo(
    name: &CStr,
    family: Family,
    flags: c_int,
) -> std::result::Result<Vec<IpAddress>, Failure> {
    // SAFETY: all zero is a valid addrinfo.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    hints.ai_socktype = libc::SOCK_STREAM;
    hints.ai_flags = flags;
    hints.ai_family = match family {
        Family::Any => libc::AF_UNSPEC,
        Family::V4 => libc::AF_INET,
        Family::V6 => libc::AF_INET6,
    };
    let mut list = std::ptr::null_mut();
    // SAFETY: errno is this thread's own.
    unsafe { *libc::__errno_location() = 0 };
    // SAFETY: name and hints live during the call, `list` is ours to be written.
    let code = unsafe { libc::getaddrinfo(name.as_ptr(), std::ptr::null(), &raw const hints, &raw mut list) };
    if code != 0 {
        let errno = io::Error::last_os_error().raw_os_error().unwrap_or(0);
        return Err(Failure { code, errno });
    }
    // SAFETY: the call has written a list, and this is its only use.
    Ok(unsafe { take(list) })
}

/// The addresses of a list, which is freed.
///
/// # Safety
/// `list` is what getaddrinfo(3) has answered, and not freed yet.
unsafe fn take(list: *mut libc::addrinfo) -> Vec<IpAddress> {
    let mut addresses = Vec::new();
    let mut next = list;
    // SAFETY: `next` is NULL or an entry of the list, which lives until the end of this function.
    while let Some(entry) = unsafe { next.as_ref() } {
        next = entry.ai_next;
        if entry.ai_addr.is_null() {
            continue;
        }
        // SAFETY: the entry says where its address is and how long it is.
        let bytes = unsafe { std::slice::from_raw_parts(entry.ai_addr.cast(), entry.ai_addrlen as usize) };
        addresses.extend(IpAddress::from_sockaddr(bytes));
    }
    // SAFETY: by contract; nothing of the list is used any more.
    unsafe { libc::freeaddrinfo(list) };
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{EN_EMFILE, EN_ENFILE};
    use std::cell::RefCell;

    type Answer = std::result::Result<Vec<IpAddress>, Failure>;

    fn hosts(hosts: &[&str]) -> Answer {
        Ok(hosts.iter().map(|host| IpAddress::parse(host, 0).expect("numeric")).collect())
    }

    fn failure(code: c_int) -> Answer {
        Err(Failure { code, errno: libc::EIO })
    }

    /// Resolves with one answer with AI_ADDRCONFIG and one without; answers the flags, too.
    fn run(
        host: &str,
        family: Family,
        with: Answer,
        without: Answer,
    ) -> (Result<Vec<IpAddress>>, Vec<c_int>) {
        let asked = RefCell::new(Vec::new());
        let ask = |name: &CStr, of: Family, flags: c_int| {
            assert_eq!((name.to_str(), of), (Ok(host), family));
            asked.borrow_mut().push(flags);
            if flags == 0 { without.clone() } else { with.clone() }
        };
        let answer = resolve(&ask, host, 80, family);
        (answer, asked.into_inner())
    }

    fn texts(answer: Result<Vec<IpAddress>>) -> Vec<String> {
        answer.expect("addresses").iter().map(ToString::to_string).collect()
    }

    #[test]
    fn order_is_kept_and_each_address_comes_once() {
        let found = hosts(&["192.0.2.2", "2001:db8::1", "192.0.2.2", "192.0.2.1", "2001:db8::1"]);
        let (answer, asked) = run("host", Family::Any, found, failure(libc::EAI_FAIL));
        assert_eq!(texts(answer), ["192.0.2.2:80", "[2001:db8::1]:80", "192.0.2.1:80"]);
        assert_eq!(asked, [libc::AI_ADDRCONFIG]);
    }

    #[test]
    fn a_machine_without_a_network_is_asked_again() {
        for code in [libc::EAI_NONAME, EAI_NODATA, EAI_ADDRFAMILY] {
            let (answer, asked) = run("me", Family::V6, failure(code), hosts(&["::1"]));
            assert_eq!(texts(answer), ["[::1]:80"]);
            assert_eq!(asked, [libc::AI_ADDRCONFIG, 0]);
        }
        let (answer, asked) = run("me", Family::Any, failure(libc::EAI_AGAIN), hosts(&["::1"]));
        assert_eq!(answer.expect_err("no second question").code(), EN_EAI_AGAIN);
        assert_eq!(asked, [libc::AI_ADDRCONFIG]);
    }

    #[test]
    fn loopback_names_need_no_network() {
        for host in ["localhost", "LocalHost.", "app.localhost"] {
            let (answer, asked) = run(host, Family::Any, failure(libc::EAI_FAIL), hosts(&["127.0.0.1"]));
            assert_eq!(texts(answer), ["127.0.0.1:80"]);
            assert_eq!(asked, [0]);
        }
        assert!(!is_loopback("localhost.example"));
        assert!(!is_loopback("notlocalhost"));
    }

    #[test]
    fn failures_have_code_and_reason() {
        for (code, expected) in [
            (libc::EAI_NONAME, EN_EAI_NONAME),
            (libc::EAI_AGAIN, EN_EAI_AGAIN),
            (libc::EAI_FAIL, EN_EAI_FAIL),
            (libc::EAI_FAMILY, EN_EAI_FAMILY),
            (EAI_ADDRFAMILY, EN_EAI_FAMILY),
            (libc::EAI_SERVICE, EN_EAI_SERVICE),
            (libc::EAI_MEMORY, EN_EAI_MEMORY),
            (libc::EAI_SYSTEM, EN_EAI_SYSTEM),
            (EAI_NODATA, EN_EAI_NODATA),
            (libc::EAI_BADFLAGS, EN_EAI_FAIL),
        ] {
            let (answer, _) = run("nosuch.invalid", Family::Any, failure(code), failure(code));
            let error = answer.expect_err("no addresses");
            assert_eq!(error.code(), expected);
            let reason = error.reason().strip_prefix("cannot resolve \"nosuch.invalid\": ");
            assert!(reason.is_some_and(|reason| !reason.is_empty()), "{error}");
            let names_errno = error.reason().contains(&format!("os error {}", libc::EIO));
            assert_eq!(names_errno, code == libc::EAI_SYSTEM, "{error}");
        }
        let (answer, _) = run("host", Family::Any, hosts(&[]), hosts(&[]));
        assert_eq!(answer.expect_err("nothing").code(), EN_EAI_NODATA);
    }

    #[test]
    fn a_lack_of_descriptors_is_told_as_that() {
        for code in [libc::EAI_NONAME, libc::EAI_AGAIN, libc::EAI_SYSTEM] {
            let lack = |errno| Err(Failure { code, errno });
            let (answer, _) = run("host", Family::Any, lack(libc::EMFILE), lack(libc::EMFILE));
            let error = answer.expect_err("no addresses");
            assert_eq!(error.code(), EN_EMFILE);
            assert_eq!(error.reason(), "cannot resolve \"host\": too many open files in this process");
            let (answer, _) = run("host", Family::Any, lack(libc::ENFILE), lack(libc::ENFILE));
            assert_eq!(answer.expect_err("no addresses").code(), EN_ENFILE);
        }
    }

    #[test]
    fn the_system_knows_localhost() {
        let addresses = resolve(&getaddrinfo, "localhost", 7000, Family::V4).expect("it has IPv4");
        assert_eq!(texts(Ok(addresses)), ["127.0.0.1:7000"]);
    }
}
