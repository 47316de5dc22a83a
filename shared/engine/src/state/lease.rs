//! The lease: the right to operate on a stack.

use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::try_join_all;
use outrigger_model::{FencingToken, Lane, StackId, UnixMs};

use super::content::StackState;
use super::{ROUNDS_MAX, State, StateError, body, header_of, key_of_lane, key_of_stack, write_failed};
use crate::ports::store::{Change, Condition, Header, Hold, Item, StoreError, Write, Written};

/// How long a lease lasts unless it is renewed, in milliseconds. Every invocation renews it.
pub const LEASE_MS: u64 = 120_000;

/// A stack's lease, as one invocation of the operation that holds it sees it.
///
/// It proves nothing by itself: the store checks the token with every write.
#[derive(Debug)]
pub struct Lease {
    stack: StackId,
    operation: String,
    token: FencingToken,
    invocation: String,
    /// How many writes this handle has made: makes each write's id its own, and the same for its repeats.
    writes: AtomicU64,
}

impl Lease {
    /// The lease that an earlier invocation of the same operation has taken, and whose token the workflow hands on.
    ///
    /// `invocation` names this invocation (the Lambda request id); two that may run at once have different ones.
    pub fn resume(
        stack: StackId,
        operation: impl Into<String>,
        token: FencingToken,
        invocation: impl Into<String>,
    ) -> Self {
        Self {
            stack,
            operation: operation.into(),
            token,
            invocation: invocation.into(),
            writes: AtomicU64::new(0),
        }
    }

    /// Which stack.
    pub fn stack(&self) -> &StackId {
        &self.stack
    }

    /// Which operation holds it.
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// Its fencing token: what the workflow hands on to the operation's next invocation.
    pub fn token(&self) -> FencingToken {
        self.token
    }

    pub(super) fn next_write_id(&self) -> String {
        let number = self.writes.fetch_add(1, Ordering::Relaxed);
        format!("{}/{}/{}/{number}", self.operation, self.token, self.invocation)
    }

    /// What a refusal by an item with this header means to the lease: `None` where the token is not the reason.
    pub(super) fn lost(&self, found: &Header) -> StateError {
        StateError::LeaseLost {
            stack: self.stack.clone(),
            operation: self.operation.clone(),
            token: self.token,
            token_now: found.token,
            holder_now: found.holder.clone(),
        }
    }

    fn is_held(&self, header: &Header) -> bool {
        header.token == self.token && header.holder.as_deref() == Some(&self.operation)
    }

    fn is_held_conditions(&self) -> Vec<Condition> {
        vec![
            Condition::TokenIs(self.token),
            Condition::HolderIs(self.operation.clone()),
        ]
    }
}

/// Who holds a stack, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseView {
    /// The operation.
    pub operation: String,
    /// Its token.
    pub token: FencingToken,
    /// Until when, by the holder's clock, if it does not renew.
    pub expires_at_ms: UnixMs,
    /// Whether it has ended by itself by now: the next operation takes it over.
    pub expired: bool,
}

/// What taking the lease means on a stack's item as it stands.
#[derive(Debug, PartialEq, Eq)]
enum Taking {
    /// It is free: raise the token, under these conditions.
    Raise(FencingToken, Vec<Condition>),
    /// We hold it: go on with this token.
    Keep(FencingToken),
    /// Someone else does.
    Held { holder: String, expires_at_ms: UnixMs },
}

fn taking(found: Option<&Header>, operation: &str, now_ms: UnixMs, ended_by_ms: UnixMs) -> Taking {
    let Some(found) = found else {
        return Taking::Raise(FencingToken(1), vec![Condition::Absent]);
    };
    let next = FencingToken(found.token.0.saturating_add(1));
    let token_is = Condition::TokenIs(found.token);
    match &found.holder {
        Some(holder) if holder == operation && now_ms < found.holder_expires_at_ms => Taking::Keep(found.token),
        // Our own has ended, so earlier invocations of ours may be stuck: fence them off. There is no one else to be
        // careful with, so there is no need to wait for the skew of clocks.
        Some(holder) if holder == operation => {
            Taking::Raise(next, vec![token_is, Condition::HolderIs(operation.to_owned())])
        }
        Some(holder) if ended_by_ms < found.holder_expires_at_ms => Taking::Held {
            holder: holder.clone(),
            expires_at_ms: found.holder_expires_at_ms,
        },
        Some(_) | None => Taking::Raise(next, vec![token_is, Condition::NotHeldAt(ended_by_ms)]),
    }
}

