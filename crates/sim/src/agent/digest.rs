//! RFC 2617 digest (MD5, qop=auth), both ends, independent of `tipring-sip`.

use md5::{Digest, Md5};

/// Whether this challenge is for MD5, in words or by saying nothing.
pub fn is_md5(challenge: &str) -> bool {
    field(challenge, "algorithm").is_none_or(|algorithm| algorithm.eq_ignore_ascii_case("MD5"))
}

/// The value of an Authorization header that answers `challenge`.
pub fn answer(challenge: &str, user: &str, password: &str, method: &str, uri: &str) -> String {
    let realm = field(challenge, "realm").unwrap_or("");
    let nonce = field(challenge, "nonce").unwrap_or("");
    let ha1 = hex(&format!("{user}:{realm}:{password}"));
    let ha2 = hex(&format!("{method}:{uri}"));
    let mut out = format!(
        "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
         algorithm=MD5"
    );
    if challenge.contains("qop=") {
        let response = hex(&format!("{ha1}:{nonce}:00000001:c0ffee:auth:{ha2}"));
        out += &format!(", qop=auth, nc=00000001, cnonce=\"c0ffee\", response=\"{response}\"");
    } else {
        out += &format!(", response=\"{}\"", hex(&format!("{ha1}:{nonce}:{ha2}")));
    }
    if let Some(opaque) = field(challenge, "opaque") {
        out += &format!(", opaque=\"{opaque}\"");
    }
    out
}

/// Whether credentials prove to be this user, with this nonce and `qop=auth`, or without qop as
/// RFC 2069 had it.
pub fn is_right(proof: &str, user: &str, password: &str, method: &str, nonce: &str) -> bool {
    let get = |name| field(proof, name).unwrap_or("");
    let ha1 = hex(&format!("{user}:{}:{password}", get("realm")));
    let ha2 = hex(&format!("{method}:{}", get("uri")));
    let middle = format!("{}:{}:{}", get("nc"), get("cnonce"), get("qop"));
    let response = match field(proof, "qop") {
        Some(_) => hex(&format!("{ha1}:{nonce}:{middle}:{ha2}")),
        None => hex(&format!("{ha1}:{nonce}:{ha2}")),
    };
    get("username") == user && get("nonce") == nonce && get("response") == response
}

/// A parameter of a challenge or of credentials, with or without quotes.
pub fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let list = text.strip_prefix("Digest ").unwrap_or(text);
    list.split(',').find_map(|part| {
        let (key, value) = part.trim().split_once('=')?;
        (key.trim() == name).then(|| value.trim().trim_matches('"'))
    })
}

fn hex(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 2617 §3.5.
    #[test]
    fn the_example_of_rfc_2617_is_right() {
        let proof = "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", \
             nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", qop=auth, \
             nc=00000001, cnonce=\"0a4f113b\", response=\"6629fae49393a05397450978507c4ef1\"";
        let nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
        assert!(is_right(proof, "Mufasa", "Circle Of Life", "GET", nonce));
        assert!(!is_right(proof, "Mufasa", "Circle of life", "GET", nonce));
    }

    #[test]
    fn one_end_convinces_the_other() {
        let challenge = "Digest realm=\"here\", nonce=\"n1\", qop=\"auth\", algorithm=MD5";
        let proof = answer(challenge, "alice", "secret", "INVITE", "sip:101@here");
        assert!(is_right(&proof, "alice", "secret", "INVITE", "n1"));
        assert!(!is_right(&proof, "alice", "secret", "BYE", "n1"));
        assert!(is_md5(challenge) && !is_md5("Digest realm=\"x\", algorithm=SHA-256"));
    }
}
