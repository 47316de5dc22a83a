//! What to do about one resource, given what is wanted, recorded and observed. Pure.

use outrigger_model::{CallOutcome, Identity, Intent, Kind, Record, Resource, ResourceKey, UnixMs};
use sha2::{Digest, Sha256};

use crate::ports::provider::{Condition, Observed};

/// How long after a call that creates an absence says nothing: EC2 shows new objects late.
pub const VISIBLE_AFTER_MS: UnixMs = 60_000;
/// How many absences, each long enough after the call, make sure that there is nothing.
pub const ABSENCES_MIN: u32 = 2;

/// Whether a step's resource is to be there in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// As its properties say.
    Present,
    /// Gone.
    Absent,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing: it is as it is wanted.
    Done,
    /// Nothing: AWS has accepted it as it is wanted, and changes these properties in the maintenance window.
    DonePending {
        /// The properties.
        properties: Vec<String>,
    },
    /// Nothing for now: look again.
    Wait {
        /// When, from now.
        poll_after_ms: UnixMs,
        /// What is waited for.
        reason: Option<String>,
    },
    /// Create it.
    Create {
        /// Whether under a new token, or under the recorded one, so that a repeat is recognised.
        fresh: bool,
    },
    /// Close the first difference.
    Change,
    /// Delete it.
    Delete,
    /// Delete what a repeated create made.
    DeleteDuplicate {
        /// The surplus object's id.
        id: String,
    },
    /// Give up: no call helps.
    Fail {
        /// Why, and what to do.
        error: String,
    },
}

impl Decision {
    /// Whether it is a call that creates.
    pub fn creates(&self) -> bool {
        matches!(self, Decision::Create { .. })
    }

    /// Its name, for logs.
    pub fn name(&self) -> &'static str {
        match self {
            Decision::Done | Decision::DonePending { .. } => "none",
            Decision::Wait { .. } => "wait",
            Decision::Create { .. } => "create",
            Decision::Change => "change",
            Decision::Delete => "delete",
            Decision::DeleteDuplicate { .. } => "delete duplicate",
            Decision::Fail { .. } => "fail",
        }
    }
}

/// A decision, and what was learnt on the way to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// What to do next.
    pub decision: Decision,
    /// The record as it is to be now; `None` when nothing is to be recorded (any more).
    pub record: Option<Record>,
    /// How many observations in a row found it as it is wanted.
    pub stable: u32,
}

/// Decides about one resource.
///
/// `wanted` is what it is to be (or, to be deleted, what it was), its references resolved. `stable` is how many
/// observations in a row have found it as it is wanted before this one.
///
/// `looks_min` is how many of them it takes: 1 for what nobody has touched, [`stable_min`] for what is new or was changed.
pub fn judge(
    want: Want,
    wanted: &Resource,
    record: Option<&Record>,
    observed: Option<&Observed>,
    stable: u32,
    looks_min: u32,
    now_ms: UnixMs,
) -> Judgement {
    match (want, observed) {
        (Want::Present, Some(observed)) => present_and_seen(wanted, record, observed, stable, looks_min, now_ms),
        (Want::Present, None) => present_and_unseen(wanted, record, now_ms),
        (Want::Absent, Some(observed)) => absent_and_seen(wanted, record, observed, now_ms),
        (Want::Absent, None) => absent_and_unseen(record, now_ms),
    }
}

fn present_and_seen(
    wanted: &Resource,
    record: Option<&Record>,
    observed: &Observed,
    stable: u32,
    looks_min: u32,
    now_ms: UnixMs,
) -> Judgement {
    if !observed.ours {
        // Never adopted, never touched.
        return Judgement {
            decision: Decision::Fail {
                error: format!(
                    "the name {} is taken by {}, which is not part of this stack (its tags say so); rename the \
                     component, or remove that object",
                    wanted.physical_name, observed.id
                ),
            },
            record: record.cloned(),
            stable: 0,
        };
    }
    let mut record = seen(wanted, record, observed, now_ms);
    let mut stable_now = 0;
    let decision = if let Some(id) = observed.duplicates.first() {
        Decision::DeleteDuplicate { id: id.clone() }
    } else {
        match &observed.condition {
            Condition::Changing { status } => wait(wanted.key.kind, status),
            Condition::Deleting => wait(wanted.key.kind, "an earlier deletion is under way"),
            Condition::Broken { reason } => Decision::Fail { error: reason.clone() },
            Condition::Ready if !observed.differences.is_empty() => Decision::Change,
            Condition::Ready => {
                stable_now = stable + 1;
                if stable_now >= looks_min {
                    record.ready = true;
                    record.resource = wanted.clone();
                    if observed.pending.is_empty() {
                        Decision::Done
                    } else {
                        let properties = observed.pending.iter().map(|name| (*name).to_owned());
                        Decision::DonePending {
                            properties: properties.collect(),
                        }
                    }
                } else {
                    wait(wanted.key.kind, "available; looking once more")
                }
            }
        }
    };
    Judgement {
        decision,
        record: Some(record),
        stable: stable_now,
    }
}

