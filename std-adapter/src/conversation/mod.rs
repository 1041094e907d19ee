//! The async style: a call as a script that runs from top to bottom.
//!
//! ```no_run
//! # use std::sync::Arc;
//! use std::time::Duration;
//!
//! use callflow_graph::bot::Config;
//! use callflow_graph::conversation::{Conversation, Fallback, Scripted};
//! use callflow_graph::piece::Failure;
//! use callflow_graph::session::Target;
//!
//! # async fn run(config: Config, store: Arc<dyn callflow_graph::store::Store>,
//! #     transport: Arc<dyn callflow_graph::transport::Transport>,
//! #     clock: callflow_graph::clock::Clock) -> Result<(), Box<dyn std::error::Error>> {
//! // What the bot does with calls to it.
//! let script = async |call: Conversation| {
//!     call.answer().await?;
//!     let pin = call.collect(4).prompt("https://bot.example/pin.wav").terminator('#').attempts(3).await?;
//!     let next = if pin == "1234" { "https://bot.example/open.wav" } else { "https://bot.example/wrong.wav" };
//!     call.play(next).await?;
//!     call.hang_up().await?;
//!     Ok::<_, Failure>(())
//! };
//! let bot = Scripted::new(script)
//!     .fallback(Fallback::say("https://bot.example/sorry.wav"))
//!     .start(config, store, transport, clock)
//!     .await?;
//!
//! // A call that it places.
//! let call = bot.place(Target::User("112f7296-5fa4-42ca-bae8-6a692b15d4b8".to_owned())).await?;
//! call.established().await?;
//! let pin = call.collect(4).terminator('#').timeout(Duration::from_secs(8)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # How it sits on the durable style
//! What is awaited is a [piece](crate::piece), which the call's own task begins and hands every event from then on. So
//! nothing is missed between a command and the wait for it, and commands leave in the order of the script, each after it was
//! committed.
//!
//! # What it loses
//! A script is a future: **the place in it is lost when the process ends.** The call itself is not. At the next start such a
//! call gets the [`Fallback`]: by default it is hung up, politely where there is a prompt for that, or passed on to somebody.
//! What must go on where it was is written as a [`CallHandler`](crate::bot::CallHandler), with the same pieces.
//!
//! # What dropping means
//! * A future that is dropped before it is done waits no more; what was commanded stays commanded. A prompt is heard to its
//!   end: [`Conversation::cancel_media`] stops it. One that was never polled commanded nothing.
//! * When the last handle of a call is dropped, the call is hung up, or rejected where it still rings, unless
//!   [`Conversation::detach`] was called. So a script that returns, or a task that panics, leaves no call hanging.
//! * A script of an incoming call that fails or panics gets the [`Fallback`].

mod doing;
mod fallback;
mod held;
mod line;
mod reach;
mod scripted;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use callflow_core::command::RejectReason;
use callflow_core::event::Event;
use callflow_core::id::ParticipantId;
use callflow_core::lifecycle::end::End;
use callflow_core::media::Tone;
use tokio::sync::mpsc;

pub use doing::Doing;
pub use fallback::Fallback;
pub use held::OnHold;
pub use reach::{ReachError, RetryPlan};
pub use scripted::{Scripted, ScriptedBot};

use crate::piece::{
    AwaitEnd, AwaitEstablished, CarryOut, Collect, Confirm, Failure, Hold, InviteAndWait, LeaveWhenAlone,
    Menu, Piece, Play, Reached, RecordMessage, TransferTo, WhoAnswered,
};
use crate::session::{Address, Invitee, Order, Record, Target, Transfer};
use crate::store::CallName;
use crate::wire::resource::{Named, Recording};
use line::{Command, Registry};

/// A call, as a script has it. Clones are handles of the same call.
#[derive(Clone)]
pub struct Conversation {
    handle: Arc<Handle>,
}

impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversation").field("name", &self.handle.name).finish_non_exhaustive()
    }
}

/// What the handles of a call share: the call is hung up with the last of them.
struct Handle {
    name: CallName,
    registry: Arc<Registry>,
    is_detached: AtomicBool,
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if !self.is_detached.load(Ordering::Acquire) {
            Registry::abandon(&self.registry, &self.name);
        }
    }
}

