//! A cloud in memory: a [`Provider`] of every kind, with the habits of the real one. It shows new objects late, takes its
//! time to create and delete, throttles, loses answers, and refuses what depends on something that is not there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use outrigger_model::resource::is_ours;
use outrigger_model::{Identity, Kind, Properties, Resource, ResourceKey, UnixMs};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use super::clock::VirtualClock;
use super::kinds::{differences, has_name, is_ours_too, is_protected, puts_off, refers_to, set_up_calls, within};
use crate::durations;
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
    /// How long it takes to create and to delete an object, in percent of what [`durations`] says of its kind.
    pub create_percent: u64,
    /// How long it takes to change one, likewise.
    pub change_percent: u64,
    /// By how much an object may take less or more than that, in percent; drawn from its key.
    pub spread_percent: u64,
}

impl Habits {
    /// As AWS is: with the published durations, and a quarter less or more.
    pub fn realistic() -> Self {
        Self {
            create_percent: 100,
            change_percent: 100,
            spread_percent: 25,
            ..Self::default()
        }
    }

    /// How long it takes to create an object.
    pub fn create_ms(&self, key: &ResourceKey) -> UnixMs {
        self.spread(key, durations::of(key.kind).create_ms * self.create_percent / 100)
    }

    /// How long a new object takes until it is ready, from the call on.
    pub fn ready_ms(&self, key: &ResourceKey) -> UnixMs {
        self.visible_after_ms + self.create_ms(key)
    }

    fn change_ms(&self, key: &ResourceKey) -> UnixMs {
        self.spread(key, durations::of(key.kind).change_ms * self.change_percent / 100)
    }

    fn delete_ms(&self, key: &ResourceKey) -> UnixMs {
        self.spread(key, durations::of(key.kind).delete_ms * self.create_percent / 100)
    }

    fn spread(&self, key: &ResourceKey, ms: UnixMs) -> UnixMs {
        if self.spread_percent == 0 {
            return ms;
        }
        let digest = Sha256::digest(key.to_string().as_bytes());
        let draw = digest.iter().take(2).fold(0, |draw, byte| draw << 8 | u64::from(*byte));
        let least = ms * (100 - self.spread_percent.min(100)) / 100;
        least + (ms - least) * 2 * draw / u64::from(u16::MAX)
    }
}

impl Default for Habits {
    /// In a hurry, for the tests that do everything to every call.
    fn default() -> Self {
        Self {
            visible_after_ms: 3_000,
            create_percent: 30,
            change_percent: 0,
            spread_percent: 0,
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
    /// Until when a change of it goes on.
    busy_until_ms: UnixMs,
    gone_at_ms: Option<UnixMs>,
    /// How many further calls its set-up still needs.
    set_up_left: u32,
    /// What the maintenance window will make of it.
    coming: Option<Properties>,
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
    observations: u64,
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
                observations: 0,
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

    /// How often a resource was looked at.
    pub fn observations(&self) -> u64 {
        self.locked().observations
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
                busy_until_ms: now_ms,
                gone_at_ms: None,
                set_up_left: 0,
                coming: None,
            },
        );
    }

    /// Changes an object behind Outrigger's back.
    pub fn tamper(&self, key: &ResourceKey, change: impl Fn(&mut Resource)) {
        let mut inner = self.locked();
        let objects = inner.objects.values_mut();
        objects
            .filter(|object| object.resource.key == *key)
            .for_each(|object| change(&mut object.resource));
    }

    /// The maintenance window: everything that was put off until then happens.
    pub fn open_window(&self) {
        for object in self.locked().objects.values_mut() {
            if let Some(coming) = object.coming.take() {
                object.resource.properties = coming;
            }
        }
    }

    /// Deletes an object behind Outrigger's back, and with it what is a part of it, and of that.
    pub fn remove(&self, key: &ResourceKey) {
        let mut inner = self.locked();
        let mut gone: BTreeSet<String> = BTreeSet::new();
        loop {
            let there = inner.objects.len();
            inner.objects.retain(|_, object| {
                let is_part = within(&object.resource).is_some_and(|whole| gone.contains(whole.text()));
                let goes = object.resource.key == *key || is_part;
                if goes {
                    gone.extend(object.attributes().into_values().chain([object.id.clone()]));
                }
                !goes
            });
            if inner.objects.len() == there {
                return;
            }
        }
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
            .filter(|object| !target.not.contains(&object.id))
            .filter(|object| match (wanted.key.is_former(), wanted.key.kind.identity()) {
                (false, Identity::UniqueName) => has_name(&object.resource, wanted),
                (false, Identity::ClientToken | Identity::TagOnly) => is_ours(&object.resource.tags, &wanted.tags),
                // What was replaced is known by its id, or by the call that made it.
                (true, _) => match &target.id {
                    Some(id) => object.id == *id,
                    None => object.token == target.token,
                },
            })
            .collect();
        meant.sort_by_key(|object| (target.id.as_deref() != Some(&object.id), object.token.clone()));
        meant
    }

