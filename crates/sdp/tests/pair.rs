//! Two ends that change their call again and again, by text as over a network, and always agree.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tipring_sdp::{
    Codec, Direction, Formats, LocalMedia, Media, MediaKind, OfferAnswer, Payload, Plan,
    Preference, Protocol, Session,
};

mod legality;

/// One end: what it can and wants, and what it has said so far.
#[derive(Debug)]
struct End {
    dialog: OfferAnswer,
    local: LocalMedia,
    plan: Option<Plan>,
    /// Its last description, whether it was taken or not.
    said: Option<String>,
    /// The last answer, of either end.
    settled: Option<String>,
    /// What each payload type has ever stood for in its descriptions.
    meanings: BTreeMap<String, String>,
}

/// What changes at an end before somebody offers.
#[derive(Clone, Debug)]
enum Change {
    Hold(bool),
    Mute(bool),
    Codecs(Vec<Codec>),
    Ptime(u8),
    Preference(Preference),
    Events(Option<u8>),
    Noise(bool),
    Others(Vec<MediaKind>),
    Nothing,
}

/// Who changes what, and who offers.
type Step = (usize, Change, usize);

impl End {
    fn new(id: u64, host: u8, port: u16) -> Self {
        Self {
            dialog: OfferAnswer::new(id),
            local: LocalMedia::new([192, 0, 2, host].into(), port),
            plan: None,
            said: None,
            settled: None,
            meanings: BTreeMap::new(),
        }
    }

    fn change(&mut self, change: Change) {
        let way = self.local.direction;
        match change {
            Change::Hold(on) => self.local.direction = Direction::new(way.sends(), !on),
            Change::Mute(on) => self.local.direction = Direction::new(!on, way.receives()),
            Change::Codecs(codecs) => self.local.codecs = codecs,
            Change::Ptime(ms) => self.local.ptime_ms = ms,
            Change::Preference(preference) => self.local.preference = preference,
            Change::Events(number) => self.local.telephone_event = number,
            Change::Noise(on) => self.local.comfort_noise = on,
            Change::Others(kinds) => self.local.others = kinds.into_iter().map(other).collect(),
            Change::Nothing => {}
        }
    }

    /// Takes note of what it says, and that it may say so.
    fn says(&mut self, session: &Session) -> Result<String, String> {
        let text = session.to_string();
        if let Some(before) = &self.said {
            legality::follows(before, &text)?;
        }
        if let Some(before) = &self.settled {
            legality::keeps(before, &text)?;
        }
        for (number, meaning) in legality::meanings(&text) {
            let known = self.meanings.entry(number.clone()).or_insert_with(|| meaning.clone());
            if *known != meaning {
                return Err(format!("§8.3.2: {number} was {known} and is {meaning}"));
            }
        }
        self.said = Some(text.clone());
        Ok(text)
    }
}

fn other(kind: MediaKind) -> Media {
    match kind {
        MediaKind::Image => Media::new(kind, 6000, Protocol::Udptl, Formats::Other("t38".into())),
        kind => Media::new(kind, 5000, Protocol::RtpAvp, Formats::Rtp(vec![Payload::new(34)])),
    }
}

/// One offer and its answer. Whether there was one.
fn exchange(offerer: &mut End, answerer: &mut End) -> Result<bool, String> {
    let offer = offerer.dialog.offer(&offerer.local).clone();
    let offer_text = offerer.says(&offer)?;
    let heard = Session::parse(offer_text.as_bytes()).map_err(|error| error.to_string())?;
    let (answer, there) = match answerer.dialog.answer(&answerer.local, &heard) {
        Ok((answer, plan)) => (answer.clone(), plan.clone()),
        Err(_) => {
            offerer.dialog.withdraw();
            return Ok(false);
        }
    };
    let answer_text = answerer.says(&answer)?;
    legality::answer(&offer_text, &answer_text)?;
    let heard = Session::parse(answer_text.as_bytes()).map_err(|error| error.to_string())?;
    let here = offerer.dialog.accept_answer(&heard).map_err(|error| error.to_string())?;
    let live =
        |text: &str| legality::lines(text).iter().position(|(kind, on)| kind == "audio" && *on);
    if live(&offer_text) != live(&answer_text) {
        return Err("audio stands in different places".to_owned());
    }
    (offerer.plan, answerer.plan) = (Some(here.clone()), Some(there));
    // The answer says of both ends which lines are in use.
    (offerer.settled, answerer.settled) = (Some(answer_text.clone()), Some(answer_text));
    Ok(true)
}

