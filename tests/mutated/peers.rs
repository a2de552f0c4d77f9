//! What the gateway's peers say: calls and all else that begins something, what follows in a dialog, and answers to
//! whatever the gateway has said. Each is right in itself; it is damaged on its way.

use std::collections::VecDeque;
use std::net::SocketAddr;

use tipring_core::Rng;
use tipring_sip::digest::{Account, Challenge, Secret, Signed};

use crate::damage::below;
use crate::play::{PEERS, address};

/// Dialogs and requests that are remembered; the oldest are forgotten.
const REMEMBERED: usize = 32;

/// A message and who says it.
pub type Said = (SocketAddr, String);

/// As a peer sees it.
#[derive(Clone)]
struct Dialog {
    peer: SocketAddr,
    target: String,
    call_id: String,
    /// The values of From and To in what the peer sends.
    from: String,
    to: String,
    cseq: u32,
}

#[derive(Default)]
pub struct Peers {
    last: u64,
    /// Requests of theirs that may be challenged or cancelled.
    asked: VecDeque<Said>,
    dialogs: VecDeque<Dialog>,
}

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 10.0.1.1\r\ns=-\r\nc=IN IP4 10.0.1.1\r\nt=0 0\r\n\
m=audio 30000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\n";
const HELD: &str = "v=0\r\no=- 1 2 IN IP4 10.0.1.1\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n\
m=audio 30000 RTP/AVP 0\r\na=sendonly\r\nm=video 30002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";
const PARTS: &str = "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\no=- 1 1 IN IP4 10.0.1.1\r\ns=-\r\n\
c=IN IP4 10.0.1.1\r\nt=0 0\r\nm=audio 30000 RTP/AVP 0\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n";
const AS_SDP: &str = "Content-Type: application/sdp\r\n";

/// What begins something: method, whom it asks for, fields, body.
const BEGINNINGS: [(&str, &str, &str, &str); 20] = [
    ("INVITE", "101", AS_SDP, SDP),
    ("INVITE", "102", AS_SDP, SDP),
    ("INVITE", "2001", AS_SDP, SDP),
    ("INVITE", "95551234", AS_SDP, SDP),
    (
        "INVITE",
        "95551234",
        "Supported: 100rel, timer, replaces\r\nContent-Type: application/sdp\r\n",
        SDP,
    ),
    ("INVITE", "101", "Require: 100rel\r\nContent-Type: application/sdp\r\n", SDP),
    (
        "INVITE",
        "101",
        "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\nMin-SE: 90\r\n",
        "",
    ),
    ("INVITE", "102", "Content-Type: multipart/mixed;boundary=b\r\n", PARTS),
    (
        "INVITE",
        "95551234",
        "Diversion: <sip:9@h>;reason=no-answer\r\nHistory-Info: <sip:a@h>;index=1\r\n",
        "",
    ),
    (
        "INVITE",
        "101",
        "P-Asserted-Identity: \"A\" <tel:+15551234>\r\nPrivacy: id\r\nAlert-Info: <urn:alert:x>\r\n",
        "",
    ),
    ("INVITE", "nobody", AS_SDP, HELD),
    ("REGISTER", "", "Expires: 120\r\n", ""),
    ("REGISTER", "", "Expires: 120\r\n", ""),
    ("REGISTER", "", "Expires: 0\r\n", ""),
    ("OPTIONS", "101", "Accept: application/sdp\r\n", ""),
    ("MESSAGE", "2001", "Content-Type: text/plain\r\n", "a word"),
    ("SUBSCRIBE", "101", "Event: presence\r\nExpires: 600\r\n", ""),
    ("PUBLISH", "2001", "Event: presence\r\nExpires: 600\r\n", "<presence/>"),
    (
        "NOTIFY",
        "101",
        "Event: message-summary\r\nSubscription-State: active\r\n",
        "Messages-Waiting: yes\r\n",
    ),
    ("REFER", "101", "Refer-To: <sip:102@10.0.0.1>\r\n", ""),
];

