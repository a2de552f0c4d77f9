//! The agent as a provider: a registrar, and a proxy that wants to know who calls.

use std::net::SocketAddr;

use super::text::Text;
use super::{Agent, digest};

/// Who may register and call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The user name.
    pub user: String,
    /// The password.
    pub password: String,
}

/// What an agent asks of those that register with it or call it.
#[derive(Clone, Debug, Default)]
pub struct Provider {
    /// REGISTER must prove to be this account; `None` lets anybody.
    pub registrant: Option<Account>,
    /// INVITE must prove to be this account, asked with this status (401 or 407).
    pub caller: Option<(u16, Account)>,
    /// Its realm and what its challenges say besides, when not `provider`, qop="auth" and MD5.
    pub wording: Option<(String, String)>,
    /// Registrations are granted for so long at most, in seconds; 0 is 3600.
    pub expires: u32,
    /// Parameters of the Contact that a registration is granted with: `;pub-gruu="…"`.
    pub contact_params: String,
    /// Further lines of the 200 to a REGISTER, each with its line end: `Service-Route: …`.
    pub lines: String,
    /// It answers Binding requests of STUN (RFC 5626 §8).
    pub hears_stun: bool,
    granted: u32,
    nonces: u32,
}

impl Provider {
    /// How many registrations it has granted.
    pub fn granted(&self) -> u32 {
        self.granted
    }

    /// The challenge's header line, when the INVITE proves nothing.
    pub(super) fn challenge_invite(&mut self, text: &Text) -> Option<String> {
        let (status, account) = self.caller.clone()?;
        let (ask, answer) = match status {
            401 => ("WWW-Authenticate", "Authorization"),
            _ => ("Proxy-Authenticate", "Proxy-Authorization"),
        };
        self.challenge(text, &account, ask, answer)
    }

    pub(super) fn invite_status(&self) -> u16 {
        self.caller.as_ref().map_or(407, |(status, _)| *status)
    }

    fn words(&self) -> (&str, &str) {
        let words = self.wording.as_ref();
        words.map_or(("provider", "qop=\"auth\", algorithm=MD5"), |(realm, rest)| (realm, rest))
    }

    /// Whether credentials are for its realm.
    pub(super) fn is_asked_for(&self, proof: &str) -> bool {
        digest::field(proof, "realm") == Some(self.words().0)
    }

    fn challenge(
        &mut self,
        text: &Text,
        account: &Account,
        ask: &str,
        answer: &str,
    ) -> Option<String> {
        let nonce = format!("nonce{}", self.nonces);
        let proof = text.all(answer).find(|proof| self.is_asked_for(proof));
        if proof.is_some_and(|proof| {
            digest::is_right(proof, &account.user, &account.password, text.method(), &nonce)
        }) {
            return None;
        }
        self.nonces += 1;
        let nonce = format!("nonce{}", self.nonces);
        let (realm, rest) = self.words();
        Some(format!("{ask}: Digest realm=\"{realm}\", nonce=\"{nonce}\", {rest}\r\n"))
    }
}

impl Agent {
    pub(super) fn on_register(&mut self, text: &Text, from: SocketAddr) {
        let tag = self.token();
        let account = self.provider.registrant.clone();
        if let Some(account) = account
            && let Some(challenge) =
                self.provider.challenge(text, &account, "WWW-Authenticate", "Authorization")
        {
            return self.post_to(text.answer(401, "Unauthorized", &tag, &challenge, ""), from);
        }
        self.provider.granted += 1;
        let asked = text.header("Expires").and_then(|value| value.parse().ok()).unwrap_or(3600);
        let most = if self.provider.expires == 0 { 3600 } else { self.provider.expires };
        let contact = text.header("Contact").unwrap_or_default();
        let expires = most.min(asked);
        let contact = contact.split(";expires=").next().unwrap_or_default();
        let extra = match expires {
            0 => String::new(),
            _ => {
                let Provider { contact_params, lines, .. } = &self.provider;
                format!("Contact: {contact};expires={expires}{contact_params}\r\n{lines}")
            }
        };
        self.post_to(text.answer(200, "OK", &tag, &extra, ""), from);
    }
}

/// The answer to a Binding request of STUN from an IPv4 address (RFC 8489 §5, §14.2).
pub(super) fn binding_answer(request: &[u8], from: SocketAddr) -> Option<Vec<u8>> {
    let SocketAddr::V4(from) = from else { return None };
    let [0, 1, _, _, cookie_and_id @ ..] = request.first_chunk::<20>()? else { return None };
    let [a, b, c, d, ..] = *cookie_and_id;
    let place = u64::from(from.port()) << 32 | u64::from(from.ip().to_bits());
    let mask = u64::from_be_bytes([0, 0, a, b, a, b, c, d]);
    let masked = (place ^ mask).to_be_bytes();
    let header = [&[1, 1, 0, 12][..], cookie_and_id, &[0, 0x20, 0, 8, 0, 1]].concat();
    Some([&header, masked.get(2..)?].concat())
}
