//! What the firmware needs of a board.

use tipring_bridge_proto::Law;

/// A board with line chips on an SPI bus.
///
/// The PCM highway and time are not here: they come with [`crate::Firmware::handle_block`] and as `now`.
pub trait Board {
    /// How many Si3210 there are. Each is a port and a PCM channel, in this order.
    fn fxs_chips(&self) -> u8;

    /// The companding law of the PCM highway.
    fn law(&self) -> Law;

    /// The board's serial number, ASCII, zero padded; the same for ever.
    fn serial(&self) -> [u8; 16];

    /// Pulls the reset line of all chips and lets it go.
    fn reset_chips(&mut self);

    /// Reads a register of a chip (from 0). A chip that is not there reads FF.
    fn read(&mut self, chip: u8, register: u8) -> u8;

    /// Writes a register of a chip.
    fn write(&mut self, chip: u8, register: u8, value: u8);
}
