//! Regular expressions in slashes: the subset that numbers need.

use super::{Node, PatternError, Problem, one, range};

/// Parses what follows the opening slash.
pub(super) fn parse(text: &str) -> Result<Node, PatternError> {
    let Some(body) = text.strip_suffix('/') else {
        return Err(error(text.len(), Problem::OpenSlash));
    };
    if body.is_empty() {
        return Err(PatternError { at: 1, problem: Problem::Empty });
    }
    let mut parser = Parser { text: body.as_bytes(), at: 0, depth: 0 };
    let node = parser.either()?;
    match parser.peek() {
        None => Ok(node),
        Some(_) => Err(parser.fail(Problem::StrayParenthesis)),
    }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    depth: u8,
}

/// Groups within groups.
const MAX_DEPTH: u8 = 16;
/// The largest number in braces.
const MAX_REPEAT: u8 = 64;

impl Parser<'_> {
    /// `a|b|c`
    fn either(&mut self) -> Result<Node, PatternError> {
        let mut nodes = vec![self.sequence()?];
        while self.take(b'|') {
            nodes.push(self.sequence()?);
        }
        Ok(Node::Either(nodes))
    }

    fn sequence(&mut self) -> Result<Node, PatternError> {
        let mut nodes = Vec::new();
        while let Some(byte) = self.peek() {
            if matches!(byte, b'|' | b')') {
                break;
            }
            let node = self.atom(byte)?;
            nodes.push(self.repeated(node)?);
        }
        Ok(Node::Sequence(nodes))
    }

    fn atom(&mut self, byte: u8) -> Result<Node, PatternError> {
        let begin = self.at;
        self.at += 1;
        match byte {
            b'^' => Ok(Node::Start),
            b'$' => Ok(Node::End),
            b'.' => Ok(Node::Set(u128::MAX)),
            b'[' => self.class(begin),
            b'(' => {
                self.depth += 1;
                let node = if self.depth > MAX_DEPTH { None } else { Some(self.either()?) };
                self.depth -= 1;
                match node {
                    Some(node) if self.take(b')') => Ok(node),
                    _ => Err(error(begin, Problem::OpenGroup)),
                }
            }
            b'*' | b'+' | b'?' | b'{' => Err(error(begin, Problem::NothingToRepeat)),
            b'\\' => self.escape(begin).map(Node::Set),
            byte => Ok(Node::Set(one(byte.into()))),
        }
    }

    /// The repetitions after `node`.
    fn repeated(&mut self, mut node: Node) -> Result<Node, PatternError> {
        while let Some(byte) = self.peek() {
            let (least, most) = match byte {
                b'*' => (0, None),
                b'+' => (1, None),
                b'?' => (0, Some(1)),
                b'{' => self.braces()?,
                _ => break,
            };
            if byte != b'{' {
                self.at += 1;
            }
            if matches!(node, Node::Start | Node::End) {
                return Err(error(self.at - 1, Problem::NothingToRepeat));
            }
            node = Node::Repeat { node: Box::new(node), least, most };
        }
        Ok(node)
    }

    /// `{2}`, `{2,}`, `{2,5}`
    fn braces(&mut self) -> Result<(u8, Option<u8>), PatternError> {
        let begin = self.at;
        self.at += 1;
        let bad = error(begin, Problem::BadRepeat);
        let least = self.number().ok_or(bad.clone())?;
        let most = if self.take(b',') {
            if self.peek() == Some(b'}') { None } else { Some(self.number().ok_or(bad.clone())?) }
        } else {
            Some(least)
        };
        if !self.take(b'}') || most.is_some_and(|most| most < least) {
            return Err(bad);
        }
        Ok((least, most))
    }

    fn number(&mut self) -> Option<u8> {
        let mut value = None;
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            self.at += 1;
            let sum = value.unwrap_or(0u8).checked_mul(10)?.checked_add(digit - b'0')?;
            value = Some(sum);
        }
        value.filter(|value| *value <= MAX_REPEAT)
    }

    /// `[a-z]`, `[^0-9]`, after the opening bracket at `begin`.
    fn class(&mut self, begin: usize) -> Result<Node, PatternError> {
        let negated = self.take(b'^');
        let mut all = 0;
        let mut first = true;
        while let Some(byte) = self.peek() {
            let at = self.at;
            self.at += 1;
            if byte == b']' && !first {
                let all = if negated { !all } else { all };
                return Ok(Node::Set(all));
            }
            if byte == b']' {
                return Err(error(at, Problem::EmptyClass));
            }
            first = false;
            let set = if byte == b'\\' { self.escape(at)? } else { one(byte.into()) };
            let is_range = self.peek() == Some(b'-')
                && self.text.get(self.at + 1).is_some_and(|next| *next != b']');
            if !is_range {
                all |= set;
                continue;
            }
            self.at += 1;
            let last = self.peek().filter(|last| *last != b'\\' && byte != b'\\' && byte <= *last);
            let Some(last) = last else { return Err(error(at, Problem::EmptyClass)) };
            self.at += 1;
            all |= range(byte.into(), last.into());
        }
        Err(error(begin, Problem::OpenClass))
    }

    /// What follows a backslash at `begin`.
    fn escape(&mut self, begin: usize) -> Result<u128, PatternError> {
        let byte = self.peek();
        self.at += 1;
        match byte {
            Some(b'd') => Ok(range('0', '9')),
            Some(b'w') => Ok(range('0', '9') | range('A', 'Z') | range('a', 'z') | one('_')),
            Some(byte) if byte.is_ascii_punctuation() => Ok(one(byte.into())),
            _ => Err(error(begin, Problem::BadEscape)),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn fail(&self, problem: Problem) -> PatternError {
        error(self.at, problem)
    }
}

/// An error at `at` of the expression; the slash before it counts.
const fn error(at: usize, problem: Problem) -> PatternError {
    PatternError { at: at + 1, problem }
}
