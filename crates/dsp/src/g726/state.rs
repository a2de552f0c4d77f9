//! Adaptive quantiser and predictor (G.726 §4.2). Blocks of the Recommendation are named where they are done; numbers
//! have its widths and wrap as its do.

use super::Rate;

/// What encoder and decoder both remember.
#[derive(Clone, Debug)]
pub(super) struct State {
    tables: &'static Tables,
    /// Fast scale factor, 9 bits of fraction (YU).
    fast_scale: i32,
    /// Slow scale factor, 15 bits of fraction (YL).
    slow_scale: i32,
    /// Averages of F(I), short and long (DMS, DML).
    averages: [i32; 2],
    /// Speed control (AP).
    speed: i32,
    /// Whether the signal is a partial band signal, as a modem's (TD).
    tone: bool,
    /// Coefficients of the second order predictor (A1, A2).
    poles: [i16; 2],
    /// Coefficients of the sixth order predictor (B1 to B6).
    zeros: [i16; 6],
    /// The last quantised differences, newest first (DQ1 to DQ6).
    differences: Floats<6>,
    /// The last reconstructed samples, newest first (SR1, SR2).
    reconstructed: Floats<2>,
    /// Signs of the last partially reconstructed samples, newest first (PK1, PK2).
    negative: [bool; 2],
}

/// What is predicted for a sample before its code is known.
#[derive(Clone, Copy)]
struct Prediction {
    /// Of the sample (SE).
    estimate: i16,
    /// The part that the zeros made (SEZ).
    from_zeros: i16,
    /// The quantiser's scale factor (Y).
    scale: i32,
}

/// A decoded sample and what it was quantised with.
pub(super) struct Decoded {
    /// 14 bits and some above (SR).
    pub(super) reconstructed: i16,
    /// The code in the order of the values that codes stand for.
    pub(super) rank: u8,
    prediction: Prediction,
    tables: &'static Tables,
}

impl Decoded {
    /// Rank of the code that this sample of 16 bits would get from this state.
    pub(super) fn requantise(&self, sample: i16) -> u8 {
        self.tables.rank(self.tables.quantise(self.prediction, sample))
    }
}

impl State {
    pub(super) const fn new(rate: Rate) -> State {
        State {
            tables: Tables::of(rate),
            fast_scale: 544,
            slow_scale: 34_816,
            averages: [0; 2],
            speed: 0,
            tone: false,
            poles: [0; 2],
            zeros: [0; 6],
            differences: Floats::ZERO,
            reconstructed: Floats::ZERO,
            negative: [false; 2],
        }
    }

    /// The code of a sample of 16 bits, of which the upper 14 count.
    #[inline(always)]
    pub(super) fn encode(&mut self, sample: i16) -> u8 {
        let prediction = self.predict();
        let code = self.tables.quantise(prediction, sample);
        self.adapt(prediction, code);
        code
    }

    #[inline(always)]
    pub(super) fn decode(&mut self, code: u8) -> Decoded {
        let (tables, prediction) = (self.tables, self.predict());
        let code = code & tables.mask;
        let reconstructed = self.adapt(prediction, code);
        Decoded { reconstructed, rank: tables.rank(code), prediction, tables }
    }

    #[inline(always)]
    fn predict(&self) -> Prediction {
        // ACCUM.
        let from_zeros = self.differences.filter(&self.zeros);
        let all = from_zeros.wrapping_add(self.reconstructed.filter(&self.poles));
        // LIMA, MIX.
        let weight = (self.speed >> 2).min(64);
        let slow = self.slow_scale >> 6;
        let scale = slow + (self.fast_scale - slow) * weight / 64;
        Prediction { estimate: all >> 1, from_zeros: from_zeros >> 1, scale }
    }

    /// Takes the code that was sent; gives the sample that the decoder makes of it.
    #[inline(always)]
    fn adapt(&mut self, prediction: Prediction, code: u8) -> i16 {
        let (tables, scale) = (self.tables, prediction.scale);
        let entry = &tables.codes[usize::from(code)];
        let negative = code & tables.sign != 0;
        // RECONST, ADDA, ANTILOG.
        let log = entry.log + (scale >> 2);
        let magnitude = match log {
            0.. => ((128 + (log & 127)) << 7) >> (14 - (log >> 7)).max(0),
            _ => 0,
        };
        let difference = if negative { -magnitude } else { magnitude } as i16;
        // TRANS, with the scale factor before it moves.
        let (whole, part) = (self.slow_scale >> 15, (self.slow_scale >> 10) & 31);
        let threshold = if whole > 9 { 31 << 10 } else { (32 + part) << whole };
        let transition = self.tone && magnitude > (threshold + (threshold >> 1)) >> 1;
        // FILTD, LIMB, FILTE.
        self.fast_scale = (scale + ((entry.scale - scale) >> 5)).clamp(544, 5120);
        self.slow_scale += self.fast_scale + (-self.slow_scale >> 6);
        // ADDB, ADDC.
        let reconstructed = prediction.estimate.wrapping_add(difference);
        let partial = prediction.from_zeros.wrapping_add(difference);
        self.adapt_poles(partial);
        self.adapt_zeros(negative, magnitude);
        // TONE, TRIGB.
        self.tone = !transition && self.poles[1] < -11_776;
        if transition {
            self.poles = [0; 2];
            self.zeros = [0; 6];
        }
        self.adapt_speed(entry.speed, scale, transition);
        // FLOATA, FLOATB, DELAY.
        self.differences.push(negative, magnitude);
        let magnitude = i32::from(reconstructed.wrapping_abs()) & 0x7FFF;
        self.reconstructed.push(reconstructed < 0, magnitude);
        self.negative = [partial < 0, self.negative[0]];
        reconstructed
    }

