//! What happened in one call, as a picture.
//!
//! ```text
//!    0.000   kitchen              tipring                alice
//!               |                    |                     |
//!    0.000      |----- off-hook ---->|                     |
//!    1.210      |                    |------ INVITE ------>|
//! ```

use std::fmt;

use tipring_core::Instant;

/// The most steps that one call's ladder keeps; later ones are counted only.
pub const MAX_STEPS: usize = 200;

/// The most lanes: the caller, the gateway and those it tried.
pub const MAX_LANES: usize = 16;

/// Characters between two lanes.
const LANE: usize = 26;
/// Characters before the first lane, the time included.
const MARGIN: usize = 20;

/// The lane of a ladder: a phone, the gateway, a SIP peer.
pub type Lane = usize;

/// One call's events in order of time, between named lanes.
#[derive(Clone, Debug, Default)]
pub struct Ladder {
    lanes: Vec<String>,
    steps: Vec<Step>,
    omitted: u32,
}

/// One arrow, or a note where `from` and `to` are the same lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When it was seen.
    pub at: Instant,
    /// Where it came from.
    pub from: Lane,
    /// Where it went.
    pub to: Lane,
    /// What it was: `INVITE`, `ring on`, `200 OK`.
    pub text: String,
}

impl Ladder {
    /// The lane called `name`, made on first use; beyond [`MAX_LANES`] it is the last one. A name is what a stranger
    /// wrote: control characters are left out and it is cut at 40 characters.
    pub fn lane(&mut self, name: &str) -> Lane {
        if let Some(at) = self.lanes.iter().position(|lane| lane == name) {
            return at;
        }
        let name: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
        if let Some(at) = self.lanes.iter().position(|lane| *lane == name) {
            return at;
        }
        if self.lanes.len() < MAX_LANES {
            self.lanes.push(name);
        }
        self.lanes.len() - 1
    }

    /// Adds a step; beyond [`MAX_STEPS`] it is counted and dropped.
    pub fn push(&mut self, at: Instant, from: Lane, to: Lane, text: impl Into<String>) {
        if self.steps.len() >= MAX_STEPS {
            self.omitted = self.omitted.saturating_add(1);
            return;
        }
        self.steps.push(Step { at, from, to, text: text.into() });
    }

    /// The steps in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The names of the lanes.
    pub fn lanes(&self) -> &[String] {
        &self.lanes
    }

    fn rails(&self) -> Vec<char> {
        let mut line = vec![' '; MARGIN + LANE * self.lanes.len().saturating_sub(1) + 1];
        for lane in 0..self.lanes.len() {
            line[MARGIN + lane * LANE] = '|';
        }
        line
    }

    fn draw(&self, step: &Step, start: Instant) -> String {
        let mut line = self.rails();
        let time = format!(
            "{:>9}",
            format!("{}", Instant::from_micros((step.at - start).as_micros() as u64))
        );
        for (slot, c) in line.iter_mut().zip(time.chars()) {
            *slot = c;
        }
        let (left, right) = (step.from.min(step.to), step.from.max(step.to));
        if left == right {
            let mut text: String = line.iter().collect();
            text.truncate(MARGIN + left * LANE);
            return format!("{text}* {}", step.text);
        }
        let (begin, end) = (MARGIN + left * LANE + 1, MARGIN + right * LANE);
        line[begin..end].fill('-');
        if step.from < step.to {
            line[end - 1] = '>';
        } else {
            line[begin] = '<';
        }
        let width = end - begin - 4;
        let label: String = step.text.chars().take(width).collect();
        let at = begin + (end - begin).saturating_sub(label.chars().count() + 2) / 2;
        for (slot, c) in line[at..end - 1].iter_mut().zip(format!(" {label} ").chars()) {
            *slot = c;
        }
        line.into_iter().collect::<String>().trim_end().to_owned()
    }
}

impl fmt::Display for Ladder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut head = " ".repeat(MARGIN + LANE * self.lanes.len());
        for (lane, name) in self.lanes.iter().enumerate() {
            let name: String = name.chars().take(LANE - 2).collect();
            let at = (MARGIN + lane * LANE).saturating_sub(name.chars().count() / 2);
            let end =
                head.char_indices().nth(at + name.chars().count()).map_or(head.len(), |(i, _)| i);
            let begin = head.char_indices().nth(at).map_or(head.len(), |(i, _)| i);
            head.replace_range(begin..end, &name);
        }
        writeln!(f, "{}", head.trim_end())?;
        let start = self.steps.first().map_or(Instant::ZERO, |step| step.at);
        for step in &self.steps {
            writeln!(f, "{}", self.draw(step, start))?;
        }
        if self.omitted > 0 {
            writeln!(f, "{:>9} … {} more", "", self.omitted)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_arrows_both_ways_and_notes() {
        let mut ladder = Ladder::default();
        let phone = ladder.lane("kitchen");
        let us = ladder.lane("tipring");
        let alice = ladder.lane("alice");
        let t = Instant::from_millis(5000);
        ladder.push(t, phone, us, "off-hook");
        ladder.push(Instant::from_millis(6210), us, alice, "INVITE");
        ladder.push(Instant::from_millis(6300), alice, us, "200 OK");
        ladder.push(Instant::from_millis(6300), us, us, "connected");
        insta::assert_snapshot!(ladder.to_string(), @r"
                         kitchen                   tipring                    alice
            0.000           |------- off-hook ------->|                         |
            1.210           |                         |-------- INVITE -------->|
            1.300           |                         |<------- 200 OK ---------|
            1.300           |                         * connected
        ");
    }

    #[test]
    fn a_ladder_is_bounded() {
        let mut ladder = Ladder::default();
        let us = ladder.lane("tipring");
        for at in 0..MAX_STEPS + 7 {
            ladder.push(Instant::ZERO, us, us, "x");
            ladder.lane(&format!("peer\u{1}{at}"));
            ladder.lane("peer\u{1}0");
        }
        assert_eq!(ladder.lanes().len(), MAX_LANES);
        assert_eq!(ladder.steps().len(), MAX_STEPS);
        assert!(ladder.to_string().contains("7 more"));
    }
}
