//! Neutral call control: two legs, routing, timers, CDR.
