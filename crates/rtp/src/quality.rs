//! How good a call probably sounded: the E-model of ITU-T G.107, reduced to what a gateway can know.
//!
//! Only delay and packet loss vary; everything else keeps G.107's defaults (R = 93.2 for a perfect G.711 path).

/// The transmission rating R (0 to 93.2) of G.711 with concealment.
///
/// `delay_ms` is mouth to ear, one way; `lost` the fraction (0 to 1) of audio that was concealed.
pub fn rating(delay_ms: f32, lost: f32) -> f32 {
    // Cole and Rosenbluth's fit of G.107's Idd without echo.
    let delay = 0.024 * delay_ms + 0.11 * (delay_ms - 177.3).max(0.0);
    // G.107 §3.5: Ie,eff with Ie = 0 and, for G.711 with concealment, Bpl = 25.1 (G.113 appendix I).
    let percent = lost.clamp(0.0, 1.0) * 100.0;
    let loss = 95.0 * percent / (percent + 25.1);
    (93.2 - delay - loss).max(0.0)
}

/// The mean opinion score (1.0 to about 4.4) that listeners would give `rating` (G.107 annex B).
pub fn mos(rating: f32) -> f32 {
    let r = rating.clamp(0.0, 100.0);
    (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).clamp(1.0, 4.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_short_path_is_toll_quality_and_loss_or_delay_lowers_it() {
        let clean = mos(rating(50.0, 0.0));
        assert!((4.3..4.5).contains(&clean), "{clean}");
        assert!(mos(rating(50.0, 0.05)) < clean - 0.4);
        assert!(mos(rating(400.0, 0.0)) < clean - 0.5);
        assert!((mos(rating(1000.0, 1.0)) - 1.0).abs() < 1e-6);
    }
}
