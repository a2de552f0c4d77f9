//! From tables to a [`Config`]: each section in turn, names resolved as they are met.

use std::ops::Range;

use tipring_call::{Rule, RuleFrom, Target};
use tipring_core::Duration;
use tipring_gateway::config::{Algorithm, DtmfRelay, Reliability, Tail};
use tipring_line::country::{Country, Law};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::names::Names;
use super::problem::{Problem, closest};
use super::section::{Fault, Section};
use super::value::{self, Codec, PortKind, PortRange};
use super::*;

/// Tables that are written once, and tables that are written many times.
const SINGLE: [&str; 4] = ["gateway", "sip", "web", "cdr"];
const MANY: [&str; 7] = ["card", "line", "span", "user", "trunk", "group", "route"];

/// Realms that one trunk may be in: the stack answers no more for one request.
const MAX_REALMS: usize = 8;

/// More of one kind than any machine has.
const MAX_TABLES: usize = 4096;
/// Proxies of a trunk (RFC 5626 §4.2.1 wants two at least, and four at best).
const MAX_PROXIES: usize = 4;

/// Reads `text`; every problem in it otherwise.
pub(super) fn config(text: &str) -> Result<Config, Vec<Problem>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut problems: Vec<Problem> = errors
        .iter()
        .map(|error| Problem::new(error.span().unwrap_or(0..0), error.message()))
        .collect();
    let mut reader = Reader { root: root.get_ref(), names: Names::default(), problems: Vec::new() };
    let config = reader.config();
    // A syntax error makes tables up; what is said about those would mislead.
    if problems.is_empty() {
        problems = reader.problems;
        problems.append(&mut reader.names.problems);
    }
    match config {
        Some(config) if problems.is_empty() => Ok(config),
        _ => Err(problems),
    }
}

