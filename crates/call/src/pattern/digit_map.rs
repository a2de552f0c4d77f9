//! Digit maps, after RFC 3435 §2.1.5.

use std::iter::Peekable;
use std::str::Chars;

use super::{Node, PatternError, Problem, one, range};

/// Parses `text`; the flag is the `T` at its end.
pub(super) fn parse(text: &str) -> Result<(Node, bool), PatternError> {
    let mut nodes = vec![Node::Start];
    let mut timed = false;
    let mut chars = text.chars().enumerate().peekable();
    while let Some((at, c)) = chars.next() {
        let fail = |problem| Err(PatternError { at, problem });
        if timed {
            return fail(Problem::TimerNotLast);
        }
        match c {
            'T' | 't' if at > 0 => timed = true,
            '[' => nodes.push(Node::Set(class(at, &mut chars)?)),
            '.' => match nodes.pop() {
                // In the first place there is nothing to repeat: any number at all. `#` is left to end dialling.
                None | Some(Node::Start) => {
                    let any = range('!', '~') & !one('#');
                    nodes = vec![Node::Start, repeat(Node::Set(any), 1)];
                }
                Some(repeated @ Node::Repeat { .. }) => nodes.push(repeated),
                Some(node) => nodes.push(repeat(node, 0)),
            },
            c => match set(c) {
                Some(set) => nodes.push(Node::Set(set)),
                None => return fail(Problem::NotDialable(c)),
            },
        }
    }
    nodes.push(Node::End);
    Ok((Node::Sequence(nodes), timed))
}

fn repeat(node: Node, least: u8) -> Node {
    Node::Repeat { node: Box::new(node), least, most: None }
}

fn set(c: char) -> Option<u128> {
    match c {
        'X' | 'x' => Some(range('0', '9')),
        'Z' | 'z' => Some(range('1', '9')),
        'N' | 'n' => Some(range('2', '9')),
        '0'..='9' | '*' | '#' | '+' | 'A'..='D' => Some(one(c)),
        _ => None,
    }
}

/// What stands between brackets, after the opening one at `open`.
fn class(
    open: usize,
    chars: &mut Peekable<std::iter::Enumerate<Chars<'_>>>,
) -> Result<u128, PatternError> {
    let mut all = 0;
    while let Some((at, c)) = chars.next() {
        let fail = |problem| Err(PatternError { at, problem });
        if c == ']' {
            return if all == 0 { fail(Problem::EmptyClass) } else { Ok(all) };
        }
        let Some(members) = set(c) else { return fail(Problem::NotDialable(c)) };
        if chars.next_if(|(_, c)| *c == '-').is_none() {
            all |= members;
            continue;
        }
        match chars.next() {
            Some((_, last)) if last.is_ascii_digit() && c.is_ascii_digit() && c <= last => {
                all |= range(c, last);
            }
            Some((_, last)) if set(last).is_some() => return fail(Problem::EmptyClass),
            Some((at, ']')) => return Err(PatternError { at, problem: Problem::EmptyClass }),
            Some((at, c)) => return Err(PatternError { at, problem: Problem::NotDialable(c) }),
            None => break,
        }
    }
    Err(PatternError { at: open, problem: Problem::OpenClass })
}
