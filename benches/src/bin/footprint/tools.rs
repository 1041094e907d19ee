//! The tools: found, or installed.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::failure::Failure;

/// The target of the firmware.
pub(crate) const TARGET: &str = "thumbv6m-none-eabi";

/// The programs that Debian's packages of the same names bring.
const PACKAGES: [&str; 3] = ["qemu-system-arm", "valgrind", "python3"];

/// Where the tools are that no PATH leads to, and the compiler's version.
pub(crate) struct Tools {
    llvm: PathBuf,
    /// What `rustc -V` says.
    pub(crate) rustc: String,
}

impl Tools {
    /// Finds the tools, and installs those that are missing.
    pub(crate) fn ready() -> Result<Self, Failure> {
        let sysroot = stdout(rustc().args(["--print", "sysroot"]))?;
        let libraries = PathBuf::from(sysroot.trim()).join("lib/rustlib");
        let verbose = stdout(rustc().arg("-vV"))?;
        let host = verbose.lines().find_map(|line| line.strip_prefix("host: "));
        let llvm = libraries.join(found(host, "the host", "rustc -vV", &verbose)?).join("bin");
        if !libraries.join(TARGET).exists() {
            install("the standard library of the target", &[&["rustup", "target", "add", TARGET]])?;
        }
        if !llvm.join("llvm-size").exists() {
            install("llvm-tools", &[&["rustup", "component", "add", "llvm-tools"]])?;
        }
        for package in PACKAGES {
            if stdout(Command::new(package).arg("--version")).is_err() {
                let get = ["apt-get", "install", "--yes", "--no-install-recommends", package];
                install(package, &[&["apt-get", "update"], &get])?;
            }
        }
        Ok(Self { llvm, rustc: stdout(rustc().arg("-V"))?.trim().to_owned() })
    }

    /// One of LLVM's tools.
    pub(crate) fn llvm(&self, name: &str) -> Command {
        Command::new(self.llvm.join(name))
    }
}

/// The cargo that runs this program, without what it or the user's environment would add to a build.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(program_of("CARGO", "cargo"));
    let is_foreign = |name: &OsString| {
        let name = name.to_string_lossy();
        name.ends_with("RUSTFLAGS") || name.starts_with("CARGO_PROFILE_") || name.starts_with("CARGO_TARGET_")
    };
    for (name, _) in env::vars_os().filter(|(name, _)| is_foreign(name)) {
        command.env_remove(name);
    }
    command
}

fn rustc() -> Command {
    Command::new(program_of("RUSTC", "rustc"))
}

fn program_of(variable: &str, usual: &str) -> OsString {
    env::var_os(variable).unwrap_or_else(|| usual.into())
}

fn install(what: &'static str, commands: &[&[&str]]) -> Result<(), Failure> {
    eprintln!("footprint: installing {what}");
    for words in commands {
        let Some((program, arguments)) = words.split_first() else { continue };
        stdout(Command::new(program).args(arguments)).map_err(|source| {
            let by_hand = commands.iter().map(|words| words.join(" ")).collect::<Vec<_>>().join(" && ");
            Failure::NotInstalled { what, by_hand, source: Box::new(source) }
        })?;
    }
    Ok(())
}

/// What a program prints, if it succeeds.
pub(crate) fn stdout(command: &mut Command) -> Result<String, Failure> {
    let output = run(command)?;
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(failed(command, &output)) }
}

/// Runs a program to its end; without any input, which QEMU would wait for.
pub(crate) fn run(command: &mut Command) -> Result<Output, Failure> {
    command.stdin(Stdio::null()).output().map_err(|source| Failure::NotRun {
        program: command.get_program().to_string_lossy().into_owned(),
        source,
    })
}

/// That a program failed, with all that it printed.
pub(crate) fn failed(command: &Command, output: &Output) -> Failure {
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    Failure::Failed { command: line(command), said }
}

/// How a program is run, as a line.
pub(crate) fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(std::ffi::OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

/// What a program printed.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What was looked for in the output of a program.
pub(crate) fn found<T>(value: Option<T>, what: &str, command: &str, said: &str) -> Result<T, Failure> {
    let not_found = || Failure::NotFound { what: what.into(), command: command.into(), said: said.into() };
    value.ok_or_else(not_found)
}
