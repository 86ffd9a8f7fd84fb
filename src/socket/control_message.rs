//! Control messages as they lie in memory; see cmsg(3).

use libc::c_int;

/// The size of a header with what aligns the data behind it; CMSG_LEN(0).
pub(super) const HEADER: usize = size_of::<libc::cmsghdr>().next_multiple_of(size_of::<usize>());

/// CMSG_SPACE: a header, so many bytes, and what aligns the header behind them.
pub(super) fn space(size: usize) -> usize {
    size.checked_next_multiple_of(size_of::<usize>()).unwrap_or(usize::MAX).saturating_add(HEADER)
}

/// One message: level, kind, where its bytes are, and they.
pub(super) type Message<'c> = (c_int, c_int, usize, &'c [u8]);

/// The messages, until so little is left that it says nothing.
pub(super) fn messages(control: &[u8]) -> impl Iterator<Item = Message<'_>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let (header, rest) = control.get(start..)?.split_at_checked(HEADER)?;
        let (length, header) = header.split_first_chunk()?;
        let (level, header) = header.split_first_chunk()?;
        let (kind, _) = header.split_first_chunk()?;
        let size = usize::from_ne_bytes(*length).saturating_sub(HEADER).min(rest.len());
        let place = start + HEADER;
        start += space(size);
        Some((c_int::from_ne_bytes(*level), c_int::from_ne_bytes(*kind), place, &rest[..size]))
    })
}

/// What stands before so many bytes.
pub(super) fn header(level: c_int, kind: c_int, size: usize) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    let (length, rest) = header.split_at_mut(size_of::<usize>());
    length.copy_from_slice(&(HEADER + size).to_ne_bytes());
    rest[..4].copy_from_slice(&level.to_ne_bytes());
    rest[4..8].copy_from_slice(&kind.to_ne_bytes());
    header
}
