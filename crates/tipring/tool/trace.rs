//! Traces: when each packet of a stream was sent and when it arrived.

use std::fmt;

/// The shortest and the longest packet, in milliseconds.
const PACKET_MS: std::ops::RangeInclusive<f64> = 5.0..=120.0;

/// Lines that are read at the most: a day of packets of 20 ms.
const MAX_PACKETS: usize = 4_320_000;

/// Samples of a stream at the most: a day.
const MAX_SAMPLES: u32 = 24 * 3600 * 8000;

/// A stream on its way.
#[derive(Debug, PartialEq)]
pub struct Trace {
    /// Samples in a packet.
    pub packet: u32,
    /// By sequence number, each once.
    pub sent: Vec<Sent>,
    /// Indices into `sent`, by time of arrival; copies too.
    pub arrivals: Vec<Arrival>,
}

/// A packet as it was sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sent {
    /// Counted from the first one's, which is 1.
    pub sequence: u64,
    /// Of its first sample; the stream's first has 0.
    pub timestamp: u32,
    /// When.
    pub ms: f64,
    /// Whether it arrived at all.
    pub arrived: bool,
}

/// A packet, or a copy of one, that arrived.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    /// When.
    pub ms: f64,
    /// Which.
    pub sent: usize,
}

/// A line that is no packet, or a trace that is no stream.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    /// Counted from 1; 0 for the whole.
    line: usize,
    what: &'static str,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(self.what),
            line => write!(f, "line {line}: {}", self.what),
        }
    }
}

struct Row {
    sequence: u32,
    sent_ms: f64,
    arrived_ms: Option<f64>,
}

impl Trace {
    /// Reads `seq,send_ms,arrive_ms` lines, in any order; a packet that was lost has no `arrive_ms`. A first line that
    /// begins with `seq`, empty lines and lines that begin with `#` are passed over.
    pub fn parse(text: &str) -> Result<Trace, Problem> {
        let mut rows = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') || (at == 0 && line.starts_with("seq")) {
                continue;
            }
            rows.push(row(line).map_err(|what| Problem { line: at + 1, what })?);
            if rows.len() > MAX_PACKETS {
                return Err(Problem {
                    line: at + 1,
                    what: "a trace has 4,320,000 packets at the most",
                });
            }
        }
        rows.sort_by_key(|row| row.sequence);
        Trace::of(&rows).map_err(|what| Problem { line: 0, what })
    }

    fn of(rows: &[Row]) -> Result<Trace, &'static str> {
        let first = rows.first().ok_or("the trace is empty")?;
        let packet_ms = packet_ms(rows).ok_or(
            "the trace needs two packets, 5 to 120 ms apart, each sent after the one before",
        )?;
        let packet = packet_ms * 8;
        let (mut sent, mut arrivals) = (Vec::<Sent>::new(), Vec::new());
        for row in rows {
            let sequence = u64::from(row.sequence - first.sequence) + 1;
            if sent.last().is_none_or(|last| last.sequence != sequence) {
                let timestamp = sent
                    .last()
                    .map_or(0, |last| timestamp_after(last, sequence, row.sent_ms, packet));
                sent.push(Sent { sequence, timestamp, ms: row.sent_ms, arrived: false });
            }
            let at = sent.len() - 1;
            if let Some(ms) = row.arrived_ms {
                sent[at].arrived = true;
                arrivals.push(Arrival { ms, sent: at });
            }
        }
        if sent.last().is_some_and(|last| last.timestamp > MAX_SAMPLES) {
            return Err("the trace is longer than a day");
        }
        arrivals.sort_by(|a, b| a.ms.total_cmp(&b.ms));
        Ok(Trace { packet, sent, arrivals })
    }

    /// The place in `sent` of the packet with the sample of this timestamp, or of the last one before it.
    pub fn at(&self, timestamp: u32) -> usize {
        self.sent.partition_point(|sent| sent.timestamp <= timestamp).saturating_sub(1)
    }

    /// When the sample of this timestamp was sent, in milliseconds.
    pub fn sent_ms(&self, timestamp: u32) -> f64 {
        let sent = &self.sent[self.at(timestamp)];
        sent.ms + f64::from(timestamp.wrapping_sub(sent.timestamp) as i32) / 8.0
    }

    /// The timestamp after the last sample.
    pub fn end(&self) -> u32 {
        self.sent.last().map_or(0, |last| last.timestamp + self.packet)
    }
}

