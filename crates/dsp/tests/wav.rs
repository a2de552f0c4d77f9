//! WAV files: what was written is read, and anything else is refused without harm.

use proptest::prelude::*;
use tipring_dsp::{
    g711::{Law, decode_sample, encode_sample},
    wav::{Error, Format, Wav, parse, print},
};

const FORMATS: [Format; 3] = [Format::Pcm16, Format::G711(Law::Mu), Format::G711(Law::A)];

/// A file from its chunks.
fn riff(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut file = b"RIFF\xFF\xFF\xFF\xFFWAVE".to_vec();
    for (id, body) in chunks {
        file.extend(*id);
        file.extend((body.len() as u32).to_le_bytes());
        file.extend(*body);
        file.extend(&[0][..body.len() % 2]);
    }
    file
}

/// The 16 octets of a format chunk: 8 kHz.
fn format(tag: u16, channels: u16, bits: u16) -> Vec<u8> {
    let mut body = tag.to_le_bytes().to_vec();
    body.extend(channels.to_le_bytes());
    body.extend(8000u32.to_le_bytes());
    body.extend(0u32.to_le_bytes());
    body.extend((channels * bits / 8).to_le_bytes());
    body.extend(bits.to_le_bytes());
    body
}

#[test]
fn a_plain_file_has_the_44_octet_header_all_programs_know() {
    let file = print(Format::Pcm16, 8000, &[1, -2]);
    assert_eq!(file.len(), 48);
    assert_eq!(file[..8], *b"RIFF\x28\0\0\0");
    assert_eq!(file[8..20], *b"WAVEfmt \x10\0\0\0");
    assert_eq!(file[20..36], [1, 0, 1, 0, 0x40, 0x1F, 0, 0, 0x80, 0x3E, 0, 0, 2, 0, 16, 0]);
    assert_eq!(file[36..], *b"data\x04\0\0\0\x01\0\xFE\xFF");
}

#[test]
fn unknown_chunks_are_skipped_and_the_first_channel_is_kept() {
    let data = [1i16, 100, 2, 200, 3, 300].map(i16::to_le_bytes).concat();
    let file = riff(&[
        (b"LIST", b"odd"),
        (b"fmt ", &format(1, 2, 16)),
        (b"bext", &[9; 60]),
        (b"data", &data),
        (b"id3 ", b"tail"),
    ]);
    let expected = Wav { format: Format::Pcm16, rate: 8000, channels: 2, samples: vec![1, 2, 3] };
    assert_eq!(parse(&file), Ok(expected));
}

#[test]
fn a_recording_that_was_cut_off_is_read_as_far_as_it_goes() {
    let mut file = print(Format::Pcm16, 8000, &[5; 100]);
    file.truncate(44 + 51);
    assert_eq!(parse(&file).map(|w| w.samples), Ok(vec![5; 25]));
    // As streaming recorders leave it: the length was never filled in.
    let mut file = print(Format::Pcm16, 8000, &[5; 100]);
    file[40..44].fill(0xFF);
    assert_eq!(parse(&file).map(|w| w.samples.len()), Ok(100));
}

#[test]
fn the_extensible_format_is_understood() {
    let mut body = format(0xFFFE, 1, 8);
    body.extend([22, 0, 8, 0, 4, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0x10, 0]);
    let file = riff(&[(b"fmt ", &body), (b"data", &[0x80])]);
    assert_eq!(parse(&file).map(|w| w.samples), Ok(vec![32_124]));
}

#[test]
fn what_cannot_be_read_is_named() {
    assert_eq!(parse(b""), Err(Error::NotWave));
    assert_eq!(parse(b"RIFF\0\0\0\0AVI "), Err(Error::NotWave));
    assert_eq!(parse(&riff(&[])), Err(Error::BadFormat));
    assert_eq!(parse(&riff(&[(b"data", b"ab")])), Err(Error::BadFormat));
    assert_eq!(parse(&riff(&[(b"fmt ", b"short")])), Err(Error::BadFormat));
    assert_eq!(parse(&riff(&[(b"fmt ", &format(1, 0, 16))])), Err(Error::BadFormat));
    assert_eq!(parse(&riff(&[(b"fmt ", &format(1, 1, 16))])), Err(Error::NoData));
    let float = parse(&riff(&[(b"fmt ", &format(3, 1, 32)), (b"data", &[])]));
    assert_eq!(float, Err(Error::Unsupported { tag: 3, bits: 32 }));
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        samples in prop::collection::vec(any::<i16>(), 0..200), rate in 1u32..200_000
    ) {
        for format in FORMATS {
            let file = print(format, rate, &samples);
            prop_assert_eq!(file.len() % 2, 0);
            let length = u32::from_le_bytes([file[4], file[5], file[6], file[7]]);
            prop_assert_eq!(length as usize, file.len() - 8);
            let coded = samples.iter().map(|s| match format {
                Format::Pcm16 => *s,
                Format::G711(law) => decode_sample(law, encode_sample(law, *s)),
            });
            let expected = Wav { format, rate, channels: 1, samples: coded.collect() };
            prop_assert_eq!(parse(&file), Ok(expected));
        }
    }

    #[test]
    fn any_octets_are_read_or_refused(
        mut octets in prop::collection::vec(any::<u8>(), 0..300), damage in any::<(u8, u8)>()
    ) {
        let _ = parse(&octets);
        if let Some(head) = octets.first_chunk_mut::<12>() {
            head[..4].copy_from_slice(b"RIFF");
            head[8..].copy_from_slice(b"WAVE");
            let _ = parse(&octets);
        }
        let mut file = print(Format::Pcm16, 8000, &[1, 2, 3, 4, 5]);
        let at = usize::from(damage.0) % file.len();
        file[at] = damage.1;
        if let Ok(wav) = parse(&file) {
            prop_assert!(wav.samples.len() <= file.len());
        }
    }
}
