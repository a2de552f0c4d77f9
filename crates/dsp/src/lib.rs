//! Telephone arithmetic on slices of samples.
