//! Prompts: made into what the service plays, served where it fetches them, and spoken.
//!
//! The service fetches what it is to play over https, and plays one format only. So a bot gives its prompts to [`Prompts`]
//! in whatever format they are, puts [`Prompts::router`] beside its webhook, and plays them by their names:
//!
//! ```
//! use callflow_core::event::Event;
//! use callflow_graph::bot::{Call, CallHandler, HandlerError};
//! use callflow_graph::clock::Clock;
//! use callflow_graph::prompt::{Key, Load, PromptError, Prompts, Settings};
//!
//! struct Menu {
//!     prompts: Prompts,
//! }
//!
//! impl CallHandler for Menu {
//!     type State = ();
//!
//!     async fn on_event(&self, call: &mut Call<'_>, _: &mut (), event: &Event) -> Result<(), HandlerError> {
//!         if *event == Event::Offered {
//!             call.answer()?;
//!             call.play(self.prompts.url("menu")?)?;
//!             call.play(self.prompts.say("Press one for sales.").await?)?;
//!         }
//!         Ok(())
//!     }
//! }
//!
//! # async fn start(
//! #     client_secret: &str,
//! #     bot: callflow_graph::bot::Bot,
//! # ) -> Result<axum::Router, Box<dyn std::error::Error>> {
//! let settings = Settings::new("https://bot.example/prompts", Key::new(client_secret)?);
//! let prompts = Prompts::try_new(settings, Clock::system())?;
//! prompts.add_folder("prompts", Load::AtStart).await?; // prompts/menu.mp3 is "menu"
//! // … Bot::start(config, Menu { prompts: prompts.clone() }, …)
//! let app = bot.router().merge(prompts.router());
//! # Ok(app)
//! # }
//! ```
//!
//! * **What the service cannot play is refused when it is added**, with the reason, and converted before that where it can
//!   be: WAV, MP3, Ogg Vorbis and FLAC, at any sample rate, with any channels.
//! * **Nobody else fetches them.** Each address is signed and good for a day ([`Settings::valid_for`]): time enough for a
//!   command that a restart delays, since the [`Key`] stays the same.
//! * **`say` speaks** through a [`Tts`](tts::Tts): [`AzureSpeech`](tts::AzureSpeech), or, on a developer's machine,
//!   [`Program`](tts::Program).
//! * **Each is made once**, however many ask for it, and kept in memory within a bound, and in a folder where one is given.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`mod@format`] | what the service plays, and why it does not play a file |
//! | [`mod@convert`] | makes it of WAV, MP3, Ogg Vorbis and FLAC |
//! | [`tts`] | speaks |

mod cache;
pub mod convert;
mod error;
#[cfg(test)]
mod fixtures;
pub mod format;
mod library;
mod serve;
mod signature;
pub mod tts;

pub use error::PromptError;
pub use library::{Load, Prompts, Settings};
pub use signature::{Key, KeyError, MIN_KEY_BYTES};
