//! A cloud in memory: a [`Provider`] of every kind, with the habits of the real one. It shows new objects late, takes its
//! time to create and delete, throttles, loses answers, and refuses what depends on something that is not there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use outrigger_model::resource::is_ours;
use outrigger_model::{Identity, Kind, Properties, Resource, ResourceKey, UnixMs};
use tokio::sync::Notify;

use super::clock::VirtualClock;
use crate::ports::clock::Clock;
use crate::ports::provider::{CallError, CallErrorKind, Condition, Difference, Observed, Progress, Provider, Target};

/// What happens to a call that changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The caller dies before the call is made.
    CutBefore,
    /// The call has its effect, and the caller dies before the answer arrives.
    CutAfter,
    /// The call is refused for the rate of calls.
    Throttled,
    /// The call never arrives, and the caller is not told so.
    RequestLost,
    /// The call has its effect, and its answer is lost.
    AnswerLost,
    /// The call is refused for good.
    Refused,
}

/// A call that changed something, or tried to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallMade {
    /// What was done: `create`, `change`, `delete`.
    pub verb: &'static str,
    /// To which resource.
    pub key: ResourceKey,
}

type Plot = Box<dyn Fn(usize, &CallMade) -> Option<Fault> + Send + Sync>;

/// How the cloud behaves.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// How long a new object stays invisible, to observers and to calls that refer to it.
    pub visible_after_ms: UnixMs,
    /// How long an RDS instance or a cache takes to create; other kinds take a part of it.
    pub slow_create_ms: UnixMs,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            visible_after_ms: 3_000,
            slow_create_ms: 600_000,
        }
    }
}

/// An object in the cloud.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Its id.
    pub id: String,
    /// What it is.
    pub resource: Resource,
    /// The token it was created with.
    pub token: String,
    visible_at_ms: UnixMs,
    ready_at_ms: UnixMs,
    gone_at_ms: Option<UnixMs>,
    /// How many further calls its set-up still needs.
    set_up_left: u32,
}

/// The cloud. Its clones are the same one.
#[derive(Clone)]
pub struct MemoryCloud {
    inner: Arc<Mutex<Inner>>,
    clock: VirtualClock,
    habits: Habits,
    cut: Arc<Notify>,
}

struct Inner {
    objects: BTreeMap<String, Object>,
    calls: Vec<CallMade>,
    ids: u64,
    plot: Plot,
    defects: Vec<String>,
}

impl MemoryCloud {
    /// An empty cloud.
    pub fn new(clock: &VirtualClock, habits: Habits) -> Self {
        Self {
            inner: Arc::new(Mutex::new(Inner {
                objects: BTreeMap::new(),
                calls: Vec::new(),
                ids: 0,
                plot: Box::new(|_, _| None),
                defects: Vec::new(),
            })),
            clock: clock.clone(),
            habits,
            cut: Arc::new(Notify::new()),
        }
    }

    /// From now on, `plot` says what happens to the n-th call that changes something, counted from 0.
    pub fn set_plot(&self, plot: impl Fn(usize, &CallMade) -> Option<Fault> + Send + Sync + 'static) {
        self.locked().plot = Box::new(plot);
    }

    /// Every call that changed something, or tried to.
    pub fn calls(&self) -> Vec<CallMade> {
        self.locked().calls.clone()
    }

    /// What there is, deleted objects left out.
    pub fn objects(&self) -> Vec<Object> {
        let now_ms = self.clock.now_ms();
        let inner = self.locked();
        inner
            .objects
            .values()
            .filter(|object| !object.is_gone(now_ms))
            .cloned()
            .collect()
    }

    /// What the cloud had to refuse that no correct caller asks for.
    pub fn defects(&self) -> Vec<String> {
        self.locked().defects.clone()
    }

    /// Creates an object behind Outrigger's back.
    pub fn plant(&self, resource: Resource) {
        let now_ms = self.clock.now_ms();
        let mut inner = self.locked();
        let id = inner.next_id(resource.key.kind);
        inner.objects.insert(
            id.clone(),
            Object {
                id,
                resource,
                token: String::new(),
                visible_at_ms: now_ms,
                ready_at_ms: now_ms,
                gone_at_ms: None,
                set_up_left: 0,
            },
        );
    }

