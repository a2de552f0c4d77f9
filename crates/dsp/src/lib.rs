//! Telephone arithmetic on slices of samples.
//!
//! *What*:
//!
//! - codecs: G.711 in both laws and between them ([`g711`]), wide-band [`g722`], [`g726`];
//! - levels: meters, gain and mixing ([`level`]), gain control ([`agc`]), hum and DC ([`filter`]);
//! - what fills a line: [`comfort_noise`] and when to send it ([`voice_activity`]), concealment of lost packets
//!   ([`plc`]), sound made shorter or longer at its pitch ([`time_scale`]);
//! - the [`echo`] of a line, taken out;
//! - call-progress tones ([`tone`]), those of each country ([`tone_plan`]) and their detector ([`progress`], [`listener`]);
//! - digits: [`dtmf`] and [`mf`] (R1) both ways, dial pulses ([`pulse`]); the signals of fax machines and modems ([`fax`]);
//! - caller ID: its modem and its messages ([`fsk`], [`caller_id`]);
//! - other sample rates and clocks ([`resample`]), and the sound files that the tools read and write ([`wav`]).
//!
//! *Why here*: everything is a passive block. The caller owns the clock and the buffers and hands
//! over any number of samples at a time; no result depends on how the stream was cut into slices.
//! All audio is 8 kHz mono `i16` ([`SAMPLE_RATE`]), but for G.722's; positions count samples from the start of a
//! stream.
//!
//! *Where to start*: [`g711::decode`], then [`tone::Player`] and [`dtmf::Detector`].
//!
//! *What never enters*: packets, clocks, threads, locks, files. No process path allocates; only
//! [`wav`], [`tone_plan`], the message side of [`caller_id`] and what is made once do.

#![deny(unsafe_code)]

pub mod agc;
mod bank;
pub mod caller_id;
pub mod comfort_noise;
pub mod dtmf;
pub mod echo;
pub mod fax;
pub mod filter;
pub mod fsk;
pub mod g711;
pub mod g722;
pub mod g726;
pub mod level;
pub mod listener;
pub mod mf;
mod oscillator;
pub mod plc;
pub mod progress;
pub mod pulse;
pub mod resample;
mod simd;
pub mod time_scale;
pub mod tone;
pub mod tone_plan;
pub mod voice_activity;
pub mod wav;

/// Samples a second of everything in this crate.
pub const SAMPLE_RATE: u32 = 8000;

/// Samples in a millisecond.
pub const SAMPLES_PER_MS: u32 = SAMPLE_RATE / 1000;
