//! The host end of the serial/USB link to a line card.
