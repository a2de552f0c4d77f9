//! The automaton that runs a pattern over a number.

use super::{DIALABLE, Match, Node, one};

/// Instructions of a Thompson automaton, ending with [`Op::Accept`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program(Vec<Op>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Op {
    /// Takes one character of the set.
    Set(u128),
    /// Goes both ways.
    Split(usize, usize),
    Jump(usize),
    /// Goes on at the start of the number only.
    Start,
    /// Goes on at the end of the number only.
    End,
    Accept,
}

/// Instructions that a program may have; repetitions of repetitions reach it.
const MAX_OPS: usize = 2048;

/// Where a position of the number is, as far as anchors care.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    start: bool,
    end: bool,
}

/// What can be reached without taking a character, and the room to find it in, which is used again for the next one.
#[derive(Default)]
struct Closure {
    /// Of what, and where.
    from: Vec<usize>,
    place: Option<Place>,
    /// [`Op::Set`] instructions.
    waiting: Vec<usize>,
    accepted: bool,
    seen: Vec<bool>,
    stack: Vec<usize>,
}

impl Program {
    /// Compiles; `None` when the program would be too long.
    pub(super) fn new(node: &Node) -> Option<Self> {
        let mut program = Self(Vec::new());
        program.compile(node)?;
        program.push(Op::Accept)?;
        Some(program)
    }

    /// Runs over `text`; a match may begin and end anywhere in it, unless anchored.
    pub(super) fn check(&self, text: &str) -> Match {
        self.run(text.chars().map(one))
    }

    /// Whether it accepts `start`, any `open` characters that can be dialled, and `rest`.
    pub(super) fn accepts_around(&self, start: &str, open: usize, rest: &str) -> bool {
        let any = std::iter::repeat_n(dialable(), open);
        self.run(start.chars().map(one).chain(any).chain(rest.chars().map(one))).accepts
    }

    /// Runs over a text of which each character is known to be one of a set.
    fn run(&self, text: impl Iterator<Item = u128>) -> Match {
        const WHATEVER_FOLLOWS: Match = Match { accepts: true, may_extend: true };
        let mut closure = Closure::default();
        let mut reached = vec![0];
        let mut start = true;
        for known in text {
            self.close(&mut closure, &reached, Place { start, end: false });
            if closure.accepted {
                return WHATEVER_FOLLOWS;
            }
            reached.clear();
            reached.extend(self.taking(&closure, known).map(|at| at + 1));
            // A match may begin at any character.
            reached.push(0);
            start = false;
        }
        self.close(&mut closure, &reached, Place { start, end: false });
        if closure.accepted {
            return WHATEVER_FOLLOWS;
        }
        let may_extend = self.taking(&closure, dialable()).next().is_some();
        self.close(&mut closure, &reached, Place { start, end: true });
        Match { accepts: closure.accepted, may_extend }
    }

    /// The instructions of `closure` that take a character of `set`.
    fn taking(&self, closure: &Closure, set: u128) -> impl Iterator<Item = usize> {
        let takes =
            move |at: &usize| matches!(self.0.get(*at), Some(Op::Set(taken)) if taken & set != 0);
        closure.waiting.iter().copied().filter(takes)
    }

    /// Finds what can be reached from `from`.
    fn close(&self, closure: &mut Closure, from: &[usize], place: Place) {
        // Mostly one digit reaches what the one before it did.
        if closure.place == Some(place) && closure.from == from {
            return;
        }
        let Closure { from: of, place: at, waiting, accepted, seen, stack } = closure;
        of.clear();
        of.extend_from_slice(from);
        *at = Some(place);
        waiting.clear();
        *accepted = false;
        seen.clear();
        seen.resize(self.0.len(), false);
        stack.extend_from_slice(from);
        while let Some(at) = stack.pop() {
            if seen.get_mut(at).is_none_or(|seen| std::mem::replace(seen, true)) {
                continue;
            }
            match self.0.get(at) {
                Some(Op::Set(_)) => waiting.push(at),
                Some(Op::Split(one, other)) => stack.extend([*one, *other]),
                Some(Op::Jump(to)) => stack.push(*to),
                Some(Op::Start) if place.start => stack.push(at + 1),
                Some(Op::End) if place.end => stack.push(at + 1),
                Some(Op::Accept) => *accepted = true,
                Some(Op::Start | Op::End) | None => {}
            }
        }
    }

    fn compile(&mut self, node: &Node) -> Option<()> {
        match node {
            Node::Set(set) => self.push(Op::Set(*set)),
            Node::Start => self.push(Op::Start),
            Node::End => self.push(Op::End),
            Node::Sequence(nodes) => nodes.iter().try_for_each(|node| self.compile(node)),
            Node::Either(nodes) => self.either(nodes),
            Node::Repeat { node, least, most } => self.repeat(node, *least, *most),
        }
    }

    fn either(&mut self, nodes: &[Node]) -> Option<()> {
        let Some((last, others)) = nodes.split_last() else { return Some(()) };
        let mut exits = Vec::new();
        for node in others {
            let split = self.0.len();
            self.push(Op::Split(split + 1, split + 1))?;
            self.compile(node)?;
            exits.push(self.0.len());
            self.push(Op::Jump(0))?;
            self.patch(split, Op::Split(split + 1, self.0.len()));
        }
        self.compile(last)?;
        for exit in exits {
            self.patch(exit, Op::Jump(self.0.len()));
        }
        Some(())
    }

    fn repeat(&mut self, node: &Node, least: u8, most: Option<u8>) -> Option<()> {
        for _ in 0..least {
            self.compile(node)?;
        }
        let optional = most.map_or(1, |most| most.saturating_sub(least));
        for _ in 0..optional {
            let split = self.0.len();
            self.push(Op::Split(split + 1, split + 1))?;
            self.compile(node)?;
            if most.is_none() {
                self.push(Op::Jump(split))?;
            }
            self.patch(split, Op::Split(split + 1, self.0.len()));
        }
        Some(())
    }

    fn push(&mut self, op: Op) -> Option<()> {
        (self.0.len() < MAX_OPS).then(|| self.0.push(op))
    }

    fn patch(&mut self, at: usize, op: Op) {
        if let Some(slot) = self.0.get_mut(at) {
            *slot = op;
        }
    }
}

/// The characters that can be dialled.
fn dialable() -> u128 {
    DIALABLE.chars().fold(0, |set, c| set | one(c))
}