impl State {
    /// Takes a stack's lease for an operation, and fences off everyone who held it before.
    ///
    /// # Guarantees
    /// - When it answers, nobody with a lower token writes any item of the stack any more.
    /// - May be repeated: while the operation holds the lease, it renews it and answers the same token.
    /// - Changes no body, and ends no live attempt: who claims a lane waits for that.
    ///
    /// # Assumptions
    /// - `invocation` names this invocation (the Lambda request id).
    ///
    /// # Caveats
    /// - An operation that asks again after its lease has ended gets a new token, which fences off its own earlier
    ///   invocations as well.
    ///
    /// # Errors
    /// [`StateError::LeaseHeld`] while another operation holds it; [`StateError::LeaseLost`] if another has taken it
    /// before the lanes were fenced.
    pub async fn take_lease(&self, stack: &StackId, operation: &str, invocation: &str) -> Result<Lease, StateError> {
        let token = self.take_stack(stack, operation, invocation).await?;
        let lease = Lease::resume(stack.clone(), operation, token, invocation);
        try_join_all(Lane::ALL.map(|lane| self.raise_lane(&lease, lane))).await?;
        Ok(lease)
    }

    /// Takes a stack's lease from whoever holds it, and fences them off.
    ///
    /// # Guarantees
    /// - As [`State::take_lease`]: when it answers, the former holder writes no item of the stack any more. Calls to AWS
    ///   that it has begun may still end; who claims a lane waits until its live attempt has ended.
    /// - Only that hold is broken that was `seen`.
    ///
    /// # Errors
    /// [`StateError::LeaseHeld`] if meanwhile another operation, or nobody, holds it.
    pub async fn break_lease(
        &self,
        stack: &StackId,
        seen: &LeaseView,
        operation: &str,
        invocation: &str,
    ) -> Result<Lease, StateError> {
        let token = FencingToken(seen.token.0.saturating_add(1));
        let write = Write {
            key: key_of_stack(stack),
            conditions: vec![
                Condition::TokenIs(seen.token),
                Condition::HolderIs(seen.operation.clone()),
            ],
            change: Change {
                token: Some(token),
                holder: Some(Some(self.hold(operation))),
                body: None,
            },
            write_id: format!("{operation}/break/{invocation}"),
        };
        if let Written::Refused(found) = self.write(&write).await? {
            let found = header_of(found);
            return Err(StateError::LeaseHeld {
                stack: stack.clone(),
                holder: found.holder.unwrap_or_else(|| "nobody any more".to_owned()),
                expires_at_ms: found.holder_expires_at_ms,
            });
        }
        let lease = Lease::resume(stack.clone(), operation, token, invocation);
        try_join_all(Lane::ALL.map(|lane| self.raise_lane(&lease, lane))).await?;
        Ok(lease)
    }

    async fn take_stack(&self, stack: &StackId, operation: &str, invocation: &str) -> Result<FencingToken, StateError> {
        let key = key_of_stack(stack);
        let mut found = self.read(&key).await?;
        for round in 0..ROUNDS_MAX {
            let header = found.as_ref().map(|item| &item.header);
            let (token, conditions) = match taking(header, operation, self.now_ms(), self.ended_by_ms()) {
                Taking::Raise(token, conditions) => (token, conditions),
                Taking::Keep(token) => (
                    token,
                    vec![Condition::TokenIs(token), Condition::HolderIs(operation.to_owned())],
                ),
                Taking::Held { holder, expires_at_ms } => {
                    return Err(StateError::LeaseHeld {
                        stack: stack.clone(),
                        holder,
                        expires_at_ms,
                    });
                }
            };
            let write = Write {
                key: key.clone(),
                conditions,
                change: Change {
                    token: Some(token),
                    holder: Some(Some(self.hold(operation))),
                    body: None,
                },
                write_id: format!("{operation}/take/{invocation}/{round}"),
            };
            match self.write(&write).await? {
                Written::Done(_) => return Ok(token),
                Written::Refused(current) => found = current,
            }
        }
        Err(contended(&key.sort, stack))
    }