/// What follows in a dialog: method, fields, body. `{x}` is another dialog, as Replaces names it.
const SEQUELS: [(&str, &str, &str); 18] = [
    ("BYE", "Reason: Q.850;cause=16\r\n", ""),
    ("BYE", "", ""),
    ("INVITE", AS_SDP, SDP),
    ("INVITE", AS_SDP, HELD),
    ("INVITE", "Session-Expires: 90\r\nRequire: timer\r\n", ""),
    ("UPDATE", AS_SDP, SDP),
    ("UPDATE", "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n", ""),
    ("PRACK", "RAck: 1 1 INVITE\r\n", ""),
    ("REFER", "Refer-To: <sip:102@10.0.0.1>\r\nReferred-By: <sip:a@h>\r\n", ""),
    ("REFER", "Refer-To: <sip:101@10.0.0.1?Replaces={x}>\r\nRefer-Sub: false\r\n", ""),
    ("REFER", "Refer-To: \"C\" <sip:95551234@10.0.0.1;method=INVITE>\r\n", ""),
    ("INFO", "Content-Type: application/dtmf-relay\r\n", "Signal=5\r\nDuration=160\r\n"),
    ("INFO", "Info-Package: x\r\nContent-Disposition: info-package\r\n", "x"),
    (
        "NOTIFY",
        "Event: refer;id=1\r\nSubscription-State: active;expires=9\r\nContent-Type: message/sipfrag\r\n",
        "SIP/2.0 180 Ringing\r\n",
    ),
    (
        "NOTIFY",
        "Event: refer\r\nSubscription-State: terminated;reason=noresource\r\nContent-Type: message/sipfrag\r\n",
        "SIP/2.0 200 OK\r\n",
    ),
    ("SUBSCRIBE", "Event: refer;id=1\r\nExpires: 0\r\n", ""),
    ("MESSAGE", "Content-Type: text/plain\r\n", "a word"),
    ("OPTIONS", "", ""),
];

/// What INVITE and other requests of the gateway's are answered.
const TO_CALLS: [&str; 13] = [
    "100 Trying",
    "180 Ringing",
    "183 Session Progress",
    "200 OK",
    "200 OK",
    "200 OK",
    "302 Moved",
    "407 Proxy Authentication Required",
    "422 Session Interval Too Small",
    "486 Busy Here",
    "491 Request Pending",
    "503 Service Unavailable",
    "604 Nowhere",
];
const TO_OTHERS: [&str; 8] = [
    "200 OK",
    "200 OK",
    "200 OK",
    "202 Accepted",
    "401 Unauthorized",
    "423 Interval Too Brief",
    "481 Gone",
    "500 Failed",
];

impl Peers {
    /// Somebody begins something.
    pub fn begin(&mut self, chance: &mut Rng) -> Said {
        self.last += 1;
        let n = self.last;
        let (method, user, more, body) = BEGINNINGS[below(chance, BEGINNINGS.len())];
        let peer = PEERS[below(chance, PEERS.len())];
        let name = if user.is_empty() { "2001" } else { "5559876" };
        let at = if user.is_empty() { "" } else { "@" };
        let length = body.len();
        let text = format!(
            "{method} sip:{user}{at}10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {peer};branch=z9hG4bKp{n};rport\r\n\
             Record-Route: <sip:{peer};lr>\r\nMax-Forwards: 70\r\nFrom: \"A B\" <sip:{name}@10.0.0.1>;tag=p{n}\r\n\
             To: <sip:{name}@10.0.0.1>\r\nCall-ID: {n}@{peer}\r\nCSeq: 1 {method}\r\n\
             Contact: <sip:{name}@{peer}>\r\nAllow: INVITE, UPDATE, PRACK, REFER, INFO\r\n{more}\
             Content-Length: {length}\r\n\r\n{body}"
        );
        self.ask(address(peer), text)
    }

