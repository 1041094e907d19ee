//! What is measured in the images of `tests/firmware`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::figures::{Figure, Unit};
use crate::tools::{self, TARGET, Tools, found, stdout, text};

/// What the linker misses where an image can reach a panic.
const TRAP: &str = "a_panic_path_is_left";

/// The firmware, and where it is built.
pub(crate) struct Firmware<'t> {
    tools: &'t Tools,
    target_dir: PathBuf,
}

/// An image of the firmware.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Image {
    /// Nothing of core.
    Base,
    /// Every call, command and report.
    Handle,
    /// That, and everything that becomes bytes, or comes as bytes.
    All,
    /// Symbols of the sizes of types.
    Ram,
    /// The cases, counted.
    Count,
}

impl Image {
    const fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Handle => "handle",
            Self::All => "all",
            Self::Ram => "ram",
            Self::Count => "count",
        }
    }

    /// What it is called among the figures.
    const fn title(self) -> &'static str {
        match self {
            Self::Handle => "handle with all rules",
            Self::Base | Self::All | Self::Ram | Self::Count => "everything",
        }
    }

    const fn has_snapshots(self) -> bool {
        match self {
            Self::All | Self::Ram | Self::Count => true,
            Self::Base | Self::Handle => false,
        }
    }
}

/// An optimisation level, as a profile of the firmware.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Small,
    Fast,
    Smallest,
}

impl Level {
    const ALL: [Self; 3] = [Self::Small, Self::Fast, Self::Smallest];

    const fn name(self) -> &'static str {
        match self {
            Self::Small => "s",
            Self::Fast => "3",
            Self::Smallest => "z",
        }
    }

    const fn profile(self) -> &'static str {
        match self {
            Self::Small => "release",
            Self::Fast => "opt-3",
            Self::Smallest => "opt-z",
        }
    }
}

/// The flag that an image needs to be free of panics: at opt-level z postcard's writing of numbers is not inlined, and
/// its index then not proven.
const fn flag(image: Image, level: Level) -> Option<&'static str> {
    match (image, level) {
        (Image::All, Level::Smallest) => Some("-Cllvm-args=--inline-threshold=25"),
        _ => None,
    }
}

/// Whether an image is linked so that it cannot reach a panic.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trap {
    Set,
    Unset,
}

impl<'t> Firmware<'t> {
    /// The firmware, built beside this program.
    pub(crate) fn new(tools: &'t Tools) -> Result<Self, Failure> {
        let program = env::current_exe().map_err(Failure::file("this program"))?;
        // target/release/footprint
        let target_dir = program.ancestors().nth(2).unwrap_or(&program).join("firmware");
        Ok(Self { tools, target_dir })
    }

    /// Flash: the text of an image less the text of the one without core.
    pub(crate) fn flash(&self) -> Result<Vec<Figure>, Failure> {
        let base = self.text_len(Image::Base)?;
        let figure = |image: Image, budget| {
            let len = self.text_len(image)?.saturating_sub(base);
            Ok(Figure::new(format!("flash: {}", image.title()), len, budget, Unit::Bytes))
        };
        Ok(vec![figure(Image::Handle, 24_576)?, figure(Image::All, 40_960)?])
    }

    fn text_len(&self, image: Image) -> Result<u64, Failure> {
        let path = self.build(image, Level::Small)?;
        let command = &mut self.tools.llvm("llvm-size");
        let said = stdout(command.arg(path))?;
        let first = said.lines().nth(1).and_then(|line| line.split_whitespace().next());
        found(first.and_then(|word| word.parse().ok()), "the text", &tools::line(command), &said)
    }

    /// RAM: the sizes of core's types on the target.
    pub(crate) fn ram(&self) -> Result<Vec<Figure>, Failure> {
        let path = self.build(Image::Ram, Level::Small)?;
        let command = &mut self.tools.llvm("llvm-nm");
        let said = stdout(command.args(["--print-size", "--radix=d"]).arg(path))?;
        let figure = |what: &str, symbol: &str, budget| {
            let line = said.lines().find(|line| line.ends_with(symbol));
            let size = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
            let size = found(size, symbol, &tools::line(command), &said)?;
            Ok(Figure::new(format!("RAM: {what}"), size, budget, Unit::Bytes))
        };
        Ok(vec![
            figure("Call<2, 4>", "SIZE_OF_CALL_2_4", 384)?,
            figure("Call<16, 8>", "SIZE_OF_CALL_16_8", 1280)?,
            figure("Output", "SIZE_OF_OUTPUT", 256)?,
        ])
    }

