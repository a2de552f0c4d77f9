//! A port on a test bench: time, a numbering plan, and what the person hears.

use tipring_core::{Cause, Duration, Instant};
use tipring_line::{
    CallRequest, Caller, CardAction, CardInput, Country, Digit, FxsConfig, FxsPort, MediaInput,
    Output, PortEvent, StateName, ToneName, Verdict,
};

pub struct Bench {
    pub port: FxsPort,
    pub now: Instant,
    /// What the telephone hears of the exchange.
    pub tone: Option<ToneName>,
    /// The port's events, but the questions about numbers.
    pub events: Vec<PortEvent>,
    pub card: Vec<CardAction>,
    pub caller_id: Vec<Caller>,
    /// A caller-ID burst is on the line.
    pub burst: bool,
    pub listening: bool,
}

/// The numbers of the bench: 101, 1015 and 9 with seven digits; `*72#`; 20, 200, 201.
pub fn plan(digits: &str) -> Verdict {
    let known = ["101", "1015", "*72#", "20", "200", "201"];
    let seven = digits.starts_with('9') && digits.bytes().all(|b| b.is_ascii_digit());
    let longer = known.iter().any(|n| n.starts_with(digits) && n.len() > digits.len())
        || (seven && digits.len() < 8);
    match (known.contains(&digits) || (seven && digits.len() == 8), longer) {
        (true, true) => Verdict::Match,
        (true, false) => Verdict::Complete,
        (false, true) => Verdict::NeedMore,
        (false, false) => Verdict::Impossible,
    }
}

impl Bench {
    pub fn new(country: &str) -> Self {
        Self::with(|_| {}, country)
    }

    pub fn with(change: impl FnOnce(&mut FxsConfig), country: &str) -> Self {
        let mut config = FxsConfig::new(Country::find(country).expect("a known country"));
        change(&mut config);
        let mut bench = Self {
            port: FxsPort::new(config),
            now: Instant::from_millis(1000),
            tone: None,
            events: Vec::new(),
            card: Vec::new(),
            caller_id: Vec::new(),
            burst: false,
            listening: false,
        };
        bench.card(CardInput::InService);
        bench.events.clear();
        bench.card.clear();
        bench
    }

    pub fn card(&mut self, input: CardInput) {
        self.port.handle_card(self.now, input);
        self.drain();
    }

    pub fn media(&mut self, input: MediaInput) {
        self.port.handle_media(self.now, input);
        self.drain();
    }

    pub fn call(&mut self, request: CallRequest) {
        self.port.handle_call(self.now, request);
        self.drain();
    }

    pub fn lift(&mut self) {
        self.card(CardInput::Hook { off: true });
    }

    pub fn put_down(&mut self) {
        self.card(CardInput::Hook { off: false });
    }

    pub fn released(&mut self, cause: Cause) {
        self.call(CallRequest::Released { cause });
    }

    /// Presses keys for 60 ms each, 60 ms apart.
    pub fn press(&mut self, keys: &str) {
        for digit in keys.chars().map(|key| Digit::new(key).expect("a key")) {
            self.media(MediaInput::DigitBegan(digit));
            self.wait_ms(60);
            self.media(MediaInput::DigitEnded { digit, ms: 60 });
            self.wait_ms(60);
        }
    }

    pub fn turn_dial(&mut self, digits: &str) {
        for digit in digits.chars().map(|key| Digit::new(key).expect("a digit")) {
            self.wait_ms(1200);
            self.card(CardInput::PulseDigit(digit));
        }
    }

    pub fn wait_ms(&mut self, ms: u64) {
        let end = self.now + Duration::from_millis(ms);
        while let Some(at) = self.port.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.port.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    pub fn take_events(&mut self) -> Vec<PortEvent> {
        std::mem::take(&mut self.events)
    }

    pub fn dialled(&self) -> Option<&str> {
        self.events.iter().find_map(|event| match event {
            PortEvent::Dialled { number } => Some(number.as_str()),
            _ => None,
        })
    }

    pub fn state(&self) -> StateName {
        self.port.state()
    }

    /// Lifted, dialled 101 (by hotline-free plan: 3 s after the match), in a call.
    pub fn in_call(country: &str) -> Self {
        let mut bench = Self::new(country);
        bench.lift();
        bench.press("200");
        bench.call(CallRequest::Answered);
        assert_eq!(bench.state(), StateName::Talking);
        bench.events.clear();
        bench.card.clear();
        bench
    }

    fn drain(&mut self) {
        while let Some(output) = self.port.poll_output() {
            match output {
                Output::Card(action) => self.card.push(action),
                Output::PlayTone(tone) => self.tone = Some(tone),
                Output::StopTone => (self.tone, self.burst) = (None, false),
                Output::DetectDigits(on) => self.listening = on,
                Output::SendCallerId { caller, .. } => {
                    self.caller_id.push(caller);
                    self.burst = true;
                }
                Output::Event(PortEvent::CheckNumber { digits }) => {
                    let verdict = plan(&digits);
                    self.port.handle_verdict(self.now, &digits, verdict);
                }
                Output::Event(event) => self.events.push(event),
            }
        }
    }
}
