//! `callflow permissions`: what an app needs for an action, and what it lacks.

use std::fmt::Write as _;
use std::process::ExitCode;

use callflow_core::action::Action;
use callflow_core::classification::{Hosting, Kind};
use callflow_core::media::MediaHost;
use callflow_core::permission::{self, Gate, Permission, Permissions, Requirement, missing, required};

use super::{BAD_INPUT, Failure, complain, one_of, print, standing};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The actions, as transfer [default: every one]
    #[arg(value_name = "ACTION", value_parser = one_of(Action::ALL, Action::name), ignore_case = true)]
    actions: Vec<Action>,
    /// In which kind of call [default: either]
    #[arg(long, value_parser = one_of(Kind::ALL, Kind::name), ignore_case = true)]
    kind: Option<Kind>,
    /// How the service hosts the call [default: direct for p2p, conversation for group]
    #[arg(long, value_parser = one_of(Hosting::ALL, Hosting::name), ignore_case = true)]
    hosting: Option<Hosting>,
    /// Who hosts the call's media: the service, or the app
    #[arg(long, value_parser = one_of(MediaHost::ALL, host), ignore_case = true, default_value = "service")]
    media: MediaHost,
    /// What was granted to the app, as Calls.Initiate.All,Calls.AccessMedia.All; or none: says what is missing
    #[arg(long, value_name = "PERMISSIONS", value_parser = granted)]
    granted: Option<Permissions>,
}

fn host(host: MediaHost) -> &'static str {
    match host {
        MediaHost::Service => "service",
        MediaHost::App => "app",
    }
}

/// The permissions of these names, apart from commas; older spellings as well.
pub(super) fn granted(names: &str) -> Result<Permissions, String> {
    let names = names.split(',').map(str::trim).filter(|name| !name.is_empty() && *name != "none");
    names.into_iter().try_fold(Permissions::NONE, |set, name| {
        let known = || Permission::ALL.iter().map(|one| one.name()).collect::<Vec<_>>().join(", ");
        let one = Permission::parse(name).ok_or_else(|| {
            format!("`{name}` is no permission of the calling API; these are: {}, or none", known())
        })?;
        Ok(set.with(one))
    })
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let calls = calls(args.kind, args.hosting);
    if calls.is_empty() {
        complain("no group call is hosted direct; leave out --hosting, or give --kind p2p");
        return Ok(ExitCode::from(BAD_INPUT));
    }
    let mut text = String::new();
    for row in permission::rows() {
        if !args.actions.is_empty() && !args.actions.contains(&row.action) {
            continue;
        }
        writeln!(text, "{}", row.action)?;
        let (mut is_needed, mut is_missing) = (false, false);
        for (kind, hosting) in &calls {
            let call = match (kind, hosting) {
                (Kind::PeerToPeer, Hosting::Conversation) => "p2p, hosted",
                (Kind::PeerToPeer, Hosting::Direct) | (Kind::Group, _) => kind.name(),
            };
            let requirement = required(row.action, *kind, *hosting, args.media);
            is_needed |= matches!(requirement, Requirement::Needs(_));
            is_missing |= args.granted.is_some_and(|granted| missing(granted, requirement).is_some());
            writeln!(text, "{call:>12}  {}", in_words(requirement, args.granted))?;
        }
        if is_needed {
            let gate = match row.gate {
                Gate::Refuses => "refused before it costs a request",
                Gate::Advises => "goes to the service, with advice",
            };
            writeln!(text, "{:>12}  {gate}", "if missing")?;
        }
        if is_missing {
            writeln!(
                text,
                "{:>12}  have an administrator grant what is missing, and consent again",
                "what to do"
            )?;
        }
        writeln!(text, "{:>12}  {}", "source", standing(row.certainty, row.source))?;
    }
    print(&text)
}

/// The calls that are asked about; none where there are no such calls.
fn calls(kind: Option<Kind>, hosting: Option<Hosting>) -> Vec<(Kind, Hosting)> {
    match (kind, hosting) {
        (None, None) => vec![(Kind::PeerToPeer, Hosting::Direct), (Kind::Group, Hosting::Conversation)],
        (Some(Kind::PeerToPeer), None) | (Some(Kind::PeerToPeer) | None, Some(Hosting::Direct)) => {
            vec![(Kind::PeerToPeer, Hosting::Direct)]
        }
        (Some(Kind::PeerToPeer), Some(Hosting::Conversation)) => {
            vec![(Kind::PeerToPeer, Hosting::Conversation)]
        }
        (None, Some(Hosting::Conversation)) => {
            vec![(Kind::PeerToPeer, Hosting::Conversation), (Kind::Group, Hosting::Conversation)]
        }
        (Some(Kind::Group), None | Some(Hosting::Conversation)) => vec![(Kind::Group, Hosting::Conversation)],
        (Some(Kind::Group), Some(Hosting::Direct)) => Vec::new(),
    }
}

/// What is needed; and where it is known what was granted, what of it is missing.
fn in_words(requirement: Requirement, granted: Option<Permissions>) -> String {
    let needed = match requirement {
        Requirement::NotSupported => return "not supported: no such call has this".to_owned(),
        Requirement::Nothing => return "needs nothing".to_owned(),
        Requirement::Needs(needs) => format!("needs {needs}"),
    };
    let Some(granted) = granted else { return needed };
    match missing(granted, requirement) {
        None => format!("{needed}: granted"),
        Some(missing) => format!("{needed}: missing {missing}"),
    }
}