fn present_and_unseen(wanted: &Resource, record: Option<&Record>, now_ms: UnixMs) -> Judgement {
    let Some(record) = record else {
        return Judgement {
            decision: Decision::Create { fresh: true },
            record: None,
            stable: 0,
        };
    };
    let mut record = record.clone();
    let decision = match record.intent.outcome {
        CallOutcome::Refused => Decision::Create { fresh: true },
        CallOutcome::Unknown { until_ms } => match wanted.key.kind.identity() {
            // A repeat is recognised.
            Identity::ClientToken | Identity::UniqueName => Decision::Create { fresh: false },
            // A repeat would make a second one: only when there surely is none.
            Identity::TagOnly => absence(&mut record, until_ms, now_ms, Decision::Create { fresh: true }),
        },
        // It was there, or was answered to be: it shows late, or somebody deleted it.
        CallOutcome::Answered { at_ms } => absence(&mut record, at_ms, now_ms, Decision::Create { fresh: true }),
    };
    Judgement {
        decision,
        record: Some(record),
        stable: 0,
    }
}

fn absent_and_seen(wanted: &Resource, record: Option<&Record>, observed: &Observed, now_ms: UnixMs) -> Judgement {
    if !observed.ours {
        // Ours is gone, and its name has gone to somebody else: theirs stays.
        return Judgement {
            decision: Decision::Done,
            record: None,
            stable: 0,
        };
    }
    let record = seen(wanted, record, observed, now_ms);
    let decision = if let Some(id) = observed.duplicates.first() {
        Decision::DeleteDuplicate { id: id.clone() }
    } else {
        match observed.condition {
            Condition::Deleting => wait(wanted.key.kind, "being deleted"),
            Condition::Ready | Condition::Changing { .. } | Condition::Broken { .. } => Decision::Delete,
        }
    };
    Judgement {
        decision,
        record: Some(record),
        stable: 0,
    }
}

fn absent_and_unseen(record: Option<&Record>, now_ms: UnixMs) -> Judgement {
    let mut remaining = record.cloned();
    let decision = match &mut remaining {
        None => Decision::Done,
        // Once seen, it is visible: unseen means gone.
        Some(record) if record.seen => Decision::Done,
        Some(record) => match record.intent.outcome {
            CallOutcome::Refused => Decision::Done,
            CallOutcome::Unknown { until_ms: at_ms } | CallOutcome::Answered { at_ms } => {
                absence(record, at_ms, now_ms, Decision::Done)
            }
        },
    };
    Judgement {
        record: if decision == Decision::Done { None } else { remaining },
        decision,
        stable: 0,
    }
}

/// Counts an absence, if the last call lies long enough back; `sure` once there were enough.
fn absence(record: &mut Record, called_at_ms: UnixMs, now_ms: UnixMs, sure: Decision) -> Decision {
    let counts_from_ms = called_at_ms.saturating_add(VISIBLE_AFTER_MS);
    if now_ms < counts_from_ms {
        // It may appear at any moment; what depends on it waits.
        return Decision::Wait {
            poll_after_ms: (counts_from_ms - now_ms).min(2_000),
            reason: Some("AWS does not show it yet".to_owned()),
        };
    }
    record.absences += 1;
    if record.absences >= ABSENCES_MIN {
        record.ready = false;
        return sure;
    }
    Decision::Wait {
        poll_after_ms: 2_000,
        reason: Some("AWS does not show it; looking once more".to_owned()),
    }
}

/// The record of a resource that was just observed and is ours.
fn seen(wanted: &Resource, record: Option<&Record>, observed: &Observed, now_ms: UnixMs) -> Record {
    let mut record = record.cloned().unwrap_or_else(|| Record {
        resource: wanted.clone(),
        intent: Intent {
            token: String::new(),
            outcome: CallOutcome::Answered { at_ms: now_ms },
        },
        id: None,
        attributes: Default::default(),
        ready: false,
        seen: true,
        absences: 0,
        changed: Default::default(),
    });
    if !matches!(record.intent.outcome, CallOutcome::Answered { .. }) {
        record.intent.outcome = CallOutcome::Answered { at_ms: now_ms };
    }
    record.id = Some(observed.id.clone());
    record.attributes.clone_from(&observed.attributes);
    record.seen = true;
    record.absences = 0;
    record
}

fn wait(kind: Kind, what: &str) -> Decision {
    Decision::Wait {
        poll_after_ms: poll_ms(kind),
        reason: Some(what.to_owned()),
    }
}

/// How patient the executor is with a kind.
struct Patience {
    looks_min: u32,
    step_ms_max: UnixMs,
    look_again_ms: UnixMs,
}

const HOUR_MS: UnixMs = 3_600_000;

