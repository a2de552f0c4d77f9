//! The deterministic world: virtual clock, seeded network, simulated SIP peers, cards with phones.
//!
//! What: [`World`] owns the real `Gateway`, the real media `Engine`, for each card the real `Link`
//! and a `VirtualCard` that runs the real firmware, a [`Net`] and [`Agent`]s; it moves bytes,
//! blocks and time between them. Why: a call of a minute is tested in a second, the same seed gives
//! the same call, and what a person would notice at the phone can be asserted. Start at [`Site`],
//! which says what there is, then [`World::new`] and [`World::run_for`]. What never enters: a real
//! clock, a thread, a socket, tokio, `tipring-sip`.
#![forbid(unsafe_code)]

pub mod agent;
mod card;
mod clockwork;
pub mod diary;
pub mod dns;
pub mod net;
mod people;
mod rtp_sockets;
mod site;
pub mod sound;
mod streams;
mod world;

pub use agent::{Account, Agent, Alg, Answering, Phase, Proxy, Text};
pub use diary::Diary;
pub use dns::{Dns, Mood};
pub use net::{Net, Parcel, Weather};
pub use people::{Here, Phone};
pub use site::{GATEWAY, Site};
pub use sound::{Alignment, Sound};
pub use tipring_call::{Cdr, EndedBy};
pub use tipring_core::{Duration, Instant};
pub use tipring_gateway::config::{Hotline, Transport};
pub use tipring_virtual_card::{CallerId, CallerIdStandard, Dialling, PhoneEvent, ToneName};
pub use world::World;
