//! The first exchange of offer and answer in a dialog (RFC 3264, RFC 6337 §2).
//!
//! ```text
//! state \ event   we send a description   the peer sends one
//! Nothing         offer ▸Ours             offer ▸Theirs
//! Ours            repeated                answer ▸Agreed
//! Theirs          answer ▸Agreed          repeated
//! Agreed          repeated                repeated
//! ```
//!
//! The events are descriptions in messages that are certain to arrive: INVITE, reliable provisional responses, 2xx, PRACK
//! and ACK. One in an unreliable provisional response is a preview and changes nothing. A repeated description says
//! nothing new and is left out (ours) or ignored (the peer's). Later exchanges are [`Modify`](super::modify::Modify)'s.

/// How far the first exchange is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Exchange {
    /// Nobody has made an offer.
    #[default]
    Nothing,
    /// Our offer waits for the peer's answer.
    Ours,
    /// The peer's offer waits for our answer.
    Theirs,
    /// Offer and answer were made.
    Agreed,
}

/// What a description in a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// There is none.
    None,
    Offer,
    Answer,
    /// Neither: everything was said before.
    Repeated,
}

impl Exchange {
    /// Whether a description in an unreliable provisional response can tell what the answer will be.
    pub(super) fn previews_answer(self) -> bool {
        self == Self::Theirs
    }

    /// We send `body`.
    pub(super) fn send(&mut self, body: &[u8]) -> Role {
        let (next, role) = match self {
            _ if body.is_empty() => return Role::None,
            Self::Nothing => (Self::Ours, Role::Offer),
            Self::Theirs => (Self::Agreed, Role::Answer),
            Self::Ours | Self::Agreed => return Role::Repeated,
        };
        *self = next;
        role
    }

    /// The peer sends `body`.
    pub(super) fn receive(&mut self, body: &[u8]) -> Role {
        let (next, role) = match self {
            _ if body.is_empty() => return Role::None,
            Self::Nothing => (Self::Theirs, Role::Offer),
            Self::Ours => (Self::Agreed, Role::Answer),
            Self::Theirs | Self::Agreed => return Role::Repeated,
        };
        *self = next;
        role
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn the_table() {
        let mut table = String::new();
        for state in [Exchange::Nothing, Exchange::Ours, Exchange::Theirs, Exchange::Agreed] {
            for (who, body) in
                [("we send", "v=0"), ("we send", ""), ("they send", "v=0"), ("they send", "")]
            {
                let mut exchange = state;
                let role = match who {
                    "we send" => exchange.send(body.as_bytes()),
                    _ => exchange.receive(body.as_bytes()),
                };
                writeln!(table, "{state:?} | {who} {body:3} | {role:?} | {exchange:?}")
                    .expect("writing to a String cannot fail");
            }
        }
        insta::assert_snapshot!(table, @r"
        Nothing | we send v=0 | Offer | Ours
        Nothing | we send     | None | Nothing
        Nothing | they send v=0 | Offer | Theirs
        Nothing | they send     | None | Nothing
        Ours | we send v=0 | Repeated | Ours
        Ours | we send     | None | Ours
        Ours | they send v=0 | Answer | Agreed
        Ours | they send     | None | Ours
        Theirs | we send v=0 | Answer | Agreed
        Theirs | we send     | None | Theirs
        Theirs | they send v=0 | Repeated | Theirs
        Theirs | they send     | None | Theirs
        Agreed | we send v=0 | Repeated | Agreed
        Agreed | we send     | None | Agreed
        Agreed | they send v=0 | Repeated | Agreed
        Agreed | they send     | None | Agreed
        ");
    }
}
