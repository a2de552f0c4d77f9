//! The card's logic over a Board trait, no_std, sans-IO.
