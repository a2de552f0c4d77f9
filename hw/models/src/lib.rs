//! Software chips, two-wire loops and phone sets.