struct Reader<'a> {
    root: &'a DeTable<'a>,
    names: Names,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// `None` when a table is beyond use; then there is a problem.
    fn config(&mut self) -> Option<Config> {
        self.unknown_tables();
        let gateway = self.gateway();
        let sip = self.sip(gateway.country);
        let web = self.web();
        let cdr = self.cdr();
        let cards = self.each("card", "[[card]]", Self::card);
        let country = gateway.country;
        let lines = self.each("line", "[[line]]", |this, table| this.line(table, country));
        let spans = self.each("span", "[[span]]", Self::span);
        let users = self.each("user", "[[user]]", Self::user);
        let trunks = self.each("trunk", "[[trunk]]", Self::trunk);
        let groups = self.each("group", "[[group]]", Self::group);
        let mut routes = self.each("route", "[[route]]", Self::route)?;
        for (at, route) in routes.iter_mut().enumerate() {
            if route.label.is_empty() {
                route.label = (at + 1).to_string();
            }
        }
        let mut config = Config {
            gateway,
            sip,
            web,
            cdr,
            cards: cards?,
            lines: lines?,
            spans: spans?,
            users: users?,
            trunks: trunks?,
            groups: groups?,
            routes,
            notes: Vec::new(),
        };
        config.notes = self.notes(&config);
        Some(config)
    }

    fn unknown_tables(&mut self) {
        let known = || SINGLE.into_iter().chain(MANY);
        for (key, value) in self.root {
            let name = key.get_ref().as_ref();
            let many = MANY.contains(&name);
            if !known().any(|table| table == name) {
                let problem = Problem::new(key.span(), format!("there is no section `{name}`"));
                let hint = match closest(name, known()) {
                    Some(meant) if MANY.contains(&meant) => format!("did you mean `[[{meant}]]`?"),
                    Some(meant) => format!("did you mean `[{meant}]`?"),
                    None => format!("there are {}", known().collect::<Vec<_>>().join(", ")),
                };
                self.problems.push(problem.hint(hint));
            } else if !many && !value.get_ref().is_table() {
                let problem = Problem::new(key.span(), format!("`{name}` is a section"));
                self.problems.push(problem.hint(format!("write it as `[{name}]`")));
            } else if many && !is_tables(value.get_ref()) {
                let problem = Problem::new(key.span(), format!("`{name}` can occur many times"));
                self.problems.push(problem.hint(format!("write it as `[[{name}]]`")));
            }
        }
    }

    fn single(&mut self, name: &str, place: &'static str) -> Section<'_> {
        let value = self.root.get(name);
        let span = value.map_or(0..0, Spanned::span);
        let table = value.and_then(|value| value.get_ref().as_table());
        Section::new(place, span, table, &mut self.problems)
    }

    /// Reads every `[[name]]`; `None` when one of them is beyond use.
    fn each<T>(
        &mut self,
        name: &str,
        place: &'static str,
        mut read: impl FnMut(&mut Self, Table<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let root = self.root;
        let Some(value) = root.get(name) else { return Some(Vec::new()) };
        let items = value.get_ref().as_array()?;
        if items.len() > MAX_TABLES {
            let message = format!("there are more than {MAX_TABLES} {place}");
            self.problems.push(Problem::new(value.span(), message));
            return None;
        }
        let read_all: Vec<Option<T>> = items
            .iter()
            .filter_map(|item| {
                Some(Table { place, span: item.span(), table: item.get_ref().as_table()? })
            })
            .map(|table| read(self, table))
            .collect();
        read_all.into_iter().collect()
    }

    fn section(&mut self, table: &Table<'a>) -> Section<'_> {
        Section::new(table.place, table.span.clone(), Some(table.table), &mut self.problems)
    }

    fn gateway(&mut self) -> Gateway {
        let mut s = self.single("gateway", "[gateway]");
        let seconds = |n: u32| Duration::from_secs(n.into());
        let us = Country::find("us").expect("the table has it");
        let gateway = Gateway {
            country: s.parsed("country", value::country).map_or(us, Spanned::into_inner),
            first_digit: seconds(s.number("first_digit_seconds", 1..=120, 16)),
            next_digit: seconds(s.number("next_digit_seconds", 1..=60, 8)),
            after_match: seconds(s.number("matched_digit_seconds", 1..=60, 3)),
            no_answer: seconds(s.number("no_answer_seconds", 5..=600, 120)),
            hunt: seconds(s.number("hunt_seconds", 5..=600, 20)),
            release_tone: seconds(s.number("release_tone_seconds", 1..=600, 30)),
            howler: seconds(s.number("howler_seconds", 1..=3600, 60)),
            drain: seconds(s.number("drain_seconds", 0..=86_400, 30)),
        };
        s.finish();
        gateway
    }

    fn sip(&mut self, country: &Country) -> Sip {
        let mut s = self.single("sip", "[sip]");
        let loopback = SocketAddr::from(([127, 0, 0, 1], 5060));
        let default_listen = Listen { transport: Transport::Udp, address: loopback };
        let codecs = match country.law {
            Law::Mu => vec![Codec::Ulaw, Codec::Alaw],
            Law::A => vec![Codec::Alaw, Codec::Ulaw],
        };
        let listen = s.list("listen", value::listen);
        let listen = listen.unwrap_or_else(|| vec![Spanned::new(0..0, default_listen)]);
        s.section("tls");
        let mut sip = Sip {
            listen: listen.iter().map(|listen| *listen.get_ref()).collect(),
            tls: TlsFiles::default(),
            advertise: advertise(&mut s),
            domain: s.parsed("domain", value::domain).map(Spanned::into_inner),
            rtp_ports: s
                .parsed("rtp_ports", value::port_range)
                .map_or(PortRange { first: 20_000, last: 20_999 }, Spanned::into_inner),
            codecs: list(&mut s, "codecs", value::codec, codecs),
            ptime_ms: ptime(&mut s),
            session_expires_s: session_expires(&mut s),
            min_se_s: s.number("min_se_seconds", 90..=86_400, 90),
            reliable: s
                .parsed("reliable", value::reliable)
                .map_or(Reliability::Supported, Spanned::into_inner),
            ws_origins: list(&mut s, "ws_origins", value::origin, Vec::new()),
            max_connections: s.number("max_connections", 1..=100_000, 512) as usize,
            max_connections_per_address: s.number("max_connections_per_address", 1..=100_000, 64)
                as usize,
            min_expires: Duration::from_secs(
                s.number("min_expires_seconds", 1..=86_400, 60).into(),
            ),
            max_expires: Duration::from_secs(
                s.number("max_expires_seconds", 60..=604_800, 3600).into(),
            ),
            dns: list(&mut s, "dns", value::name_server, Vec::new()),
            digest: list(&mut s, "digest", value::digest, vec![Algorithm::Md5]),
        };
        if sip.min_expires > sip.max_expires {
            let message = "`min_expires_seconds` is greater than `max_expires_seconds`";
            s.problem(Problem::new(s.span_of("min_expires_seconds"), message));
        }
        if sip.session_expires_s.is_some_and(|expires| expires < sip.min_se_s) {
            let message = "`session_expires_seconds` is less than `min_se_seconds`";
            s.problem(Problem::new(s.span_of("session_expires_seconds"), message));
        }
        s.finish();
        sip.tls = self.tls();
        self.problems.extend(tls::without_certificate(&listen, &sip.tls));
        sip
    }

    fn tls(&mut self) -> TlsFiles {
        let sip = self.root.get("sip").and_then(|value| value.get_ref().as_table());
        let value = sip.and_then(|sip| sip.get("tls"));
        let span = value.map_or(0..0, Spanned::span);
        let table = value.and_then(|value| value.get_ref().as_table());
        tls::tls(Section::new("[sip.tls]", span, table, &mut self.problems))
    }

    fn web(&mut self) -> Option<SocketAddr> {
        let mut s = self.single("web", "[web]");
        let default = Some(SocketAddr::from(([127, 0, 0, 1], 8080)));
        let listen = s.parsed("listen", value::web_listen).map_or(default, Spanned::into_inner);
        s.finish();
        listen
    }

    fn cdr(&mut self) -> Option<PathBuf> {
        let mut s = self.single("cdr", "[cdr]");
        let path = s.parsed("path", value::optional_path);
        s.finish();
        path.map_or(Some(PathBuf::from("cdr.jsonl")), Spanned::into_inner)
    }

    fn card(&mut self, table: Table<'a>) -> Option<Card> {
        let mut s = self.section(&table);
        let name = s.parsed("name", value::name);
        let name = s.required("name", "\"desk\"", name);
        let device = s.parsed("device", value::device);
        let device = s.required("device", "\"/dev/ttyACM0\"", device).map(Spanned::into_inner);
        s.finish();
        let name = name?;
        self.names.card(&name, device.clone())?;
        Some(Card { name: name.into_inner(), device: device? })
    }

    fn line(&mut self, table: Table<'a>, country: &'static Country) -> Option<Line> {
        let mut s = self.section(&table);
        let name = s.parsed("name", value::name);
        let name = s.required("name", "\"kitchen\"", name);
        let (card, port) = card_and_port(&mut s);
        let number = s.parsed("number", value::number);
        let caller_name = s.parsed("caller_name", value::caller_name).map(Spanned::into_inner);
        let flash = s.parsed("flash", |text| choice(text, &[("hold", false), ("info", true)]));
        let relay_flash = flash.is_some_and(Spanned::into_inner);
        let hotline = s.parsed("hotline", value::number).map(Spanned::into_inner);
        let warmline = s.optional_number("warmline_seconds", 1..=60);
        let caller_id = s.flag("caller_id", true);
        let echo = s.optional_number("echo_canceller_ms", 0..=128).map(Spanned::into_inner);
        let country = s.parsed("country", value::country).map_or(country, Spanned::into_inner);
        if let (None, Some(warmline)) = (&hotline, &warmline) {
            let message = "`warmline_seconds` without `hotline` has nobody to call";
            s.problem(Problem::new(warmline.span(), message).hint("add `hotline = \"101\"`"));
        }
        s.finish();
        let name = name.and_then(|name| self.names.place(name, Target::Line));
        if let (Some(number), Some(name)) = (&number, &name) {
            self.names.number(number, &format!("line {name:?}"));
        }
        let at =
            self.names.port(card, port, name.as_deref(), "line", [PortKind::Fxs, PortKind::Fxo]);
        let (card, port) = at?;
        Some(Line {
            name: name?,
            card,
            port,
            number: number.map(Spanned::into_inner),
            caller_name,
            relay_flash,
            hotline,
            warmline: warmline.map(|n| Duration::from_secs(n.into_inner().into())),
            caller_id,
            echo: echo.and_then(Tail::covering),
            country,
        })
    }

    fn span(&mut self, table: Table<'a>) -> Option<Span> {
        let mut s = self.section(&table);
        let name = s.parsed("name", value::name);
        let name = s.required("name", "\"isdn1\"", name);
        let (card, port) = card_and_port(&mut s);
        let side = s.parsed("side", |text| {
            choice(text, &[("network", Side::Network), ("user", Side::User)])
        });
        let switch = s.parsed("switch", |text| {
            let known =
                [("euroisdn", Switch::EuroIsdn), ("ni2", Switch::Ni2), ("qsig", Switch::Qsig)];
            choice(text, &known)
        });
        let mode =
            s.parsed("mode", |text| choice(text, &[("ptmp", Mode::Ptmp), ("ptp", Mode::Ptp)]));
        s.finish();
        let name = name.and_then(|name| self.names.place(name, Target::Span));
        let at =
            self.names.port(card, port, name.as_deref(), "span", [PortKind::Bri, PortKind::Pri]);
        let (card, port) = at?;
        let is_pri = self.names.kind(card, port) == Some(PortKind::Pri);
        if let Some(mode) = mode.as_ref().filter(|mode| is_pri && *mode.get_ref() == Mode::Ptmp) {
            let message = "a primary rate interface has one terminal only";
            self.problems.push(Problem::new(mode.span(), message).hint("mode = \"ptp\""));
        }
        let default_mode = if is_pri { Mode::Ptp } else { Mode::Ptmp };
        Some(Span {
            name: name?,
            card,
            port,
            side: side.map_or(Side::Network, Spanned::into_inner),
            switch: switch.map_or(Switch::EuroIsdn, Spanned::into_inner),
            mode: mode.map_or(default_mode, Spanned::into_inner),
        })
    }

    fn user(&mut self, table: Table<'a>) -> Option<User> {
        let mut s = self.section(&table);
        let name = s.parsed("name", |text| value::name(text).and_then(|name| value::number(&name)));
        let name = s.required("name", "\"alice\"", name);
        let secrets = [
            s.parsed("password", value::password),
            s.parsed("ha1", |text| value::hex(text, 32).map(UserSecret::Ha1)),
            s.parsed("ha1_sha256", |text| value::hex(text, 64).map(UserSecret::Ha1Sha256)),
        ];
        let dtmf = s.parsed("dtmf", dtmf_relay).map_or(DtmfRelay::Rtp, Spanned::into_inner);
        let given = ["password", "ha1", "ha1_sha256"].into_iter().filter(|key| s.has(key)).count();
        if given == 0 {
            s.required("password", "\"…\"", None::<()>);
        } else if given > 1 {
            let message = "one of `password`, `ha1` and `ha1_sha256` is enough";
            s.problem(Problem::new(table.span.clone(), message).hint("take the others out"));
        }
        s.finish();
        let name = name?;
        self.names.user(&name);
        let secret = secrets.into_iter().flatten().next()?;
        Some(User { name: name.into_inner(), secret: secret.into_inner(), dtmf })
    }

    fn trunk(&mut self, table: Table<'a>) -> Option<Trunk> {
        let mut s = self.section(&table);
        let name = s.parsed("name", value::name);
        let name = s.required("name", "\"provider\"", name);
        let uri = s.parsed("uri", value::trunk_uri);
        let uri = s.required("uri", "\"sip:sip.example.net\"", uri).map(Spanned::into_inner);
        let proxies = s.list("proxy", value::trunk_uri).unwrap_or_default();
        let register = s.flag("register", false);
        let outbound = s.flag("outbound", true);
        let keep_alive = s.number("keep_alive_seconds", 0..=3600, 0);
        let keep_alive = (keep_alive > 0).then(|| Duration::from_secs(keep_alive.into()));
        let username = s.text("username").map(Spanned::into_inner);
        let trusted = s.flag("trusted", false);
        let dtmf = s.parsed("dtmf", dtmf_relay).map_or(DtmfRelay::Rtp, Spanned::into_inner);
        let realms = s.list("realm", value::realm).unwrap_or_default();
        if let Some(one_too_many) = realms.get(MAX_REALMS) {
            let message = format!("a trunk has {MAX_REALMS} realms at most");
            s.problem(Problem::new(one_too_many.span(), message));
        }
        let password = s.text("password").map(Spanned::into_inner);
        if register {
            s.required("username", "\"…\"", username.as_ref());
        }
        if proxies.len() > if register { MAX_PROXIES } else { 1 } {
            let span = proxies[0].span().start..proxies[proxies.len() - 1].span().end;
            let message =
                format!("up to {MAX_PROXIES} proxies serve a trunk that registers, else one");
            s.problem(Problem::new(span, message).hint("take the others out"));
        }
        s.finish();
        let name = name.and_then(|name| self.names.place(name, Target::Trunk));
        let (name, uri) = (name?, uri?);
        Some(Trunk {
            name,
            uri,
            proxies: proxies.into_iter().map(Spanned::into_inner).collect(),
            register,
            outbound,
            keep_alive,
            username,
            password,
            realms: realms.into_iter().map(Spanned::into_inner).collect(),
            trusted,
            dtmf,
        })
    }

    fn group(&mut self, table: Table<'a>) -> Option<Group> {
        let mut s = self.section(&table);
        let name = s.parsed("name", value::name);
        let name = s.required("name", "\"desks\"", name);
        let lines = s.list("lines", |text| Ok(text.to_owned()));
        let lines = s.required("lines", "[\"kitchen\", \"office\"]", lines);
        s.finish();
        // Lines first: a group cannot hold itself.
        let lines: Option<Vec<String>> = lines?.iter().map(|line| self.names.line(line)).collect();
        let name = name.and_then(|name| self.names.place(name, Target::Group));
        Some(Group { name: name?, lines: lines? })
    }

    fn route(&mut self, table: Table<'a>) -> Option<Rule> {
        let mut s = self.section(&table);
        let label = s.parsed("name", value::name).map(Spanned::into_inner);
        let from = s.text("from");
        let pattern = s.parsed("match", value::pattern);
        let pattern = s.required("match", "\"9XX.\"", pattern).map(Spanned::into_inner);
        let to = s.text("to");
        let to = s.required("to", "\"provider\"", to);
        let strip = s.number("strip", 0..=64, 0);
        let prefix =
            s.parsed("prefix", value::prefix).map_or_else(String::new, Spanned::into_inner);
        s.finish();
        let from = match from {
            Some(from) => self.names.route_from(&from),
            None => Some(RuleFrom::Any),
        };
        let to = to.and_then(|to| self.names.route_to(&to));
        Some(Rule {
            label: label.unwrap_or_default(),
            from: from?,
            pattern: pattern?,
            to: to?,
            strip: strip as usize,
            prefix,
        })
    }

    fn notes(&self, config: &Config) -> Vec<String> {
        let mut sentences: Vec<String> = config
            .spans
            .iter()
            .map(|span| format!("span {:?} is not in service: ISDN is not served yet", span.name))
            .collect();
        for card in &config.cards {
            if let Device::Virtual(CardSpec { fxo, bri, pri, .. }) = card.device
                && (fxo, bri, pri) != (0, 0, 0)
            {
                let name = &card.name;
                sentences.push(format!("card {name:?} simulates its fxs ports only, as yet"));
            }
        }
        for line in &config.lines {
            if config.port_kind(line.card, line.port) == Some(PortKind::Fxo) {
                let name = &line.name;
                sentences.push(format!("line {name:?} is not in service: FXO is not served yet"));
            }
        }
        for trunk in &config.trunks {
            if trunk.password.is_some() && trunk.realms.is_empty() && !trunk.register {
                let name = &trunk.name;
                sentences.push(format!(
                    "trunk {name:?} never uses its password: give `realm`, as the trunk's challenges name it, or `register`"
                ));
            }
        }
        if self.root.contains_key("web") && config.web.is_some() {
            sentences.push("the web page is not in service yet".to_owned());
        }
        sentences
    }
}

/// One `[[…]]`.
struct Table<'a> {
    place: &'static str,
    span: Range<usize>,
    table: &'a DeTable<'a>,
}

fn is_tables(value: &DeValue<'_>) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(|item| item.get_ref().is_table()))
}

fn card_and_port(s: &mut Section<'_>) -> (Option<Spanned<String>>, Option<Spanned<u32>>) {
    let card = s.text("card");
    let card = s.required("card", "\"desk\"", card);
    let port = s.optional_number("port", 1..=128);
    (card, s.required("port", "1", port))
}

fn list<T>(
    s: &mut Section<'_>,
    key: &'static str,
    parse: impl Fn(&str) -> Result<T, Fault>,
    default: Vec<T>,
) -> Vec<T> {
    match s.list(key, parse) {
        Some(list) => list.into_iter().map(Spanned::into_inner).collect(),
        None => default,
    }
}

fn session_expires(s: &mut Section<'_>) -> Option<u32> {
    let Some(seconds) = s.optional_number("session_expires_seconds", 0..=86_400) else {
        return Some(1800);
    };
    match *seconds.get_ref() {
        0 => None,
        // RFC 4028 §5.
        few @ 1..90 => {
            let problem = Problem::new(
                seconds.span(),
                format!("{few} s is too short to refresh a session in"),
            );
            s.problem(problem.hint("90 or more; 0 switches session timers off"));
            None
        }
        seconds => Some(seconds),
    }
}

/// One address of a family.
fn advertise(s: &mut Section<'_>) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in s.list("advertise", value::ip).unwrap_or_default() {
        let ip = *address.get_ref();
        if addresses.iter().any(|other| other.is_ipv4() == ip.is_ipv4()) {
            let family = if ip.is_ipv4() { "IPv4" } else { "IPv6" };
            let message = format!("{ip} is a second {family} address to advertise");
            s.problem(Problem::new(address.span(), message).hint("one of IPv4 and one of IPv6"));
        } else {
            addresses.push(ip);
        }
    }
    addresses
}

fn ptime(s: &mut Section<'_>) -> u8 {
    let Some(ms) = s.optional_number("ptime_ms", 10..=60) else { return 20 };
    match ms.get_ref() {
        10 | 20 | 30 | 40 | 60 => u8::try_from(ms.into_inner()).unwrap_or(20),
        other => {
            let problem = Problem::new(ms.span(), format!("packets of {other} ms are not usual"));
            s.problem(problem.hint("10, 20, 30, 40 or 60"));
            20
        }
    }
}

fn dtmf_relay(text: &str) -> Result<DtmfRelay, Fault> {
    choice(text, &[("rtp", DtmfRelay::Rtp), ("info", DtmfRelay::Info)])
}

fn choice<T: Copy>(text: &str, known: &[(&str, T)]) -> Result<T, Fault> {
    let names = || known.iter().map(|(name, _)| *name);
    known
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(text))
        .map(|(_, value)| *value)
        .ok_or_else(|| {
            let hint = match closest(text, names()) {
                Some(meant) => format!("did you mean {meant:?}?"),
                None => format!("one of {}", names().collect::<Vec<_>>().join(", ")),
            };
            Fault::new("is not known here", hint)
        })
}
