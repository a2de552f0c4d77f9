//! Responses that their connection does not take, and whose sender cannot be connected to either: a server that stands in
//! for it gets them (RFC 3263 §5).
//!
//! ```text
//! state \ event   not sent        located: servers, the sender among them   located: else   64·T1
//! –               ▸Locating       –                                         –               –
//! Locating        –               ▸Sent to the first                        ▸end            ▸end
//! Sent            ▸Sent to the    –                                         –               ▸end
//!                 next; none: ▸end
//! ```
//!
//! Where the Via names, its sender alone says, and whoever has a name may name in the DNS the servers of others beside
//! its own. So the servers of a name count only when the address that the request came from is one of theirs, and
//! addresses do not count at all. Over TLS they must prove to be of that name before they are told anything. Over TCP a
//! stranger can still have us connect to a place of its choice and say there what we answer: once for each request of its
//! own, because one server alone is tried.

use std::collections::{BTreeMap, VecDeque};

use tipring_core::Instant;

use super::delivery::Parcel;
use super::{Output, UserAgent, Waiter};
use crate::locate::{Destination, Unlocated};
use crate::message::Via;
use crate::message::wire::{Start, View};
use crate::transaction::Path;

/// Responses that look for a way at a time; further ones are lost, as all were without this.
const MAX_REPLIES: usize = 64;

/// A response on its way around a dead connection. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ReplyId(u64);

/// All of them.
pub(super) type Replies = BTreeMap<ReplyId, Reply>;

#[derive(Debug)]
pub(super) struct Reply {
    bytes: Vec<u8>,
    /// Where it could not be sent: to where its request came from.
    origin: Path,
    state: State,
}

#[derive(Debug)]
enum State {
    Locating,
    Sent { path: Path, others: VecDeque<Path> },
}

impl UserAgent {
    /// A message could not be sent along `path`, to which no connection can be made. A request fails by
    /// [`handle_send_error`](Self::handle_send_error); a response may go to a server that stands in for its receiver.
    pub fn handle_unsent(&mut self, now: Instant, path: &Path, bytes: Vec<u8>) {
        let known = self.replies.iter_mut().find(|(_, reply)| reply.bytes == bytes);
        if let Some((&id, reply)) = known {
            let again = match &mut reply.state {
                State::Locating => return,
                // Sent again by its transaction, which knows the old way alone.
                State::Sent { path: current, .. } if !is_same_place(current, path) => {
                    Some(current.clone())
                }
                State::Sent { path: current, others } => others.pop_front().inspect(|next| {
                    *current = next.clone();
                }),
            };
            match again {
                Some(way) => self.output.push_back(Output::transmit(way, bytes)),
                None => self.forget_reply(id),
            }
            return self.pump(now);
        }
        if let Some(destination) = stand_ins(path, &bytes) {
            if self.replies.len() >= MAX_REPLIES {
                self.counters.overflows += 1;
                return;
            }
            let id = ReplyId(self.next_id());
            let reply = Reply { bytes, origin: path.clone(), state: State::Locating };
            self.replies.insert(id, reply);
            self.timers.set(Waiter::Reply(id), now + self.config.timers.timeout());
            let lookup = self.locator.locate(now, Ok(destination));
            self.locating.insert(lookup, Parcel::Reply(id));
        }
        self.pump(now);
    }

    pub(super) fn reply_located(&mut self, id: ReplyId, ways: Result<Vec<Path>, Unlocated>) {
        let Some(reply) = self.replies.get_mut(&id) else {
            return;
        };
        let mut others: VecDeque<_> = ways.unwrap_or_default().into();
        let is_one_of_theirs = others.iter().any(|way| way.remote.ip() == reply.origin.remote.ip());
        others.retain(|way| way.remote != reply.origin.remote);
        let next = others.pop_front().filter(|_| is_one_of_theirs);
        if !reply.origin.transport.is_secure() {
            others.clear();
        }
        let Some(path) = next else {
            return self.forget_reply(id);
        };
        tracing::info!(from = %reply.origin, to = %path, "response to another server");
        self.output.push_back(Output::transmit(path.clone(), reply.bytes.clone()));
        reply.state = State::Sent { path, others };
    }

    pub(super) fn forget_reply(&mut self, id: ReplyId) {
        self.replies.remove(&id);
        self.timers.cancel(&Waiter::Reply(id));
    }
}

fn is_same_place(one: &Path, other: &Path) -> bool {
    (one.transport, one.local, one.remote) == (other.transport, other.local, other.remote)
}

/// The servers that may stand in for the receiver of a response along `path`, when it is one and names them.
fn stand_ins(path: &Path, bytes: &[u8]) -> Option<Destination> {
    let view =
        View::parse(bytes).ok().filter(|view| matches!(view.start(), Start::Response { .. }))?;
    let via: Via = view.to_message().ok()?.headers().top_via().ok()?;
    let destination = Destination::of_sent_by(&via).ok()?;
    (via.transport() == Some(path.transport) && !destination.is_literal()).then_some(destination)
}
