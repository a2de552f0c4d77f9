//! What `tipring demo --once` prints: a heading for each call, a line for each thing that was to happen, a table at last.

use std::io::{self, Write};

use crate::style::Style;

/// Characters of what is checked, before what came of it.
const WHAT: usize = 44;

/// The report, written as it comes.
pub(crate) struct Report<'a> {
    out: &'a mut dyn Write,
    style: Style,
    calls: Vec<Outcome>,
}

/// What came of one call.
struct Outcome {
    title: &'static str,
    good: usize,
    failures: Vec<String>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(out: &'a mut dyn Write, style: Style) -> Self {
        Self { out, style, calls: Vec::new() }
    }

    /// A line outside of the calls.
    pub(crate) fn say(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")?;
        self.out.flush()
    }

    /// The heading of a call, and what is expected of it.
    pub(crate) fn begin(&mut self, title: &'static str, expected: &str) -> io::Result<()> {
        let number = self.calls.len() + 1;
        self.calls.push(Outcome { title, good: 0, failures: Vec::new() });
        let heading = self.style.bold(&format!("{number}. {title}"));
        self.say(&format!("\n{heading}\n   expected: {expected}\n"))
    }

    /// Something that was to happen: how it was, or why it was not.
    pub(crate) fn check(&mut self, what: &str, came: &Result<String, String>) -> io::Result<()> {
        let (mark, how) = match came {
            Ok(how) => ("ok    ".to_owned(), how),
            Err(why) => (self.style.red("FAILED"), why),
        };
        if let Some(call) = self.calls.last_mut() {
            match came {
                Ok(_) => call.good += 1,
                Err(why) => call.failures.push(format!("{what}: {why}")),
            }
        }
        self.say(format!("   {mark}  {what:<WHAT$}  {how}").trim_end())
    }

    /// Something that this machine had no time for: it is not judged.
    pub(crate) fn pass_over(&mut self, what: &str, why: &str) -> io::Result<()> {
        self.say(&format!("   busy    {what:<WHAT$}  {why}"))
    }

    /// Something that explains, and is neither good nor bad.
    pub(crate) fn note(&mut self, text: &str) -> io::Result<()> {
        self.say(&format!("           {text}"))
    }

    /// A picture or a record, indented.
    pub(crate) fn block(&mut self, text: &str) -> io::Result<()> {
        self.say("")?;
        for line in text.lines() {
            self.say(format!("   {line}").trim_end())?;
        }
        Ok(())
    }

    /// The table; whether everything went well.
    pub(crate) fn end(mut self) -> io::Result<bool> {
        let heading = self.style.bold("Summary");
        self.say(&format!("\n{heading}\n"))?;
        let width = self.calls.iter().map(|call| call.title.chars().count()).max().unwrap_or(0);
        let calls = std::mem::take(&mut self.calls);
        for (at, call) in calls.iter().enumerate() {
            let all = call.good + call.failures.len();
            let (number, title) = (at + 1, call.title);
            let verdict = match call.failures.len() {
                0 => "passed".to_owned(),
                _ => self.style.red("FAILED"),
            };
            let good = call.good;
            self.say(&format!("   {number}. {title:<width$}  {verdict}  {good} of {all} checks"))?;
            for failure in &call.failures {
                self.say(&format!("      {failure}"))?;
            }
        }
        let failed = calls.iter().filter(|call| !call.failures.is_empty()).count();
        self.say(&format!("\n{} passed, {failed} failed", calls.len() - failed))?;
        Ok(failed == 0 && !calls.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_with_one_bad_check_has_failed() {
        let mut out = Vec::new();
        let mut report = Report::new(&mut out, Style::PLAIN);
        report.begin("phone to SIP", "that they talk").expect("it writes");
        report.check("dial tone", &Ok("after 80 ms".into())).expect("it writes");
        report.begin("SIP to phone", "that it rings").expect("it writes");
        report.check("ringing", &Ok("at once".into())).expect("it writes");
        report.check("caller ID", &Err("none".into())).expect("it writes");
        assert!(!report.end().expect("it writes"));
        let text = String::from_utf8(out).expect("it is text");
        insta::assert_snapshot!(text, @r"

        1. phone to SIP
           expected: that they talk

           ok      dial tone                                     after 80 ms

        2. SIP to phone
           expected: that it rings

           ok      ringing                                       at once
           FAILED  caller ID                                     none

        Summary

           1. phone to SIP  passed  1 of 1 checks
           2. SIP to phone  FAILED  1 of 2 checks
              caller ID: none

        1 passed, 1 failed
        ");
    }

    #[test]
    fn no_call_at_all_is_no_success() {
        let mut out = Vec::new();
        assert!(!Report::new(&mut out, Style::PLAIN).end().expect("it writes"));
    }
}