    fn hold(&self, operation: &str) -> Hold {
        Hold {
            holder: operation.to_owned(),
            expires_at_ms: self.now_ms().saturating_add(LEASE_MS),
        }
    }

    /// Fences a lane: raises its token to the lease's, and changes nothing else, a live attempt's hold least of all.
    pub(super) async fn raise_lane(&self, lease: &Lease, lane: Lane) -> Result<(), StateError> {
        let write = Write {
            key: key_of_lane(&lease.stack, lane),
            conditions: vec![Condition::TokenBelow(lease.token)],
            change: Change {
                token: Some(lease.token),
                ..Change::default()
            },
            write_id: lease.next_write_id(),
        };
        match self.write(&write).await? {
            Written::Done(_) => Ok(()),
            Written::Refused(found) => {
                let found = header_of(found);
                if found.token == lease.token {
                    Ok(())
                } else {
                    Err(lease.lost(&found))
                }
            }
        }
    }

    /// Renews the lease, and answers when it now ends by itself. The first thing that every invocation does.
    ///
    /// # Guarantees
    /// - Any number of invocations of one operation may renew at once: there is no condition on the version.
    /// - A lease that has expired, but that nobody has taken since, is renewed.
    ///
    /// # Errors
    /// [`StateError::LeaseLost`] if it has been taken or released.
    pub async fn renew_lease(&self, lease: &Lease) -> Result<UnixMs, StateError> {
        let hold = self.hold(&lease.operation);
        let expires_at_ms = hold.expires_at_ms;
        let write = Write {
            key: key_of_stack(&lease.stack),
            conditions: lease.is_held_conditions(),
            change: Change {
                holder: Some(Some(hold)),
                ..Change::default()
            },
            write_id: lease.next_write_id(),
        };
        match self.write(&write).await? {
            Written::Done(_) => Ok(expires_at_ms),
            Written::Refused(found) => Err(lease.lost(&header_of(found))),
        }
    }

    /// Gives the lease up. May be repeated.
    ///
    /// # Caveats
    /// - Lanes keep their token until the next operation raises it: an invocation that begins late still has to be told
    ///   by [`State::renew_lease`] that the lease has ended.
    ///
    /// # Errors
    /// [`StateError::LeaseLost`] if another operation has taken it since: for a repeat that is as good as done.
    pub async fn release_lease(&self, lease: &Lease) -> Result<(), StateError> {
        let write = Write {
            key: key_of_stack(&lease.stack),
            conditions: lease.is_held_conditions(),
            change: Change {
                holder: Some(None),
                ..Change::default()
            },
            write_id: lease.next_write_id(),
        };
        match self.write(&write).await? {
            Written::Done(_) => Ok(()),
            Written::Refused(found) => {
                let found = header_of(found);
                // Nobody but its holder can have ended a hold and left the token.
                if found.token == lease.token && found.holder.is_none() {
                    Ok(())
                } else {
                    Err(lease.lost(&found))
                }
            }
        }
    }

    /// Checks that the operation holds the lease. What it answers may be over in the next moment: writes have their own
    /// conditions.
    ///
    /// # Errors
    /// [`StateError::LeaseLost`].
    pub async fn check_lease(&self, lease: &Lease) -> Result<(), StateError> {
        let found = header_of(self.read(&key_of_stack(&lease.stack)).await?);
        if lease.is_held(&found) {
            Ok(())
        } else {
            Err(lease.lost(&found))
        }
    }

