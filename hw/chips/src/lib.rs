//! Registers of the line chips: names, addresses and bits as their data sheets call them.
//!
//! What: one module per chip, constants only, and the data sheets' formulas where they are plain tables.
//! Why: the firmware drives a chip and the model imitates it; both must mean the same register by the same word, and
//! neither may be written from the other.
//! Start at [`si3210`] (one FXS line); [`si3050`] is the exchange-line chip.
//! What never enters: behaviour, state, a dependency.
#![no_std]
#![forbid(unsafe_code)]

pub mod si3050;
pub mod si3210;
