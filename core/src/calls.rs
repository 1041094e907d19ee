//! A bounded table of calls, for devices: takes new ones, routes each report to its call, and keeps one deadline over
//! all.
//!
//! An embedder with memory to spare keeps its calls in whatever map it likes. A device has places for a few: the table
//! says by name when they are all taken, and answers a call that rings then with the request that rejects it as busy.
//!
//! # Whose is a report?
//!
//! A notification names Graph's id of the call in its path, and comes to an address that the embedder chose: put the
//! call's [key](CallKey) into every callback URI, and it names that as well. The answer to a request is the embedder's to
//! know: it comes with the key. The first line that fits decides.
//!
//! | what the report names | whose it is |
//! | --- | --- |
//! | the id of a call | that call's |
//! | the key of a call whose id is not known yet, or no id (the `clientContext` of an operation names a key too) | that call's |
//! | the id of a call that was forgotten lately | nobody's: [`Routed::Forgotten`] |
//! | a new id, as `created` and `incoming` | a new call's, or [`Routed::Full`] |
//! | a new id and no key, while exactly one call is being created | that call's: its news overtook the answer to its creation |
//! | anything else | nobody's: [`Routed::Unknown`] |
//!
//! Source: Graph docs, commsNotification, application: post calls. That a notification may overtake the answer that tells
//! the id is seen in field reports; whose it is then is assumed: if it is wrong, the answer puts the id right, and the
//! state as it is comes with the call's next news, or with [`Command::Refresh`]. With keys in the callback URIs it is never asked.
//!
//! # When a place becomes free
//!
//! An ended call stays readable until [`Calls::forget`], or until a new call needs its place. The table takes a place only
//! from a call whose end was told, or whose creation was refused. An end that was only inferred may be wrong, and then
//! the call comes back: such a call keeps its place until it is forgotten, or its end is told.
//!
//! # A device's loop
//!
//! ```
//! use callflow_core::call::{Output, Setup};
//! use callflow_core::calls::{Address, Calls, Routed};
//! use callflow_core::id::{CallId, CallKey};
//! use callflow_core::lifecycle::State;
//! use callflow_core::report::{CallNews, Change, Report};
//! use callflow_core::time::Timestamp;
//!
//! # struct Radio { inbox: Vec<(u64, &'static str)>, sent: Vec<String>, keys: u64 }
//! # impl Radio {
//! #     fn random(&mut self) -> u64 { self.keys += 1; self.keys }
//! #     fn send(&mut self, id: Option<CallId>, request: &callflow_core::request::Request<'_>) {
//! #         self.sent.extend(id.and(request.action()).map(|action| action.to_string()));
//! #     }
//! #     fn wait(&mut self, until: Option<Timestamp>) -> Option<(Timestamp, Option<(CallId, Report<'static>)>)> {
//! #         let (at, id) = *self.inbox.first()?;
//! #         let at = Timestamp::from_millis(at);
//! #         if let Some(until) = until.filter(|until| *until <= at) { return Some((until, None)); }
//! #         self.inbox.remove(0);
//! #         let report = Report::Call { change: Change::Created, news: CallNews::of(State::Incoming) };
//! #         Some((at, Some((CallId::parse(id), report))))
//! #     }
//! # }
//! # let inbox = vec![(0, "a"), (900, "b"), (1_000, "c"), (20_000, "a")];
//! # let mut radio = Radio { inbox, sent: Vec::new(), keys: 0 };
//! let mut calls = Calls::<2, 4, 4>::new(); // two calls, four participants and four operations each
//!
//! while let Some((now, heard)) = radio.wait(calls.next_deadline().map(|(_, due)| due.at)) {
//!     let (key, output) = match heard {
//!         None => match calls.tick(now) {
//!             Some(ticked) => ticked,
//!             None => continue,
//!         },
//!         Some((id, report)) => {
//!             let setup = |_: &mut _| Setup::new(CallKey::new(radio.random()));
//!             match calls.route(now, Address::Id(id), &report, setup) {
//!                 Routed::Told { key, output } | Routed::New { key, output } => (key, output),
//!                 Routed::Full { call, reject } => {
//!                     radio.send(Some(call), &reject);
//!                     continue;
//!                 }
//!                 Routed::Forgotten | Routed::Unknown | Routed::KeyTaken => continue,
//!             }
//!         }
//!     };
//!     for request in output.requests() {
//!         radio.send(calls.get(key).and_then(|call| call.id()), &request);
//!     }
//!     // What the bot makes of output.events() goes in with calls.handle(now, key, Input::Command(…)).
//! }
//!
//! assert_eq!(calls.len(), 2);
//! // The third call found no place; nobody answered the first two, and each was asked for when its limit passed.
//! assert_eq!(radio.sent, ["reject", "refresh", "refresh"]);
//! ```

