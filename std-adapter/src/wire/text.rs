//! Owned texts that must not be printed as they are.

use callflow_core::text::{Secret, Uri};
use serde::{Deserialize, Serialize};

macro_rules! text {
    ($(#[$doc:meta])* $name:ident as $borrowed:ident, $borrow:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub struct $name(String);

        impl $name {
            /// Core's view of it.
            pub fn $borrow(&self) -> $borrowed<'_> {
                $borrowed::new(&self.0)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.$borrow().fmt(f)
            }
        }
    };
}

text! {
    /// An address. `Debug` prints it without its query, which may carry a signature.
    Address as Uri, uri
}

text! {
    /// A text that is secret or personal: a phone number, a token, a passcode. `Debug` prints `<redacted>`.
    Sensitive as Secret, secret
}
