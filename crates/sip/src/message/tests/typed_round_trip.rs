//! Each typed field prints as it parses, and no octets make its parser fall over.

use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::round_trip::{name_addr, text};
use crate::message::*;

fn token() -> impl Strategy<Value = Token> {
    // Longer than any word that a field knows.
    "[A-Za-z0-9.!%*_+`'~-]{14,20}".prop_map(|text| Token::new(&text).expect("a token"))
}

fn params() -> impl Strategy<Value = Params> {
    vec(("x-[a-z]{1,6}", option::of(text())), 0..3).prop_map(|list| {
        let mut params = Params::new();
        for (name, value) in list {
            params.set(&name, value.as_deref());
        }
        params
    })
}

fn call_id() -> impl Strategy<Value = CallId> {
    "[!-+\\--:<-~]{1,24}".prop_map(|text| CallId::new(&text).expect("a Call-ID"))
}

fn replaces() -> impl Strategy<Value = Replaces> {
    (call_id(), token(), token(), any::<bool>()).prop_map(
        |(call_id, to_tag, from_tag, early_only)| Replaces {
            call_id,
            to_tag,
            from_tag,
            early_only,
        },
    )
}

fn method() -> impl Strategy<Value = Method> {
    prop_oneof![Just(Method::Invite), Just(Method::Update), token().prop_map(Method::Extension)]
}

fn substate() -> impl Strategy<Value = Substate> {
    prop_oneof![
        Just(Substate::Active),
        Just(Substate::Pending),
        Just(Substate::Terminated),
        token().prop_map(Substate::Other)
    ]
}

fn event_reason() -> impl Strategy<Value = EventReason> {
    use EventReason::*;
    let known = [Deactivated, Probation, Rejected, Timeout, GiveUp, NoResource, Invariant];
    prop_oneof![prop::sample::select(known.to_vec()), token().prop_map(Other)]
}

/// An address without parameters that a field of its own takes out.
fn plain_address(taken: &'static [&str]) -> impl Strategy<Value = NameAddr> {
    name_addr().prop_map(move |mut address| {
        taken.iter().for_each(|name| address.params.remove(name));
        address
    })
}

fn diversion() -> impl Strategy<Value = Diversion> {
    use DiversionReason::*;
    let reasons = vec![
        Unknown,
        UserBusy,
        NoAnswer,
        Unavailable,
        Unconditional,
        TimeOfDay,
        DoNotDisturb,
        Deflection,
        FollowMe,
        OutOfService,
        Away,
    ];
    let privacy = vec![
        DiversionPrivacy::Full,
        DiversionPrivacy::Name,
        DiversionPrivacy::Uri,
        DiversionPrivacy::Off,
    ];
    let reason = prop_oneof![prop::sample::select(reasons), token().prop_map(Other)];
    let privacy =
        prop_oneof![prop::sample::select(privacy), token().prop_map(DiversionPrivacy::Other)];
    let numbers = (option::of(any::<u32>()), option::of(any::<u32>()));
    (
        plain_address(&["limit", "screen"]),
        option::of(reason),
        numbers,
        option::of(privacy),
        option::of(any::<bool>()),
    )
        .prop_map(|(address, reason, (counter, limit), privacy, screen)| Diversion {
            address,
            reason,
            counter,
            limit,
            privacy,
            screen,
        })
}

fn index() -> impl Strategy<Value = HistoryIndex> {
    vec(any::<u32>(), 1..=32).prop_map(|list| HistoryIndex::new(list).expect("1 to 32"))
}

fn history() -> impl Strategy<Value = HistoryInfo> {
    let target = prop_oneof![
        index().prop_map(HistoryTarget::RegisteredContact),
        index().prop_map(HistoryTarget::MappedUser),
        index().prop_map(HistoryTarget::NoChange),
    ];
    (plain_address(&["index", "rc", "mp", "np"]), index(), option::of(target))
        .prop_map(|(address, index, target)| HistoryInfo { address, index, target })
}

fn media() -> impl Strategy<Value = ContentType> {
    ("[a-z0-9*.+-]{2,10}", "[a-z0-9.+-]{1,10}", params()).prop_map(|(kind, subtype, params)| {
        let token = |text: &str| Token::new(text).expect("a token");
        ContentType { kind: token(&kind), subtype: token(&subtype), params }
    })
}

fn disposition() -> impl Strategy<Value = ContentDisposition> {
    use DispositionType::*;
    let kinds = vec![Session, EarlySession, Render, Icon, Alert, ByReference, Aib, InfoPackage];
    let kind = prop_oneof![prop::sample::select(kinds), token().prop_map(Other)];
    let handling = prop_oneof![
        Just(Handling::Required),
        Just(Handling::Optional),
        token().prop_map(Handling::Other)
    ];
    (kind, option::of(handling), params()).prop_map(|(kind, handling, params)| ContentDisposition {
        kind,
        handling,
        params,
    })
}

fn duration() -> impl Strategy<Value = Duration> {
    (any::<u64>(), 0..1_000_000_000u32).prop_map(|(seconds, nanos)| Duration::new(seconds, nanos))
}

/// Text that a field holds: no control characters.
fn clean_text() -> impl Strategy<Value = String> {
    text().prop_map(|text| text.chars().filter(|c| !c.is_control()).collect())
}

