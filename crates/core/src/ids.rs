//! Small numbers that must not be mixed up.

use core::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty), $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    };
}

id!(
    /// One call: two legs and what joins them. Never reused while the process lives.
    CallId(u64), "call-"
);
id!(
    /// One leg of a call. Never reused while the process lives.
    LegId(u64), "leg-"
);
id!(
    /// A configured analog line or ISDN span, by its place in the configuration.
    LineId(u16), "line-"
);
id!(
    /// A configured card, by its place in the configuration.
    CardId(u8), "card-"
);
id!(
    /// A port of a card, 1-based, in the order fxs, fxo, bri, pri.
    PortNumber(u8), "port-"
);
id!(
    /// A source and sink of audio in the media engine (H.248's word): a card channel or an RTP stream.
    TerminationId(u32), "t-"
);
id!(
    /// A set of terminations that hear each other (H.248's word).
    ContextId(u32), "ctx-"
);