use crate::call::{Call, Input, Offer, Output, Refused, Setup};
use crate::command::{Command, Placement, RejectReason};
use crate::deadline::Deadline;
use crate::id::{CallId, CallKey, Ticket};
use crate::lifecycle::State;
use crate::lifecycle::end::How;
use crate::lifecycle::pending::Creation;
use crate::report::{CallNews, Change, Report, Told};
use crate::request::{Dispatch, Request};
use crate::restriction::PolicyRecording;
use crate::time::Timestamp;

/// Up to `N` calls, each with room for `R` participants and `O` operations.
///
/// No two of them share a key, and no two that Graph told apart share an id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Calls<const N: usize, const R: usize, const O: usize> {
    places: [Option<Call<R, O>>; N],
    /// The ids of those forgotten last, the latest first.
    forgotten: [CallId; N],
}

/// What a report names of its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Address {
    /// Graph's id, which a notification has in its path.
    Id(CallId),
    /// The embedder's key: of a callback URI, or of the request that is answered.
    Key(CallKey),
    /// Both.
    Both {
        /// Graph's id.
        id: CallId,
        /// The embedder's key.
        key: CallKey,
    },
}

impl Address {
    const fn id(self) -> Option<CallId> {
        match self {
            Self::Id(id) | Self::Both { id, .. } => Some(id),
            Self::Key(_) => None,
        }
    }

    const fn key(self) -> Option<CallKey> {
        match self {
            Self::Key(key) | Self::Both { key, .. } => Some(key),
            Self::Id(_) => None,
        }
    }
}

/// What became of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[allow(clippy::large_enum_variant)] // there is no heap to put an output on
#[must_use]
pub enum Routed {
    /// It was handed to this call.
    Told {
        /// The call.
        key: CallKey,
        /// What the call gave.
        output: Output<'static>,
    },
    /// It told of a call to the bot, which has a place now.
    New {
        /// The call.
        key: CallKey,
        /// What the call gave.
        output: Output<'static>,
    },
    /// It told of a call to the bot, and all places are taken: send this request on that call. Nothing waits for its
    /// answer.
    Full {
        /// Graph's id of the call, which is in no place.
        call: CallId,
        /// Rejects it as busy. The ticket means nothing.
        reject: Request<'static>,
    },
    /// It was of a call that was forgotten lately: it came late, or for the second time. Nothing is to be done.
    Forgotten,
    /// No call here is meant. A live call of this id may be left over from before a restart: hang it up.
    Unknown,
    /// It told of a call to the bot, and its setup names the key of another call: hand it in again with another key.
    KeyTaken,
}

/// Why a call has no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum NoPlace {
    /// All places are taken by calls that are not known to be over: wait for an end, or forget one whose end was inferred.
    Full {
        /// How many places there are.
        places: u8,
    },
    /// Another call has this key: draw another.
    KeyTaken,
    /// Another call has this id: the call is there already.
    IdTaken,
}

impl core::fmt::Display for NoPlace {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Full { places } => {
                write!(
                    f,
                    "all {places} places for calls are taken; wait until one ends, or forget one that did"
                )
            }
            Self::KeyTaken => f.write_str("another call has this key; draw another"),
            Self::IdTaken => f.write_str("a call with this id is there already; hand its reports in"),
        }
    }
}

impl core::error::Error for NoPlace {}