    /// Deletes an object behind Outrigger's back.
    pub fn remove(&self, key: &ResourceKey) {
        self.locked().objects.retain(|_, object| object.resource.key != *key);
    }

    /// Waits until a caller dies (see [`Fault::CutBefore`], [`Fault::CutAfter`]).
    pub async fn cut(&self) {
        self.cut.notified().await;
    }

    fn locked(&self) -> MutexGuard<'_, Inner> {
        // A panic cannot leave what is locked here half changed, so a poisoned lock is as good as any.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The caller dies: it never hears of anything again.
    async fn die(&self) -> Result<Progress, CallError> {
        self.cut.notify_one();
        std::future::pending().await
    }

    async fn call(
        &self,
        verb: &'static str,
        target: &Target,
        effect: impl FnOnce(&mut Inner, UnixMs) -> Result<Progress, CallError> + Send,
    ) -> Result<Progress, CallError> {
        let now_ms = self.clock.now_ms();
        let (fault, answer) = {
            let mut inner = self.locked();
            let call = CallMade {
                verb,
                key: target.resource.key.clone(),
            };
            let fault = (inner.plot)(inner.calls.len(), &call);
            inner.calls.push(call);
            let answer = match fault {
                Some(Fault::CutBefore | Fault::Throttled | Fault::RequestLost | Fault::Refused) => None,
                None | Some(Fault::CutAfter | Fault::AnswerLost) => Some(effect(&mut inner, now_ms)),
            };
            (fault, answer)
        };
        let failed = |kind, message: &str| Err(error(verb, target, kind, message));
        match (fault, answer) {
            (Some(Fault::CutBefore | Fault::CutAfter), _) => self.die().await,
            (Some(Fault::Throttled), _) => failed(CallErrorKind::Throttled, "rate exceeded"),
            (Some(Fault::RequestLost | Fault::AnswerLost), _) => failed(CallErrorKind::Unknown, "no answer"),
            (Some(Fault::Refused), _) => failed(CallErrorKind::Invalid, "refused for good"),
            (None, Some(answer)) => answer,
            (None, None) => failed(CallErrorKind::Unknown, "no answer"),
        }
    }
}

impl Inner {
    fn next_id(&mut self, kind: Kind) -> String {
        self.ids += 1;
        format!("{kind}-{:05}", self.ids)
    }

    /// The objects that a target can mean, the recorded or oldest first.
    fn meant(&self, target: &Target, now_ms: UnixMs) -> Vec<&Object> {
        let wanted = &target.resource;
        let mut meant: Vec<&Object> = self
            .objects
            .values()
            .filter(|object| !object.is_gone(now_ms))
            .filter(|object| {
                object.resource.key.kind == wanted.key.kind && object.resource.key.region == wanted.key.region
            })
            .filter(|object| match wanted.key.kind.identity() {
                Identity::UniqueName => object.resource.physical_name == wanted.physical_name,
                Identity::ClientToken | Identity::TagOnly => is_ours(&object.resource.tags, &wanted.tags),
            })
            .collect();
        meant.sort_by_key(|object| (target.id.as_deref() != Some(&object.id), object.token.clone()));
        meant
    }

