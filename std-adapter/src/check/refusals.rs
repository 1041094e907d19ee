//! What the service's refusals of an app mean, cause by cause.

/// A number with which the service refuses an app, and what may be the cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The number in the error's code, or in its message. The status is 403.
    pub code: u32,
    /// What the service says.
    pub says: &'static str,
    /// What may be the cause, the likeliest first, each with the way out.
    pub causes: &'static [&'static str],
}

/// The refusals that are about how an app is registered.
///
/// Source: field reports of each number (no page of the vendor's lists them).
pub const REFUSALS: &[Refusal] = &[
    Refusal {
        code: 7503,
        says: "the app is not registered for calling",
        causes: &[
            "calling is not switched on: in the Azure bot's Teams channel, tab Calling, tick Enable calling",
            "there is no webhook for calling: give the callback's address on the same page; it has to be https",
            "the app id is not the bot's: the Azure bot names the app id that it was made for",
            "it was switched on a moment ago: it takes some minutes to count",
            "the bot is registered in another cloud than the one that is configured",
        ],
    },
    Refusal {
        code: 7504,
        says: "the app lacks a permission in the tenant",
        causes: &[
            "the permission is not among the app's: `callflow permissions` says what each action needs; they are application \
             permissions, not delegated ones",
            "no administrator of the call's tenant has consented since it was added: consent again, in each tenant",
            "the token is from before the consent: restart the bot, or wait an hour",
            "a phone is called and the bot has no application instance with a number and a licence",
            "the meeting's organizer is of a tenant that does not let the app in",
        ],
    },
    Refusal {
        code: 7505,
        says: "the token is of another tenant than the call",
        causes: &[
            "the call or meeting belongs to another tenant: place it with that tenant's id; the app has to be registered for \
             several tenants, and consented to in that one",
            "`app.tenant_id` is a domain's name or another tenant: give the id of the tenant that the users are of",
            "a managed identity proves the app: it has tokens of its own tenant only",
        ],
    },
];

/// The refusal that an answer tells of: the number stands in the code, or in JSON within the message.
pub(super) fn told(body: &str) -> Option<&'static Refusal> {
    REFUSALS.iter().find(|refusal| body.contains(&refusal.code.to_string()))
}
