//! What every [`Provider`] must do for each of its kinds.
//!
//! Each check takes a [`Case`] and answers with what is wrong, so that a test says `check(&case).await.unwrap()`.

use std::time::Duration;

use async_trait::async_trait;
use outrigger_model::{Identity, Resource};

use crate::ports::provider::{CallErrorKind, Condition, Observed, Progress, Provider, Target};

/// One resource to try a provider on. What it depends on exists, and its references are resolved.
#[async_trait]
pub trait Case: Send + Sync {
    /// The provider.
    fn provider(&self) -> &dyn Provider;

    /// The resource; nobody has created it yet.
    fn resource(&self) -> Resource;

    /// Creates an object of the same name that is not ours. Answers `false` where the kind has no name to take.
    async fn take_name(&self) -> Result<bool, String>;

    /// Deletes what [`Case::take_name`] made.
    async fn give_name_back(&self) -> Result<(), String>;

    /// Waits until something may have changed.
    async fn pause(&self, duration: Duration);
}

/// How often a check looks before it gives up.
const TURNS_MAX: usize = 60;

/// Runs every check on one case, one after the other; nothing is left afterwards.
///
/// # Errors
/// The first thing that is wrong.
pub async fn check(case: &dyn Case) -> Result<(), String> {
    let key = case.resource().key;
    absent_is_none(case)
        .await
        .map_err(|error| format!("{key}: absent is none: {error}"))?;
    name_taken_is_not_ours(case)
        .await
        .map_err(|error| format!("{key}: name taken is not ours: {error}"))?;
    create_adopt_delete(case)
        .await
        .map_err(|error| format!("{key}: create, adopt, delete: {error}"))
}

fn target(resource: &Resource, id: Option<&str>) -> Target {
    Target {
        resource: resource.clone(),
        id: id.map(str::to_owned),
        token: "0001700000000000-conformance".to_owned(),
        not: Default::default(),
        tags_gone: Default::default(),
        unprotect: false,
        going: false,
    }
}

async fn absent_is_none(case: &dyn Case) -> Result<(), String> {
    let observed = case
        .provider()
        .observe(&target(&case.resource(), None))
        .await
        .map_err(|error| error.to_string())?;
    match observed {
        None => Ok(()),
        Some(observed) => Err(format!("observed {observed:?}")),
    }
}

async fn name_taken_is_not_ours(case: &dyn Case) -> Result<(), String> {
    if !case.take_name().await? {
        return Ok(());
    }
    let target = target(&case.resource(), None);
    let observed = settle(case, &target)
        .await?
        .ok_or("the foreign object is not observed")?;
    if observed.ours {
        return Err(format!("the foreign object counts as ours: {observed:?}"));
    }
    // A create in spite of it is refused, and changes nothing.
    match case.provider().ensure(&target, None).await {
        Err(error) if error.kind == CallErrorKind::Exists => {}
        // Kinds whose create is an upsert cannot tell; the executor never asks them, because it observes first.
        other if case.resource().key.kind == outrigger_model::Kind::Alarm => drop(other),
        other => return Err(format!("creating over a foreign object answered {other:?}")),
    }
    case.give_name_back().await?;
    gone(case, &target).await
}

async fn create_adopt_delete(case: &dyn Case) -> Result<(), String> {
    let provider = case.provider();
    let resource = case.resource();
    let unknown = target(&resource, None);
    let failed = |what: &'static str| move |error: crate::ports::provider::CallError| format!("{what}: {error}");

    // Create, and go on until it is as it is wanted.
    let mut created = None;
    let mut observed = None;
    for _ in 0..TURNS_MAX {
        let before = provider
            .observe(&target(&resource, created.as_deref()))
            .await
            .map_err(failed("observe"))?;
        if let Some(before) = &before {
            if !before.ours {
                return Err(format!("what we created is not ours: {before:?}"));
            }
            match &before.condition {
                Condition::Ready if before.differences.is_empty() => {
                    observed = Some(before.clone());
                    break;
                }
                Condition::Ready => {}
                Condition::Changing { .. } => {
                    case.pause(Duration::from_millis(300)).await;
                    continue;
                }
                other => return Err(format!("it became {other:?}")),
            }
        } else if created.is_some() {
            // Created, but not shown yet.
            case.pause(Duration::from_millis(300)).await;
            continue;
        }
        match provider
            .ensure(&target(&resource, created.as_deref()), before.as_ref())
            .await
        {
            Ok(Progress::InProgress { id, .. }) => {
                if created.is_none() {
                    created = id;
                }
            }
            Ok(other) => return Err(format!("ensure answered {other:?} on {before:?}")),
            // What it depends on may show late too.
            Err(error) if error.is_retryable() => case.pause(Duration::from_millis(300)).await,
            Err(error) => return Err(format!("ensure: {error}")),
        }
    }
    let observed = observed.ok_or("it did not become ready")?;

    // Nothing left to do.
    match provider
        .ensure(&target(&resource, Some(&observed.id)), Some(&observed))
        .await
    {
        Ok(Progress::Done) => {}
        other => return Err(format!("ensure of what is ready answered {other:?}")),
    }

    // Adopt after a crash: without the recorded id it is found again, the same one, and ours.
    let adopted = provider
        .observe(&unknown)
        .await
        .map_err(failed("adopt"))?
        .ok_or("not found again without its id")?;
    if adopted.id != observed.id || !adopted.ours || !adopted.differences.is_empty() {
        return Err(format!("adopted {adopted:?} instead of {observed:?}"));
    }
    for attribute in resource.key.kind.attributes() {
        // What not every object has: members of a cache, the endpoint of a global database.
        let optional = attribute.starts_with("member_") || *attribute == "writer_endpoint";
        if !optional && !adopted.attributes.contains_key(*attribute) {
            return Err(format!("the attribute {attribute} is missing: {adopted:?}"));
        }
    }

    // Create again: recognised, or (tag only) found as a duplicate, which can be deleted alone.
    match (resource.key.kind.identity(), provider.ensure(&unknown, None).await) {
        (Identity::ClientToken | Identity::UniqueName, Err(error)) if error.kind == CallErrorKind::Exists => {}
        (Identity::ClientToken | Identity::UniqueName, Ok(Progress::InProgress { .. } | Progress::Done)) => {}
        (Identity::TagOnly, Ok(Progress::InProgress { id: Some(_), .. })) => {
            delete_duplicate(case, &observed).await?;
        }
        // Some tag-only kinds cannot be doubled, because something else about them is unique.
        (Identity::TagOnly, Err(error)) if error.kind == CallErrorKind::Exists => {}
        (_, other) => return Err(format!("a repeated create answered {other:?}")),
    }
    let again = settle(case, &unknown).await?.ok_or("gone after a repeated create")?;
    if again.id != observed.id || !again.duplicates.is_empty() {
        return Err(format!("after a repeated create: {again:?}"));
    }

    // Delete; twice is as good as once.
    delete_until_gone(case, &target(&resource, Some(&observed.id)), &observed).await?;
    for _ in 0..2 {
        match provider.delete(&target(&resource, Some(&observed.id)), &observed).await {
            Ok(Progress::Done) => {}
            other => return Err(format!("deleting what is gone answered {other:?}")),
        }
    }
    gone(case, &unknown).await
}

