//! Conceals lost packets in recordings; `benches/peers/dsp/plc.py` judges what comes out.
//!
//! Reads lines of three words: a file of 16-bit samples at 8 kHz (little endian, no header), a `0` or `1` for
//! each packet of 20 ms where `1` is lost, and the file to write.

use std::{fs, io};

use tipring_dsp::plc::Concealer;

/// 20 ms.
const PACKET: usize = 160;

/// 5 ms, as a media engine ticks.
const BLOCK: usize = 40;

fn main() -> io::Result<()> {
    for line in io::stdin().lines() {
        let line = line?;
        let mut words = line.split_whitespace();
        let (Some(input), Some(lost), Some(output)) = (words.next(), words.next(), words.next())
        else {
            return Err(io::Error::other("a line is: input, lost packets, output"));
        };
        let mut samples: Vec<i16> = fs::read(input)?
            .as_chunks()
            .0
            .iter()
            .map(|octets| i16::from_le_bytes(*octets))
            .collect();
        let mut concealer = Concealer::new();
        for (packet, lost) in
            samples.chunks_mut(PACKET).zip(lost.bytes().chain(std::iter::repeat(b'0')))
        {
            for block in packet.chunks_mut(BLOCK) {
                if lost == b'1' { concealer.conceal(block) } else { concealer.good(block) }
            }
        }
        let octets: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        fs::write(output, octets)?;
    }
    Ok(())
}