    #[inline(always)]
    fn adapt_poles(&mut self, partial: i16) {
        let negative = partial < 0;
        let unlike = [self.negative[0] != negative, self.negative[1] != negative];
        let (one, two) = (i32::from(self.poles[0]), i32::from(self.poles[1]));
        let still = partial == 0;
        // UPA2, LIMC.
        let limited = one.clamp(-8191, 8191);
        let by = if unlike[0] { limited } else { -limited } >> 5;
        let by = by + if unlike[1] { -128 } else { 128 };
        let two = (two - (two >> 7) + if still { 0 } else { by }).clamp(-12_288, 12_288);
        // UPA1, LIMD.
        let by = if unlike[0] { -192 } else { 192 };
        let most = 15_360 - two;
        let one = (one - (one >> 8) + if still { 0 } else { by }).clamp(-most, most);
        self.poles = [one as i16, two as i16];
    }

    #[inline(always)]
    fn adapt_zeros(&mut self, negative: bool, magnitude: i32) {
        // XOR, UPB.
        let gain = if magnitude == 0 { 0 } else { 128 };
        let sign = -i32::from(negative);
        for (zero, earlier) in self.zeros.iter_mut().zip(&self.differences.signs) {
            let unlike = (earlier ^ sign) as i16;
            let by = (gain ^ unlike).wrapping_sub(unlike);
            *zero = zero.wrapping_sub(*zero >> self.tables.leak).wrapping_add(by);
        }
    }

    #[inline(always)]
    fn adapt_speed(&mut self, speed: i32, scale: i32, transition: bool) {
        // FILTA, FILTB.
        let [short, long] = &mut self.averages;
        *short += (speed - *short) >> 5;
        *long += (4 * speed - *long) >> 7;
        // SUBTC, FILTC, TRIGA.
        let uneven = (4 * *short - *long).abs() >= *long >> 3;
        let target = if scale < 1536 || uneven || self.tone { 512 } else { 0 };
        self.speed += (target - self.speed) >> 4;
        if transition {
            self.speed = 256;
        }
    }
}

/// The last values, newest first: each a sign (0 or -1), four bits of exponent, six of mantissa. Apart, so that the
/// products are made all at once.
#[derive(Clone, Debug)]
struct Floats<const N: usize> {
    signs: [i32; N],
    exponents: [i32; N],
    mantissas: [i32; N],
}

impl<const N: usize> Floats<N> {
    const ZERO: Floats<N> = Floats { signs: [0; N], exponents: [0; N], mantissas: [32; N] };

    /// FLOATA, FLOATB, DELAY; of a magnitude of 15 bits.
    #[inline(always)]
    fn push(&mut self, negative: bool, magnitude: i32) {
        let (exponent, mantissa) = normalise(magnitude);
        for (values, newest) in [
            (&mut self.signs, -i32::from(negative)),
            (&mut self.exponents, exponent),
            (&mut self.mantissas, mantissa),
        ] {
            values.copy_within(..N - 1, 1);
            values[0] = newest;
        }
    }

    /// FMULT, and the sum of the products.
    #[inline(always)]
    fn filter(&self, coefficients: &[i16; N]) -> i16 {
        let mut sum = 0i32;
        for (n, coefficient) in coefficients.iter().enumerate() {
            let quarter = i32::from(*coefficient) >> 2;
            let (exponent, mantissa) = normalise(quarter.abs() & 0x1FFF);
            // The mantissas' product has 8 bits; the exponents' sum is 28 at most.
            let product = (self.mantissas[n] * mantissa + 48) >> 4 << 9;
            let magnitude = (product >> (28 - exponent - self.exponents[n])) & 0x7FFF;
            let sign = self.signs[n] ^ (quarter >> 31);
            sum += (magnitude ^ sign) - sign;
        }
        sum as i16
    }
}

/// How many bits a magnitude has, and its highest six; zero counts as 32 × 2^-6.
#[inline(always)]
fn normalise(magnitude: i32) -> (i32, i32) {
    // As the processor normalises: it does eight at once.
    let bits = (magnitude as f32).to_bits() as i32;
    ((bits >> 23).max(126) - 126, (bits >> 18 & 31) | 32)
}

