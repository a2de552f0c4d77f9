//! The torture messages of RFC 4475 and RFC 5118 as in the archives that the RFCs carry, for the tests of whoever
//! reads messages; the texts end their lines with LF where a message has CR LF.

pub mod application;
pub mod invalid;
pub mod ipv6;
pub mod valid;

/// The 49 of RFC 4475, in its order.
pub fn rfc_4475() -> Vec<(&'static str, Vec<u8>)> {
    let sections = [valid::MESSAGES, invalid::MESSAGES, application::MESSAGES];
    let mut messages: Vec<_> = sections.into_iter().flat_map(octets).collect();
    messages.insert(10, ("mpart01", valid::MPART01.to_vec()));
    messages
}

/// The 12 of RFC 5118, in its order.
pub fn rfc_5118() -> Vec<(&'static str, Vec<u8>)> {
    octets(ipv6::MESSAGES).collect()
}

fn octets(
    texts: &'static [(&'static str, &'static str)],
) -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    texts.iter().map(|(name, text)| (*name, text.replace('\n', "\r\n").into_bytes()))
}
