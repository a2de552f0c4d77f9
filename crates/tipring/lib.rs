//! The program `tipring`: command line, configuration file, demo, tools.
//!
//! What: [`cli`] reads the command line and calls one function of [`command`]; [`config`] reads the file; [`tool`]
//! puts the signal arithmetic to files. Why: what a person or a script touches is in one place, and nothing that
//! decides about a call is here.
//! Start at [`cli::main`].
//! What never enters: protocols, media, a decision about a call.
#![forbid(unsafe_code)]

pub mod cli;
pub mod command;
pub mod config;
pub mod control;
#[allow(clippy::disallowed_methods)] // It lives in real time.
mod demo;
pub mod log;
mod signals;
pub mod style;
pub mod tool;