    /// Somebody goes on, if there is anything to go on with.
    pub fn go_on(&mut self, chance: &mut Rng) -> Option<Said> {
        if self.dialogs.is_empty() || chance.chance(0.1) {
            return self.cancel(chance);
        }
        let other = self.dialogs[below(chance, self.dialogs.len())].clone();
        let which = below(chance, self.dialogs.len());
        let (method, more, body) = SEQUELS[below(chance, SEQUELS.len())];
        let tag = |value: &str| value.split(";tag=").nth(1).unwrap_or("x").to_owned();
        let replaces = format!(
            "{}%3Bto-tag%3D{}%3Bfrom-tag%3D{}",
            other.call_id,
            tag(&other.to),
            tag(&other.from)
        );
        let dialog = &mut self.dialogs[which];
        dialog.cseq += 1;
        let text = within(dialog, method, dialog.cseq, &more.replace("{x}", &replaces), body);
        let peer = dialog.peer;
        Some(self.ask(peer, text))
    }

    /// Answers what the gateway has said to `peer`.
    pub fn answer(&mut self, chance: &mut Rng, (peer, heard): &Said) -> Option<Said> {
        let text = match heard.strip_prefix("SIP/2.0 ") {
            Some(rest) => self.follow(chance, *peer, heard, rest.get(..3)?.parse().ok()?)?,
            None => self.respond(chance, *peer, heard)?,
        };
        Some((*peer, text))
    }

    /// What is said after a response.
    fn follow(
        &mut self,
        chance: &mut Rng,
        peer: SocketAddr,
        heard: &str,
        code: u16,
    ) -> Option<String> {
        let method = field(heard, "CSeq")?.split(' ').nth(1)?;
        if code == 401 || code == 407 {
            return self.prove(chance, peer, heard);
        }
        let target = field(heard, "Contact").map(uri_of);
        let number = field(heard, "CSeq")?.split(' ').next()?.parse().ok()?;
        let dialog = Dialog {
            peer,
            target: target.unwrap_or_else(|| "sip:101@10.0.0.1".to_owned()),
            call_id: field(heard, "Call-ID")?.to_owned(),
            from: field(heard, "From")?.to_owned(),
            to: field(heard, "To")?.to_owned(),
            cseq: number,
        };
        match (method, code) {
            ("INVITE", 101..=199) => {
                let rseq = field(heard, "RSeq")?;
                let rack = format!("RAck: {rseq} {number} INVITE\r\n");
                Some(within(&dialog, "PRACK", number + 1, &rack, ""))
            }
            ("INVITE", 200..) => {
                let text = within(&dialog, "ACK", number, "", "");
                if code < 300 {
                    remember(&mut self.dialogs, dialog);
                }
                Some(text)
            }
            _ => None,
        }
    }

    /// The request that was challenged, with credentials.
    fn prove(&mut self, chance: &mut Rng, peer: SocketAddr, heard: &str) -> Option<String> {
        let (name, answer) =
            [("WWW-Authenticate", "Authorization"), ("Proxy-Authenticate", "Proxy-Authorization")]
                .into_iter()
                .find(|(name, _)| field(heard, name).is_some())?;
        let call_id = format!("\r\nCall-ID: {}\r\n", field(heard, "Call-ID")?);
        let at = self.asked.iter().rposition(|(_, text)| text.contains(&call_id))?;
        let (_, asked) = self.asked.remove(at)?;
        let mut words = asked.split(' ');
        let (method, uri) = (words.next()?, words.next()?);
        let secret = Secret::Password("secret".to_owned());
        let account = Account { username: "2001".to_owned(), secret, realms: Vec::new() };
        let challenge = Challenge::parse_all(field(heard, name)?.as_bytes()).ok()?.pop()?;
        let signed = Signed { method, uri, body: b"" };
        let credentials =
            challenge.answer(&account, signed, 1, format!("c{}", chance.below(1000)))?;
        let text = asked.replacen(&format!("CSeq: 1 {method}"), &format!("CSeq: 2 {method}"), 1);
        let text = text.replacen("branch=z9hG4bK", "branch=z9hG4bKa", 1);
        let text = text.replacen(
            "\r\nMax-Forwards",
            &format!("\r\n{answer}: {credentials}\r\nMax-Forwards"),
            1,
        );
        remember(&mut self.asked, (peer, text.clone()));
        Some(text)
    }