/// What a code means.
#[derive(Debug)]
struct Code {
    /// Logarithm of the difference's magnitude over the scale (DQLN).
    log: i32,
    /// Where it moves the scale factor (32 W(I)).
    scale: i32,
    /// What it says about how steady the signal is (512 F(I)).
    speed: i32,
}

/// What differs between the rates.
#[derive(Debug)]
struct Tables {
    /// Decision levels of the magnitude's logarithm (tables 7 to 10), from the second.
    levels: &'static [i32],
    codes: &'static [Code],
    sign: u8,
    mask: u8,
    /// Leakage of the zeros' coefficients (UPB).
    leak: u32,
    /// Whether the smallest magnitude has a positive code: only at 16 kbit/s.
    positive_zero: bool,
}

impl Tables {
    const fn of(rate: Rate) -> &'static Tables {
        match rate {
            Rate::Kbit16 => &KBIT16,
            Rate::Kbit24 => &KBIT24,
            Rate::Kbit32 => &KBIT32,
            Rate::Kbit40 => &KBIT40,
        }
    }

    /// SUBTA, LOG, SUBTB, QUAN.
    #[inline(always)]
    fn quantise(&self, prediction: Prediction, sample: i16) -> u8 {
        let difference = i32::from(sample >> 2) - i32::from(prediction.estimate);
        let magnitude = difference.abs() & 0x7FFF;
        let exponent = 31 - (magnitude | 1).leading_zeros() as i32;
        let mantissa = (magnitude << 7 >> exponent) & 127;
        let log = (exponent << 7) + mantissa - (prediction.scale >> 2);
        let mut level = 0;
        for least in self.levels {
            level += u8::from(*least <= log);
        }
        let positive = difference >= 0 && (level > 0 || self.positive_zero);
        if positive { level } else { self.mask - level }
    }

    /// Place of a code among all, from the most negative value to the greatest.
    #[inline(always)]
    fn rank(&self, code: u8) -> u8 {
        code ^ self.sign
    }
}

const fn code(log: i32, w: i32, f: i32) -> Code {
    Code { log, scale: 32 * w, speed: 512 * f }
}

/// Codes of the positive half, then the same backwards for the negative one.
macro_rules! codes {
    ($(($log:expr, $w:expr, $f:expr)),+; $(($log_n:expr, $w_n:expr, $f_n:expr)),+) => {
        &[$(code($log, $w, $f)),+, $(code($log_n, $w_n, $f_n)),+]
    };
}

static KBIT16: Tables = Tables {
    levels: &[261],
    codes: codes![(116, -22, 0), (365, 439, 7); (365, 439, 7), (116, -22, 0)],
    sign: 2,
    mask: 3,
    leak: 8,
    positive_zero: true,
};

static KBIT24: Tables = Tables {
    levels: &[8, 218, 331],
    codes: codes![
        (-2048, -4, 0), (135, 30, 1), (273, 137, 2), (373, 582, 7);
        (373, 582, 7), (273, 137, 2), (135, 30, 1), (-2048, -4, 0)
    ],
    sign: 4,
    mask: 7,
    leak: 8,
    positive_zero: false,
};

static KBIT32: Tables = Tables {
    levels: &[-124, 80, 178, 246, 300, 349, 400],
    codes: codes![
        (-2048, -12, 0), (4, 18, 0), (135, 41, 0), (213, 64, 1),
        (273, 112, 1), (323, 198, 1), (373, 355, 3), (425, 1122, 7);
        (425, 1122, 7), (373, 355, 3), (323, 198, 1), (273, 112, 1),
        (213, 64, 1), (135, 41, 0), (4, 18, 0), (-2048, -12, 0)
    ],
    sign: 8,
    mask: 15,
    leak: 8,
    positive_zero: false,
};

static KBIT40: Tables = Tables {
    levels: &[-122, -16, 68, 139, 198, 250, 298, 339, 378, 413, 445, 475, 502, 528, 553],
    codes: codes![
        (-2048, 14, 0), (-66, 14, 0), (28, 24, 0), (104, 39, 0),
        (169, 40, 0), (224, 41, 1), (274, 58, 1), (318, 100, 1),
        (358, 141, 1), (395, 179, 1), (429, 219, 2), (459, 280, 3),
        (488, 358, 4), (514, 440, 5), (539, 529, 6), (566, 696, 6);
        (566, 696, 6), (539, 529, 6), (514, 440, 5), (488, 358, 4),
        (459, 280, 3), (429, 219, 2), (395, 179, 1), (358, 141, 1),
        (318, 100, 1), (274, 58, 1), (224, 41, 1), (169, 40, 0),
        (104, 39, 0), (28, 24, 0), (-66, 14, 0), (-2048, 14, 0)
    ],
    sign: 16,
    mask: 31,
    leak: 9,
    positive_zero: false,
};
