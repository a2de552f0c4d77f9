//! A party: the peer of one dialog, and what goes on in it.
//!
//! A call has one party when it is answered, and before that as many as the call was forked to.

use tipring_core::Instant;

use super::exchange::Exchange;
use super::info::Informing;
use super::modify::{Change, Modify};
use super::refresh::SessionTimer;
use super::reliable::LatePrack;
use crate::dialog::{Dialog, DialogState};
use crate::message::{HeaderName, Headers, Method, RSeq, Request};

/// One dialog of a session.
#[derive(Debug)]
pub(super) struct Party {
    /// Which fork of our call, counted from 0; 0 in a call that came in.
    pub(super) fork: usize,
    pub(super) dialog: Dialog,
    pub(super) abilities: Abilities,
    pub(super) exchange: Exchange,
    pub(super) modify: Modify,
    /// A change of ours that waits for Idle, or for a time.
    pub(super) waiting: Option<Change>,
    /// The description that we sent last.
    pub(super) described: Vec<u8>,
    pub(super) timer: Option<SessionTimer>,
    /// The peer's last reliable provisional response.
    pub(super) rseq: Option<RSeq>,
    /// What the peer may still acknowledge of ours.
    pub(super) late_prack: Option<Box<LatePrack>>,
    /// Our PRACKs without a final response, to be sent again when they are challenged.
    pub(super) pracks: Vec<Request>,
    /// Our INFOs, as long as there are any.
    pub(super) informing: Option<Box<Informing>>,
}

/// What the peer said that it can.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Abilities {
    /// UPDATE is in its Allow.
    pub(super) update: bool,
    /// `timer` is in its Supported.
    pub(super) timer: bool,
    /// `norefersub` is in its Supported.
    pub(super) norefersub: bool,
}

impl Abilities {
    /// Takes over what a message of the peer says; what it does not mention stays.
    pub(super) fn learn(&mut self, headers: &Headers) {
        if headers.contains(&HeaderName::Allow) {
            let mut methods = headers.list(&HeaderName::Allow);
            self.update = methods.any(|method| method == Method::Update.as_str());
        }
        self.timer |= headers.supports("timer") || headers.requires("timer");
        self.norefersub |= headers.supports("norefersub");
    }
}

impl Party {
    pub(super) fn new(fork: usize, dialog: Dialog, exchange: Exchange) -> Self {
        Self {
            fork,
            dialog,
            abilities: Abilities::default(),
            exchange,
            modify: Modify::Idle,
            waiting: None,
            described: Vec::new(),
            timer: None,
            rseq: None,
            late_prack: None,
            pracks: Vec::new(),
            informing: None,
        }
    }

    pub(super) fn is_confirmed(&self) -> bool {
        self.dialog.state() == DialogState::Confirmed
    }

    /// Takes over target and abilities from a target refresh or an answer to one.
    pub(super) fn refresh_target(&mut self, headers: &Headers) {
        self.dialog.refresh_target(headers);
        self.abilities.learn(headers);
    }

    /// Remembers what we said of our session last.
    pub(super) fn describe(&mut self, body: &[u8]) {
        if !body.is_empty() {
            self.described = body.to_vec();
        }
    }

    /// When something is due; `open` tells whether a change of ours that waits may be sent at all.
    pub(super) fn deadline(&self, open: bool) -> Option<Instant> {
        let idle = open && matches!(self.modify, Modify::Idle);
        let waiting = self.waiting.as_ref().filter(|_| idle);
        let waiting = waiting.filter(|change| self.may_send(change)).map(|change| change.at);
        let timer = self.timer.as_ref().map(SessionTimer::deadline);
        let timer = timer.filter(|_| self.is_confirmed());
        [self.modify.deadline(), waiting, timer].into_iter().flatten().min()
    }

    /// Until when an offer of the peer waits for the application.
    pub(super) fn offered(&self) -> Option<Instant> {
        match &self.modify {
            Modify::Offered { until, .. } | Modify::Answering { until, .. } => Some(*until),
            Modify::Idle | Modify::Offering { .. } | Modify::Accepted { .. } => None,
        }
    }

    /// Whether the dialog is far enough for a change: an early one only for UPDATE, an offer only when nothing is owed
    /// from the first exchange (RFC 3311 §5.1).
    pub(super) fn may_send(&self, change: &Change) -> bool {
        let early = !self.is_confirmed();
        let agreed = self.exchange == Exchange::Agreed || change.body.is_empty();
        if early { change.is_update() && self.abilities.update && agreed } else { true }
    }
}