    fn create(&mut self, target: &Target, now_ms: UnixMs, habits: Habits) -> Result<Progress, CallError> {
        let wanted = &target.resource;
        for dependency in &wanted.depends_on {
            let found = self.objects.values().find(|object| {
                object.resource.key == *dependency && !object.is_gone(now_ms) && is_ours_too(&object.resource, wanted)
            });
            match found {
                None => {
                    let defect = format!("{} was created before {dependency}", wanted.key);
                    self.defects.push(defect.clone());
                    return Err(error("create", target, CallErrorKind::Invalid, &defect));
                }
                Some(object) if now_ms < object.visible_at_ms => {
                    return Err(error("create", target, CallErrorKind::NotYet, "it does not exist"));
                }
                Some(_) => {}
            }
        }
        let mut same = self.objects.values().filter(|object| {
            object.resource.key.kind == wanted.key.kind
                && object.resource.key.region == wanted.key.region
                && !object.is_gone(now_ms)
        });
        let repeated = match wanted.key.kind.identity() {
            Identity::TagOnly => None,
            Identity::ClientToken => same.find(|object| object.token == target.token),
            Identity::UniqueName => {
                if same.any(|object| object.resource.physical_name == wanted.physical_name) {
                    return Err(error("create", target, CallErrorKind::Exists, "the name is taken"));
                }
                None
            }
        };
        if let Some(repeated) = repeated {
            return Ok(Progress::created(repeated.id.clone(), 1));
        }
        let id = self.next_id(wanted.key.kind);
        let visible_at_ms = now_ms + habits.visible_after_ms;
        self.objects.insert(
            id.clone(),
            Object {
                id: id.clone(),
                resource: wanted.clone(),
                token: target.token.clone(),
                visible_at_ms,
                ready_at_ms: visible_at_ms + create_ms(wanted.key.kind, habits),
                gone_at_ms: None,
                set_up_left: set_up_calls(wanted.key.kind),
            },
        );
        Ok(Progress::created(id, 1))
    }

    fn change(&mut self, target: &Target, id: &str) -> Result<Progress, CallError> {
        match self.objects.get_mut(id) {
            None => Err(error("change", target, CallErrorKind::NotYet, "it does not exist")),
            Some(object) if object.set_up_left > 0 => {
                object.set_up_left -= 1;
                Ok(Progress::changed(1))
            }
            Some(object) => {
                object.resource.properties = target.resource.properties.clone();
                object.resource.tags.extend(target.resource.tags.clone());
                Ok(Progress::changed(1))
            }
        }
    }

    fn delete(&mut self, target: &Target, id: &str, now_ms: UnixMs, habits: Habits) -> Result<Progress, CallError> {
        let Some(object) = self.objects.get(id).filter(|object| !object.is_gone(now_ms)) else {
            return Ok(Progress::Done);
        };
        if !is_ours(&object.resource.tags, &target.resource.tags) {
            let defect = format!("{id} is not ours, and was to be deleted");
            self.defects.push(defect.clone());
            return Err(error("delete", target, CallErrorKind::Invalid, &defect));
        }
        let hangs_on_it = self
            .objects
            .values()
            .filter(|other| !other.is_gone(now_ms))
            .any(|other| refers_to(&other.resource.properties, id));
        if hangs_on_it {
            return Err(error(
                "delete",
                target,
                CallErrorKind::NotYet,
                "something depends on it",
            ));
        }
        if let Some(object) = self.objects.get_mut(id) {
            let gone_at_ms = now_ms + create_ms(object.resource.key.kind, habits) / 2;
            object.gone_at_ms.get_or_insert(gone_at_ms);
        }
        Ok(Progress::changed(1))
    }
}

impl Object {
    fn is_gone(&self, now_ms: UnixMs) -> bool {
        self.gone_at_ms.is_some_and(|gone_at_ms| gone_at_ms <= now_ms)
    }

    fn observed(&self, target: &Target, duplicates: Vec<String>, now_ms: UnixMs) -> Observed {
        let ready = now_ms >= self.ready_at_ms;
        let condition = match self.gone_at_ms {
            Some(_) => Condition::Deleting,
            None if !ready => Condition::Changing {
                status: "creating".to_owned(),
            },
            None => Condition::Ready,
        };
        let differs = (self.set_up_left > 0).then(|| Difference {
            property: "set_up",
            wanted: "0".to_owned(),
            actual: self.set_up_left.to_string(),
        });
        let properties = Difference::between("properties", &target.resource.properties, &self.resource.properties);
        let attributes = self
            .resource
            .key
            .kind
            .attributes()
            .iter()
            .map(|attribute| ((*attribute).to_owned(), format!("{attribute}-of-{}", self.id)))
            .collect();
        Observed {
            id: self.id.clone(),
            attributes: if ready { attributes } else { BTreeMap::new() },
            condition,
            ours: is_ours(&self.resource.tags, &target.resource.tags),
            differences: differs.into_iter().chain(properties).collect(),
            duplicates,
        }
    }
}

