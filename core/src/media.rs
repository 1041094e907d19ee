//! Media as Graph tells of it: whether audio is active, and the tones that were pressed, each once and in order.
//!
//! Source: Graph docs, callMediaState, toneInfo, call: subscribeToTone. Field captures show sequences that begin at 6:
//! a sequence need not start at 0 or 1.

use crate::id::{Sequence, SessionId};
use crate::words::words;

words! {
    /// `mediaState.audio`.
    pub enum Audio {
        /// Audio flows: prompts can be played.
        Active = "active",
        /// It does not.
        Inactive = "inactive",
    }
}

words! {
    /// A tone that was pressed.
    pub enum Tone {
        /// 0
        Tone0 = "tone0",
        /// 1
        Tone1 = "tone1",
        /// 2
        Tone2 = "tone2",
        /// 3
        Tone3 = "tone3",
        /// 4
        Tone4 = "tone4",
        /// 5
        Tone5 = "tone5",
        /// 6
        Tone6 = "tone6",
        /// 7
        Tone7 = "tone7",
        /// 8
        Tone8 = "tone8",
        /// 9
        Tone9 = "tone9",
        /// `*`
        Star = "star",
        /// `#`
        Pound = "pound",
        /// A
        A = "a",
        /// B
        B = "b",
        /// C
        C = "c",
        /// D
        D = "d",
        /// The hook was flashed.
        Flash = "flash",
        /// A tone that this version does not know; the adapter keeps its word.
        Unrecognised = "unrecognised",
    }
}

impl Tone {
    /// The tone that Graph calls by this name, in any case.
    pub fn parse(name: &str) -> Self {
        Self::ALL
            .iter()
            .copied()
            .find(|tone| tone.name().eq_ignore_ascii_case(name))
            .unwrap_or(Self::Unrecognised)
    }

    /// The character on the key; `None` for a flash and for what is not known.
    pub const fn key(self) -> Option<char> {
        Some(match self {
            Self::Tone0 => '0',
            Self::Tone1 => '1',
            Self::Tone2 => '2',
            Self::Tone3 => '3',
            Self::Tone4 => '4',
            Self::Tone5 => '5',
            Self::Tone6 => '6',
            Self::Tone7 => '7',
            Self::Tone8 => '8',
            Self::Tone9 => '9',
            Self::Star => '*',
            Self::Pound => '#',
            Self::A => 'A',
            Self::B => 'B',
            Self::C => 'C',
            Self::D => 'D',
            Self::Flash | Self::Unrecognised => return None,
        })
    }
}

words! {
    /// Who hosts the media of a call.
    ///
    /// Source: Graph docs, mediaConfig.
    pub enum MediaHost {
        /// The service: prompts, tones and recording go through Graph.
        Service = "serviceHosted",
        /// The bot, with the vendor's media library.
        App = "appHosted",
    }
}

words! {
    /// `recordingStatus`: of a participant, or of the bot under policy-based recording.
    ///
    /// Source: Graph docs, call: updateRecordingStatus and recordingInfo.
    pub enum RecordingStatus {
        /// Nothing is recorded.
        NotRecording = "notRecording",
        /// It is recorded.
        Recording = "recording",
        /// Recording failed.
        Failed = "failed",
        /// A status that this version does not know; the adapter keeps its word.
        Unrecognised = "unrecognised",
    }
}

words! {
    /// `transcription.state`
    ///
    /// Source: Graph docs, callTranscriptionInfo.
    pub enum Transcription {
        /// It was not started.
        NotStarted = "notStarted",
        /// The call is transcribed.
        Active = "active",
        /// It is no more.
        Inactive = "inactive",
        /// A state that this version does not know; the adapter keeps its word.
        Unrecognised = "unrecognised",
    }
}

words! {
    /// Whether somebody can be heard: by his own choice or the service's.
    ///
    /// Source: Graph docs, participant (`isMuted`).
    pub enum Mute {
        /// He cannot.
        On = "muted",
        /// He can.
        Off = "unmuted",
    }
}