macro_rules! prints_as_it_parses {
    ($($test:ident: $type:ident from $strategy:expr;)*) => {
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(96))]
            $(#[test]
            fn $test(value in $strategy) {
                prop_assert_eq!($type::parse(value.to_string().as_bytes()), Ok(value));
            })*
        }
    };
}

prints_as_it_parses! {
    rseq: RSeq from (1..=u32::MAX).prop_map(|number| RSeq::new(number).expect("not 0"));
    rack: RAck from ((1..=u32::MAX), 0..1u32 << 31, method()).prop_map(|(rseq, cseq, method)| {
        RAck { rseq: RSeq::new(rseq).expect("not 0"), cseq, method }
    });
    session_expires: SessionExpires from
        (any::<u32>(), option::of(prop_oneof![Just(Refresher::Uac), Just(Refresher::Uas)]))
            .prop_map(|(seconds, refresher)| SessionExpires { seconds, refresher });
    replaces_field: Replaces from replaces();
    join: Join from replaces().prop_map(|Replaces { call_id, to_tag, from_tag, .. }| {
        Join { call_id, to_tag, from_tag }
    });
    target_dialog: TargetDialog from replaces().prop_map(|dialog| {
        let Replaces { call_id, to_tag: local_tag, from_tag: remote_tag, .. } = dialog;
        TargetDialog { call_id, local_tag, remote_tag }
    });
    refer_to: ReferTo from name_addr().prop_map(|mut address| {
        if let Some(uri) = address.uri.as_sip_mut() {
            uri.remove_param("method");
        }
        ReferTo(address)
    });
    referred_by: ReferredBy from name_addr().prop_map(ReferredBy);
    event: Event from (token(), option::of(token()), params())
        .prop_map(|(package, id, params)| Event { package, id, params });
    subscription_state: SubscriptionState from
        (substate(), option::of(event_reason()), option::of(any::<u32>()), option::of(any::<u32>()), params())
            .prop_map(|(state, reason, expires, retry_after, params)| {
                SubscriptionState { state, reason, expires, retry_after, params }
            });
    media_range: MediaRange from (media(), 0..=1000u16)
        .prop_map(|(media, q)| MediaRange { media, q: QValue::new(q).expect("at most 1000") });
    diversion_field: Diversion from diversion();
    history_info: HistoryInfo from history();
    info_uri: InfoUri from (name_addr(), params())
        .prop_map(|(address, params)| InfoUri { uri: address.uri, params });
    info_package: InfoPackage from (token(), params())
        .prop_map(|(name, params)| InfoPackage { name, params });
    content_disposition: ContentDisposition from disposition();
    date: Date from (0..=253_402_300_799u64)
        .prop_map(|seconds| Date::from_unix_seconds(seconds).expect("in range"));
    timestamp: Timestamp from (duration(), option::of(duration()))
        .prop_map(|(sent, delay)| Timestamp { sent, delay });
    retry_after: RetryAfter from (any::<u32>(), option::of(clean_text()), option::of(any::<u32>()))
        .prop_map(|(seconds, comment, duration_seconds)| {
            RetryAfter { seconds, comment, duration_seconds }
        });
    warning: Warning from (300..400u16, "[a-z0-9.-]{1,12}(:[1-9][0-9]{0,3})?", clean_text())
        .prop_map(|(code, agent, text)| Warning::new(code, &agent, &text).expect("good"));
}

proptest! {
    #[test]
    fn an_attended_transfer_names_its_dialog_whatever_the_call_id(replaces in replaces()) {
        let target = Uri::sip("bob", "example.com".parse::<Host>().expect("a host"), None);
        let refer_to = ReferTo::attended(target, &replaces).expect("a SIP URI");
        let again = ReferTo::parse(refer_to.to_string().as_bytes()).expect("good");
        prop_assert_eq!(again.replaces(), Ok(Some(replaces)));
    }

    #[test]
    fn no_octets_make_a_typed_field_fall_over(
        bytes in vec(any::<u8>(), 0..60),
        text in "[ -~]{0,40}",
        likely in "[0-9a-z]{0,3} ?[0-9]{0,3}[(<]?[a-z:.]{0,4}[)>]?(;[a-z-]{1,9}=?[0-9a-z\"]{0,4}){0,3}",
    ) {
        for bytes in [bytes.as_slice(), text.as_bytes(), likely.as_bytes()] {
            let _ = (RSeq::parse(bytes), RAck::parse(bytes), SessionExpires::parse(bytes));
            let _ = (Replaces::parse(bytes), Join::parse(bytes), TargetDialog::parse(bytes));
            let _ = (ReferTo::parse(bytes).map(|to| to.replaces()), ReferredBy::parse(bytes));
            let _ = (Event::parse(bytes), SubscriptionState::parse(bytes));
            let _ = (MediaRange::parse(bytes), ContentDisposition::parse(bytes));
            let _ = (Diversion::parse(bytes), HistoryInfo::parse(bytes), InfoUri::parse(bytes));
            let _ = (InfoPackage::parse(bytes), Date::parse(bytes), Timestamp::parse(bytes));
            let _ = (RetryAfter::parse(bytes), Warning::parse(bytes));
        }
    }
}
