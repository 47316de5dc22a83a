//! A plan to look at, and whether it still is the plan.

use std::collections::{BTreeMap, BTreeSet};

use outrigger_model::document::Code;
use outrigger_model::{Lane, Problem, Record, ResourceKey};
use outrigger_plan::plan::Records;
use sha2::{Digest, Sha256};

use super::Ports;
use crate::state::content::Proposal;
use crate::tasks::TaskError;

/// What a plan stands on, of one resource.
fn fingerprint(record: &Record) -> String {
    let what = (&record.resource, &record.id, &record.attributes, record.ready);
    let json = serde_json::to_vec(&what).unwrap_or_default();
    let digest = Sha256::digest(json);
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// What a plan stands on.
pub(super) fn base(records: &Records) -> BTreeMap<ResourceKey, String> {
    records
        .iter()
        .map(|(key, record)| (key.clone(), fingerprint(record)))
        .collect()
}

/// Whether what was planned now is what the proposal says.
///
/// # Errors
/// `PlanOutdated`, with what has moved since.
pub(super) async fn check(
    ports: &Ports<'_>,
    id: &str,
    blueprint: &str,
    plans: &BTreeMap<Lane, String>,
    stack: &outrigger_model::StackId,
    records: &Records,
) -> Result<(), TaskError> {
    let Some(proposal) = ports.state.blob::<Proposal>(stack, id).await? else {
        return Err(TaskError::PlanOutdated(vec![Problem::at(
            Code::Outdated,
            "plan",
            format!("the plan {id} is not kept: it is of another stack, or older than an hour; plan again"),
        )]));
    };
    if proposal.plans == *plans && proposal.blueprint == blueprint {
        return Ok(());
    }
    Err(TaskError::PlanOutdated(moved(&proposal, blueprint, &base(records))))
}

fn moved(proposal: &Proposal, blueprint: &str, now: &BTreeMap<ResourceKey, String>) -> Vec<Problem> {
    let keys: BTreeSet<&ResourceKey> = proposal.base.keys().chain(now.keys()).collect();
    let mut problems: Vec<Problem> = keys
        .into_iter()
        .filter_map(|key| {
            let message = match (proposal.base.get(key), now.get(key)) {
                (Some(before), Some(after)) if before == after => return None,
                (Some(_), Some(_)) => "was changed since the plan was made",
                (None, Some(_)) => "was created since the plan was made",
                (Some(_), None) => "is no longer recorded",
                (None, None) => return None,
            };
            Some(Problem::at(Code::Outdated, key.to_string(), message))
        })
        .collect();
    if proposal.blueprint != blueprint {
        problems.push(Problem::at(
            Code::Outdated,
            "document",
            "is not the one that the plan was made of, or AWS answers otherwise about its zones and versions",
        ));
    }
    if problems.is_empty() {
        problems.push(Problem::at(
            Code::Outdated,
            "plan",
            "the same state leads to other steps by now",
        ));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use outrigger_model::{Kind, Region, StackId};

    #[test]
    fn what_moved_is_told() {
        let key = |name: &str| ResourceKey::new(&Region::new("us-east-1"), Kind::Vpc, name);
        let of = |entries: &[(&str, &str)]| -> BTreeMap<ResourceKey, String> {
            entries
                .iter()
                .map(|(name, print)| (key(name), (*print).to_owned()))
                .collect()
        };
        let proposal = Proposal {
            stack: StackId {
                stack: "shop".to_owned(),
                environment: "test".to_owned(),
            },
            blueprint: "b1".to_owned(),
            plans: BTreeMap::new(),
            base: of(&[("same", "1"), ("changed", "1"), ("gone", "1")]),
        };
        let now = of(&[("same", "1"), ("changed", "2"), ("new", "1")]);
        let told: Vec<String> = moved(&proposal, "b2", &now).iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "us-east-1/vpc/changed: was changed since the plan was made",
                "us-east-1/vpc/gone: is no longer recorded",
                "us-east-1/vpc/new: was created since the plan was made",
                "document: is not the one that the plan was made of, or AWS answers otherwise about its zones and versions",
            ]
        );
    }
}
