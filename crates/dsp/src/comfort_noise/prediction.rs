//! Linear prediction: between correlations, reflection coefficients and predictors. The prediction error filter is
//! A(z) = 1 + a1 z^-1 + a2 z^-2 …; a1 of order one is the first reflection coefficient.

use super::MAX_ORDER;

/// Quantised reflection coefficients of a signal by its autocorrelation: Levinson's and Durbin's recursion, in which each
/// coefficient is the best one after those before it as they were quantised.
pub(super) fn reflections(
    correlation: &[f64; MAX_ORDER + 1],
    quantised: impl Fn(f64) -> f64,
) -> [f64; MAX_ORDER] {
    let mut reflections = [0.0; MAX_ORDER];
    let mut filter = [0.0; MAX_ORDER + 1];
    filter[0] = 1.0;
    for order in 0..MAX_ORDER {
        // Power of the error of predicting forwards, and its correlation with that of predicting backwards.
        let (mut power, mut common) = (0.0, 0.0);
        for (i, a) in filter[..=order].iter().enumerate() {
            for (j, b) in filter[..=order].iter().enumerate() {
                power += a * b * correlation[i.abs_diff(j)];
                common += a * b * correlation[i.abs_diff(order + 1 - j)];
            }
        }
        if power <= 0.0 {
            break;
        }
        let reflection = quantised(-common / power);
        reflections[order] = reflection;
        let before = filter;
        for i in 0..=order {
            filter[order + 1 - i] += reflection * before[i];
        }
    }
    reflections
}

/// The predictor of reflection coefficients.
pub(super) fn predictor(reflections: &[f64; MAX_ORDER]) -> [f64; MAX_ORDER] {
    let mut predictor = [0.0; MAX_ORDER];
    for (order, k) in reflections.iter().enumerate() {
        let before = predictor;
        for i in 0..order {
            predictor[i] += k * before[order - 1 - i];
        }
        predictor[order] = *k;
    }
    predictor
}
