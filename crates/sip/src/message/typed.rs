//! The typed fields of a header, by what they are for. Those every message needs stand beside
//! [`Headers`].
//!
//! A field that may be absent gives `Ok(None)` then; one that is there but malformed, or there twice
//! and may not be, is an error, and a 400 to the sender of a request. Seconds that do not fit count
//! as 2³²−1.

use super::grammar::{self, delta_seconds, token_and_params, value_and_params};
use super::{
    AssertedIdentity, ContentDisposition, ContentType, Date, Diversion, Event, HeaderError,
    HeaderName, Headers, HistoryInfo, InfoPackage, InfoUri, Join, Malformed, MediaRange, Method,
    NameAddr, Params, Privacy, RAck, RSeq, Reason, ReferTo, ReferredBy, Replaces, RetryAfter,
    SessionExpires, SubscriptionState, TargetDialog, Timestamp, Token, Warning,
};

/// Hops, lifetimes, bodies, reasons, and what a peer can do.
impl Headers {
    /// Max-Forwards; `None` when it is absent or malformed, more than 255 counts as 255.
    pub fn max_forwards(&self) -> Option<u8> {
        let number = grammar::number(self.first(&HeaderName::MaxForwards)?.as_bytes())?;
        Some(u8::try_from(number).unwrap_or(u8::MAX))
    }

    /// Expires in seconds; one that is no number counts as 3600 (RFC 3261 §20.19).
    pub fn expires(&self) -> Option<u32> {
        self.first(&HeaderName::Expires).map(|text| text.parse().unwrap_or(3600))
    }

    /// Min-Expires in seconds.
    pub fn min_expires(&self) -> Option<u32> {
        self.first(&HeaderName::MinExpires)?.parse().ok()
    }

    /// Content-Type.
    pub fn content_type(&self) -> Result<ContentType, HeaderError> {
        self.parse_one(HeaderName::ContentType, ContentType::parse)
    }

    /// Reasons, malformed ones left out.
    pub fn reasons(&self) -> Vec<Reason> {
        self.list(&HeaderName::Reason)
            .filter_map(|text| Reason::parse(text.as_bytes()).ok())
            .collect()
    }

    /// Retry-After.
    pub fn retry_after(&self) -> Option<RetryAfter> {
        RetryAfter::parse(self.first(&HeaderName::RetryAfter)?.as_bytes()).ok()
    }

    /// Privacy; all fields together.
    pub fn privacy(&self) -> Privacy {
        let words: Vec<_> = self.all(&HeaderName::Privacy).collect();
        Privacy::parse(&words.join(";"))
    }

    /// Allow; words that are no methods are left out. `None` when the field is absent.
    pub fn allow(&self) -> Option<Vec<Method>> {
        let methods =
            self.list(&HeaderName::Allow).filter_map(|text| Method::parse(text.as_bytes()));
        self.contains(&HeaderName::Allow).then(|| methods.collect())
    }
}

/// Provisional responses and session timers.
impl Headers {
    /// RSeq (RFC 3262).
    pub fn rseq(&self) -> Result<Option<RSeq>, HeaderError> {
        self.optional(HeaderName::RSeq, RSeq::parse)
    }

    /// RAck (RFC 3262).
    pub fn rack(&self) -> Result<Option<RAck>, HeaderError> {
        self.optional(HeaderName::RAck, RAck::parse)
    }

    /// Session-Expires (RFC 4028).
    pub fn session_expires(&self) -> Result<Option<SessionExpires>, HeaderError> {
        self.optional(HeaderName::SessionExpires, SessionExpires::parse)
    }

    /// Min-SE in seconds (RFC 4028); when absent, 90 count.
    pub fn min_se(&self) -> Result<Option<u32>, HeaderError> {
        self.optional(HeaderName::MinSe, seconds_and_params)
    }
}

/// Transfer, and other dialogs.
impl Headers {
    /// Refer-To (RFC 3515).
    pub fn refer_to(&self) -> Result<Option<ReferTo>, HeaderError> {
        self.optional(HeaderName::ReferTo, ReferTo::parse)
    }

    /// Referred-By (RFC 3892).
    pub fn referred_by(&self) -> Result<Option<ReferredBy>, HeaderError> {
        self.optional(HeaderName::ReferredBy, ReferredBy::parse)
    }

    /// Refer-Sub: whether a REFER makes a subscription (RFC 4488); it does when absent.
    pub fn refer_sub(&self) -> Result<Option<bool>, HeaderError> {
        self.optional(HeaderName::ReferSub, |bytes| {
            let (word, _) = token_and_params(bytes)?;
            match word.as_str() {
                word if word.eq_ignore_ascii_case("true") => Ok(true),
                word if word.eq_ignore_ascii_case("false") => Ok(false),
                _ => Err(Malformed::Token),
            }
        })
    }

