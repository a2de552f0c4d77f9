//! Comfort noise: RFC 3389, and G.711 appendix II whose payload it is.
//!
//! Who is silent sends a [`Description`] of its background now and then, a level and the shape of the spectrum; who
//! listens hears noise made after it.
//!
//! ```text
//!   background ─► Analyser ─► Description ─► octets ══► octets ─► Description ─► Generator ─► noise
//! ```
//!
//! Levels of the payload count down from overload, 0 dBov, which is a square wave of full scale: +6.18 dBm0
//! (RFC 3389 §3.1).

mod analyser;
mod generator;
mod prediction;

use std::fmt;

pub use analyser::Analyser;
pub use generator::Generator;

/// The most reflection coefficients that are used and sent; a description may bring more, which are ignored (RFC 3389
/// §3.2: the receiver may cut the order).
pub const MAX_ORDER: usize = 10;

/// Overload in dBm0: what -0 dBov is.
const OVERLOAD_DBM0: f32 = crate::level::FULL_SCALE_SINE_DBM0 + 3.01;

/// Level and spectrum of a background, as quantised by RFC 3389.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Description {
    /// dB below overload, 0 to 127.
    level: u8,
    /// Indices 0 to 254 of reflection coefficients.
    coefficients: [u8; MAX_ORDER],
    order: u8,
}

/// Why octets are no description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DescriptionError {
    /// There is not even a level.
    Empty,
    /// The level is above 127.
    Level(u8),
    /// A coefficient has the index 255, which means nothing.
    Coefficient,
}

impl fmt::Display for DescriptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DescriptionError::Empty => f.write_str("comfort noise without a level"),
            DescriptionError::Level(level) => {
                write!(f, "comfort noise at a level of -{level} dBov")
            }
            DescriptionError::Coefficient => f.write_str("comfort noise with a coefficient of 255"),
        }
    }
}

impl std::error::Error for DescriptionError {}

impl Description {
    /// White noise of the nearest level that can be said, dBm0.
    pub fn white(level_dbm0: f32) -> Description {
        Description::new(level_dbm0, &[])
    }

    /// The nearest description of a level in dBm0, with up to [`MAX_ORDER`] indices.
    fn new(level_dbm0: f32, indices: &[u8]) -> Description {
        let mut coefficients = [index(0.0); MAX_ORDER];
        coefficients[..indices.len()].copy_from_slice(indices);
        let level = (OVERLOAD_DBM0 - level_dbm0).round().clamp(0.0, 127.0) as u8;
        Description { level, coefficients, order: indices.len() as u8 }
    }

    /// Reads a payload.
    pub fn parse(octets: &[u8]) -> Result<Description, DescriptionError> {
        let (level, rest) = octets.split_first().ok_or(DescriptionError::Empty)?;
        if *level > 127 {
            return Err(DescriptionError::Level(*level));
        }
        let order = rest.len().min(MAX_ORDER);
        if rest[..order].contains(&255) {
            return Err(DescriptionError::Coefficient);
        }
        let mut coefficients = [index(0.0); MAX_ORDER];
        coefficients[..order].copy_from_slice(&rest[..order]);
        Ok(Description { level: *level, coefficients, order: order as u8 })
    }

    /// Writes the payload, and says how long it is: one octet and one for each coefficient.
    pub fn print(&self, octets: &mut [u8; 1 + MAX_ORDER]) -> usize {
        octets[0] = self.level;
        octets[1..].copy_from_slice(&self.coefficients);
        1 + usize::from(self.order)
    }

    /// Level of the noise, dBm0.
    pub fn level_dbm0(&self) -> f32 {
        OVERLOAD_DBM0 - f32::from(self.level)
    }

    /// Reflection coefficients that the payload has: 0 is white noise.
    pub fn order(&self) -> usize {
        usize::from(self.order)
    }

    /// Reflection coefficients; those that the payload has not are 0.
    fn reflections(&self) -> [f64; MAX_ORDER] {
        self.coefficients.map(reflection)
    }
}

/// The reflection coefficient of an index (RFC 3389 §3.2). The first one is the negative of the correlation of neighbours.
fn reflection(index: u8) -> f64 {
    258.0 * (f64::from(index) - 127.0) / 32768.0
}

/// The index that is nearest to a reflection coefficient.
fn index(reflection: f64) -> u8 {
    (reflection * 32768.0 / 258.0 + 127.0).round().clamp(0.0, 254.0) as u8
}
