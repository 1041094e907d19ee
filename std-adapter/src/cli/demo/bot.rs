//! The demo's bot.

use callflow_core::action::Action;
use callflow_core::event::Event;
use callflow_core::id::Ticket;
use callflow_core::operation;
use callflow_graph::bot::{Call, CallHandler, HandlerError};
use callflow_graph::prompt::Prompts;
use serde::{Deserialize, Serialize};

/// What it says: a word takes about a fifth of a second.
const MENU: &str = "Welcome to callflow. Press any key, and you are told goodbye.";
const GOODBYE: &str = "Thank you. Goodbye.";

/// What the demo's bot keeps of its call.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Menu {
    goodbye: Option<u32>,
}

/// A bot with one menu: any key ends it politely.
pub(super) struct Ivr {
    /// What it says.
    pub(super) prompts: Prompts,
}

impl Ivr {
    async fn begin(&self, call: &mut Call<'_>) -> Result<(), HandlerError> {
        call.subscribe_to_tone()?;
        call.play(self.prompts.say(MENU).await?)?;
        Ok(())
    }
}

impl CallHandler for Ivr {
    type State = Menu;

    async fn on_event(
        &self,
        call: &mut Call<'_>,
        menu: &mut Menu,
        event: &Event,
    ) -> Result<(), HandlerError> {
        match event {
            Event::Offered => {
                call.answer()?;
                self.begin(call).await?;
            }
            Event::Created => self.begin(call).await?,
            Event::Tone { .. } if menu.goodbye.is_none() => {
                menu.goodbye = Some(call.play(self.prompts.say(GOODBYE).await?)?.number());
            }
            // Without tones there is nothing to wait for.
            Event::OperationEnded { action: Action::SubscribeToTone, outcome, .. }
                if *outcome != operation::Outcome::Completed =>
            {
                call.hang_up()?;
            }
            Event::OperationEnded { ticket, .. }
                if menu.goodbye.and_then(Ticket::try_new) == Some(*ticket) =>
            {
                call.hang_up()?;
            }
            _ => {}
        }
        Ok(())
    }
}
