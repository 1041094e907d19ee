//! Speech by a program on this machine.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use super::{Content, Speech, Tts, TtsError, Utterance, check_name};

/// A program that reads a text from its input and writes a WAV file to its output, as espeak-ng does: for tests, and for
/// demos on a developer's machine.
///
/// The text is no argument, so no list of processes shows it. The program is killed where its speech is not waited for any
/// longer.
///
/// ```
/// use callflow_graph::prompt::tts::Program;
///
/// let piper = Program::new("piper").with_args(["--model", "en.onnx", "--output_file", "-"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    path: PathBuf,
    args: Vec<String>,
    /// What stands before the name of a voice.
    voice_option: Option<String>,
    /// What says that the input is SSML.
    ssml_option: Option<String>,
}

/// The most that a program may write.
const MOST_BYTES: u64 = 32 * 1024 * 1024;
/// What is kept of what it complains of.
const MOST_COMPLAINT: u64 = 4096;

impl Program {
    /// The program of this name on the path, or at this path, without arguments.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), args: Vec::new(), voice_option: None, ssml_option: None }
    }

    /// espeak-ng, which speaks about a hundred languages, plainly. Voices are called as `espeak-ng --voices` says.
    pub fn espeak_ng() -> Self {
        Self::new("espeak-ng")
            .with_args(["--stdin", "--stdout", "-b", "1"])
            .with_voice_option("-v")
            .with_ssml_option("-m")
    }

    /// What is installed of `espeak-ng` and `espeak`, its forebear, if one of them is.
    pub fn installed() -> Option<Self> {
        let path = std::env::var_os("PATH")?;
        let is_there = |name: &str| std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
        ["espeak-ng", "espeak"]
            .into_iter()
            .find(|name| is_there(name))
            .map(|name| Self { path: name.into(), ..Self::espeak_ng() })
    }

    /// With these arguments, before all others.
    #[must_use]
    pub fn with_args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// With this option before the name of a voice, or of a language where no voice is named.
    #[must_use]
    pub fn with_voice_option(mut self, option: impl Into<String>) -> Self {
        self.voice_option = Some(option.into());
        self
    }

    /// With this option where the input is SSML. Without one, SSML is refused.
    #[must_use]
    pub fn with_ssml_option(mut self, option: impl Into<String>) -> Self {
        self.ssml_option = Some(option.into());
        self
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn failed(&self, reason: impl Into<String>) -> TtsError {
        TtsError::Program { program: self.name(), reason: reason.into() }
    }

    fn command(&self, utterance: &Utterance) -> Result<Command, TtsError> {
        let mut command = Command::new::<&Path>(&self.path);
        command.args(&self.args).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let (Some(option), Some(voice)) = (&self.voice_option, utterance.voice().or(utterance.language()))
        {
            check_name(voice)?;
            command.arg(option).arg(voice);
        }
        match (utterance.content(), &self.ssml_option) {
            (Content::Text(_), _) => {}
            (Content::Ssml(_), Some(option)) => {
                command.arg(option);
            }
            (Content::Ssml(_), None) => return Err(self.failed("it reads no SSML; give plain text")),
        }
        Ok(command)
    }

    async fn run(&self, utterance: &Utterance) -> Result<Bytes, TtsError> {
        utterance.check()?;
        let no_program =
            |error: std::io::Error| TtsError::NoProgram { program: self.name(), reason: error.to_string() };
        let mut child = self.command(utterance)?.spawn().map_err(no_program)?;
        let (input, output, complaint) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let text = utterance.content().as_str().as_bytes();
        let write = async {
            if let Some(mut input) = input {
                // One that ends without reading says why by its status.
                let _ = input.write_all(text).await;
                let _ = input.write_all(b"\n").await;
            }
        };
        let ((), sound, complaint) =
            tokio::join!(write, read(output, MOST_BYTES), read_all_but_keep(complaint, MOST_COMPLAINT));
        if sound.len() > usize::try_from(MOST_BYTES).unwrap_or(usize::MAX) {
            return Err(self.failed(format!("it writes more than {MOST_BYTES} bytes; say less at once")));
        }
        let status = child.wait().await.map_err(|error| self.failed(error.to_string()))?;
        if !status.success() || sound.is_empty() {
            return Err(self.failed(ending(status, &complaint)));
        }
        Ok(sound.into())
    }
}

