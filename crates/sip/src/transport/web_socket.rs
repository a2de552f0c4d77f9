//! Where messages begin and end in a stream of WebSocket (RFC 6455 §5.2), told by the headers of their frames. Whoever
//! reads the messages learns of one when it is whole; a deadline must begin to run earlier.
//!
//! ```text
//! state \ octets   header incomplete   header of a frame                  last octet of a frame
//! Header           –                   data: mid message ▸Payload         –
//! Payload          –                   –                                  final data: between messages ▸Header
//! ```

/// Follows the frames that a peer sends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebSocketFrames {
    header: [u8; 10],
    /// Octets of the header that have come.
    filled: usize,
    /// Octets of the frame after its header that are yet to come, its mask included.
    left: u64,
    mid_message: bool,
}

impl WebSocketFrames {
    /// Takes what came, however it was cut.
    pub fn handle_bytes(&mut self, mut bytes: &[u8]) {
        while let Some((&octet, rest)) = bytes.split_first() {
            if self.left > 0 {
                let length = usize::try_from(self.left).map_or(bytes.len(), |l| l.min(bytes.len()));
                bytes = &bytes[length..];
                self.left -= length as u64;
            } else {
                bytes = rest;
                self.header[self.filled] = octet;
                self.filled += 1;
                self.mid_message |= self.is_data();
                let Some(left) = self.after_header() else { continue };
                self.left = left;
            }
            if self.left == 0 {
                self.filled = 0;
                // RFC 6455 §5.4: control frames may come between the frames of a message.
                let is_last = self.header[0] & 0x80 != 0 && self.is_data();
                self.mid_message &= !is_last;
            }
        }
    }

    /// Whether a message has begun and not ended.
    pub fn is_mid_message(&self) -> bool {
        self.mid_message
    }

    fn is_data(&self) -> bool {
        self.header[0] & 0x08 == 0
    }

    /// How long the rest of the frame is, once its header is whole.
    fn after_header(&self) -> Option<u64> {
        let length = self.header[1] & 0x7f;
        let whole = match length {
            126 => 4,
            127 => 10,
            _ => 2,
        };
        if self.filled < whole {
            return None;
        }
        let payload = match length {
            0..=125 => u64::from(length),
            _ => self.header[2..whole].iter().fold(0, |sum, octet| sum << 8 | u64::from(*octet)),
        };
        let mask = if self.header[1] & 0x80 != 0 { 4 } else { 0 };
        Some(payload.saturating_add(mask))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A frame with this first octet and a payload of this length, masked.
    fn frame(first: u8, length: usize) -> Vec<u8> {
        let header = match length {
            0..=125 => vec![first, 0x80 | u8::try_from(length).expect("small")],
            126..=65535 => [&[first, 0x80 | 126][..], &(length as u16).to_be_bytes()].concat(),
            _ => [&[first, 0x80 | 127][..], &(length as u64).to_be_bytes()].concat(),
        };
        [header, vec![0xaa; 4 + length]].concat()
    }

    const FINAL_TEXT: u8 = 0x81;
    const TEXT: u8 = 0x01;
    const MORE: u8 = 0x00;
    const FINAL_MORE: u8 = 0x80;
    const PONG: u8 = 0x8a;

    fn after(octets: &[u8]) -> bool {
        let mut frames = WebSocketFrames::default();
        frames.handle_bytes(octets);
        frames.is_mid_message()
    }

    #[test]
    fn a_message_begins_with_its_first_octet_and_ends_with_its_last() {
        for length in [0, 1, 125, 126, 65535, 65536] {
            let whole = frame(FINAL_TEXT, length);
            for cut in [1, 2, 5, whole.len() - 1].into_iter().filter(|cut| *cut < whole.len()) {
                assert!(after(&whole[..cut]), "{cut} of {length}");
            }
            assert!(!after(&whole), "{length}");
            assert!(!after(&whole.repeat(2)), "{length}");
        }
    }

    #[test]
    fn a_message_of_several_frames_ends_with_the_final_one() {
        let begun = [frame(TEXT, 10), frame(PONG, 0), frame(MORE, 3), frame(PONG, 5)].concat();
        assert!(after(&begun), "pongs between do not end it");
        assert!(!after(&[begun, frame(FINAL_MORE, 0)].concat()));
    }

    #[test]
    fn control_frames_are_no_messages() {
        let pong = frame(PONG, 100);
        for length in 0..pong.len() {
            assert!(!after(&pong[..length]), "{length}");
        }
    }

    #[test]
    fn a_frame_of_no_end_is_followed_for_ever() {
        let mut frames = WebSocketFrames::default();
        frames.handle_bytes(&[&[FINAL_TEXT, 0xff][..], &[0xff; 8]].concat());
        for _ in 0..100 {
            frames.handle_bytes(&[0; 1000]);
            assert!(frames.is_mid_message());
        }
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same(octets: Vec<u8>, cuts in prop::collection::vec(1usize..9, 1..9)) {
            let mut frames = WebSocketFrames::default();
            let (mut rest, mut cuts) = (octets.as_slice(), cuts.iter().cycle());
            while !rest.is_empty() {
                let length = cuts.next().map_or(1, |cut| rest.len().min(*cut));
                frames.handle_bytes(&rest[..length]);
                rest = &rest[length..];
            }
            let mut whole = WebSocketFrames::default();
            whole.handle_bytes(&octets);
            prop_assert_eq!(frames, whole);
        }
    }
}
