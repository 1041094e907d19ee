use proptest::prelude::*;

use super::*;
use crate::prompt::fixtures::{FLAC, MP3, OGG, stereo};

/// How often the sound crosses zero upwards in a second: its pitch.
fn pitch(wav: &[u8]) -> u32 {
    let playable = format::inspect(wav).unwrap();
    let samples: Vec<i16> =
        wav[playable.samples()].chunks(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect();
    let crossed = samples.windows(2).filter(|two| two[0] < 0 && two[1] >= 0).count();
    u32::try_from(crossed * 16_000 / samples.len()).unwrap()
}

fn length(wav: &[u8]) -> Duration {
    format::inspect(wav).unwrap().length()
}

#[test]
fn every_kind_becomes_what_the_service_plays() {
    for (kind, file) in
        [("WAV", stereo(44_100, 11_025)), ("MP3", MP3.into()), ("Ogg", OGG.into()), ("FLAC", FLAC.into())]
    {
        let wav = convert(&file, Limits::default()).unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(length(&wav), Duration::from_millis(250), "{kind}");
    }
}

#[test]
fn sound_keeps_its_pitch_and_its_length_at_every_rate() {
    for rate in [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000] {
        let wav = convert(&stereo(rate, rate), Limits::default()).unwrap();
        assert_eq!(length(&wav), Duration::from_secs(1), "{rate}");
        assert!((435..=445).contains(&pitch(&wav)), "{rate}: {}", pitch(&wav));
    }
}

#[test]
fn what_is_played_already_keeps_its_samples_and_loses_the_rest() {
    let good = Bytes::from(wav::write(&[5; 1000]));
    assert_eq!(convert(&good, Limits::default()), Ok(good.clone()));
    let mut tagged = good.to_vec();
    tagged.extend(b"LIST\x04\0\0\0me\0\0");
    assert_eq!(convert(&tagged.into(), Limits::default()), Ok(good.clone()));
    let mut from_a_pipe = good.to_vec();
    from_a_pipe[40..44].copy_from_slice(&[0xFF; 4]);
    assert_eq!(convert(&from_a_pipe.into(), Limits::default()), Ok(good));
}

#[test]
fn what_no_prompt_is_made_of_is_named() {
    let short = Limits { length: Duration::from_millis(200), ..Limits::default() };
    let small = Limits { input_bytes: 1000, ..Limits::default() };
    let usual = Limits::default();
    let cut = |file: &[u8]| Bytes::copy_from_slice(&file[..file.len() / 2]);
    let good = Bytes::from(wav::write(&[5; 4000]));
    for (case, file, limits, says) in [
        ("empty", Bytes::new(), usual, "empty"),
        ("an error page", Bytes::from("<html>404</html>"), usual, "give it as WAV, MP3, Ogg Vorbis or FLAC"),
        ("text that begins as audio", Bytes::from("ID3 is a kind of tag"), usual, "give it as WAV"),
        ("a WAV that is cut", cut(&stereo(44_100, 11_025)), usual, "breaks off"),
        ("a FLAC that is cut", cut(FLAC), usual, "breaks off"),
        ("an MP3 that is cut", cut(MP3), usual, "breaks off"),
        ("an Ogg that is cut", cut(OGG), usual, "breaks off"),
        ("a WAV without samples", Bytes::from(wav::write(&[])), usual, "no sound"),
        ("a WAV head", good.slice(..30), usual, "breaks off"),
        ("a file that is too large", stereo(44_100, 11_025), small, "44144 bytes, and 1000 are allowed"),
        ("a WAV that is too long", good, short, "longer than 200ms"),
        ("a FLAC that is too long", FLAC.into(), short, "longer than 200ms"),
        ("a rate that is no sound", stereo(50, 500), usual, "50 samples a second"),
    ] {
        let error = convert(&file, limits).unwrap_err();
        assert!(error.to_string().contains(says), "{case}: {error}");
    }
}

#[test]
fn a_length_at_the_limit_is_taken_and_one_above_is_not() {
    let limits = Limits { length: Duration::from_secs(1), ..Limits::default() };
    for rate in [16_000, 32_000] {
        assert!(convert(&stereo(rate, rate), limits).is_ok(), "{rate}");
        let above = convert(&stereo(rate, rate + rate / 1000), limits);
        assert_eq!(above, Err(ConvertError::TooLong { limit: limits.length }), "{rate}");
    }
}

#[test]
fn a_small_file_that_holds_hours_is_given_up_at_the_limit() {
    // A frame of constant silence in FLAC has a few bytes; each stands here for 65,535 samples.
    let hours = silent_flac(3_000);
    assert!(hours.len() < 64 * 1024, "{}", hours.len());
    let limits = Limits { length: Duration::from_secs(60), ..Limits::default() };
    assert_eq!(convert(&hours.into(), limits), Err(ConvertError::TooLong { limit: limits.length }));
    // The same shape within the limit is good: what is refused above is its length.
    assert_eq!(convert(&silent_flac(5).into(), limits).map(|wav| length(&wav).as_secs()), Ok(20));
}

/// A FLAC of silence at 16 kHz, mono, 16 bits: `frames` frames of 65,535 samples each.
fn silent_flac(frames: u32) -> Vec<u8> {
    let total = u64::from(frames) * 65_535;
    let mut flac = b"fLaC\x80\0\0\x22".to_vec();
    flac.extend([0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0]);
    // 20 bits of rate, 3 of channels - 1, 5 of bits - 1, 36 of samples.
    flac.extend((16_000u64 << 44 | 15 << 36 | total).to_be_bytes());
    flac.extend([0; 16]);
    for number in 0..frames {
        // Fixed block size, given in 16 bits; the rate and the bits are those of the stream; one channel.
        let mut frame = vec![0xFF, 0xF8, 0x70, 0x00];
        let coded = char::from_u32(number).unwrap().to_string();
        frame.extend(coded.as_bytes());
        frame.extend(65_534u16.to_be_bytes());
        frame.push(crc(&frame, 8, 0x07).to_be_bytes()[1]);
        frame.extend([0, 0, 0]);
        let check = crc(&frame, 16, 0x8005);
        frame.extend(check.to_be_bytes());
        flac.extend(frame);
    }
    flac
}

/// A CRC of 8 or 16 bits, high bit first.
fn crc(bytes: &[u8], width: u32, polynomial: u16) -> u16 {
    let (top, mask) = (1u16 << (width - 1), if width == 8 { 0xFF } else { 0xFFFF });
    bytes.iter().fold(0u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << (width - 8)), |crc, _| {
            if crc & top == 0 { crc << 1 & mask } else { (crc << 1 ^ polynomial) & mask }
        })
    })
}