    /// The deepest that the stack of an image gets, from `main` on.
    pub(crate) fn stack(&self) -> Result<Vec<Figure>, Failure> {
        let figure = |image: Image, budget| {
            let path = self.build(image, Level::Small)?;
            let command = &mut Command::new("python3");
            let output = tools::run(command.arg(root().join("stack-depth.py")).arg(path))?;
            let said = text(&output.stdout);
            if said.lines().any(|line| line.starts_with("no bound: ")) {
                return Err(Failure::NoBound { image: image.name(), said });
            }
            if !output.status.success() {
                return Err(tools::failed(command, &output));
            }
            let size = said.split_whitespace().next().and_then(|word| word.parse().ok());
            let size = found(size, "the depth", &tools::line(command), &said)?;
            Ok(Figure::new(format!("stack: {}", image.title()), size, budget, Unit::Bytes))
        };
        Ok(vec![figure(Image::Handle, 1280)?, figure(Image::All, 2048)?])
    }

    /// The instructions of each case by name, under QEMU.
    pub(crate) fn counts(&self) -> Result<Vec<(String, u64)>, Failure> {
        let command = &mut self.cargo("run", Image::Count, Level::Small, Trap::Unset);
        let output = tools::run(command)?;
        let said = text(&output.stdout);
        if let Some(wrong) = said.lines().find(|line| line.starts_with("the case ")) {
            return Err(Failure::Case { said: wrong.to_owned() });
        }
        if !output.status.success() {
            return Err(tools::failed(command, &output));
        }
        let counts = said.lines().map(|line| {
            let (count, name) = line.split_once(' ')?;
            Some((name.to_owned(), count.parse().ok()?))
        });
        found(counts.collect(), "a count and a name", &tools::line(command), &said)
    }

    /// How many calls lead to a panic; none where the image links with the trap.
    pub(crate) fn panic_paths(&self) -> Result<Vec<Figure>, Failure> {
        let images = [Image::Handle, Image::All];
        let pairs = images.into_iter().flat_map(|image| Level::ALL.map(|level| (image, level)));
        pairs
            .map(|(image, level)| {
                let name = format!("panic paths: {}, opt-level {}", image.title(), level.name());
                let figure = Figure::new(name, self.panic_paths_of(image, level)?, 0, Unit::PanicPaths);
                Ok(figure.noting(flag(image, level).map(|flag| format!("with {flag}")).unwrap_or_default()))
            })
            .collect()
    }

    fn panic_paths_of(&self, image: Image, level: Level) -> Result<u64, Failure> {
        let command = &mut self.cargo("build", image, level, Trap::Set);
        let output = tools::run(command)?;
        if output.status.success() {
            return Ok(0);
        }
        if !text(&output.stderr).contains(TRAP) {
            return Err(tools::failed(command, &output));
        }
        let path = self.build(image, level)?;
        let command = &mut Command::new("sh");
        let output = tools::run(command.arg(root().join("panic-paths.sh")).arg(path))?;
        let said = text(&output.stdout);
        eprint!("{said}");
        let count = said.split_whitespace().next().and_then(|word| word.parse().ok());
        // One at least: the linker found it, and the script knows the usual names only.
        found(count, "the panic paths", &tools::line(command), &said).map(|count: u64| count.max(1))
    }

    fn build(&self, image: Image, level: Level) -> Result<PathBuf, Failure> {
        stdout(&mut self.cargo("build", image, level, Trap::Unset))?;
        Ok(self.target_dir.join(TARGET).join(level.profile()).join(image.name()))
    }

    fn cargo(&self, what: &str, image: Image, level: Level, trap: Trap) -> Command {
        eprintln!("footprint: building {} at opt-level {}", image.name(), level.name());
        let mut command = tools::cargo();
        command.current_dir(root()).args([what, "--quiet", "--locked", "--target", TARGET]);
        command.args(["--bin", image.name(), "--profile", level.profile()]);
        command.arg("--target-dir").arg(&self.target_dir);
        if image.has_snapshots() {
            command.args(["--features", "snapshot"]);
        }
        if trap == Trap::Set {
            command.args(["--features", "link-trap"]);
        }
        if let Some(flag) = flag(image, level) {
            command.arg("--config").arg(format!("target.{TARGET}.rustflags=[\"{flag}\"]"));
        }
        command
    }
}

/// The folder of the firmware.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/firmware")
}
