//! The labels: each is one of a few words.

use prometheus_client::encoding::EncodeLabelSet;

macro_rules! labels {
    ($($name:ident { $($label:ident: $kind:ty),+ })+) => {
        $(
            #[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
            pub(super) struct $name {
                $(pub(super) $label: $kind,)+
            }
        )+
    };
}

labels! {
    Called { state: &'static str, kind: &'static str }
    Noticed { subject: &'static str, verdict: &'static str }
    OfLimit { limit: &'static str }
    OfOperation { operation: &'static str }
    OfReason { reason: &'static str }
    OfSubject { subject: &'static str }
    Outcome { outcome: &'static str }
    Requested { operation: &'static str, outcome: &'static str }
    Status { status: u16, code: &'static str }
    What { what: &'static str }
}