    /// Replaces (RFC 3891).
    pub fn replaces(&self) -> Result<Option<Replaces>, HeaderError> {
        self.optional(HeaderName::Replaces, Replaces::parse)
    }

    /// Join (RFC 3911).
    pub fn join(&self) -> Result<Option<Join>, HeaderError> {
        self.optional(HeaderName::Join, Join::parse)
    }

    /// Target-Dialog (RFC 4538).
    pub fn target_dialog(&self) -> Result<Option<TargetDialog>, HeaderError> {
        self.optional(HeaderName::TargetDialog, TargetDialog::parse)
    }
}

/// Subscriptions and publications.
impl Headers {
    /// Event (RFC 6665).
    pub fn event(&self) -> Result<Option<Event>, HeaderError> {
        self.optional(HeaderName::Event, Event::parse)
    }

    /// Subscription-State (RFC 6665).
    pub fn subscription_state(&self) -> Result<Option<SubscriptionState>, HeaderError> {
        self.optional(HeaderName::SubscriptionState, SubscriptionState::parse)
    }

    /// Allow-Events (RFC 6665); `None` when it is absent.
    pub fn allow_events(&self) -> Result<Option<Vec<Token>>, HeaderError> {
        self.values(HeaderName::AllowEvents, token)
    }

    /// SIP-ETag: the name of a publication (RFC 3903).
    pub fn sip_etag(&self) -> Result<Option<Token>, HeaderError> {
        self.optional(HeaderName::SipEtag, token)
    }

    /// SIP-If-Match: the publication that is refreshed, changed or removed (RFC 3903).
    pub fn sip_if_match(&self) -> Result<Option<Token>, HeaderError> {
        self.optional(HeaderName::SipIfMatch, token)
    }
}

/// What a peer can, and wants.
impl Headers {
    /// The option tags of `name`: Supported, Require, Proxy-Require or Unsupported.
    pub fn option_tags(&self, name: HeaderName) -> Result<Vec<Token>, HeaderError> {
        self.values(name, token).map(Option::unwrap_or_default)
    }

    /// Whether Supported holds `tag`.
    pub fn supports(&self, tag: &str) -> bool {
        self.lists(&HeaderName::Supported, tag)
    }

    /// Whether Require holds `tag`.
    pub fn requires(&self, tag: &str) -> bool {
        self.lists(&HeaderName::Require, tag)
    }

    /// The tags of Require that are not among `known`: what a 420 lists as Unsupported (RFC 3261
    /// §8.2.2.3). A tag that is no token is not known either, but cannot be listed.
    pub fn unknown_requirements(&self, known: &[&str]) -> Result<Vec<Token>, HeaderError> {
        let mut tags = self.option_tags(HeaderName::Require)?;
        tags.retain(|tag| !known.iter().any(|known| tag.as_str().eq_ignore_ascii_case(known)));
        Ok(tags)
    }

    /// Accept, in the order written; `None` when it is absent. An empty list takes no body at all.
    pub fn accept(&self) -> Result<Option<Vec<MediaRange>>, HeaderError> {
        self.values(HeaderName::Accept, MediaRange::parse)
    }

    /// Whether a body of the type `kind/subtype` may be sent: the range that names it closest
    /// decides (RFC 9110 §12.5.1); without Accept, `application/sdp` alone (RFC 3261 §20.1).
    pub fn accepts(&self, kind: &str, subtype: &str) -> Result<bool, HeaderError> {
        let Some(ranges) = self.accept()? else {
            return Ok(
                kind.eq_ignore_ascii_case("application") && subtype.eq_ignore_ascii_case("sdp")
            );
        };
        let closest = ranges
            .iter()
            .map(|range| (range.closeness(kind, subtype), range.q))
            .filter(|(closeness, _)| *closeness > 0)
            .max();
        Ok(closest.is_some_and(|(_, q)| q.thousandths() > 0))
    }

    /// Info-Package of an INFO (RFC 6086).
    pub fn info_package(&self) -> Result<Option<InfoPackage>, HeaderError> {
        self.optional(HeaderName::InfoPackage, InfoPackage::parse)
    }

    /// Recv-Info: the packages that a peer takes (RFC 6086); `None` when absent, which says nothing;
    /// an empty list is a peer that takes none.
    pub fn recv_info(&self) -> Result<Option<Vec<InfoPackage>>, HeaderError> {
        self.values(HeaderName::RecvInfo, InfoPackage::parse)
    }

