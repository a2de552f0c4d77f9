//! The comma-separated `name=value` lists of challenges and credentials.

use crate::message::Malformed;
use crate::message::grammar::{self, split, trim, trim_start};

/// A scheme and its parameters.
pub(super) struct Group {
    pub(super) scheme: String,
    params: Vec<(String, String)>,
}

/// More schemes than this in one field are not looked at.
const MAX_GROUPS: usize = 16;
/// More parameters than this are an attack.
const MAX_PARAMS: usize = 32;

impl Group {
    /// The value of parameter `name`, unquoted.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let mut params = self.params.iter();
        params.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that must be there.
    pub(super) fn need(&self, name: &str) -> Result<String, Malformed> {
        self.value(name).map(str::to_owned).ok_or(Malformed::Parameter)
    }

    /// All groups of one field. Several challenges may share a field: where a word has no `=`
    /// behind it, the next scheme begins.
    pub(super) fn parse_all(bytes: &[u8]) -> Result<Vec<Self>, Malformed> {
        let mut groups: Vec<Self> = Vec::new();
        let mut rest = trim(bytes);
        while !rest.is_empty() && groups.len() < MAX_GROUPS {
            let (scheme, after) = split(rest, grammar::span(rest, grammar::TOKEN));
            if scheme.is_empty() {
                return Err(Malformed::Token);
            }
            let mut group = Self { scheme: grammar::text(scheme), params: Vec::new() };
            rest = group.take_params(after)?;
            groups.push(group);
        }
        Ok(groups)
    }

    /// Takes parameters; gives back what follows them.
    fn take_params<'a>(&mut self, mut rest: &'a [u8]) -> Result<&'a [u8], Malformed> {
        loop {
            rest = trim_start(rest);
            while let Some(after) = rest.strip_prefix(b",") {
                rest = trim_start(after);
            }
            let (name, after) = split(rest, grammar::span(rest, grammar::TOKEN));
            let Some(value) = trim_start(after).strip_prefix(b"=") else {
                return if self.params.is_empty() && !rest.is_empty() {
                    Err(Malformed::Parameter)
                } else {
                    Ok(rest)
                };
            };
            let value = trim_start(value);
            let len = match value.first() {
                Some(b'"') => grammar::quoted_len(value).ok_or(Malformed::QuotedString)?,
                _ => value.iter().position(|o| b", \t\r\n".contains(o)).unwrap_or(value.len()),
            };
            let (value, after) = split(value, len);
            let name = grammar::text(name);
            if name.is_empty() || self.value(&name).is_some() || self.params.len() >= MAX_PARAMS {
                return Err(Malformed::Parameter);
            }
            self.params.push((name, grammar::text(&grammar::unquote(value))));
            rest = after;
        }
    }
}

/// `text` as a quoted string.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl std::fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        grammar::write_quoted(f, self.0)
    }
}
