//! Answers to joining participants: what goes into the HTTP response to the notification that a participant is joining.

use callflow_core::command::JoiningAnswer;
use serde_json::json;

/// Writes the body of the response.
///
/// Source: Graph docs, participantJoiningResponse and the types derived from it.
pub fn write_answer(answer: &JoiningAnswer<'_>) -> String {
    match answer {
        JoiningAnswer::Accept => json!({"@odata.type": "#microsoft.graph.acceptJoinResponse"}),
        JoiningAnswer::Reject(reason) => {
            json!({"@odata.type": "#microsoft.graph.rejectJoinResponse", "reason": reason.name()})
        }
        JoiningAnswer::InviteNewBot(uri) => {
            json!({"@odata.type": "#microsoft.graph.inviteNewBotResponse", "inviteUri": uri.reveal()})
        }
    }
    .to_string()
}

#[cfg(test)]
mod tests {
    use callflow_core::command::RejectReason;
    use callflow_core::text::Uri;

    use super::*;

    #[test]
    fn each_answer_has_its_type() {
        for (answer, body) in [
            (JoiningAnswer::Accept, json!({"@odata.type": "#microsoft.graph.acceptJoinResponse"})),
            (
                JoiningAnswer::Reject(RejectReason::Busy),
                json!({"@odata.type": "#microsoft.graph.rejectJoinResponse", "reason": "busy"}),
            ),
            (
                JoiningAnswer::InviteNewBot(Uri::new("https://bot.example/2")),
                json!({"@odata.type": "#microsoft.graph.inviteNewBotResponse", "inviteUri": "https://bot.example/2"}),
            ),
        ] {
            let written: serde_json::Value = serde_json::from_str(&write_answer(&answer)).unwrap();
            assert_eq!(written, body);
        }
    }
}
