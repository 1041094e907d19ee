//! How clients come to trust the simulator's authority: the file, and what each kind of client needs to be told.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use callflow_graph::simulator::{Certificates, Kept};

use super::listening::Where;
use crate::cli::Failure;

/// The name of the file in a folder.
const FILE: &str = "ca.pem";
/// The variables by which clients are told of it, and which clients these are.
///
/// Source: Python docs, ssl; requests docs, SSL certificate verification; Node.js docs, command-line options; Go docs,
/// crypto/x509; .NET on Linux from field reports.
pub(super) const VARIABLES: [(&str, &str); 4] = [
    ("SSL_CERT_FILE", "Python (httpx, msgraph-sdk); on Linux also .NET and Go"),
    ("REQUESTS_CA_BUNDLE", "Python (requests, azure-identity, msal)"),
    ("NODE_EXTRA_CA_CERTS", "Node.js"),
    ("CALLFLOW_CLOUD_CA_FILE", "callflow"),
];

/// The authority's file, and the certificates. A file that was made for this run alone is removed with it.
pub(super) struct Trust {
    pub(super) certificates: Certificates,
    pub(super) file: PathBuf,
    kept: Option<Kept>,
    /// Removed at the end.
    folder: Option<PathBuf>,
}

impl Drop for Trust {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            // Where it is gone already there is nothing to do.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

impl Trust {
    /// Certificates for `hosts`: those of the folder where one is given, else new ones; the authority's file is that which is
    /// given, or in the folder, or in a new folder for temporary files.
    pub(super) fn make(hosts: &[String], kept: &Where, now: u64) -> Result<Self, Failure> {
        let (folder, file) = (kept.ca_dir.as_deref(), kept.ca_file.as_deref());
        let (certificates, kept) = match folder {
            Some(folder) => {
                let (certificates, kept) = Certificates::kept_in(folder, hosts, now)?;
                (certificates, Some(kept))
            }
            None => (Certificates::make(hosts, now)?, None),
        };
        let (file, is_temporary) = match (file, folder) {
            (Some(file), _) => (file.to_owned(), false),
            (None, Some(folder)) => (folder.join(FILE), false),
            (None, None) => (temporary_folder()?.join(FILE), true),
        };
        let mut trust = Self { certificates, file, kept, folder: None };
        trust.folder = trust.file.parent().filter(|_| is_temporary).map(Path::to_owned);
        if kept.is_none() || file_is_elsewhere(&trust.file, folder) {
            std::fs::write(&trust.file, trust.certificates.authority_pem()).map_err(|error| {
                Failure::Because(format!("{}: {error}; give another --ca-file", trust.file.display()))
            })?;
        }
        trust.file = std::fs::canonicalize(&trust.file)?;
        Ok(trust)
    }

    /// What becomes of the file.
    pub(super) fn standing(&self) -> &'static str {
        match (self.kept, &self.folder) {
            (Some(Kept::Reused), _) => "as at an earlier start",
            (Some(Kept::Made), _) => "kept for the next start: trust it once",
            (Some(Kept::Replaced), _) => "new: the one before was no good any more, trust this one",
            (None, Some(_)) => "for this run, removed with it; --ca-dir keeps one",
            (None, None) => "for this run; --ca-dir keeps one",
        }
    }

    pub(super) fn variables(&self) -> impl Iterator<Item = (&'static str, String)> {
        VARIABLES.iter().map(|(name, _)| (*name, self.file.display().to_string()))
    }

    /// Lines for the shell in which a bot is started, and what there is for clients that look at no variable.
    pub(super) fn in_words(&self) -> String {
        let file = quoted(&self.file.display().to_string());
        let mut text =
            String::from("In the bot's shell, so that it trusts the simulator's certificate by https:\n\n");
        // Writing to a text does not fail.
        for (name, clients) in VARIABLES {
            let _ = writeln!(text, "export {name}={file}  # {clients}");
        }
        let _ = writeln!(
            text,
            "\nThe first two stand in place of the usual authorities: a bot that also reaches others needs one file with \
             both.\n\
             Java looks at no variable, but at a store of its own:\n\
             keytool -importcert -noprompt -alias callflow-sim -file {file} -keystore sim.p12 -storepass changeit\n\
             export JAVA_TOOL_OPTIONS=\"-Djavax.net.ssl.trustStore=sim.p12 -Djavax.net.ssl.trustStorePassword=changeit\"\n\
             .NET and Go look at none on Windows and macOS; add it to the user's authorities:\n\
             certutil -user -addstore Root {file}  # Windows\n\
             security add-trusted-cert -r trustRoot {file}  # macOS"
        );
        text
    }
}

fn file_is_elsewhere(file: &Path, folder: Option<&Path>) -> bool {
    folder.is_none_or(|folder| folder.join(FILE) != file)
}

/// A new folder that others cannot write to.
fn temporary_folder() -> Result<PathBuf, Failure> {
    let folder = std::env::temp_dir().join(format!("callflow-sim-{}", uuid::Uuid::new_v4().simple()));
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&folder).map_err(|error| {
        Failure::Because(format!("{}: {error}; say by --ca-file where ca.pem is written", folder.display()))
    })?;
    Ok(folder)
}

/// A word of a shell's.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:\\".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_quoted_where_a_shell_would_split_it() {
        for (path, word) in [
            ("/tmp/callflow-sim-1/ca.pem", "/tmp/callflow-sim-1/ca.pem"),
            ("/tmp/my files/ca.pem", "'/tmp/my files/ca.pem'"),
            ("/tmp/it's/$HOME", r"'/tmp/it'\''s/$HOME'"),
        ] {
            assert_eq!(quoted(path), word);
        }
    }

    #[test]
    fn what_was_made_for_a_run_goes_with_it_and_what_is_kept_stays() {
        let make = |words: &[&str]| Trust::make(&[], &Where::of(words), 1_800_000_000).ok().unwrap();
        let trust = make(&[]);
        let file = trust.file.clone();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), trust.certificates.authority_pem());
        assert!(trust.in_words().contains(&format!("export SSL_CERT_FILE={}", file.display())));
        drop(trust);
        assert!(!file.exists() && !file.parent().unwrap().exists());

        let folder = tempfile::tempdir().unwrap();
        let elsewhere = folder.path().join("elsewhere.pem");
        let kept = ["--ca-dir", folder.path().to_str().unwrap()];
        let first = make(&kept);
        let pem = first.certificates.authority_pem();
        assert_eq!(first.standing(), "kept for the next start: trust it once");
        drop(first);
        let second = make(&[&kept[..], &["--ca-file", elsewhere.to_str().unwrap()]].concat());
        assert_eq!(second.standing(), "as at an earlier start");
        drop(second);
        for file in [folder.path().join(FILE), elsewhere] {
            assert_eq!(std::fs::read_to_string(&file).unwrap(), pem, "{}", file.display());
        }
    }
}
