//! Call detail records.

use std::borrow::Cow;

use serde::Serialize;
use tipring_core::{CallId, Cause, Instant, Number};

use crate::event::Release;
use crate::wall_clock::WallClock;

/// What is known of a call when both its legs are released.
#[derive(Clone, Debug, PartialEq)]
pub struct Cdr {
    /// The call.
    pub id: CallId,
    /// When it began.
    pub start: Instant,
    /// When it was answered.
    pub answer: Option<Instant>,
    /// When the last leg was released.
    pub end: Instant,
    /// The originating line, span, trunk or user.
    pub from_leg: String,
    /// The terminating one: who answered, else the last one tried.
    pub to_leg: Option<String>,
    /// The calling number.
    pub calling: Option<Number>,
    /// The number as it was dialled.
    pub called: Number,
    /// The number that the call was sent on from, the last one.
    pub redirecting: Option<Number>,
    /// The routing rule that applied.
    pub route: Option<String>,
    /// Why the call ended, and what told us.
    pub release: Release,
    /// Who ended it.
    pub ended_by: EndedBy,
    /// Call-ID of the SIP leg.
    pub sip_call_id: Option<String>,
    /// The codec of the RTP stream.
    pub codec: Option<Cow<'static, str>>,
    /// What became of the RTP stream.
    pub rtp: Option<RtpReport>,
}

/// Who ended a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EndedBy {
    /// The originating side.
    Caller,
    /// The terminating side.
    Callee,
    /// This gateway: a timer, no route, shutdown.
    Gateway,
}

/// Counts of the RTP stream of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct RtpReport {
    /// Packets sent.
    pub sent: u64,
    /// Packets received.
    pub received: u64,
    /// Packets that never came.
    pub lost: u64,
    /// Packets that came too late to be played.
    pub late: u64,
    /// Interarrival jitter at the end (RFC 3550 §6.4.1), in ms.
    pub jitter_ms: f64,
    /// Estimated mean opinion score, 1.0 to 4.5, where one was estimated.
    pub mos: Option<f64>,
}

impl Cdr {
    /// The record as it is written: one JSON object.
    pub fn record(&self, wall: WallClock) -> CdrRecord<'_> {
        CdrRecord {
            // Unique across restarts, because the origin is.
            id: format!("{}-{}", wall.unix_ms_at_origin, self.id.0),
            start: wall.rfc3339(self.start),
            answer: self.answer.map(|at| wall.rfc3339(at)),
            end: wall.rfc3339(self.end),
            from_leg: &self.from_leg,
            to_leg: self.to_leg.as_deref(),
            calling: self.calling.as_deref(),
            called: &self.called,
            redirecting: self.redirecting.as_deref(),
            route: self.route.as_deref(),
            cause: self.release.cause.value(),
            cause_name: self.release.cause.name(),
            ended_by: self.ended_by,
            evidence: &self.release.evidence,
            sip_call_id: self.sip_call_id.as_deref(),
            codec: self.codec.as_deref(),
            rtp: self.rtp,
        }
    }

    /// The cause.
    pub const fn cause(&self) -> Cause {
        self.release.cause
    }
}

/// A [`Cdr`] with the keys of the contract; absent values are `null`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of Cdr")]
pub struct CdrRecord<'a> {
    pub id: String,
    pub start: String,
    pub answer: Option<String>,
    pub end: String,
    pub from_leg: &'a str,
    pub to_leg: Option<&'a str>,
    pub calling: Option<&'a str>,
    pub called: &'a str,
    pub redirecting: Option<&'a str>,
    pub route: Option<&'a str>,
    pub cause: u8,
    pub cause_name: &'static str,
    pub ended_by: EndedBy,
    pub evidence: &'a str,
    pub sip_call_id: Option<&'a str>,
    pub codec: Option<&'a str>,
    pub rtp: Option<RtpReport>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_has_the_keys_of_the_contract_and_no_others() {
        let cdr = Cdr {
            id: CallId(7),
            start: Instant::from_millis(1000),
            answer: Some(Instant::from_millis(5250)),
            end: Instant::from_millis(9000),
            from_leg: "kitchen".into(),
            to_leg: Some("provider".into()),
            calling: Number::new("101").ok(),
            called: Number::new("95551234").expect("a number"),
            redirecting: None,
            route: Some("1".into()),
            release: Release::new(Cause::NORMAL_CLEARING, "on-hook"),
            ended_by: EndedBy::Caller,
            sip_call_id: Some("a@b".into()),
            codec: Some("PCMU".into()),
            rtp: Some(RtpReport { sent: 3, mos: Some(4.4), ..RtpReport::default() }),
        };
        let wall = WallClock { unix_ms_at_origin: 1_763_657_120_000 };
        let json = serde_json::to_string(&cdr.record(wall)).expect("it serialises");
        assert_eq!(
            json,
            concat!(
                r#"{"id":"1763657120000-7","start":"2025-11-20T16:45:21.000Z","#,
                r#""answer":"2025-11-20T16:45:25.250Z","end":"2025-11-20T16:45:29.000Z","#,
                r#""from_leg":"kitchen","to_leg":"provider","calling":"101","called":"95551234","#,
                r#""redirecting":null,"#,
                r#""route":"1","cause":16,"cause_name":"normal call clearing","#,
                r#""ended_by":"caller","evidence":"on-hook","sip_call_id":"a@b","codec":"PCMU","#,
                r#""rtp":{"sent":3,"received":0,"lost":0,"late":0,"jitter_ms":0.0,"mos":4.4}}"#,
            )
        );
    }
}