async fn delete_duplicate(case: &dyn Case, observed: &Observed) -> Result<(), String> {
    let resource = case.resource();
    let recorded = target(&resource, Some(&observed.id));
    let mut duplicate = None;
    for _ in 0..TURNS_MAX {
        let seen = case
            .provider()
            .observe(&recorded)
            .await
            .map_err(|error| error.to_string())?
            .ok_or("gone after a duplicate was made")?;
        if seen.id != observed.id {
            return Err(format!("the recorded id gave way to the duplicate: {seen:?}"));
        }
        if let [only] = seen.duplicates.as_slice() {
            duplicate = Some(only.clone());
            break;
        }
        case.pause(Duration::from_millis(300)).await;
    }
    let duplicate = duplicate.ok_or("the duplicate is not observed")?;
    let as_observed = Observed {
        id: duplicate.clone(),
        ours: true,
        ..Observed::default()
    };
    for _ in 0..TURNS_MAX {
        match case
            .provider()
            .delete(&target(&resource, Some(&duplicate)), &as_observed)
            .await
        {
            Ok(Progress::Done) => return Ok(()),
            Ok(Progress::InProgress { .. }) => {}
            Ok(other) => return Err(format!("deleting the duplicate answered {other:?}")),
            Err(error) if error.is_retryable() => {}
            Err(error) => return Err(format!("deleting the duplicate: {error}")),
        }
        case.pause(Duration::from_millis(300)).await;
    }
    Err("the duplicate does not go".to_owned())
}

async fn delete_until_gone(case: &dyn Case, target: &Target, observed: &Observed) -> Result<(), String> {
    let mut seen = observed.clone();
    for _ in 0..TURNS_MAX {
        match case.provider().delete(target, &seen).await {
            Ok(Progress::Done | Progress::InProgress { .. }) => {}
            Ok(other) => return Err(format!("delete answered {other:?}")),
            Err(error) if error.is_retryable() => {}
            Err(error) => return Err(format!("delete: {error}")),
        }
        match case
            .provider()
            .observe(target)
            .await
            .map_err(|error| error.to_string())?
        {
            None => return Ok(()),
            Some(still) => seen = still,
        }
        case.pause(Duration::from_millis(300)).await;
    }
    Err(format!("it does not go: {seen:?}"))
}

/// Observes until AWS is no longer at work on it.
async fn settle(case: &dyn Case, target: &Target) -> Result<Option<Observed>, String> {
    for _ in 0..TURNS_MAX {
        match case.provider().observe(target).await {
            Ok(Some(Observed {
                condition: Condition::Changing { .. } | Condition::Deleting,
                ..
            })) => {}
            Ok(observed) => return Ok(observed),
            // What AWS is at work on may not show everything.
            Err(error) if error.is_retryable() => {}
            Err(error) => return Err(error.to_string()),
        }
        case.pause(Duration::from_millis(300)).await;
    }
    Err("it does not come to rest".to_owned())
}

async fn gone(case: &dyn Case, target: &Target) -> Result<(), String> {
    for _ in 0..TURNS_MAX {
        match case.provider().observe(target).await {
            Ok(None) => return Ok(()),
            Ok(Some(_)) => {}
            Err(error) if error.is_retryable() => {}
            Err(error) => return Err(error.to_string()),
        }
        case.pause(Duration::from_millis(300)).await;
    }
    Err("it is still there".to_owned())
}
