//! What must hold after each input, whatever it is.

use std::collections::HashSet;

use callflow_core::call::{Input, Output, Refused};
use callflow_core::classification::Kind;
use callflow_core::event::Event;
use callflow_core::id::Ticket;
use callflow_core::lifecycle::end::How;
use callflow_core::operation::Phase;
use callflow_core::testing::{Observer, Step};
use callflow_core::time::{Span, Timestamp};

/// A call with few places, so that they are often all taken.
pub type Call = callflow_core::call::Call<3, 2>;

/// 40 days.
const FAR: Span = Span::from_minutes(40 * 24 * 60);

/// More ticks than a minute can need.
const MOST_TICKS: usize = 1_000;

/// Hands inputs to a call, and panics when something that must hold does not.
#[derive(Debug)]
pub struct Watch {
    /// The call.
    pub call: Call,
    /// The operations of which it was told that they ended.
    ended: HashSet<Ticket>,
    /// Knows what holds of a call that was watched from its beginning, by a clock that goes forward.
    observer: Option<Observer>,
    /// The earliest and the latest time that the call was told.
    earliest: Timestamp,
    latest: Timestamp,
    /// Whether the call came out of bytes: it is then only known to be one that could be read.
    is_decoded: bool,
}

impl Watch {
    /// Watches a call from its beginning, by a clock that jumps.
    pub fn new(call: Call, now: Timestamp) -> Self {
        let ended = HashSet::new();
        Self { call, ended, observer: None, earliest: now, latest: now, is_decoded: false }
    }

    /// Watches a call from its beginning, by a clock that goes forward and passes no deadline without a tick.
    pub fn orderly(call: Call, now: Timestamp) -> Self {
        Self { observer: Some(Observer::new(&call, now)), ..Self::new(call, now) }
    }

    /// Watches a call that was read from bytes.
    pub fn decoded(call: Call, now: Timestamp) -> Self {
        Self { is_decoded: true, ..Self::new(call, now) }
    }

    /// Whether the clock goes forward only.
    pub fn is_orderly(&self) -> bool {
        self.observer.is_some()
    }

    /// Lets the time pass, with a tick at each deadline.
    pub fn wait(&mut self, now: Timestamp) {
        for _ in 0..MOST_TICKS {
            let Some(due) = self.call.next_deadline().filter(|due| due.at <= now) else { return };
            self.handle(due.at, Input::Tick);
        }
        panic!("ticks never end: {:?}", self.call);
    }

    /// Hands an input to the call.
    pub fn handle(&mut self, now: Timestamp, input: Input<'_>) {
        (self.earliest, self.latest) = (self.earliest.min(now), self.latest.max(now));
        let before = self.call.clone();
        let result = self.call.handle(now, input);
        match &result {
            Err(refused) => {
                assert!(matches!(input, Input::Command(_)), "only a command is refused: {input:?}");
                assert_eq!(self.call, before, "a refusal changed something");
                let _ = refused.to_string();
            }
            Ok(output) => self.check(&before, now, input, output),
        }
        self.check_snapshot(&before, now, input, &result);
        if let Some(observer) = &mut self.observer {
            let step = Step { before: &before, now, input, result: &result, after: &self.call };
            if let Err(broken) = observer.check(&step) {
                panic!("{broken}: {step:?}");
            }
        }
    }

    fn check(&mut self, before: &Call, now: Timestamp, input: Input<'_>, output: &Output<'_>) {
        let call = &self.call;
        let context = || format!("{input:?} at {now:?}\n{output:?}\nbefore {before:?}\nafter {call:?}");
        assert!(!output.has_overflowed(), "an event or a request was lost: {}", context());
        assert_eq!(output.requests().count(), output.requests().len(), "{}", context());
        assert_eq!(call.key(), before.key());
        assert!(call.was_ever_established() || !before.was_ever_established(), "{}", context());
        assert!(call.kind() == Kind::Group || before.kind() == Kind::PeerToPeer, "{}", context());
        assert_eq!(call.state().is_ended(), call.end().is_some(), "{}", context());
        if before.end().is_some_and(|end| end.how == How::Told) {
            assert!(call.end().is_some_and(|end| end.how == How::Told), "a told end is final: {}", context());
            assert_eq!(output.requests().len(), 0, "{}", context());
            assert_eq!(call.next_deadline(), None, "{}", context());
        }
        if matches!(input, Input::Tick) {
            match before.next_deadline() {
                // At the end of all time no deadline can move.
                Some(due) if due.at.as_millis() == u64::MAX => {}
                Some(due) if due.at <= now => {
                    assert_ne!(
                        call.next_deadline(),
                        Some(due),
                        "the tick did not move its deadline: {}",
                        context()
                    );
                }
                Some(_) | None => {
                    assert_eq!(call, before, "a tick before the deadline");
                    assert!(output.events().is_empty() && output.requests().len() == 0);
                }
            }
        }
        if self.is_decoded {
            return;
        }
        for event in output.events() {
            match event {
                Event::OperationEnded { ticket, .. } => {
                    assert!(self.ended.insert(*ticket), "an operation ended twice: {}", context());
                }
                Event::OperationsEnded { places } => {
                    for (_, operation) in
                        (0u8..).zip(call.operations().rows()).filter(|(place, _)| places.has(*place))
                    {
                        assert!(matches!(operation.phase(), Phase::Ended(_)), "{}", context());
                        assert!(self.ended.insert(operation.ticket()), "{}", context());
                    }
                }
                Event::Tone { .. } | Event::MediaChanged { .. } => {
                    assert!(call.was_ever_established(), "{}", context());
                }
                _ => {}
            }
        }
    }

    /// A snapshot is the whole call: what is read from it is equal, and goes on alike.
    fn check_snapshot(
        &self,
        before: &Call,
        now: Timestamp,
        input: Input<'_>,
        result: &Result<Output<'_>, Refused>,
    ) {
        assert_eq!(round(&self.call), self.call);
        // Deadlines that are further apart than 49 days are cut short; by how much depends on what they count from.
        if self.is_decoded || self.latest.since(self.earliest) > FAR {
            return;
        }
        let mut twin = round(before);
        assert_eq!(&twin.handle(now, input), result, "{input:?} at {now:?} on {before:?}");
        assert_eq!(twin, self.call, "{input:?} at {now:?} on {before:?}");
    }
}

fn round(call: &Call) -> Call {
    let mut buffer = [0; Call::SNAPSHOT_LEN];
    let bytes = call.encode(&mut buffer).expect("a buffer of SNAPSHOT_LEN is large enough");
    let decoded = Call::decode(bytes).unwrap_or_else(|error| panic!("{error}: {call:?}"));
    assert_eq!(&decoded, call, "the snapshot is another call");
    decoded
}