fn patience(kind: Kind) -> Patience {
    match kind {
        Kind::DbInstance | Kind::DbClusterInstance | Kind::ReplicationGroup => Patience {
            looks_min: 2,
            step_ms_max: 2 * HOUR_MS,
            look_again_ms: 10_000,
        },
        // Aurora backs up all the time, and needs no first backup once a cluster is there. Instances wait for it.
        Kind::GlobalCluster | Kind::DbCluster => Patience {
            looks_min: 2,
            step_ms_max: 2 * HOUR_MS,
            look_again_ms: 4_000,
        },
        Kind::Vpc
        | Kind::Subnet
        | Kind::InternetGateway
        | Kind::ElasticIp
        | Kind::NatGateway
        | Kind::RouteTable
        | Kind::Route
        | Kind::RouteTableAssociation
        | Kind::VpcPeering
        | Kind::SecurityGroup
        | Kind::VpcEndpoint
        | Kind::KmsKey
        | Kind::KmsAlias
        | Kind::DbSubnetGroup
        | Kind::DbParameterGroup
        | Kind::CacheSubnetGroup
        | Kind::Stream
        | Kind::Table
        | Kind::Bucket
        | Kind::BucketReplication
        | Kind::Secret
        | Kind::SecretAttachment
        | Kind::Role
        | Kind::RestApi
        | Kind::ApiDeployment
        | Kind::ApiStage
        | Kind::UsagePlan
        | Kind::ApiKey
        | Kind::UsagePlanKey
        | Kind::ApiDomain
        | Kind::ApiMapping
        | Kind::EventBus
        | Kind::EventRule
        | Kind::EventTarget
        | Kind::GlobalEndpoint
        | Kind::Function
        | Kind::FunctionPermission
        | Kind::LoadBalancer
        | Kind::TargetGroup
        | Kind::Listener
        | Kind::ListenerRule
        | Kind::Target
        | Kind::Parameter
        | Kind::BackupVault
        | Kind::BackupPlan
        | Kind::BackupSelection
        | Kind::Alarm
        | Kind::LogGroup
        | Kind::Topic
        | Kind::Subscription
        | Kind::Accelerator
        | Kind::AcceleratorListener
        | Kind::EndpointGroup
        | Kind::HealthCheck
        | Kind::Dashboard => Patience {
            looks_min: 1,
            step_ms_max: HOUR_MS,
            look_again_ms: 2_000,
        },
    }
}

/// How many observations in a row make a new or changed resource done: RDS says `available`, then backs up, then is
/// available again; and it tells late that a parameter waits for a restart.
pub fn stable_min(kind: Kind) -> u32 {
    patience(kind).looks_min
}

/// How long a step may wait for AWS in one operation. Databases and caches take up to an hour (RDS User Guide, ElastiCache
/// User Guide); what takes longer is stuck. Giving up undoes nothing: the next operation goes on.
pub fn step_ms_max(kind: Kind) -> UnixMs {
    patience(kind).step_ms_max
}

/// How long to wait before a resource is looked at again that seems to be as it is wanted: see [`stable_min`].
pub fn poll_ms(kind: Kind) -> UnixMs {
    patience(kind).look_again_ms
}

/// How long to wait before a resource is looked at again that AWS is at work on, and has been for `elapsed_ms`.
///
/// Until seven tenths of the time that its kind usually takes, seldom: a lane is called every 30 s anyway. From then on
/// after a fortieth of the time it has taken so far: it is found done at most 2.5 % late, however long it takes. One that
/// takes an hour is looked at fewer than 300 times (a workflow hands over after 333 turns), and a database and a cache as
/// long as usual take a lane fewer than 100 (from then on a workflow waits at least 10 s).
pub fn poll_at_work_ms(usual_ms: UnixMs, elapsed_ms: UnixMs) -> UnixMs {
    const LOOK_MS_MIN: UnixMs = 2_000;
    const LOOK_MS_MAX: UnixMs = 15_000;
    const REST_MS_MAX: UnixMs = 30_000;
    let rest_ms = (usual_ms * 7 / 10).saturating_sub(elapsed_ms).min(REST_MS_MAX);
    (elapsed_ms / 40).clamp(LOOK_MS_MIN, LOOK_MS_MAX).max(rest_ms)
}

/// How many refusals in a row are borne. With [`backoff_ms`] that is about 20 minutes, longer than a cache takes to create,
/// whose tags can be read only then; for deletions, which wait for network interfaces that services give back late, about
/// an hour.
pub fn refusals_max(deletes: bool) -> u32 {
    if deletes { 160 } else { 60 }
}

/// How long to wait after the given number of refusals in a row: doubling from 1 s to 30 s, with jitter that is drawn
/// from the resource's key, so that resources refused together do not come back together
/// (<https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/>).
pub fn backoff_ms(key: &ResourceKey, refusals: u32) -> UnixMs {
    let whole = 1_000u64
        .saturating_mul(1 << refusals.saturating_sub(1).min(10))
        .min(30_000);
    let digest = Sha256::digest(format!("{key} {refusals}").as_bytes());
    let draw = u64::from(digest.first().copied().unwrap_or(0));
    whole / 2 + whole / 2 * draw / 255
}