/// What comes, up to `most` bytes and one more.
async fn read(from: Option<impl AsyncRead + Unpin>, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        let _ = from.take(most.saturating_add(1)).read_to_end(&mut bytes).await;
    }
    bytes
}

/// What comes, of which the first `most` bytes are kept: who writes more is not stopped.
async fn read_all_but_keep(from: Option<impl AsyncRead + Unpin>, most: u64) -> Vec<u8> {
    let mut kept = Vec::new();
    if let Some(mut from) = from {
        let _ = (&mut from).take(most).read_to_end(&mut kept).await;
        let _ = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
    }
    kept
}

/// How it ended, with the first line of what it complains of.
fn ending(status: ExitStatus, complaint: &[u8]) -> String {
    let complaint = String::from_utf8_lossy(complaint);
    let line: String = complaint.lines().next().unwrap_or_default().trim().chars().take(200).collect();
    let without = if status.success() { " without a sound" } else { "" };
    if line.is_empty() {
        format!("it ended with {status}{without}")
    } else {
        format!("{line} ({status}{without})")
    }
}

impl Tts for Program {
    fn speak<'a>(&'a self, utterance: &'a Utterance) -> Speech<'a> {
        Box::pin(self.run(utterance))
    }

    fn identity(&self) -> String {
        format!("program {} {}", self.name(), self.args.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::convert::{Limits, convert};
    use crate::prompt::format;

    /// A program that is in every Unix.
    fn shell(script: &str) -> Program {
        Program::new("/bin/sh").with_args(["-c", script])
    }

    #[tokio::test]
    async fn espeak_speaks_where_it_is_installed() {
        let Some(program) = Program::installed() else {
            #[allow(clippy::print_stderr)] // a test that is skipped says so
            {
                eprintln!("skipped: neither espeak-ng nor espeak is installed");
            }
            return;
        };
        let english = program.speak(&"Press one.".into()).await.unwrap();
        let german = Utterance::text("Für den Vertrieb die Eins.").with_language("de");
        let marked = Utterance::ssml("<speak>Press <emphasis>one</emphasis>.</speak>");
        for spoken in [english, program.speak(&german).await.unwrap(), program.speak(&marked).await.unwrap()]
        {
            let wav = convert(&spoken, Limits::default()).unwrap();
            let length = format::inspect(&wav).unwrap().length().as_millis();
            assert!((300..10_000).contains(&length), "{length} ms");
        }
        let nobody = program.speak(&Utterance::text("x").with_voice("xyzzy")).await.unwrap_err();
        assert!(matches!(nobody, TtsError::Program { .. }), "{nobody}");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_text_goes_in_and_the_sound_comes_out() {
        let program = shell("cat; echo \"$0 $1\"").with_voice_option("-v");
        let spoken = program.speak(&Utterance::text("hi").with_voice("ada")).await;
        assert_eq!(spoken, Ok("hi\n-v ada\n".into()));
        let long = "word ".repeat(10_000);
        assert_eq!(shell("cat").speak(&long.as_str().into()).await.map(|out| out.len()), Ok(50_001));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn what_goes_wrong_is_told_with_the_way_out() {
        let text = Utterance::text("hello");
        for (case, program, utterance, says) in [
            ("not installed", Program::new("no-such-program"), text.clone(), "apt-get install espeak-ng"),
            ("it fails", shell("echo no voice >&2; exit 3"), text.clone(), "no voice (exit status: 3)"),
            ("it is silent", shell("cat >/dev/null"), text.clone(), "without a sound"),
            ("it reads nothing", shell("exec <&-; exit 1"), "x".repeat(60_000).into(), "exit status: 1"),
            ("SSML", shell("cat"), Utterance::ssml("<speak/>"), "reads no SSML"),
            ("an option", Program::espeak_ng(), text.clone().with_voice("--path=/"), "no name of a voice"),
        ] {
            let error = program.speak(&utterance).await.unwrap_err();
            assert!(error.to_string().contains(says), "{case}: {error}");
        }
    }
}