/// Why a call was not placed. No call changed, and no request left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum NotPlaced {
    /// There is no place for it.
    NoPlace(NoPlace),
    /// The call refuses it.
    Refused(Refused),
}

impl core::fmt::Display for NotPlaced {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NoPlace(why) => why.fmt(f),
            Self::Refused(refused) => refused.fmt(f),
        }
    }
}

impl core::error::Error for NotPlaced {}

/// Why an input was not handled. No call changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum NotHandled {
    /// No call has this key: it was forgotten, or its place was needed after its end.
    UnknownKey,
    /// The call refuses the command.
    Refused(Refused),
}

impl core::fmt::Display for NotHandled {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::UnknownKey => f.write_str("no call has this key; it was forgotten after its end"),
            Self::Refused(refused) => refused.fmt(f),
        }
    }
}

impl core::error::Error for NotHandled {}

/// Why a call was not forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum NotForgotten {
    /// No call has this key.
    UnknownKey,
    /// It is not over: nobody would keep it alive or hang it up. Hang it up, and wait for its end.
    Live,
}

impl core::fmt::Display for NotForgotten {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::UnknownKey => "no call has this key; it was forgotten already",
            Self::Live => "the call is not over; hang it up, and wait for its end",
        })
    }
}

impl core::error::Error for NotForgotten {}

impl<const N: usize, const R: usize, const O: usize> Default for Calls<N, R, O> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize, const R: usize, const O: usize> Calls<N, R, O> {
    /// A table without calls.
    pub const fn new() -> Self {
        Self { places: [const { None }; N], forgotten: [CallId::NIL; N] }
    }

