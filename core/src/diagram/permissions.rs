//! The permissions, drawn.

use core::fmt::{self, Display, Formatter};

use super::{Format, rule};
use crate::action::Action;
use crate::permission::{MediaNote, Permission, Requirement, Row, rows};

/// Displays which permissions each action needs, by the kind of the call.
///
/// A diagram has a line from each action to each permission that it needs, with the kinds of calls for which it does, and
/// whether one of several is enough; actions that need none are left out. A table has every action, with the source and
/// how sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Permissions {
    /// How it is written.
    pub format: Format,
}

impl Display for Permissions {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.format {
            Format::Mermaid => {
                writeln!(f, "flowchart LR")?;
                // What was granted for one chat counts as the permission for all, which is what the rows name.
                for permission in Permission::ALL.iter().filter(|permission| is_named(**permission)) {
                    writeln!(f, "    {}[\"{permission}\"]", Id(*permission))?;
                }
                each_line(|action, permission, words| {
                    writeln!(f, "    {action} -->|{words}| {}", Id(permission))
                })
            }
            Format::Dot => {
                writeln!(f, "digraph permissions {{\n    rankdir=LR;\n    node [shape=box];")?;
                each_line(|action, permission, words| {
                    writeln!(f, "    {action} -> \"{permission}\" [label=\"{words}\"];")
                })?;
                writeln!(f, "}}")
            }
            Format::Table => {
                writeln!(f, "| action | p2p | group | media | what is missing | certainty | source |")?;
                rule(f, 7)?;
                rows().try_for_each(|row| {
                    let Row { action, p2p, group, media, gate, certainty, source, .. } = row;
                    writeln!(f, "| {action} | {p2p} | {group} | {media} | {gate} | {certainty} | {source} |")
                })
            }
        }
    }
}

/// A permission as a word without dots, which Mermaid takes for an id.
struct Id(Permission);

impl Display for Id {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "permission{}", self.0.index())
    }
}

/// Whether a row names the permission.
fn is_named(permission: Permission) -> bool {
    let names = |requirement| Need::of(requirement, permission) != Need::No;
    rows().any(|row| names(row.p2p) || names(row.group))
}

/// Calls `line` for each action and each permission that it needs, with the words on the line.
fn each_line(mut line: impl FnMut(Action, Permission, Words) -> fmt::Result) -> fmt::Result {
    for row in rows() {
        for permission in Permission::ALL.iter().copied() {
            let words = Words { p2p: Need::of(row.p2p, permission), group: Need::of(row.group, permission) };
            if words.p2p != Need::No || words.group != Need::No {
                line(row.action, permission, words)?;
            }
        }
        if row.media == MediaNote::IfAppHosted {
            let words = Words { p2p: Need::if_hosted(row.p2p), group: Need::if_hosted(row.group) };
            line(row.action, Permission::AccessMediaAll, words)?;
        }
    }
    Ok(())
}

/// How one permission is needed.
#[derive(Clone, Copy, PartialEq)]
enum Need {
    No,
    /// This one.
    This,
    /// This or another.
    OneOf,
    /// Where the bot hosts the media.
    IfAppHosted,
}

impl Need {
    fn of(requirement: Requirement, permission: Permission) -> Self {
        let Requirement::Needs(needs) = requirement else { return Self::No };
        let is_choice = needs.any_of().iter().nth(1).is_some();
        match (needs.any_of().has(permission), needs.all_of().has(permission)) {
            (true, _) if is_choice => Self::OneOf,
            (true, _) | (_, true) => Self::This,
            (false, false) => Self::No,
        }
    }

    const fn if_hosted(requirement: Requirement) -> Self {
        match requirement {
            Requirement::NotSupported => Self::No,
            Requirement::Nothing | Requirement::Needs(_) => Self::IfAppHosted,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::No | Self::This => "",
            Self::OneOf => ", one of",
            Self::IfAppHosted => ", if app-hosted",
        }
    }
}

/// For which kinds of calls a permission is needed, and how.
struct Words {
    p2p: Need,
    group: Need,
}

impl Display for Words {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match (self.p2p, self.group) {
            (need, Need::No) => write!(f, "p2p{}", need.words()),
            (Need::No, need) => write!(f, "group{}", need.words()),
            (p2p, group) if p2p == group => write!(f, "p2p and group{}", group.words()),
            (p2p, group) => write!(f, "p2p{}, group{}", p2p.words(), group.words()),
        }
    }
}