words! {
    /// What the bot does with the screen.
    ///
    /// Source: Graph docs, call: changeScreenSharingRole.
    pub enum ScreenSharingRole {
        /// It watches.
        Viewer = "viewer",
        /// It shares.
        Sharer = "sharer",
    }
}

words! {
    /// What became of the sharing of content.
    ///
    /// Source: Graph docs, contentSharingSession.
    pub enum Sharing {
        /// Content is shared.
        Started = "started",
        /// It is no more.
        Ended = "ended",
    }
}

/// How a tone came, set against those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Arrival {
    /// It is newer than all before it.
    InOrder,
    /// A newer one came before it.
    Late,
}

/// How far back a tone that comes late is still told from a repeat.
pub const LATE_WINDOW: u64 = 32;

/// What is known of the media of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Media {
    pub(crate) audio: Option<Audio>,
    /// Audio was waited for long enough without a word of it.
    pub(crate) presumed: bool,
    pub(crate) transcription: Option<Transcription>,
    /// What the service confirmed of the bot's own recording.
    pub(crate) recording: Option<RecordingStatus>,
    /// What the newest content sharing session came to, and which it is, folded.
    pub(crate) sharing: Option<Sharing>,
    pub(crate) session: u32,
    /// Whether any tone came; the newest one's sequence, and one bit for each of the 32 before it that came.
    pub(crate) heard: bool,
    pub(crate) newest: Sequence,
    pub(crate) before: u32,
    /// How many participants this call records under a policy.
    pub(crate) recorded: u16,
}

impl Media {
    /// Nothing is known of it.
    pub(crate) const NEW: Self = Self {
        audio: None,
        presumed: false,
        transcription: None,
        recording: None,
        sharing: None,
        session: 0,
        heard: false,
        newest: Sequence::new(0),
        before: 0,
        recorded: 0,
    };

    /// Whether audio is active, as far as Graph said.
    pub const fn audio(self) -> Option<Audio> {
        self.audio
    }

    /// Whether prompts can be played on a call that is connected.
    ///
    /// Source: Graph docs, call: playPrompt; the vendor's samples wait for `established` with audio active. That audio may
    /// be presumed where nothing was said of it is assumed: if it is wrong, the service refuses the request.
    pub const fn is_usable(self) -> bool {
        match self.audio {
            Some(Audio::Active) => true,
            Some(Audio::Inactive) => false,
            None => self.presumed,
        }
    }

    /// Whether nothing was said of the audio, and it is not presumed either.
    pub const fn is_unknown(self) -> bool {
        self.audio.is_none() && !self.presumed
    }

    /// Notes that audio was waited for long enough.
    pub(crate) fn presume(&mut self) {
        self.presumed = true;
    }

    /// Takes in what Graph says of the audio.
    pub(crate) fn told(&mut self, audio: Audio) {
        self.audio = Some(audio);
    }

    /// The state of the transcription, as far as Graph said.
    pub const fn transcription(self) -> Option<Transcription> {
        self.transcription
    }

    /// Takes in the state of the transcription; whether that is news.
    pub(crate) fn transcribed(&mut self, told: Transcription) -> bool {
        self.transcription.replace(told) != Some(told)
    }

    /// What the service confirmed of the bot's own recording. Media may be kept while this is `recording`.
    ///
    /// Source: Graph docs, call: updateRecordingStatus.
    pub const fn recording(self) -> Option<RecordingStatus> {
        self.recording
    }

    /// Takes in that the bot reports `status`: where it is not `recording`, nothing is confirmed from then on, whatever
    /// becomes of the report.
    pub(crate) fn recording_reported(&mut self, status: RecordingStatus) {
        if status != RecordingStatus::Recording {
            self.recording = None;
        }
    }

    /// Takes in that the service confirmed `status`; whether that is news.
    pub(crate) fn recording_confirmed(&mut self, status: RecordingStatus) -> bool {
        self.recording.replace(status) != Some(status)
    }