    /// Gives a place to a call to the bot. [`Self::route`] does so by itself when a notification tells of one.
    ///
    /// # Errors
    /// [`NoPlace`]; nothing changed. Where it is [`NoPlace::Full`], reject the call as busy.
    pub fn offered(
        &mut self,
        now: Timestamp,
        setup: Setup,
        offer: Offer,
    ) -> Result<Output<'static>, NoPlace> {
        let place = self.place_for(setup.key, Some(offer.id))?;
        let before = place.as_ref().and_then(Call::id);
        let output = place.get_or_insert_with(Call::blank).begin_offered(now, setup, offer);
        self.remember(before);
        Ok(output)
    }

    /// Places a call, or joins a meeting; the request is in the output.
    ///
    /// # Errors
    /// [`NotPlaced`]; nothing changed.
    pub fn place<'a>(
        &mut self,
        now: Timestamp,
        setup: Setup,
        placement: &'a Placement<'a>,
    ) -> Result<Output<'a>, NotPlaced> {
        let place = self.place_for(setup.key, None).map_err(NotPlaced::NoPlace)?;
        let before = place.as_ref().map(Call::id);
        match place.get_or_insert_with(Call::blank).begin_placed(now, setup, placement) {
            Ok(output) => {
                self.remember(before.flatten());
                Ok(output)
            }
            Err(refused) => {
                if before.is_none() {
                    *place = None;
                }
                Err(NotPlaced::Refused(refused))
            }
        }
    }

    /// Gives a place to a call that was elsewhere, such as in a snapshot.
    ///
    /// # Errors
    /// [`NoPlace`]; nothing changed.
    pub fn adopt(&mut self, call: Call<R, O>) -> Result<(), NoPlace> {
        let place = self.place_for(call.key(), call.id())?;
        let before = place.replace(call).and_then(|before| before.id());
        self.remember(before);
        Ok(())
    }

    /// Hands a report to its call, as the table above says. `new` makes the setup of a call to the bot that the report
    /// turns out to tell of, with a key drawn at random; the offer is its to complete, where the notification says more
    /// than a report can ([`PolicyRecording`]).
    pub fn route(
        &mut self,
        now: Timestamp,
        address: Address,
        report: &Report<'_>,
        new: impl FnOnce(&mut Offer) -> Setup,
    ) -> Routed {
        let id = address.id().or(match report {
            Report::Call { news, .. } => news.id,
            _ => None,
        });
        if let Some(call) = self.find(address, id, report) {
            return Routed::Told { key: call.key(), output: tell(call, now, id, report) };
        }
        let Some(id) = id else { return Routed::Unknown };
        if self.forgotten.contains(&id) {
            return Routed::Forgotten;
        }
        if let Report::Call { change: Change::Created, news } = report
            && news.state == Told::State(State::Incoming)
        {
            return self.take(now, id, news, new);
        }
        let may_be_early = address.key().is_none() && is_notification(report) && !is_end(report);
        match self.in_creation().filter(|_| may_be_early) {
            Some(call) => Routed::Told { key: call.key(), output: tell(call, now, Some(id), report) },
            None => Routed::Unknown,
        }
    }

    /// Hands an input to the call of this key.
    ///
    /// # Errors
    /// [`NotHandled`]; nothing changed.
    pub fn handle<'a>(
        &mut self,
        now: Timestamp,
        key: CallKey,
        input: Input<'a>,
    ) -> Result<Output<'a>, NotHandled> {
        let call = self.of_key(key).ok_or(NotHandled::UnknownKey)?;
        call.handle(now, input).map_err(NotHandled::Refused)
    }

    /// When to [tick](Self::tick) next, for which call and what for. `None`: never, unless something else happens.
    pub fn next_deadline(&self) -> Option<(CallKey, Deadline)> {
        let due = self.iter().filter_map(|call| Some((call.key(), call.next_deadline()?)));
        due.min_by_key(|(_, deadline)| deadline.at)
    }

    /// Tells the time to the call of the next deadline, if that passed. Several may have: tick until there is none.
    pub fn tick(&mut self, now: Timestamp) -> Option<(CallKey, Output<'static>)> {
        let (key, _) = self.next_deadline().filter(|(_, deadline)| deadline.at <= now)?;
        let output = self.of_key(key)?.handle(now, Input::Tick).ok()?;
        Some((key, output))
    }

    /// Frees the place of a call that is over. What still comes of it is then [`Routed::Forgotten`], for as long as no
    /// `N` others were forgotten after it.
    ///
    /// # Errors
    /// [`NotForgotten`]; nothing changed.
    pub fn forget(&mut self, key: CallKey) -> Result<(), NotForgotten> {
        let is_it = |place: &&mut Option<Call<R, O>>| place.as_ref().is_some_and(|call| call.key() == key);
        let place = self.places.iter_mut().find(is_it).ok_or(NotForgotten::UnknownKey)?;
        if place.as_ref().is_some_and(|call| call.end().is_none()) {
            return Err(NotForgotten::Live);
        }
        let id = place.as_ref().and_then(Call::id);
        *place = None;
        self.remember(id);
        Ok(())
    }

    /// Carries all calls from one origin of time to another: a device whose clock starts anew at its boot.
    pub fn rebase(&mut self, old_now: Timestamp, new_now: Timestamp) {
        for call in self.places.iter_mut().flatten() {
            call.rebase(old_now, new_now);
        }
    }

    /// The call of this key.
    pub fn get(&self, key: CallKey) -> Option<&Call<R, O>> {
        self.iter().find(|call| call.key() == key)
    }

    /// The calls, those that are over included.
    pub fn iter(&self) -> impl Iterator<Item = &Call<R, O>> {
        self.places.iter().flatten()
    }

    /// How many calls there are, those that are over included.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether one more call would find a place.
    pub fn has_room(&self) -> bool {
        self.free().is_some()
    }

    fn of_key(&mut self, key: CallKey) -> Option<&mut Call<R, O>> {
        self.places.iter_mut().flatten().find(|call| call.key() == key)
    }

    /// The call that a report names, by id or by key.
    fn find(&mut self, address: Address, id: Option<CallId>, report: &Report<'_>) -> Option<&mut Call<R, O>> {
        let of_context = match report {
            Report::Operation { news, .. } => news.context.map(|context| context.key),
            _ => None,
        };
        let by_id = self.iter().find(|call| id.is_some() && call.id() == id);
        let by_key = || {
            let call = self.get(address.key().or(of_context)?)?;
            // A call that has another id is not meant, whatever the callback URI says.
            (id.is_none() || call.id().is_none()).then_some(call)
        };
        let key = by_id.or_else(by_key)?.key();
        self.of_key(key)
    }

    /// The call that is being created and has no id yet, if it is the only one.
    fn in_creation(&mut self) -> Option<&mut Call<R, O>> {
        let mut candidates = self.places.iter_mut().flatten().filter(|call| {
            let is_asked = matches!(call.creation(), Creation::Asked | Creation::Unknown);
            is_asked && call.id().is_none() && call.end().is_none()
        });
        let only = candidates.next()?;
        candidates.next().is_none().then_some(only)
    }

    fn take(
        &mut self,
        now: Timestamp,
        id: CallId,
        news: &CallNews,
        new: impl FnOnce(&mut Offer) -> Setup,
    ) -> Routed {
        if !self.has_room() {
            return Routed::Full { call: id, reject: BUSY };
        }
        let mut offer = Offer { id, coordinates: news.coordinates, recording: PolicyRecording::No };
        let setup = new(&mut offer);
        match self.offered(now, setup, Offer { id, ..offer }) {
            Ok(output) => Routed::New { key: setup.key, output },
            Err(NoPlace::KeyTaken) => Routed::KeyTaken,
            Err(NoPlace::Full { .. } | NoPlace::IdTaken) => Routed::Full { call: id, reject: BUSY },
        }
    }

    /// A place for a call with this key and id; the call that has it, if any, is over.
    fn place_for(&mut self, key: CallKey, id: Option<CallId>) -> Result<&mut Option<Call<R, O>>, NoPlace> {
        if self.get(key).is_some() {
            return Err(NoPlace::KeyTaken);
        }
        if id.is_some() && self.iter().any(|call| call.id() == id) {
            return Err(NoPlace::IdTaken);
        }
        let free = self.free().and_then(|place| self.places.get_mut(place));
        free.ok_or(NoPlace::Full { places: u8::try_from(N).unwrap_or(u8::MAX) })
    }

    fn free(&self) -> Option<usize> {
        let has_ended = |call: &Call<R, O>| match call.end().map(|end| end.how) {
            Some(How::Told | How::NotCreated) => true,
            Some(How::Inferred) | None => false,
        };
        let empty = self.places.iter().position(Option::is_none);
        empty.or_else(|| self.places.iter().position(|place| place.as_ref().is_some_and(has_ended)))
    }

    fn remember(&mut self, id: Option<CallId>) {
        let Some(mut moved) = id else { return };
        for kept in &mut self.forgotten {
            core::mem::swap(kept, &mut moved);
        }
    }
}

