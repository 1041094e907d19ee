//! The classification, drawn.

use core::fmt::{self, Display, Formatter};

use super::{Format, arrow, rule};
use crate::classification::{Hosting, Kind, NoTarget, change_rows, creation_rows};

/// Displays how a call is found to be peer-to-peer or group, and how it is hosted.
///
/// A diagram has an arrow for each way of creating a call, and one for each observation that changes what it is. A table
/// has the same, with the source of each and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Classification {
    /// How it is written.
    pub format: Format,
}

impl Display for Classification {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.format {
            Format::Mermaid => {
                writeln!(f, "stateDiagram-v2")?;
                for (id, kind, hosting) in KINDS {
                    writeln!(f, "    state \"{kind}, {hosting}\" as {id}")?;
                }
                arrows(f, self.format, "[*]")
            }
            Format::Dot => {
                writeln!(f, "digraph classification {{\n    node [shape=box, style=rounded];")?;
                writeln!(f, "    start [shape=point];")?;
                for (id, kind, hosting) in KINDS {
                    writeln!(f, "    {id} [label=\"{kind}, {hosting}\"];")?;
                }
                writeln!(f, "    {REFUSED} [shape=plain];")?;
                arrows(f, self.format, "start")?;
                writeln!(f, "}}")
            }
            Format::Table => table(f),
        }
    }
}

/// What a call can be, with a word for diagrams.
const KINDS: [(&str, Kind, Hosting); 3] = [
    ("p2p_direct", Kind::PeerToPeer, Hosting::Direct),
    ("p2p_conversation", Kind::PeerToPeer, Hosting::Conversation),
    ("group", Kind::Group, Hosting::Conversation),
];
/// Where a call goes that is none.
const REFUSED: &str = "refused";

fn id((kind, hosting): (Kind, Hosting)) -> &'static str {
    match (kind, hosting) {
        (Kind::PeerToPeer, Hosting::Direct) => "p2p_direct",
        (Kind::PeerToPeer, Hosting::Conversation) => "p2p_conversation",
        (Kind::Group, _) => "group",
    }
}

/// How a call of this kind is hosted at first.
fn at_first(kind: Kind) -> (Kind, Hosting) {
    match kind {
        Kind::PeerToPeer => (kind, Hosting::Direct),
        Kind::Group => (kind, Hosting::Conversation),
    }
}

fn arrows(f: &mut Formatter<'_>, format: Format, start: &str) -> fmt::Result {
    for row in creation_rows() {
        let to = row.reason.map_or(REFUSED, |reason| id(at_first(reason.kind())));
        arrow(f, format, start, to, row.created)?;
    }
    for row in change_rows() {
        arrow(f, format, id(row.from), id(row.to), row.seen)?;
    }
    Ok(())
}

fn table(f: &mut Formatter<'_>) -> fmt::Result {
    writeln!(f, "| created | kind | hosting | why | certainty | source |")?;
    rule(f, 6)?;
    for row in creation_rows() {
        write!(f, "| {} | ", row.created)?;
        match row.reason {
            Some(reason) => {
                let (kind, hosting) = at_first(reason.kind());
                write!(f, "{kind} | {hosting} | {reason}")?;
            }
            None => write!(f, "{REFUSED} | | {NoTarget}")?,
        }
        writeln!(f, " | {} | {} |", row.certainty, row.source)?;
    }
    writeln!(f)?;
    writeln!(f, "| was | seen | is then | certainty | source |")?;
    rule(f, 5)?;
    for row in change_rows() {
        let ((was, hosted), (is, hosting)) = (row.from, row.to);
        writeln!(
            f,
            "| {was}, {hosted} | {} | {is}, {hosting} | {} | {} |",
            row.seen, row.certainty, row.source
        )?;
    }
    Ok(())
}