    /// Content-Disposition.
    pub fn content_disposition(&self) -> Result<Option<ContentDisposition>, HeaderError> {
        self.optional(HeaderName::ContentDisposition, ContentDisposition::parse)
    }
}

/// Routes.
impl Headers {
    /// Route, topmost first.
    pub fn routes(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.addresses(HeaderName::Route)
    }

    /// Record-Route, topmost first.
    pub fn record_routes(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.addresses(HeaderName::RecordRoute)
    }

    /// Path, topmost first (RFC 3327).
    pub fn path(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.addresses(HeaderName::Path)
    }

    /// Service-Route, topmost first (RFC 3608).
    pub fn service_route(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.addresses(HeaderName::ServiceRoute)
    }

    /// Flow-Timer: within so many seconds the flow's other end wants to hear something (RFC 5626).
    pub fn flow_timer(&self) -> Result<Option<u32>, HeaderError> {
        self.optional(HeaderName::FlowTimer, seconds_and_params)
    }
}

/// Who calls, and how the call came here.
impl Headers {
    /// P-Asserted-Identity (RFC 3325). Believe it only from a peer that is trusted (§9.1).
    pub fn asserted_identity(&self) -> Result<Option<AssertedIdentity>, HeaderError> {
        self.identity(HeaderName::PAssertedIdentity)
    }

    /// P-Preferred-Identity (RFC 3325).
    pub fn preferred_identity(&self) -> Result<Option<AssertedIdentity>, HeaderError> {
        self.identity(HeaderName::PPreferredIdentity)
    }

    fn identity(&self, name: HeaderName) -> Result<Option<AssertedIdentity>, HeaderError> {
        let addresses = self.addresses(name.clone())?;
        if addresses.is_empty() {
            return Ok(None);
        }
        let identity = AssertedIdentity::new(addresses).map(Some);
        identity.map_err(|what| HeaderError::Malformed(name, what))
    }

    /// Diversion, latest first (RFC 5806).
    pub fn diversions(&self) -> Result<Vec<Diversion>, HeaderError> {
        self.values(HeaderName::Diversion, Diversion::parse).map(Option::unwrap_or_default)
    }

    /// History-Info, oldest first (RFC 7044).
    pub fn history(&self) -> Result<Vec<HistoryInfo>, HeaderError> {
        self.values(HeaderName::HistoryInfo, HistoryInfo::parse).map(Option::unwrap_or_default)
    }

    /// The values of `name`: Alert-Info, Call-Info or Error-Info.
    pub fn info_uris(&self, name: HeaderName) -> Result<Vec<InfoUri>, HeaderError> {
        self.values(name, InfoUri::parse).map(Option::unwrap_or_default)
    }
}

/// Time, and what went wrong.
impl Headers {
    /// Date.
    pub fn date(&self) -> Result<Option<Date>, HeaderError> {
        self.optional(HeaderName::Date, Date::parse)
    }

    /// Timestamp.
    pub fn timestamp(&self) -> Result<Option<Timestamp>, HeaderError> {
        self.optional(HeaderName::Timestamp, Timestamp::parse)
    }

    /// Warnings.
    pub fn warnings(&self) -> Result<Vec<Warning>, HeaderError> {
        self.values(HeaderName::Warning, Warning::parse).map(Option::unwrap_or_default)
    }
}

impl Headers {
    /// The field `name`, which may be there once.
    fn optional<T>(
        &self,
        name: HeaderName,
        parse: impl FnOnce(&[u8]) -> Result<T, Malformed>,
    ) -> Result<Option<T>, HeaderError> {
        match self.one(&name) {
            Ok(value) => match parse(value.as_bytes()) {
                Ok(field) => Ok(Some(field)),
                Err(what) => Err(HeaderError::Malformed(name, what)),
            },
            Err(HeaderError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The comma-separated values of all fields `name`; `None` when there is no such field.
    fn values<T>(
        &self,
        name: HeaderName,
        parse: impl Fn(&[u8]) -> Result<T, Malformed>,
    ) -> Result<Option<Vec<T>>, HeaderError> {
        if !self.contains(&name) {
            return Ok(None);
        }
        let values: Result<_, _> = self.list(&name).map(|text| parse(text.as_bytes())).collect();
        values.map(Some).map_err(|what| HeaderError::Malformed(name, what))
    }
}

fn token(bytes: &[u8]) -> Result<Token, Malformed> {
    Token::from_bytes(bytes).ok_or(Malformed::Token)
}

/// Seconds; parameters that may follow are checked and dropped.
fn seconds_and_params(bytes: &[u8]) -> Result<u32, Malformed> {
    let (seconds, params) = value_and_params(bytes);
    Params::parse(params)?;
    delta_seconds(seconds)
}
