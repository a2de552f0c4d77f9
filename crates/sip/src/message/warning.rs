//! Warning (RFC 3261 §20.43).

use std::fmt;

use super::grammar::{self, split, trim, trim_start};
use super::{Malformed, host};

/// Why a session was refused or changed, in more detail than the status:
/// `307 isi.edu "Session parameter 'foo' not understood"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    code: u16,
    agent: Box<str>,
    /// In words.
    pub text: String,
}

impl Warning {
    /// `305`: a media format is not available (RFC 3261 §27.2).
    pub const INCOMPATIBLE_MEDIA_FORMAT: u16 = 305;
    /// `399`: anything else.
    pub const MISCELLANEOUS: u16 = 399;

    /// `agent` warns; `None` when the code is not 300 to 399 or the agent neither a host with an
    /// optional port nor a token.
    pub fn new(code: u16, agent: &str, text: &str) -> Option<Self> {
        let known = (300..400).contains(&code) && is_agent(agent.as_bytes());
        let text = grammar::text(text.as_bytes());
        known.then(|| Self { code, agent: agent.into(), text })
    }

    /// The one warning written `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let bytes = trim(bytes);
        let (code, rest) = split(bytes, bytes.iter().take_while(|o| o.is_ascii_digit()).count());
        let code = grammar::number(code).and_then(|code| u16::try_from(code).ok());
        let rest = rest.strip_prefix(b" ").ok_or(Malformed::Number)?;
        let rest = trim_start(rest);
        let (agent, rest) =
            split(rest, rest.iter().take_while(|o| !b" \t\r\n\"".contains(o)).count());
        let text = trim_start(rest);
        if grammar::quoted_len(text) != Some(text.len()) {
            return Err(Malformed::QuotedString);
        }
        let agent = std::str::from_utf8(agent).map_err(|_| Malformed::Host)?;
        let text = grammar::text(&grammar::unquote(text));
        let code = code.filter(|code| (300..400).contains(code)).ok_or(Malformed::Number)?;
        Self::new(code, agent, &text).ok_or(Malformed::Host)
    }

    /// 300 to 399 (RFC 3261 §27.2).
    pub const fn code(&self) -> u16 {
        self.code
    }

    /// Who warns: a host with an optional port, or a pseudonym.
    pub fn agent(&self) -> &str {
        &self.agent
    }
}

fn is_agent(bytes: &[u8]) -> bool {
    grammar::all(bytes, grammar::TOKEN)
        || host::scan(bytes).is_ok_and(|(_, _, rest)| rest.is_empty())
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.code, self.agent)?;
        grammar::write_quoted(f, &self.text)
    }
}