    /// A response to a request of the gateway's.
    fn respond(&mut self, chance: &mut Rng, peer: SocketAddr, heard: &str) -> Option<String> {
        let method = heard.split(' ').next()?;
        let status = match method {
            "ACK" => return None,
            "INVITE" => TO_CALLS[below(chance, TO_CALLS.len())],
            _ => TO_OTHERS[below(chance, TO_OTHERS.len())],
        };
        let copied = ["Via", "Record-Route", "Call-ID", "CSeq", "From"];
        let copied: String = heard
            .split("\r\n")
            .take_while(|line| !line.is_empty())
            .filter(|line| copied.iter().any(|name| line.split(':').next() == Some(*name)))
            .map(|line| format!("{line}\r\n"))
            .collect();
        let mut to = field(heard, "To")?.to_owned();
        if !to.contains(";tag=") && !status.starts_with("100") {
            to += &format!(";tag=q{}", below(chance, 3));
        }
        let more = match &status[..3] {
            "183" => format!("Require: 100rel\r\nRSeq: {}\r\n", 1 + chance.below(3)),
            "302" => "Contact: <sip:5550000@10.0.2.2>;q=0.5, <sip:102@10.0.0.1>\r\n".to_owned(),
            "401" => {
                "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n".to_owned()
            }
            "407" => "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256\r\n"
                .to_owned(),
            "422" => "Min-SE: 2000\r\n".to_owned(),
            "423" => "Min-Expires: 7200\r\n".to_owned(),
            "503" => "Retry-After: 5 (soon);duration=60\r\n".to_owned(),
            "200" if method == "REGISTER" => {
                "Expires: 60\r\nService-Route: <sip:10.0.2.2;lr>\r\n".to_owned()
            }
            _ => "Supported: timer, 100rel\r\nSession-Expires: 1800;refresher=uas\r\n".to_owned(),
        };
        let body =
            if method == "INVITE" && matches!(&status[..3], "183" | "200") { SDP } else { "" };
        if method == "INVITE" && status.starts_with("200") {
            let call_id = field(heard, "Call-ID")?.to_owned();
            let target = uri_of(field(heard, "Contact")?);
            let from = field(heard, "From")?.to_owned();
            remember(
                &mut self.dialogs,
                Dialog { peer, target, call_id, from: to.clone(), to: from, cseq: 1 },
            );
        }
        let contact = format!("Contact: <sip:5551234@{peer}>\r\n");
        let length = body.len();
        Some(format!(
            "SIP/2.0 {status}\r\n{copied}To: {to}\r\n{contact}{more}{AS_SDP}Content-Length: {length}\r\n\r\n{body}"
        ))
    }

    /// Gives up a request.
    fn cancel(&mut self, chance: &mut Rng) -> Option<Said> {
        let (peer, text) = self.asked.get(below(chance, self.asked.len()))?;
        let head = text.split("\r\n\r\n").next()?;
        let text = head.replace("INVITE", "CANCEL").replace(AS_SDP.trim_end(), "X: y");
        Some((*peer, format!("{text}\r\n\r\n")))
    }

    fn ask(&mut self, peer: SocketAddr, text: String) -> Said {
        remember(&mut self.asked, (peer, text.clone()));
        (peer, text)
    }
}

fn remember<T>(all: &mut VecDeque<T>, one: T) {
    if all.len() == REMEMBERED {
        all.pop_front();
    }
    all.push_back(one);
}

/// A request in a dialog.
fn within(dialog: &Dialog, method: &str, cseq: u32, more: &str, body: &str) -> String {
    let Dialog { peer, target, call_id, from, to, .. } = dialog;
    let length = body.len();
    format!(
        "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {peer};branch=z9hG4bK{cseq}{method}{call_id};rport\r\n\
         Max-Forwards: 70\r\nFrom: {from}\r\nTo: {to}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} {method}\r\n\
         Contact: <sip:5551234@{peer}>\r\n{more}Content-Length: {length}\r\n\r\n{body}"
    )
}

/// A header field of a message.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = text.split("\r\n").take_while(|line| !line.is_empty());
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// The URI in a Contact.
fn uri_of(contact: &str) -> String {
    let inner = contact.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map_or(contact, |(uri, _)| uri).to_owned()
}
