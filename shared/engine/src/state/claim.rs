//! One invocation's claim on a lane, inside the lease.

use futures::future::try_join_all;
use outrigger_model::{FencingToken, Lane, StackId, UnixMs};
use outrigger_plan::plan::Records;

use super::content::LaneState;
use super::{CLOCK_SKEW_MS_MAX, Lease, State, StateError, body, header_of, key_of_lane, write_failed};
use crate::ports::store::{Change, Condition, Header, Hold, Item, Write, Written};

/// One invocation's claim on a lane.
#[derive(Debug)]
pub struct Claim {
    stack: StackId,
    operation: String,
    token: FencingToken,
    lane: Lane,
    attempt: String,
    expires_at_ms: UnixMs,
    version: u64,
    state: LaneState,
    /// How many writes this claim has made: makes each write's id its own, and the same for its repeats.
    writes: u64,
    /// The writes since the last answer, each of which may or may not have happened.
    unanswered: Vec<String>,
}

impl Claim {
    /// What was recorded of the lane when it was claimed.
    pub fn lane_state(&self) -> &LaneState {
        &self.state
    }

    /// Which lane.
    pub fn lane(&self) -> Lane {
        self.lane
    }

    /// The attempt that holds it.
    pub fn attempt(&self) -> &str {
        &self.attempt
    }

    /// When the attempt ends by itself.
    pub fn expires_at_ms(&self) -> UnixMs {
        self.expires_at_ms
    }

    /// Whether a call that takes at most `call_ms_max` may be started now: it will have ended before anyone else can
    /// claim the lane, though both clocks are wrong by as much as they may be.
    pub fn may_start_call(&self, now_ms: UnixMs, call_ms_max: u64) -> bool {
        now_ms.saturating_add(call_ms_max).saturating_add(CLOCK_SKEW_MS_MAX) <= self.expires_at_ms
    }

    fn next_write_id(&mut self) -> String {
        self.writes = self.writes.saturating_add(1);
        format!("{}/{}/{}/{}", self.operation, self.token, self.attempt, self.writes)
    }

    /// What a refusal by an item with this header means.
    fn lost(&self, found: &Header) -> StateError {
        if found.token == self.token {
            StateError::AttemptLost {
                stack: self.stack.clone(),
                lane: self.lane,
                attempt: self.attempt.clone(),
            }
        } else {
            StateError::LeaseLost {
                stack: self.stack.clone(),
                operation: self.operation.clone(),
                token: self.token,
                token_now: found.token,
                holder_now: None,
            }
        }
    }

    fn is_held(&self, header: &Header) -> bool {
        header.token == self.token && header.holder.as_deref() == Some(&self.attempt)
    }
}

impl State {
    /// Claims a lane for one invocation, until `expires_at_ms` by its own clock (its function's deadline).
    ///
    /// # Guarantees
    /// - At most one attempt holds a lane, and only the one that holds it writes it.
    ///
    /// # Assumptions
    /// - `attempt` names this invocation alone.
    /// - The invocation has renewed the lease, and so knows that the operation still holds it.
    ///
    /// # Errors
    /// [`StateError::Busy`] while another attempt may be live: then nothing may be called.
    /// [`StateError::LeaseLost`] if the lane has been fenced off.
    pub async fn claim_lane(
        &self,
        lease: &Lease,
        lane: Lane,
        attempt: String,
        expires_at_ms: UnixMs,
    ) -> Result<Claim, StateError> {
        let found = match self.try_claim(lease, lane, &attempt, expires_at_ms).await? {
            Ok(claim) => return Ok(claim),
            Err(found) => found,
        };
        // A lane that this version of outrigger knows, but the one that took the lease did not: fence it now.
        let refused = if found.token < lease.token() {
            self.raise_lane(lease, lane).await?;
            match self.try_claim(lease, lane, &attempt, expires_at_ms).await? {
                Ok(claim) => return Ok(claim),
                Err(found) => found,
            }
        } else {
            found
        };
        if refused.token == lease.token() {
            let ended_at_ms = refused.holder_expires_at_ms.saturating_add(CLOCK_SKEW_MS_MAX);
            Err(StateError::Busy {
                stack: lease.stack().clone(),
                lane,
                retry_after_ms: ended_at_ms.saturating_sub(self.now_ms()),
            })
        } else {
            Err(lease.lost(&Header {
                // A lane's holder is an attempt, not the operation that has taken the lease.
                holder: None,
                ..refused
            }))
        }
    }

