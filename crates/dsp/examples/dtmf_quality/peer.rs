//! Another receiver in our place, as a process of its own: `benches/peers/dsp/dtmf.c`.

use std::{
    cell::RefCell,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

struct Peer {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

thread_local! {
    static PEER: RefCell<Option<Peer>> = RefCell::new(start());
}

/// The program that `DTMF_PEER` names, with its arguments.
fn start() -> Option<Peer> {
    let command = std::env::var("DTMF_PEER").ok()?;
    let mut words = command.split_whitespace();
    let mut child = Command::new(words.next()?)
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command}: {error}"));
    let to = child.stdin.take().expect("it is piped");
    let from = BufReader::new(child.stdout.take().expect("it is piped"));
    Some(Peer { child, to, from })
}

/// The digits that the peer hears, if there is one.
pub(crate) fn digits(samples: &[i16]) -> Option<String> {
    PEER.with_borrow_mut(|peer| {
        let peer = peer.as_mut()?;
        let mut octets = u32::try_from(samples.len()).ok()?.to_ne_bytes().to_vec();
        octets.extend(samples.iter().flat_map(|sample| sample.to_ne_bytes()));
        peer.to.write_all(&octets).expect("the peer listens");
        let mut line = String::new();
        peer.from.read_line(&mut line).expect("the peer answers");
        Some(line.trim_end().to_owned())
    })
}

/// Ends the peer, which then says what it cost.
pub(crate) fn end() {
    if let Some(Peer { mut child, to, from }) = PEER.with_borrow_mut(Option::take) {
        drop((to, from));
        child.wait().expect("the peer ends");
    }
}