    /// Who holds a stack.
    pub async fn lease(&self, stack: &StackId) -> Result<Option<LeaseView>, StateError> {
        let found = header_of(self.read(&key_of_stack(stack)).await?);
        Ok(found.holder.map(|operation| LeaseView {
            operation,
            token: found.token,
            expires_at_ms: found.holder_expires_at_ms,
            expired: found.holder_expires_at_ms <= self.ended_by_ms(),
        }))
    }

    /// What is recorded of a stack, `None` if no operation was ever begun on it.
    pub async fn stack(&self, stack: &StackId) -> Result<Option<(StackState, Header)>, StateError> {
        let key = key_of_stack(stack);
        match self.read(&key).await? {
            None => Ok(None),
            Some(Item { header, body }) => {
                let state = body::decode_or_default(&key.sort, &body)
                    .map_err(StateError::store(format!("read the stack {stack}")))?;
                Ok(Some((state, header)))
            }
        }
    }

    /// Changes what is recorded of a stack; answers what it is now. `change` is called anew with what stands there when
    /// someone else's write came in between.
    ///
    /// # Errors
    /// [`StateError::LeaseLost`] if the operation no longer holds the lease.
    pub async fn update_stack(
        &self,
        lease: &Lease,
        change: impl Fn(&mut StackState) + Send + Sync,
    ) -> Result<StackState, StateError> {
        let key = key_of_stack(&lease.stack);
        let failed = |error| write_failed(&key, error);
        let mut found = self.read(&key).await?;
        for _ in 0..ROUNDS_MAX {
            let Item { header, body } = found.unwrap_or_default();
            if !lease.is_held(&header) {
                return Err(lease.lost(&header));
            }
            let mut state: StackState = body::decode_or_default(&key.sort, &body).map_err(failed)?;
            change(&mut state);
            let mut conditions = lease.is_held_conditions();
            conditions.push(Condition::VersionIs(header.version));
            let write = Write {
                key: key.clone(),
                conditions,
                change: Change {
                    body: Some(body::encode(&key.sort, &state).map_err(failed)?),
                    ..Change::default()
                },
                write_id: lease.next_write_id(),
            };
            match self.write(&write).await? {
                Written::Done(_) => return Ok(state),
                Written::Refused(current) => found = current,
            }
        }
        Err(contended(&key.sort, &lease.stack))
    }
}

pub(super) fn contended(sort: &str, stack: &StackId) -> StateError {
    StateError::store(format!("write {sort} of stack#{stack}"))(StoreError::Unavailable(format!(
        "others wrote it {ROUNDS_MAX} times in between"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_taken_when_it_is_free_and_kept_when_it_is_ours() {
        const EXPIRES: UnixMs = 100_000;
        let held = |holder: Option<&str>| {
            Some(Header {
                token: FencingToken(4),
                holder: holder.map(str::to_owned),
                holder_expires_at_ms: EXPIRES,
                ..Header::default()
            })
        };
        let token_is = || Condition::TokenIs(FencingToken(4));
        let raise = |condition| Taking::Raise(FencingToken(5), vec![token_is(), condition]);
        let by_other = || Taking::Held {
            holder: "other".to_owned(),
            expires_at_ms: EXPIRES,
        };
        let table = [
            (None, 1, Taking::Raise(FencingToken(1), vec![Condition::Absent])),
            (held(None), 10_000, raise(Condition::NotHeldAt(5_000))),
            (held(Some("me")), EXPIRES - 1, Taking::Keep(FencingToken(4))),
            (held(Some("me")), EXPIRES, raise(Condition::HolderIs("me".to_owned()))),
            (held(Some("other")), EXPIRES - 1, by_other()),
            (held(Some("other")), EXPIRES, by_other()),
            (held(Some("other")), EXPIRES + 4_999, by_other()),
            (
                held(Some("other")),
                EXPIRES + 5_000,
                raise(Condition::NotHeldAt(EXPIRES)),
            ),
        ];
        for (found, now_ms, wanted) in table {
            let ended_by_ms = now_ms.saturating_sub(super::super::CLOCK_SKEW_MS_MAX);
            let taking = taking(found.as_ref(), "me", now_ms, ended_by_ms);
            assert_eq!(taking, wanted, "{found:?} at {now_ms}");
        }
    }
}