#[test]
fn what_is_given_up_ends() {
    let given_up = AtomicBool::new(true);
    let result = convert_unless(&stereo(44_100, 11_025), Limits::default(), &given_up);
    assert_eq!(result, Err(ConvertError::GivenUp));
}

#[test]
fn a_look_tells_what_is_read_from_what_is_not() {
    for file in [stereo(44_100, 100), MP3.into(), OGG.into(), FLAC.into()] {
        assert_eq!(probe(&file, Limits::default()), Ok(()));
    }
    assert_eq!(probe(&Bytes::from("<html>"), Limits::default()), Err(ConvertError::NotAudio));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn random_bytes_end_in_a_reason(
        magic in prop::sample::select(vec![&b""[..], b"RIFF\xFF\0\0\0WAVEfmt ", b"OggS\0\x02", b"fLaC\0\0\0\x22", b"ID3\x04\0\0", b"\xFF\xFB\x90"]),
        rest in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        let limits = Limits { length: Duration::from_secs(5), ..Limits::default() };
        if let Ok(wav) = convert(&[magic, &rest].concat().into(), limits) {
            prop_assert!(length(&wav) <= limits.length);
        }
    }

    #[test]
    fn damaged_files_end_in_a_reason_or_in_a_prompt(
        file in prop::sample::select(vec![stereo(44_100, 3000), MP3.into(), OGG.into(), FLAC.into()]),
        cut in 0usize..8000,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
    ) {
        let mut file = file[..cut.min(file.len())].to_vec();
        for (at, to) in damage {
            if !file.is_empty() {
                let at = at.index(file.len());
                file[at] = to;
            }
        }
        let limits = Limits { length: Duration::from_secs(5), ..Limits::default() };
        if let Ok(wav) = convert(&file.into(), limits) {
            prop_assert!(length(&wav) <= limits.length);
        }
    }
}
