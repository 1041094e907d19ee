//! Writes the seeds anew, as they have to be when the bytes of snapshots or vocabularies change:
//! `cargo run --example seeds`.

use std::fs;
use std::path::Path;

use callflow_core::call::{Input, Offer, Setup};
use callflow_core::command::{Answer, Command, Placement, Redirect, Repeat};
use callflow_core::event::Event;
use callflow_core::id::{CallId, CallKey, ParticipantId, Ticket};
use callflow_core::identity::Identity;
use callflow_core::lifecycle::State;
use callflow_core::list::List;
use callflow_core::media::Audio;
use callflow_core::report::{Body, CallNews, Change, Report, Response, RosterNews};
use callflow_core::request::{Dispatch, Request};
use callflow_core::roster::{Extent, Participant, Presence};
use callflow_core::text::Uri;
use callflow_core::time::Timestamp;
use callflow_fuzz::Call;

const NOW: Timestamp = Timestamp::from_millis(0);
const URI: Uri<'static> = Uri::new("https://bot.example");

type Done = Result<(), Box<dyn std::error::Error>>;

fn main() -> Done {
    let users = [Identity::User("u")];
    let prompts = [URI];
    let members =
        [1, 2].map(|id| Participant::new(Some(ParticipantId::from_bytes([id; 16])), Presence::Present));
    let news = CallNews { audio: Some(Audio::Active), ..CallNews::of(State::Established) };
    let answer = Command::Answer(Answer::new(URI));
    let play = Command::PlayPrompt { prompts: List::new(&prompts), repeat: Repeat::Once };
    let redirect = Command::Redirect(Redirect::to(List::new(&users)));
    let established = Report::Call { change: Change::Updated, news };
    let roster = Report::Roster(RosterNews { extent: Extent::Full, participants: List::new(&members) });
    let response = Response { ticket: Ticket::FIRST, status: 202, code: 0, body: Body::Call(news) };
    let taken = Report::Response(response);
    let placement = Placement::to_targets(URI, List::new(&users));

    let (mut call, _) =
        Call::offered(NOW, Setup::new(CallKey::new(7)), Offer::new(CallId::from_bytes([1; 16])));
    snapshot("rings", &call)?;
    for command in [&answer, &play] {
        let _ = call.handle(NOW, Input::Command(command))?;
    }
    snapshot("answered", &call)?;
    for report in [&established, &roster] {
        let _ = call.handle(NOW, Input::Report(report))?;
    }
    snapshot("established", &call)?;
    let (placed, _) = Call::place(NOW, Setup::new(CallKey::new(7)), &placement)?;
    snapshot("placed", &placed)?;

    for (name, command) in [("answer", &answer), ("play", &play), ("redirect", &redirect)] {
        word(0, name, &postcard::to_allocvec(command)?)?;
    }
    for (name, report) in [("established", &established), ("roster", &roster), ("taken", &taken)] {
        word(1, name, &postcard::to_allocvec(report)?)?;
    }
    let (ticket, dispatch) = (Ticket::FIRST, Dispatch::Now);
    word(2, "perform", &postcard::to_allocvec(&Request::Perform { ticket, command: play, dispatch })?)?;
    word(3, "event", &postcard::to_allocvec(&Event::RosterFull { unnamed: 1 })?)?;
    word(5, "placement", &postcard::to_allocvec(&placement)?)
}

/// The time, the length of the snapshot, it, and a few inputs.
fn snapshot(name: &str, call: &Call) -> Done {
    let mut buffer = [0; Call::SNAPSHOT_LEN];
    let bytes = call.encode(&mut buffer)?;
    let length = u16::try_from(bytes.len())?.to_be_bytes();
    write("snapshot", name, &[&[0, 0], &length, bytes, &[100, 0, 220, 0, 0, 90, 0]].concat())
}

fn word(which: u8, name: &str, bytes: &[u8]) -> Done {
    write("vocabulary", name, &[&[which], bytes].concat())
}

fn write(target: &str, name: &str, bytes: &[u8]) -> Done {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    fs::create_dir_all(&seeds)?;
    Ok(fs::write(seeds.join(name), bytes)?)
}