fn row(line: &str) -> Result<Row, &'static str> {
    let mut fields = line.split(',').map(str::trim);
    let (Some(sequence), Some(sent), arrived, None) =
        (fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err("a line is seq,send_ms,arrive_ms");
    };
    let time = |text: &str| text.parse().ok().filter(|ms: &f64| ms.is_finite() && ms.abs() < 1e9);
    let sequence = sequence.parse().map_err(|_| "seq is a whole number from 0 on")?;
    let sent_ms = time(sent).ok_or("send_ms is a time in milliseconds")?;
    let arrived_ms = match arrived.unwrap_or("") {
        "" => None,
        text => Some(time(text).ok_or("arrive_ms is a time in milliseconds, or empty")?),
    };
    if arrived_ms.is_some_and(|ms| ms < sent_ms) {
        return Err("the packet arrives before it is sent");
    }
    Ok(Row { sequence, sent_ms, arrived_ms })
}

/// How long a packet is: the median of the steps from one to the next.
fn packet_ms(rows: &[Row]) -> Option<u32> {
    let mut steps: Vec<f64> = rows
        .windows(2)
        .filter(|pair| pair[1].sequence > pair[0].sequence)
        .map(|pair| {
            (pair[1].sent_ms - pair[0].sent_ms) / f64::from(pair[1].sequence - pair[0].sequence)
        })
        .collect();
    steps.sort_by(f64::total_cmp);
    let median = *steps.get(steps.len() / 2)?;
    let in_order = steps.first().is_some_and(|least| *least > 0.0);
    (in_order && PACKET_MS.contains(&median)).then_some(median.round() as u32)
}

/// Packets follow without a gap, whatever the sender's clock says; but for a pause of more than half a packet.
fn timestamp_after(last: &Sent, sequence: u64, ms: f64, packet: u32) -> u32 {
    let packets = (sequence - last.sequence) as u32;
    let step = packets.saturating_mul(packet);
    let passed = ((ms - last.ms) * 8.0).round() as u32;
    let pause = passed > step.saturating_add(packet / 2);
    last.timestamp.saturating_add(if pause { passed } else { step })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_in_any_order_become_a_stream_with_its_losses_and_copies() {
        let trace =
            Trace::parse("seq,send_ms,arrive_ms\n9,40,62.5\n# a comment\n7,0,20\n8,20,\n9,40,60\n")
                .expect("a trace");
        let sent: Vec<_> =
            trace.sent.iter().map(|s| (s.sequence, s.timestamp, s.arrived)).collect();
        assert_eq!(sent, [(1, 0, true), (2, 160, false), (3, 320, true)]);
        let arrivals: Vec<_> = trace.arrivals.iter().map(|a| (a.ms, a.sent)).collect();
        assert_eq!((trace.packet, arrivals), (160, vec![(20.0, 0), (60.0, 2), (62.5, 2)]));
        assert_eq!((trace.sent_ms(0), trace.sent_ms(328), trace.end()), (0.0, 41.0, 480));
    }

    #[test]
    fn a_slow_clock_makes_no_gap_but_a_pause_does() {
        let trace = Trace::parse("1,0,5\n2,20.01,26\n3,40.02,46\n4,1040,1046\n").expect("a trace");
        let timestamps: Vec<_> = trace.sent.iter().map(|s| s.timestamp).collect();
        assert_eq!(timestamps, [0, 160, 320, 8320]);
    }

    #[test]
    fn what_is_no_trace_is_told_with_its_line() {
        for (text, told) in [
            ("", "the trace is empty"),
            (
                "1,0,5",
                "the trace needs two packets, 5 to 120 ms apart, each sent after the one before",
            ),
            (
                "1,0,5\n2,1,6",
                "the trace needs two packets, 5 to 120 ms apart, each sent after the one before",
            ),
            ("1,0,5\n2,20,25\n3,40,45\n4,600000000,600000005", "the trace is longer than a day"),
            ("1,0,5\n2", "line 2: a line is seq,send_ms,arrive_ms"),
            ("1,0,5\nx,20,30", "line 2: seq is a whole number from 0 on"),
            ("1,0,5\n2,nan,30", "line 2: send_ms is a time in milliseconds"),
            ("1,0,5\n2,20,late", "line 2: arrive_ms is a time in milliseconds, or empty"),
            ("1,0,5\n2,20,10", "line 2: the packet arrives before it is sent"),
        ] {
            assert_eq!(
                Trace::parse(text).map_err(|e| e.to_string()).unwrap_err(),
                told,
                "{text:?}"
            );
        }
    }
}