    /// Takes in news of a content sharing session: what of it is new. News of a session that ended is stale.
    ///
    /// Source: Graph docs, contentSharingSession; that one is on at a time is assumed: if it is wrong, the end of one is told
    /// as the end of all.
    pub(crate) fn shared(&mut self, is_over: bool, session: Option<SessionId>) -> Option<Sharing> {
        // Without an id it can only be the one that is known.
        let session = session.map_or(self.session, SessionId::fold);
        let is_known = session == self.session;
        match (is_over, self.sharing) {
            (true, Some(Sharing::Started)) => {
                self.sharing = Some(Sharing::Ended);
                Some(Sharing::Ended)
            }
            (true, None) => {
                (self.sharing, self.session) = (Some(Sharing::Ended), session);
                None
            }
            (false, Some(Sharing::Ended)) if is_known => None,
            (false, None | Some(Sharing::Ended)) => {
                (self.sharing, self.session) = (Some(Sharing::Started), session);
                Some(Sharing::Started)
            }
            (true, Some(Sharing::Ended)) | (false, Some(Sharing::Started)) => None,
        }
    }

    /// Takes in a tone; `None` for one that came before, or that is older than the window.
    ///
    /// Source: Graph docs, toneInfo ("incremental identifier used for ordering DTMF events").
    pub(crate) fn hear(&mut self, sequence: Sequence) -> Option<Arrival> {
        if !self.heard {
            (self.heard, self.newest) = (true, sequence);
            return Some(Arrival::InOrder);
        }
        let (new, old) = (sequence.number(), self.newest.number());
        if new > old {
            let ahead = u32::try_from(new.wrapping_sub(old)).unwrap_or(u32::MAX);
            // The newest so far moves into the bits, `ahead` places back.
            let moved = self.before.checked_shl(ahead).unwrap_or(0);
            let newest_bit = 1u32.checked_shl(ahead.saturating_sub(1)).unwrap_or(0);
            (self.newest, self.before) = (sequence, moved | newest_bit);
            return Some(Arrival::InOrder);
        }
        let behind = old.wrapping_sub(new);
        if behind == 0 || behind > LATE_WINDOW {
            return None;
        }
        let bit = 1u32.checked_shl(u32::try_from(behind.wrapping_sub(1)).unwrap_or(u32::MAX)).unwrap_or(0);
        if self.before & bit != 0 {
            return None;
        }
        self.before |= bit;
        Some(Arrival::Late)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tones_are_read_in_any_case() {
        assert_eq!(Tone::parse("Tone1"), Tone::Tone1);
        assert_eq!(Tone::parse("POUND").key(), Some('#'));
        assert_eq!(Tone::parse("tone10"), Tone::Unrecognised);
    }

    proptest! {
        #[test]
        fn i7_each_tone_is_heard_once_and_late_ones_are_told_apart(numbers in proptest::collection::vec(0u64..80, 1..60)) {
            let mut media = Media::default();
            let (mut heard, mut newest) = (HashSet::new(), None);
            for number in numbers {
                let expected = match newest {
                    None => Some(Arrival::InOrder),
                    Some(n) if number > n => Some(Arrival::InOrder),
                    Some(n) if n - number <= LATE_WINDOW && !heard.contains(&number) => Some(Arrival::Late),
                    Some(_) => None,
                };
                prop_assert_eq!(media.hear(Sequence::new(number)), expected, "{}", number);
                heard.insert(number);
                newest = newest.max(Some(number));
            }
        }
    }

    #[test]
    fn a_session_is_told_of_once_and_not_again_after_its_end() {
        let mut media = Media::default();
        let session = Some(SessionId::parse("a"));
        assert_eq!(media.shared(false, session), Some(Sharing::Started));
        assert_eq!(media.shared(false, session), None);
        assert_eq!(media.shared(true, session), Some(Sharing::Ended));
        assert_eq!(media.shared(true, session), None);
        assert_eq!(media.shared(false, session), None, "late");
        assert_eq!(media.shared(false, Some(SessionId::parse("b"))), Some(Sharing::Started));
    }

    #[test]
    fn a_leap_to_the_end_of_the_numbers_is_in_order() {
        let mut media = Media::default();
        for number in [0, 31, 32, 65, u64::MAX] {
            assert_eq!(media.hear(Sequence::new(number)), Some(Arrival::InOrder), "{number}");
            assert_eq!(media.hear(Sequence::new(number)), None, "{number}");
        }
    }
}
