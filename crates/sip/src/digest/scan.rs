//! The comma-separated `name=value` lists of challenges and credentials.

use super::Qop;
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

    /// Whether parameter `name` is `true`, in any case.
    pub(super) fn is_true(&self, name: &str) -> bool {
        self.value(name).is_some_and(|text| text.eq_ignore_ascii_case("true"))
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

    /// Parameters without a scheme, and nothing behind them.
    pub(super) fn parse_params(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut group = Self { scheme: String::new(), params: Vec::new() };
        match group.take_params(trim(bytes))? {
            [] => Ok(group),
            _ => Err(Malformed::Parameter),
        }
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
            let (value, mut after) = split(value, len);
            let name = grammar::text(name);
            let mut value = grammar::text(&grammar::unquote(value));
            if name.eq_ignore_ascii_case("qop") {
                after = take_unquoted_qops(&mut value, after);
            }
            if name.is_empty() || self.value(&name).is_some() || self.params.len() >= MAX_PARAMS {
                return Err(Malformed::Parameter);
            }
            self.params.push((name, value));
            rest = after;
        }
    }
}

/// `qop=auth,auth-int` without its quotes, as some servers write it: words that would begin another
/// scheme belong to the list when they are protections.
fn take_unquoted_qops<'a>(value: &mut String, mut rest: &'a [u8]) -> &'a [u8] {
    while let Some(list) = trim_start(rest).strip_prefix(b",") {
        let (word, after) =
            split(trim_start(list), grammar::span(trim_start(list), grammar::TOKEN));
        let ends = matches!(trim_start(after).first(), None | Some(b','));
        let Some(qop) = Qop::parse(&grammar::text(word)).filter(|_| ends) else {
            break;
        };
        value.push(',');
        value.push_str(qop.as_str());
        rest = after;
    }
    rest
}

/// `text` as a quoted string.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl std::fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        grammar::write_quoted(f, self.0)
    }
}