impl Conversation {
    fn new(name: CallName, registry: Arc<Registry>) -> Self {
        registry.attach(&name);
        Self { handle: Arc::new(Handle { name, registry, is_detached: AtomicBool::new(false) }) }
    }

    /// The call's name in the store: what [`Bot::view`](crate::bot::Bot::view) and
    /// [`Bot::order`](crate::bot::Bot::order) take.
    pub fn name(&self) -> &CallName {
        &self.handle.name
    }

    /// Runs a piece, from now until it is done.
    ///
    /// On a call that the bot placed it begins once the service has the call.
    ///
    /// # Errors
    /// [`Failure`]
    pub async fn run<P>(&self, piece: P) -> Result<P::Output, Failure>
    where
        P: Piece + Send + 'static,
        P::Output: Send + 'static,
    {
        Registry::run(&self.handle.registry, &self.handle.name, piece).await
    }

    /// Commands something, without waiting for what becomes of it.
    ///
    /// # Errors
    /// [`Failure::Order`]: nothing was sent.
    pub async fn order(&self, order: Order) -> Result<(), Failure> {
        self.run(Command(order)).await
    }

    /// Answers an incoming call, and waits until it is established.
    ///
    /// # Errors
    /// [`Failure`]
    pub async fn answer(&self) -> Result<(), Failure> {
        self.order(Order::Answer(crate::session::Answer::default())).await?;
        self.established().await
    }

    /// Rejects an incoming call.
    ///
    /// # Errors
    /// [`Failure::Order`]
    pub async fn reject(&self, reason: RejectReason) -> Result<(), Failure> {
        self.order(Order::Reject(reason)).await
    }

    /// Forwards an incoming call.
    ///
    /// # Errors
    /// [`Failure::Order`]
    pub async fn redirect(&self, target: Target) -> Result<(), Failure> {
        self.order(Order::Redirect(target.into())).await
    }

    /// Waits until somebody picked up, or the bot is in the meeting.
    ///
    /// # Errors
    /// [`Failure::Ended`] where nobody did, [`Failure::Refused`] where the bot may not call.
    pub async fn established(&self) -> Result<(), Failure> {
        self.run(AwaitEstablished).await
    }

    /// Who took a call that the bot placed, as far as the service tells within 2 seconds.
    ///
    /// # Errors
    /// [`Failure`]
    pub async fn who_answered(&self) -> Result<Reached, Failure> {
        self.run(WhoAnswered::default()).await
    }

    /// Plays the WAV file at `uri`, and waits until it was heard.
    ///
    /// # Errors
    /// [`Failure`]
    pub async fn play(&self, uri: impl Into<Address>) -> Result<(), Failure> {
        self.run(Play::new(uri)).await
    }