#[async_trait]
impl Provider for MemoryCloud {
    fn kinds(&self) -> &'static [Kind] {
        Kind::ALL
    }

    async fn observe(&self, target: &Target) -> Result<Option<Observed>, CallError> {
        let now_ms = self.clock.now_ms();
        let inner = self.locked();
        let meant: Vec<&Object> = inner
            .meant(target, now_ms)
            .into_iter()
            .filter(|object| object.visible_at_ms <= now_ms)
            .collect();
        let Some((first, rest)) = meant.split_first() else {
            return Ok(None);
        };
        let duplicates = rest
            .iter()
            .filter(|object| object.gone_at_ms.is_none())
            .map(|object| object.id.clone())
            .collect();
        Ok(Some(first.observed(target, duplicates, now_ms)))
    }

    async fn ensure(&self, target: &Target, observed: Option<&Observed>) -> Result<Progress, CallError> {
        match observed {
            None => {
                let habits = self.habits;
                self.call("create", target, |inner, now_ms| inner.create(target, now_ms, habits))
                    .await
            }
            Some(observed) if observed.differences.is_empty() => Ok(Progress::Done),
            Some(observed) => {
                self.call("change", target, |inner, _| inner.change(target, &observed.id))
                    .await
            }
        }
    }

    async fn delete(&self, target: &Target, observed: &Observed) -> Result<Progress, CallError> {
        let habits = self.habits;
        self.call("delete", target, |inner, now_ms| {
            inner.delete(target, &observed.id, now_ms, habits)
        })
        .await
    }
}

fn error(verb: &str, target: &Target, kind: CallErrorKind, message: &str) -> CallError {
    CallError {
        call: format!("memory:{verb}"),
        kind,
        code: String::new(),
        message: format!("{}: {message}", target.resource.key),
        request_id: None,
    }
}

/// Two resources of one stack.
fn is_ours_too(one: &Resource, other: &Resource) -> bool {
    use outrigger_model::resource::{TAG_ENVIRONMENT, TAG_STACK};
    [TAG_STACK, TAG_ENVIRONMENT]
        .iter()
        .all(|tag| one.tags.get(*tag) == other.tags.get(*tag))
}

fn refers_to(properties: &Properties, id: &str) -> bool {
    serde_json::to_string(properties).is_ok_and(|json| json.contains(&format!("\"{id}\"")))
}

/// How long a kind takes to create.
fn create_ms(kind: Kind, habits: Habits) -> UnixMs {
    match kind {
        Kind::DbInstance => habits.slow_create_ms,
        Kind::ReplicationGroup => habits.slow_create_ms * 3 / 4,
        Kind::Stream => habits.slow_create_ms / 20,
        Kind::Vpc
        | Kind::Subnet
        | Kind::InternetGateway
        | Kind::RouteTable
        | Kind::Route
        | Kind::RouteTableAssociation
        | Kind::SecurityGroup
        | Kind::DbSubnetGroup
        | Kind::CacheSubnetGroup
        | Kind::Secret
        | Kind::SecretAttachment
        | Kind::Alarm => 0,
    }
}

/// How many calls a kind needs after the one that creates it, as over AWS.
fn set_up_calls(kind: Kind) -> u32 {
    match kind {
        Kind::Vpc => 2,
        Kind::InternetGateway | Kind::SecurityGroup | Kind::Subnet | Kind::Stream => 1,
        Kind::RouteTable
        | Kind::Route
        | Kind::RouteTableAssociation
        | Kind::DbSubnetGroup
        | Kind::DbInstance
        | Kind::CacheSubnetGroup
        | Kind::ReplicationGroup
        | Kind::Secret
        | Kind::SecretAttachment
        | Kind::Alarm => 0,
    }
}
