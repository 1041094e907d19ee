//! Where a command's configuration comes from, and `callflow config`.

use std::ffi::OsString;
use std::process::ExitCode;

use callflow_graph::configuration::{Configuration, Sources, example};

use super::{BAD_INPUT, Failure, complain, print};

/// What says how the bot is set up.
#[derive(clap::Args, Debug)]
pub(crate) struct Given {
    /// The bot's configuration (TOML); `callflow config --example` prints one
    #[arg(long, value_name = "FILE", env = "CALLFLOW_CONFIG")]
    config: Option<OsString>,
    /// Overrides a key of the file, as webhook.listen=127.0.0.1:8080; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) =
        text.split_once('=').ok_or("give a key and a value, as webhook.listen=127.0.0.1:8080")?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

impl Given {
    /// The configuration; or, where it is none, what to end with once that was said.
    pub(super) fn load(&self) -> Result<Configuration, ExitCode> {
        self.load_from(Sources::new().environment())
    }

    /// The same where an app need not have a secret yet: one that is there overrides what stands for it.
    pub(super) fn load_before_there_is_a_secret(&self) -> Result<Configuration, ExitCode> {
        let none_yet = [("CALLFLOW_APP_SECRET", "there is none yet")];
        self.load_from(Sources::new().variables(none_yet).environment())
    }

    fn load_from(&self, mut sources: Sources) -> Result<Configuration, ExitCode> {
        // An empty variable is not set.
        if let Some(file) = self.config.as_ref().filter(|file| !file.is_empty()) {
            sources = sources.file(file);
        }
        for (key, value) in &self.settings {
            sources = sources.set(key, value);
        }
        match sources.load() {
            Ok(configuration) => {
                for warning in &configuration.warnings {
                    complain(warning);
                }
                Ok(configuration)
            }
            Err(error) => {
                for problem in &error.problems {
                    complain(&problem.to_string());
                }
                Err(ExitCode::from(BAD_INPUT))
            }
        }
    }
}

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    given: Given,
    /// Print a file with every key, its default and what it does
    #[arg(long)]
    example: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    if args.example {
        return print(&example());
    }
    match args.given.load() {
        Ok(configuration) => print(&configuration.in_words()),
        Err(code) => Ok(code),
    }
}