    /// Collects this many digits: awaited after what else is to be said of it.
    pub fn collect(&self, digits: usize) -> Doing<'_, Collect> {
        Doing::new(self, Collect::digits(digits))
    }

    /// Plays a menu and waits for one of these keys: awaited after what else is to be said of it.
    pub fn menu(&self, prompt: impl Into<Address>, keys: &str) -> Doing<'_, Menu> {
        Doing::new(self, Menu::new(prompt, keys))
    }

    /// Asks for 1 or 2: awaited after what else is to be said of it.
    pub fn confirm(&self, prompt: impl Into<Address>) -> Doing<'_, Confirm> {
        Doing::new(self, Confirm::new(prompt))
    }

    /// Asks to be told of keys already now. Those that are pressed while nothing waits for keys are kept for what does next.
    ///
    /// # Errors
    /// [`Failure::Order`]
    pub async fn listen(&self) -> Result<(), Failure> {
        self.order(Order::SubscribeToTone).await
    }

    /// Forgets the keys that were pressed and that nothing waited for.
    pub fn forget_keys(&self) {
        self.handle.registry.forget_keys(&self.handle.name);
    }

    /// Records what is said, and gives where the recording can be had.
    ///
    /// # Errors
    /// [`Failure`]
    pub async fn record(&self, record: Record) -> Result<Recording, Failure> {
        self.run(RecordMessage::new(record)).await
    }

    /// Stops what is played and recorded, and what waits for it.
    ///
    /// # Errors
    /// [`Failure::Order`]
    pub async fn cancel_media(&self) -> Result<(), Failure> {
        self.order(Order::CancelMediaProcessing).await
    }

    /// Transfers the other participant, and waits until the target took him. Several targets in turn:
    /// [`TransferTo::or_else`], with [`Self::run`].
    ///
    /// # Errors
    /// [`Failure`]: the call goes on, unless it says that it ended.
    pub async fn transfer(&self, transfer: impl Into<Transfer>) -> Result<(), Failure> {
        self.run(TransferTo::new(transfer)).await.map(drop)
    }

    /// Transfers the other participant to whom the bot talks to in `consultation`: the two are connected, and both calls of
    /// the bot end.
    ///
    /// # Errors
    /// [`Failure`]: both calls go on, unless it says that one ended.
    pub async fn transfer_into(&self, target: Target, consultation: &Self) -> Result<(), Failure> {
        let id = consultation.run(line::Id).await?;
        self.run(TransferTo::consultative(target, id)).await.map(drop)
    }

    /// Invites somebody, and waits until he is in the call.
    ///
    /// # Errors
    /// [`Failure`]
    pub async fn invite(&self, invitee: impl Into<Invitee>) -> Result<(), Failure> {
        self.run(InviteAndWait::new(invitee)).await
    }

    /// Lets somebody wait with music, and returns when that was commanded. It goes on until [`OnHold::unhold`].
    ///
    /// # Errors
    /// [`Failure`]
    pub async fn on_hold(&self, hold: Hold) -> Result<OnHold, Failure> {
        OnHold::begin(&self.handle, hold).await
    }

    /// Puts a participant on hold, with the music of the WAV file at `music`, or the service's, and waits until he hears it.
    ///
    /// # Errors
    /// [`Failure`]
    pub async fn hold(&self, participant: ParticipantId, music: Option<Address>) -> Result<(), Failure> {
        self.run(CarryOut::new(Order::StartHoldMusic { participant, prompt: music })).await
    }

    /// Takes a participant off hold.
    ///
    /// # Errors
    /// [`Failure`]
    pub async fn resume(&self, participant: ParticipantId) -> Result<(), Failure> {
        self.run(CarryOut::new(Order::StopHoldMusic(participant))).await
    }

    /// Sends tones, and waits until they were sent.
    ///
    /// # Errors
    /// [`Failure`]
    pub async fn send_dtmf(&self, tones: impl Into<Vec<Tone>>) -> Result<(), Failure> {
        self.run(CarryOut::new(Order::SendDtmf { tones: tones.into(), delay: None })).await
    }

    /// The others who are in the call, as far as its roster says: that of a peer-to-peer call is empty.
    ///
    /// # Errors
    /// [`Failure::Ended`], [`Failure::Gone`]
    pub async fn participants(&self) -> Result<Vec<(ParticipantId, Named)>, Failure> {
        self.run(line::Others).await
    }

    /// Hangs up once everybody else is known to have left for 10 seconds.
    ///
    /// # Errors
    /// [`Failure`]
    pub async fn leave_when_alone(&self) -> Result<(), Failure> {
        self.run(LeaveWhenAlone::default()).await
    }

    /// Hangs up, and waits for the end.
    ///
    /// # Errors
    /// [`Failure::Order`]
    pub async fn hang_up(&self) -> Result<End, Failure> {
        self.run(crate::piece::Farewell::silent()).await
    }

    /// Waits until the call is over.
    ///
    /// # Errors
    /// [`Failure::Gone`]
    pub async fn ended(&self) -> Result<End, Failure> {
        self.run(AwaitEnd).await
    }

    /// Every event of the call from now on.
    pub fn events(&self) -> mpsc::UnboundedReceiver<Event> {
        self.handle.registry.watch(&self.handle.name)
    }

    /// The call goes on without a script: dropping the handles does not hang it up.
    pub fn detach(self) {
        self.handle.is_detached.store(true, Ordering::Release);
    }
}
