//! Reading one TOML table: every key asked for by name, every other key a problem.

use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Problem, closest};

/// A table being read. Whoever asks for a key makes it known; [`finish`](Self::finish) names those nobody asked for.
pub struct Section<'a> {
    /// As the file writes it: `[gateway]`, `[[line]]`.
    place: &'static str,
    /// Where its header is.
    span: Range<usize>,
    table: Option<&'a DeTable<'a>>,
    known: Vec<&'static str>,
    /// Sections in it.
    sections: Vec<&'static str>,
    problems: &'a mut Vec<Problem>,
}

/// Why a text is not a value, and what would be.
pub struct Fault {
    /// The rest of a sentence that begins with the value.
    pub message: String,
    /// An example.
    pub hint: String,
}

impl Fault {
    /// A fault.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }
}

impl<'a> Section<'a> {
    /// Reads `table`, whose header is at `span`; `None` reads as empty.
    pub fn new(
        place: &'static str,
        span: Range<usize>,
        table: Option<&'a DeTable<'a>>,
        problems: &'a mut Vec<Problem>,
    ) -> Self {
        Self { place, span, table, known: Vec::new(), sections: Vec::new(), problems }
    }

    /// Adds a problem.
    pub fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// There may be a section `name` in this one, which is read on its own.
    pub fn section(&mut self, name: &'static str) {
        self.sections.push(name);
        if let Some(value) = self.find(name).filter(|value| !value.get_ref().is_table()) {
            let problem = Problem::new(value.span(), format!("`{name}` is a section"));
            self.problem(problem.hint(format!("write it as `[sip.{name}]`")));
        }
    }

    /// Whether the file has `key`, right or wrong.
    pub fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// Where `key`'s value is; the header when it is absent.
    pub fn span_of(&self, key: &str) -> Range<usize> {
        self.find(key).map_or(self.span.clone(), Spanned::span)
    }

    /// A text.
    pub fn text(&mut self, key: &'static str) -> Option<Spanned<String>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(Spanned::new(value.span(), text.to_string())),
            other => self.wrong(key, value.span(), other, "a text in double quotes"),
        }
    }

    /// A text that `parse` makes a value of.
    pub fn parsed<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Fault>,
    ) -> Option<Spanned<T>> {
        let text = self.text(key)?;
        match parse(text.get_ref()) {
            Ok(value) => Some(Spanned::new(text.span(), value)),
            Err(Fault { message, hint }) => {
                let message = format!("{:?} {message}", text.get_ref());
                self.problem(Problem::new(text.span(), message).hint(hint));
                None
            }
        }
    }

    /// Texts, at least one, that `parse` makes values of; a single text is a list of one.
    pub fn list<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, Fault>,
    ) -> Option<Vec<Spanned<T>>> {
        let value = self.value(key)?;
        if value.get_ref().is_str() {
            return self.parsed(key, parse).map(|one| vec![one]);
        }
        let DeValue::Array(items) = value.get_ref() else {
            return self.wrong(key, value.span(), value.get_ref(), "a list of texts");
        };
        if items.is_empty() {
            let message = format!("`{key}` needs at least one entry");
            self.problem(Problem::new(value.span(), message));
        }
        let mut values = Vec::new();
        for item in items.iter() {
            let Some(text) = item.get_ref().as_str() else {
                self.wrong::<()>(key, item.span(), item.get_ref(), "a list of texts");
                continue;
            };
            match parse(text) {
                Ok(parsed) => values.push(Spanned::new(item.span(), parsed)),
                Err(Fault { message, hint }) => {
                    let message = format!("{text:?} {message}");
                    self.problem(Problem::new(item.span(), message).hint(hint));
                }
            }
        }
        Some(values)
    }

    /// A whole number within `range`, `default` where there is none.
    pub fn number(&mut self, key: &'static str, range: RangeInclusive<u32>, default: u32) -> u32 {
        self.optional_number(key, range).map_or(default, Spanned::into_inner)
    }

    /// A whole number within `range`.
    pub fn optional_number(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u32>,
    ) -> Option<Spanned<u32>> {
        let value = self.value(key)?;
        let DeValue::Integer(number) = value.get_ref() else {
            return self.wrong(key, value.span(), value.get_ref(), "a whole number");
        };
        let parsed = u32::from_str_radix(number.as_str(), number.radix());
        match parsed.ok().filter(|number| range.contains(number)) {
            Some(number) => Some(Spanned::new(value.span(), number)),
            None => {
                let message = format!("{number} is out of range for `{key}`");
                let hint = format!("{} to {}", range.start(), range.end());
                self.problem(Problem::new(value.span(), message).hint(hint));
                None
            }
        }
    }

    /// `true` or `false`, `default` where there is none.
    pub fn flag(&mut self, key: &'static str, default: bool) -> bool {
        let Some(value) = self.value(key) else { return default };
        match value.get_ref() {
            DeValue::Boolean(flag) => *flag,
            other => self.wrong(key, value.span(), other, "true or false").unwrap_or(default),
        }
    }

    /// Says that `key` is missing when the file does not have it, and gives `value` on. A key that is there but
    /// wrong has been reported already.
    pub fn required<T>(&mut self, key: &'static str, example: &str, value: Option<T>) -> Option<T> {
        if value.is_none() && self.find(key).is_none() {
            let message = format!("a {} needs `{key}`", self.place);
            let hint = format!("add a line like `{key} = {example}`");
            self.problem(Problem::new(self.span.clone(), message).hint(hint));
        }
        value
    }

    /// Names the keys that nobody asked for.
    pub fn finish(self) {
        for (key, _) in self.table.into_iter().flatten() {
            let name = key.get_ref().as_ref();
            if self.known.contains(&name) || self.sections.contains(&name) {
                continue;
            }
            let problem = Problem::new(key.span(), format!("{} has no key `{name}`", self.place));
            let hint = match closest(name, self.known.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("it has {}", self.known.join(", ")),
            };
            self.problems.push(problem.hint(hint));
        }
    }

    fn find(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table?.get(key)
    }

    fn value(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.known.push(key);
        self.find(key)
    }

    fn wrong<T>(
        &mut self,
        key: &str,
        span: Range<usize>,
        found: &DeValue<'_>,
        wanted: &str,
    ) -> Option<T> {
        let kind = match found {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.problem(Problem::new(span, format!("`{key}` is {wanted}, not {kind}")));
        None
    }
}
