//! The deterministic world: virtual clock, seeded network, simulated SIP peers, ladders.
