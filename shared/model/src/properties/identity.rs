//! What may be done: roles.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Input;

/// A role that an AWS service takes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// What it is for.
    pub description: String,
    /// The service, such as `monitoring.rds.amazonaws.com`.
    pub service: String,
    /// The ARNs of the managed policies that say what it may do.
    pub managed_policies: BTreeSet<String>,
    /// What else it may do, in a policy of its own: one statement each.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_several")]
    pub allows: Vec<Allows>,
}

/// What was kept when a role's policy had one statement is that statement.
fn one_or_several<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Allows>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Kept {
        Several(Vec<Allows>),
        One(Allows),
    }
    Ok(match Option::<Kept>::deserialize(deserializer)? {
        Some(Kept::Several(allows)) => allows,
        Some(Kept::One(allows)) => vec![allows],
        None => Vec::new(),
    })
}

/// What a statement of a role's own policy allows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Allows {
    /// The actions, such as `kinesis:PutRecord`.
    pub actions: BTreeSet<String>,
    /// The ARNs of what they may be done to.
    pub resources: Vec<Input>,
    /// Of a DynamoDB table, the partition keys of the items that they may be done to; every item without:
    /// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html>.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub leading_keys: BTreeSet<String>,
}