/// Rejects a call for which there is no place.
const BUSY: Request<'static> = Request::Perform {
    ticket: Ticket::FIRST,
    command: Command::Reject(RejectReason::Busy),
    dispatch: Dispatch::Now,
};

/// Whether a report is Graph's own, and no answer to a request.
const fn is_notification(report: &Report<'_>) -> bool {
    match report {
        Report::Call { .. }
        | Report::Roster(_)
        | Report::Operation { .. }
        | Report::ContentSharing { .. }
        | Report::Joining
        | Report::Left
        | Report::Unrecognised => true,
        Report::Response(_) | Report::NoResponse { .. } | Report::NotSent { .. } | Report::Granted(_) => {
            false
        }
    }
}

/// Whether a report tells of a call's end: a call that is being created is not taken for that one.
fn is_end(report: &Report<'_>) -> bool {
    const END: [Told; 2] = [Told::State(State::Terminating), Told::State(State::Terminated)];
    matches!(report, Report::Call { change, news } if *change == Change::Deleted || END.contains(&news.state))
}

/// Hands a report to its call, with the id that it was addressed to: a call learns its id from whatever comes first.
fn tell<const R: usize, const O: usize>(
    call: &mut Call<R, O>,
    now: Timestamp,
    id: Option<CallId>,
    report: &Report<'_>,
) -> Output<'static> {
    call.learn_id(id);
    call.told(now, report)
}

#[cfg(test)]
mod tests;