    fn create(&mut self, target: &Target, now_ms: UnixMs, habits: Habits) -> Result<Progress, CallError> {
        let wanted = &target.resource;
        for dependency in &wanted.depends_on {
            let found = self.objects.values().filter(|object| {
                object.resource.key == *dependency && !object.is_gone(now_ms) && is_ours_too(&object.resource, wanted)
            });
            let visible: Vec<bool> = found.map(|object| now_ms >= object.visible_at_ms).collect();
            if visible.is_empty() {
                let defect = format!("{} was created before {dependency}", wanted.key);
                self.defects.push(defect.clone());
                return Err(error("create", target, CallErrorKind::Invalid, &defect));
            }
            // Of two that follow one another the first may be what is meant.
            if !visible.contains(&true) {
                return Err(error("create", target, CallErrorKind::NotYet, "it does not exist"));
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
                if same.any(|object| has_name(&object.resource, wanted)) {
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
                ready_at_ms: now_ms + habits.ready_ms(&wanted.key),
                busy_until_ms: now_ms,
                gone_at_ms: None,
                set_up_left: set_up_calls(wanted.key.kind),
                coming: None,
            },
        );
        Ok(Progress::created(id, 1))
    }

    fn change(&mut self, target: &Target, id: &str, now_ms: UnixMs, habits: Habits) -> Result<Progress, CallError> {
        match self.objects.get_mut(id) {
            None => Err(error("change", target, CallErrorKind::NotYet, "it does not exist")),
            Some(object) if object.set_up_left > 0 => {
                object.set_up_left -= 1;
                Ok(Progress::changed(1))
            }
            Some(object) => {
                let properties = target.resource.properties.clone();
                if puts_off(&properties) {
                    object.coming = Some(properties);
                } else {
                    object.resource.properties = properties;
                    object.coming = None;
                    object.busy_until_ms = now_ms + habits.change_ms(&object.resource.key);
                }
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
        if is_protected(&object.resource.properties) {
            if !target.unprotect {
                return Err(error("delete", target, CallErrorKind::Invalid, "it is protected"));
            }
            match self.objects.get_mut(id).map(|object| &mut object.resource.properties) {
                Some(Properties::DbInstance(database)) => database.deletion_protection = false,
                Some(Properties::DbCluster(cluster)) => cluster.deletion_protection = false,
                Some(Properties::GlobalCluster(cluster)) => cluster.deletion_protection = false,
                _ => {}
            }
            return Ok(Progress::changed(1));
        }
        let hangs_on_it = self
            .objects
            .values()
            .filter(|other| !other.is_gone(now_ms))
            // They only know its name, and keep nothing from being deleted.
            .filter(|other| {
                !matches!(
                    other.resource.key.kind,
                    Kind::Alarm | Kind::SecretAttachment | Kind::Subscription
                )
            })
            // A route keeps no gateway: it leads nowhere then.
            .filter(|other| target.resource.key.kind != Kind::NatGateway || other.resource.key.kind != Kind::Route)
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
            let gone_at_ms = now_ms + habits.delete_ms(&object.resource.key);
            object.gone_at_ms.get_or_insert(gone_at_ms);
        }
        Ok(Progress::changed(1))
    }
}

impl Object {
    fn is_gone(&self, now_ms: UnixMs) -> bool {
        self.gone_at_ms.is_some_and(|gone_at_ms| gone_at_ms <= now_ms)
    }

    /// Its attributes, once it is ready.
    fn attributes(&self) -> BTreeMap<String, String> {
        let all = self.resource.key.kind.attributes().iter();
        all.map(|attribute| ((*attribute).to_owned(), format!("{attribute}-of-{}", self.id)))
            .collect()
    }

    fn observed(&self, target: &Target, duplicates: Vec<String>, now_ms: UnixMs) -> Observed {
        let ready = now_ms >= self.ready_at_ms;
        let condition = match self.gone_at_ms {
            Some(_) => Condition::Deleting,
            None if !ready => Condition::Changing {
                status: "creating".to_owned(),
            },
            None if now_ms < self.busy_until_ms => Condition::Changing {
                status: "modifying".to_owned(),
            },
            None => Condition::Ready,
        };
        let differs = (self.set_up_left > 0).then(|| Difference {
            property: "set_up",
            wanted: 0.into(),
            actual: self.set_up_left.into(),
        });
        let wanted = &target.resource.properties;
        let will_be = self.coming.as_ref().filter(|_| puts_off(wanted));
        let differences = differences(wanted, will_be.unwrap_or(&self.resource.properties));
        let pending = match will_be {
            Some(will_be) if will_be != &self.resource.properties => vec!["properties"],
            Some(_) | None => Vec::new(),
        };
        Observed {
            id: self.id.clone(),
            attributes: if ready { self.attributes() } else { BTreeMap::new() },
            condition,
            ours: is_ours(&self.resource.tags, &target.resource.tags),
            differences: differs.into_iter().chain(differences).collect(),
            pending,
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
        let mut inner = self.locked();
        inner.observations += 1;
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
                let habits = self.habits;
                self.call("change", target, |inner, now_ms| {
                    inner.change(target, &observed.id, now_ms, habits)
                })
                .await
            }
        }
    }

    async fn kept(&self, target: &Target) -> Result<Vec<String>, CallError> {
        let name = format!("{}-final-snapshot", target.resource.physical_name);
        Ok(match &target.resource.properties {
            Properties::DbInstance(database) if database.final_snapshot && !target.unprotect => vec![name],
            Properties::DbCluster(cluster) if cluster.final_snapshot && !target.unprotect => vec![name],
            _ => Vec::new(),
        })
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
