//! What is wrong with a configuration file, and where.

use std::fmt;
use std::ops::Range;

use crate::style::Style;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, in octets of the text.
    pub span: Range<usize>,
    /// What, as the rest of a sentence: `there is no card "dek"`.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Everything that is wrong with a text, and the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The file's name as it was given.
    pub file: String,
    /// What is in it.
    pub text: String,
    /// In order of place; never empty.
    pub problems: Vec<Problem>,
}

/// Line and column, both from 1; the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
}

impl Problem {
    /// A problem without a hint.
    pub fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), hint: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl Report {
    /// Where `at` octets into the text is.
    pub fn position(&self, at: usize) -> Position {
        let before = self.text.get(..at).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// Every problem as `FILE:LINE:COL: message`, the line, a caret under the place, and the hint.
    pub fn render(&self, style: Style) -> String {
        let blocks: Vec<String> = self.problems.iter().map(|p| self.block(p, style)).collect();
        blocks.join("\n")
    }

    fn block(&self, problem: &Problem, style: Style) -> String {
        let Position { line, column } = self.position(problem.span.start);
        let source = self.text.split('\n').nth(line - 1).unwrap_or_default().trim_end_matches('\r');
        // A tab would shift the caret.
        let shown = source.replace('\t', " ");
        let spanned = self.text.get(problem.span.clone()).unwrap_or_default();
        let first_line = spanned.split('\n').next().unwrap_or_default();
        let carets = "^".repeat(first_line.trim_end().chars().count().max(1));
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        let mut block = format!(
            "{}: {}\n{number} | {shown}\n{margin} | {}{}\n",
            style.bold(&format!("{}:{line}:{column}", self.file)),
            style.red(&problem.message),
            " ".repeat(column - 1),
            style.red(&carets),
        );
        if let Some(hint) = &problem.hint {
            block.push_str(&format!("{margin} = {}\n", style.cyan(&format!("hint: {hint}"))));
        }
        block
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Style::PLAIN))
    }
}

impl std::error::Error for Report {}

/// The candidate that `text` was probably meant to be: at most a third of it differs.
pub fn closest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (text.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(text, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, substitutions and swaps of neighbours that make `a` into `b`, without regard to case.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(64).flat_map(char::to_lowercase).collect();
    let b: Vec<char> = b.chars().take(64).flat_map(char::to_lowercase).collect();
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = match (i, j) {
                (0, n) | (n, 0) => n,
                _ => {
                    let same = usize::from(a[i - 1] != b[j - 1]);
                    let edit =
                        (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + same);
                    let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                    if swapped { edit.min(rows[i - 2][j - 2] + 1) } else { edit }
                }
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_understood() {
        let keys = ["country", "listen", "domain", "number", "name"];
        assert_eq!(closest("contry", keys), Some("country"));
        assert_eq!(closest("lsiten", keys), Some("listen"));
        assert_eq!(closest("Nmae", keys), Some("name"));
        assert_eq!(closest("colour", keys), None);
        assert_eq!(closest("", keys), None);
    }

    #[test]
    fn the_caret_stands_under_the_place() {
        let text = "a = 1\n\tnäme = \"x\"\n".to_owned();
        let start = text.find("\"x\"").expect("it is there");
        let problem = Problem::new(start..start + 3, "no").hint("yes");
        let report = Report { file: "f.toml".into(), text, problems: vec![problem] };
        assert_eq!(
            report.to_string(),
            "f.toml:2:9: no\n2 |  näme = \"x\"\n  |         ^^^\n  = hint: yes\n"
        );
    }

    #[test]
    fn a_place_past_the_end_is_the_end() {
        let report = Report {
            file: "f".into(),
            text: "a".into(),
            problems: vec![Problem::new(9..9, "unfinished")],
        };
        assert_eq!(report.to_string(), "f:1:2: unfinished\n1 | a\n  |  ^\n");
    }
}