/// What both must hold of one call.
fn agree(one: &End, two: &End) -> Result<(), TestCaseError> {
    let (Some(a), Some(b)) = (&one.plan, &two.plan) else {
        prop_assert!(one.plan.is_none() && two.plan.is_none());
        return Ok(());
    };
    prop_assert_eq!(a.codec, b.codec);
    prop_assert_eq!(a.direction, b.direction.reversed());
    prop_assert_eq!(a.ptime_ms, b.ptime_ms);
    prop_assert_eq!(a.telephone_event.is_some(), b.telephone_event.is_some());
    prop_assert_eq!(a.comfort_noise.is_some(), b.comfort_noise.is_some());
    for (sends, receives, end) in [(a, b, two), (b, a, one)] {
        prop_assert_eq!(receives.receive.codec(sends.payload_type), Some(sends.codec));
        if sends.telephone_event.is_some() {
            prop_assert_eq!(receives.receive.telephone_event, sends.telephone_event);
        }
        if sends.comfort_noise.is_some() {
            prop_assert_eq!(receives.receive.comfort_noise, sends.comfort_noise);
        }
        let place = (end.local.address, end.local.rtp_port).into();
        prop_assert_eq!(sends.rtp, Some(place));
        prop_assert_eq!(end.dialog.agreed(), Some(receives));
    }
    Ok(())
}

fn change() -> impl Strategy<Value = Change> {
    let codecs = proptest::sample::subsequence(&Codec::ALL[..], 1..6).prop_shuffle();
    let preference = prop_oneof![Just(Preference::Offerer), Just(Preference::Ours)];
    let kinds = proptest::sample::subsequence(
        vec![MediaKind::Video, MediaKind::Image, MediaKind::Text],
        0..3,
    );
    prop_oneof![
        3 => any::<bool>().prop_map(Change::Hold),
        1 => any::<bool>().prop_map(Change::Mute),
        3 => codecs.prop_map(Change::Codecs),
        2 => (1..=12u8).prop_map(|blocks| Change::Ptime(blocks * 5)),
        1 => preference.prop_map(Change::Preference),
        2 => proptest::option::of(96..=127u8).prop_map(Change::Events),
        1 => any::<bool>().prop_map(Change::Noise),
        3 => kinds.prop_map(Change::Others),
        1 => Just(Change::Nothing),
    ]
}

proptest! {
    #[test]
    fn ends_that_change_their_call_agree_after_every_step(
        steps in proptest::collection::vec((0..2usize, change(), 0..2usize), 1..20)
    ) {
        let mut ends = [End::new(1, 1, 20000), End::new(2, 2, 30000)];
        for (who, change, offers) in steps as Vec<Step> {
            ends[who].change(change);
            let [one, two] = &mut ends;
            let (offerer, answerer) = if offers == 0 { (one, two) } else { (two, one) };
            let before = (offerer.plan.clone(), answerer.plan.clone());
            let common =
                offerer.local.codecs.iter().any(|codec| answerer.local.codecs.contains(codec));
            let taken = exchange(offerer, answerer).map_err(TestCaseError::fail)?;
            prop_assert_eq!(taken, common);
            if taken {
                let wants = |end: &End| end.local.direction;
                let flows = wants(offerer).and(wants(answerer).reversed());
                prop_assert_eq!(offerer.plan.as_ref().map(|p| p.direction), Some(flows));
            } else {
                prop_assert_eq!(&before, &(offerer.plan.clone(), answerer.plan.clone()));
            }
            agree(&ends[0], &ends[1])?;
        }
    }
}

#[test]
fn a_line_that_comes_and_goes_and_comes_again_takes_its_old_place() {
    let mut ends = [End::new(1, 1, 20000), End::new(2, 2, 30000)];
    let mut shapes = Vec::new();
    let steps = [
        vec![],
        vec![MediaKind::Video],
        vec![],
        vec![MediaKind::Image, MediaKind::Video],
        vec![MediaKind::Image],
    ];
    for kinds in steps {
        ends[0].change(Change::Others(kinds));
        let [one, two] = &mut ends;
        assert_eq!(exchange(one, two), Ok(true));
        let offer = one.said.as_deref().expect("it has offered");
        let lines = legality::lines(offer).into_iter();
        let shape = lines.map(|(kind, on)| if on { kind } else { format!("-{kind}") });
        shapes.push(shape.collect::<Vec<_>>().join(" "));
    }
    assert_eq!(
        shapes,
        ["audio", "audio video", "audio -video", "audio image video", "audio image -video"]
    );
}

#[test]
fn a_refused_change_leaves_no_line_behind() {
    let mut ends = [End::new(1, 1, 20000), End::new(2, 2, 30000)];
    let [one, two] = &mut ends;
    assert_eq!(exchange(one, two), Ok(true));
    one.change(Change::Others(vec![MediaKind::Video]));
    one.change(Change::Codecs(vec![Codec::G729]));
    assert_eq!(exchange(one, two), Ok(false), "G.729 is not common");
    one.change(Change::Others(Vec::new()));
    one.change(Change::Codecs(vec![Codec::Pcma]));
    assert_eq!(exchange(one, two), Ok(true));
    assert_eq!(
        legality::lines(one.said.as_deref().expect("offered")),
        [("audio".to_owned(), true)]
    );
}
