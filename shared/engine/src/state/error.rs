//! What can go wrong with a stack's state, as users read it.

use outrigger_model::{FencingToken, Lane, StackId, UnixMs};

use super::time::rfc3339;
use crate::ports::store::StoreError;

/// A stack's state could not be read or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Another operation holds the stack's lease.
    #[error(
        "operation {holder} holds the stack {stack} until {}, unless it renews; wait for it to end, or stop it and \
         wait until then",
        rfc3339(*expires_at_ms)
    )]
    LeaseHeld {
        /// Which stack.
        stack: StackId,
        /// The operation that holds it.
        holder: String,
        /// Until when, by the holder's clock, if it does not renew.
        expires_at_ms: UnixMs,
    },
    /// This operation's lease has ended: by expiry and another's taking it, or by its release. It must change nothing
    /// more.
    #[error(
        "operation {operation} no longer holds the stack {stack}: {}; it changes nothing more",
        reason(*token, *token_now, holder_now.as_deref())
    )]
    LeaseLost {
        /// Which stack.
        stack: StackId,
        /// The operation that held it.
        operation: String,
        /// Its token.
        token: FencingToken,
        /// The token found instead.
        token_now: FencingToken,
        /// Who holds the item that refused, if anyone does.
        holder_now: Option<String>,
    },
    /// Another invocation is at work on the lane, or may be until its attempt has expired.
    #[error("another invocation is at work on the lane {lane} of the stack {stack}; call again in {retry_after_ms} ms")]
    Busy {
        /// Which stack.
        stack: StackId,
        /// Which lane.
        lane: Lane,
        /// When its attempt will have expired at the latest, every clock's skew allowed for.
        retry_after_ms: u64,
    },
    /// This invocation's attempt had expired, and another invocation of the same operation has claimed the lane.
    #[error("attempt {attempt} no longer holds the lane {lane} of the stack {stack}; the operation goes on without it")]
    AttemptLost {
        /// Which stack.
        stack: StackId,
        /// Which lane.
        lane: Lane,
        /// The attempt that held it.
        attempt: String,
    },
    /// The store could not do it.
    #[error("cannot {doing}")]
    Store {
        /// What was being done, on what.
        doing: String,
        /// Why not.
        source: StoreError,
    },
}

fn reason(token: FencingToken, token_now: FencingToken, holder_now: Option<&str>) -> String {
    match holder_now {
        Some(holder) if token_now != token => format!("{holder} has taken it (token {token_now}, it had {token})"),
        None | Some(_) if token_now != token => format!("it has been taken since (token {token_now}, it had {token})"),
        None | Some(_) => "it has given it up".to_owned(),
    }
}

impl StateError {
    /// Makes the error of something that the store could not do: `doing` is such as "renew the lease of shop/staging".
    pub(crate) fn store(doing: impl Into<String>) -> impl FnOnce(StoreError) -> Self {
        |source| Self::Store {
            doing: doing.into(),
            source,
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::LeaseHeld { .. } | Self::Busy { .. } | Self::AttemptLost { .. } => true,
            Self::LeaseLost { .. } => false,
            Self::Store { source, .. } => source.is_retryable(),
        }
    }

    /// The name that `Retry` and `Catch` of a state machine know it by.
    ///
    /// An attempt that was lost is `Busy` to them: the operation goes on, and its next call claims the lane anew.
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::LeaseHeld { .. } => "LeaseHeld",
            Self::LeaseLost { .. } => "LeaseLost",
            Self::Busy { .. } | Self::AttemptLost { .. } => "Busy",
            Self::Store { source, .. } => match source {
                StoreError::Unavailable(_) => "Unavailable",
                StoreError::TooLarge { .. } => "TooLarge",
                StoreError::Refused(_) => "AccessDenied",
                StoreError::Corrupt { .. } => "Internal",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack() -> StackId {
        StackId {
            stack: "shop".to_owned(),
            environment: "staging".to_owned(),
        }
    }

    #[test]
    fn errors_say_who_until_when_and_what_to_do() {
        let held = StateError::LeaseHeld {
            stack: stack(),
            holder: "provision-7".to_owned(),
            expires_at_ms: 1_763_635_018_000,
        };
        let lost = |token_now, holder_now: Option<&str>| StateError::LeaseLost {
            stack: stack(),
            operation: "provision-7".to_owned(),
            token: FencingToken(4),
            token_now: FencingToken(token_now),
            holder_now: holder_now.map(str::to_owned),
        };
        let table = [
            (
                held,
                "operation provision-7 holds the stack shop/staging until 2025-11-20T10:36:58Z, unless it renews; \
                 wait for it to end, or stop it and wait until then",
            ),
            (
                lost(5, Some("destroy-1")),
                "operation provision-7 no longer holds the stack shop/staging: destroy-1 has taken it (token 5, \
                 it had 4); it changes nothing more",
            ),
            (
                lost(5, None),
                "operation provision-7 no longer holds the stack shop/staging: it has been taken since (token 5, \
                 it had 4); it changes nothing more",
            ),
            (
                lost(4, None),
                "operation provision-7 no longer holds the stack shop/staging: it has given it up; it changes \
                 nothing more",
            ),
        ];
        for (error, text) in table {
            assert_eq!(error.to_string(), text);
        }
    }

    #[test]
    fn each_error_has_a_type_and_says_whether_to_retry() {
        let store = |source| StateError::Store {
            doing: "write".to_owned(),
            source,
        };
        let table = [
            (store(StoreError::Unavailable(String::new())), "Unavailable", true),
            (store(StoreError::Refused(String::new())), "AccessDenied", false),
            (
                store(StoreError::TooLarge {
                    sort: String::new(),
                    bytes: 1,
                }),
                "TooLarge",
                false,
            ),
            (
                store(StoreError::Corrupt {
                    sort: String::new(),
                    reason: String::new(),
                }),
                "Internal",
                false,
            ),
            (
                StateError::Busy {
                    stack: stack(),
                    lane: Lane::Network,
                    retry_after_ms: 1,
                },
                "Busy",
                true,
            ),
        ];
        for (error, name, retryable) in table {
            assert_eq!(
                (error.error_type(), error.is_retryable()),
                (name, retryable),
                "{error:?}"
            );
        }
    }
}
