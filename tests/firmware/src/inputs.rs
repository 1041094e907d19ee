//! What the images do with core, every value of every input being possible.
//!
//! An input is read out of volatile memory, and with it what it refers to, so every variant of a command, a report, an offer or a placement
//! that core has, or will have, is reachable without being named here. [`black_box`] takes what core gives, so that none
//! of it can be left out either.

use core::hint::black_box;

pub use callflow_core::call::Output;
use callflow_core::call::{Input, Offer, Setup};
use callflow_core::command::Placement;
use callflow_core::id::{CallId, CallKey};
use callflow_core::list::List;
use callflow_core::text::Uri;
use callflow_core::time::Timestamp;

use crate::volatile::{Place, Volatile};

pub use crate::cases::Call;
/// A call of a device with less memory.
pub type SmallCall = callflow_core::call::Call<2, 4>;

static SELECTOR: Volatile<u32> = Volatile::new(0);
static NOW: Volatile<Timestamp> = Volatile::new(Timestamp::from_millis(0));
static INPUT: Volatile<Input<'static>> = Volatile::new(Input::Tick);
static SETUP: Volatile<Setup> = Volatile::new(Setup::new(CallKey::new(1)));
static OFFER: Volatile<Offer> = Volatile::new(Offer::new(CallId::from_bytes([1; 16])));
static PLACEMENT: Volatile<&Placement<'static>> =
    Volatile::new(&Placement::to_targets(Uri::new(""), List::new(&[])));
static CALL: Place<Call> = Place::new();

/// Which of its actions an image takes next.
pub fn selected() -> u32 {
    SELECTOR.read()
}

/// The memory of the call.
///
/// # Safety
/// An image asks once.
#[inline(never)]
pub unsafe fn memory() -> &'static mut Call {
    // SAFETY: the caller asks once.
    unsafe { CALL.take() }.write(Call::blank())
}

/// Any call to the bot.
#[inline(never)]
pub fn offered(call: &mut Call) {
    black_box(&call.begin_offered(NOW.read(), SETUP.read(), OFFER.read()));
}

/// Any call that the bot places; none where core refuses to.
#[inline(never)]
pub fn placed(call: &mut Call) {
    black_box(&call.begin_placed(NOW.read(), SETUP.read(), PLACEMENT.read()));
}

/// Any input, and the next deadline.
#[inline(never)]
pub fn handle(call: &mut Call) {
    black_box(&call.handle(NOW.read(), INPUT.read()));
    black_box(&call.next_deadline());
}

#[cfg(feature = "snapshot")]
pub use bytes::{Buffer, buffer, command, decode, encode, request};

/// Core's values as bytes, and back.
#[cfg(feature = "snapshot")]
mod bytes {
    use core::hint::black_box;

    use callflow_core::call::Input;
    use callflow_core::command::Command;
    use callflow_core::request::Request;

    use super::{Call, NOW};
    use crate::volatile::{Place, Volatile};

    /// Room for a snapshot.
    pub type Buffer = [u8; Call::SNAPSHOT_LEN];

    static BUFFER: Place<Buffer> = Place::new();

    static BYTES: Volatile<&[u8]> = Volatile::new(&[]);
    static REQUEST: Volatile<&Request<'static>> =
        Volatile::new(&Request::Release { ticket: callflow_core::id::Ticket::FIRST });

    /// Room for what is encoded.
    ///
    /// # Safety
    /// An image asks once.
    pub unsafe fn buffer() -> &'static mut Buffer {
        // SAFETY: the caller asks once.
        unsafe { BUFFER.take() }.write([0; _])
    }

    /// A snapshot of any call.
    #[inline(never)]
    pub fn encode(call: &Call, buffer: &mut Buffer) {
        black_box(&call.encode(buffer));
    }

    /// A call out of any bytes.
    #[inline(never)]
    pub fn decode(call: &mut Call) {
        black_box(&call.decode_into(BYTES.read()));
    }

    /// A command out of any bytes, handed to the call.
    #[inline(never)]
    pub fn command(call: &mut Call) {
        match postcard::from_bytes::<Command<'_>>(BYTES.read()) {
            Ok(command) => {
                black_box(&call.handle(NOW.read(), Input::Command(&command)));
            }
            Err(error) => {
                black_box(&error);
            }
        }
    }

    /// Any request into bytes.
    #[inline(never)]
    pub fn request(buffer: &mut Buffer) {
        black_box(&postcard::to_slice(REQUEST.read(), buffer));
    }
}
