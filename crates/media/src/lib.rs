//! The 5 ms tick: terminations joined in contexts, jitter buffer, packetiser.
