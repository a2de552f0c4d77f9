//! RFC 2617 digest answers (MD5, qop=auth), independent of `tipring-sip`.

use md5::{Digest, Md5};

/// The value of an Authorization header that answers `challenge`.
pub fn answer(challenge: &str, user: &str, password: &str, method: &str, uri: &str) -> String {
    let field = |name: &str| {
        let start = challenge.find(&format!("{name}=\""))? + name.len() + 2;
        challenge.get(start..)?.split('"').next()
    };
    let realm = field("realm").unwrap_or("");
    let nonce = field("nonce").unwrap_or("");
    let ha1 = hex(&format!("{user}:{realm}:{password}"));
    let ha2 = hex(&format!("{method}:{uri}"));
    let mut out = format!(
        "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", algorithm=MD5"
    );
    if challenge.contains("qop=") {
        let response = hex(&format!("{ha1}:{nonce}:00000001:c0ffee:auth:{ha2}"));
        out += &format!(", qop=auth, nc=00000001, cnonce=\"c0ffee\", response=\"{response}\"");
    } else {
        out += &format!(", response=\"{}\"", hex(&format!("{ha1}:{nonce}:{ha2}")));
    }
    if let Some(opaque) = field("opaque") {
        out += &format!(", opaque=\"{opaque}\"");
    }
    out
}

fn hex(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 2617 §3.5, without qop: HA1 and HA2 as printed there.
    #[test]
    fn the_example_of_rfc_2617_gives_its_ha1() {
        assert_eq!(
            hex("Mufasa:testrealm@host.com:Circle Of Life"),
            "939e7578ed9e3c518a452acee763bce9"
        );
        assert_eq!(hex("GET:/dir/index.html"), "39aff3a2bab6126f332b942af96d3366");
    }
}