    /// Claims a lane, or answers the header of the item that refused.
    async fn try_claim(
        &self,
        lease: &Lease,
        lane: Lane,
        attempt: &str,
        expires_at_ms: UnixMs,
    ) -> Result<Result<Claim, Header>, StateError> {
        let key = key_of_lane(lease.stack(), lane);
        let mut claim = Claim {
            stack: lease.stack().clone(),
            operation: lease.operation().to_owned(),
            token: lease.token(),
            lane,
            attempt: attempt.to_owned(),
            expires_at_ms,
            version: 0,
            state: LaneState::default(),
            writes: 0,
            unanswered: Vec::new(),
        };
        let write = Write {
            key: key.clone(),
            conditions: vec![
                Condition::TokenIs(lease.token()),
                Condition::NotHeldAt(self.ended_by_ms()),
            ],
            change: Change {
                holder: Some(Some(Hold {
                    holder: attempt.to_owned(),
                    expires_at_ms,
                })),
                ..Change::default()
            },
            write_id: claim.next_write_id(),
        };
        if let Written::Refused(found) = self.write(&write).await? {
            return Ok(Err(header_of(found)));
        }
        // Reading after the claim is safe: what is read is the newest there is, and every write from here on needs the
        // version that was read, besides token and attempt. Whoever writes after the read makes ours be refused.
        let Item { header, body } = self.read(&key).await?.unwrap_or_default();
        if !claim.is_held(&header) {
            return Err(claim.lost(&header));
        }
        claim.version = header.version;
        claim.state = body::decode_or_default(&key.sort, &body).map_err(StateError::store(format!(
            "read the lane {lane} of the stack {}",
            lease.stack()
        )))?;
        Ok(Ok(claim))
    }

    /// Writes a lane.
    ///
    /// # Caveats
    /// - After an error that [`StateError::is_retryable`] it may have been written. The claim is still good: write
    ///   again.
    ///
    /// # Errors
    /// [`StateError::LeaseLost`] or [`StateError::AttemptLost`]: nothing may be called any more.
    pub async fn write_lane(&self, claim: &mut Claim, state: &LaneState) -> Result<(), StateError> {
        self.write_claimed(claim, state, None).await
    }

    /// Writes a lane and gives the claim up, in one write. If that fails, the claim ends by itself.
    ///
    /// # Errors
    /// As [`State::write_lane`].
    pub async fn finish_lane(&self, mut claim: Claim, state: &LaneState) -> Result<(), StateError> {
        self.write_claimed(&mut claim, state, Some(None)).await
    }

    async fn write_claimed(
        &self,
        claim: &mut Claim,
        state: &LaneState,
        holder: Option<Option<Hold>>,
    ) -> Result<(), StateError> {
        let key = key_of_lane(&claim.stack, claim.lane);
        let change = Change {
            token: None,
            holder,
            body: Some(body::encode(&key.sort, state).map_err(|error| write_failed(&key, error))?),
        };
        let mut write = Write {
            key,
            conditions: Vec::new(),
            change,
            write_id: claim.next_write_id(),
        };
        loop {
            write.conditions = vec![
                Condition::TokenIs(claim.token),
                Condition::HolderIs(claim.attempt.clone()),
                Condition::VersionIs(claim.version),
            ];
            match self.write(&write).await {
                Ok(Written::Done(header)) => {
                    claim.version = header.version;
                    claim.unanswered.clear();
                    return Ok(());
                }
                Ok(Written::Refused(found)) => {
                    let found = header_of(found);
                    // The last write is one of ours that was not answered, so nobody else's has come in between: go on
                    // from there. That the item shows our attempt is not enough: a claim that was sent twice may arrive
                    // once more when the attempt has long expired, and another has written meanwhile.
                    if !claim.unanswered.contains(&found.write_id) || !claim.is_held(&found) {
                        return Err(claim.lost(&found));
                    }
                    claim.version = found.version;
                }
                Err(error) => {
                    if error.is_retryable() {
                        claim.unanswered.push(write.write_id);
                    }
                    return Err(error);
                }
            }
        }
    }

    /// What is recorded of every resource of a stack.
    pub async fn records(&self, stack: &StackId) -> Result<Records, StateError> {
        let lanes = try_join_all(Lane::ALL.map(|lane| self.lane(stack, lane))).await?;
        Ok(lanes.into_iter().flat_map(|lane| lane.records).collect())
    }

    /// What is recorded of a lane; nothing if no operation was ever begun on the stack.
    pub async fn lane(&self, stack: &StackId, lane: Lane) -> Result<LaneState, StateError> {
        let key = key_of_lane(stack, lane);
        let item = self.read(&key).await?.unwrap_or_default();
        body::decode_or_default(&key.sort, &item.body)
            .map_err(StateError::store(format!("read the lane {lane} of the stack {stack}")))
    }
}
