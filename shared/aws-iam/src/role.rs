//! `AWS::IAM::Role`, with its attached managed policies, and a policy of its own.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::Client;
use aws_sdk_iam::types::{Role as SdkRole, Tag};
use outrigger_aws::{TAGS, TAGS_GONE, call_error, is_code, missing_tags, pages, surplus_keys, surplus_tags};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::{Allows, Role};
use outrigger_model::resource::is_ours;

use crate::{allows, trust};

/// Where the roles of stacks live; the control plane may make roles only there.
const PATH: &str = "/outrigger/";
/// Where those of functions live. The control plane's own are in the path above, and Lambda takes them on as well: a path
/// apart keeps them from being handed to a stack's function.
const PATH_OF_FUNCTIONS: &str = "/outrigger/functions/";

fn path(wanted: &Role) -> &'static str {
    match wanted.service.as_str() {
        "lambda.amazonaws.com" => PATH_OF_FUNCTIONS,
        _ => PATH,
    }
}
const POLL_SECONDS: u32 = 2;

/// The ARN of the boundary; no property of a role's, since the control plane sets it.
const BOUNDARY: &str = "permissions_boundary";

const ALLOWS: &str = "allows";
/// The name of the policy that a role has of its own; others are somebody else's.
const OWN_POLICY: &str = "outrigger";

const NOT_FOUND: &[&str] = &["NoSuchEntity"];
const CODES: &[(&str, CallErrorKind)] = &[
    ("EntityAlreadyExists", CallErrorKind::Exists),
    // It is there, but not shown everywhere yet:
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
    ("NoSuchEntity", CallErrorKind::NotYet),
    ("EntityTemporarilyUnmodifiable", CallErrorKind::NotYet),
    ("ConcurrentModification", CallErrorKind::NotYet),
    // Something is still attached to it: it shows late, or somebody else attached it.
    ("DeleteConflict", CallErrorKind::NotYet),
];

/// GetRole, which shows the tags too, and ListAttachedRolePolicies:
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html>.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &Role,
    boundary: Option<&str>,
) -> Result<Option<Observed>, CallError> {
    let name = &target.resource.physical_name;
    let (role, policies, own) =
        futures::try_join!(get(client, name), attached(client, name), own_policy(client, name))?;
    let (Some(role), Some(policies)) = (role, policies) else {
        return Ok(None);
    };
    let actual_tags = from_sdk(role.tags());
    Ok(Some(Observed {
        id: role.role_name.clone(),
        attributes: BTreeMap::from([("arn".to_owned(), role.arn.clone())]),
        condition: Condition::Ready,
        ours: is_ours(&actual_tags, &target.resource.tags),
        differences: differences(
            wanted,
            boundary,
            &role,
            &policies,
            own.as_deref(),
            &target.resource.tags,
        )
        .into_iter()
        .chain(surplus_tags(&target.tags_gone, &actual_tags))
        .collect(),
        duplicates: Vec::new(),
        pending: Vec::new(),
    }))
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &Role,
    boundary: Option<&str>,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target, wanted, boundary).await;
    };
    let Some(first) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    let name = &target.resource.physical_name;
    match first.property {
        TAGS => client
            .tag_role()
            .role_name(name)
            .set_tags(Some(to_sdk(&target.resource.tags)?))
            .send()
            .await
            .map(drop)
            .map_err(|error| call_error("iam:TagRole", CODES, &error))?,
        // https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagRole.html
        TAGS_GONE => client
            .untag_role()
            .role_name(name)
            .set_tag_keys(Some(surplus_keys(first)))
            .send()
            .await
            .map(drop)
            .map_err(|error| call_error("iam:UntagRole", CODES, &error))?,
        "service" => client
            .update_assume_role_policy()
            .role_name(name)
            .policy_document(trust::policy(&wanted.service).to_string())
            .send()
            .await
            .map(drop)
            .map_err(|error| call_error("iam:UpdateAssumeRolePolicy", CODES, &error))?,
        BOUNDARY => client
            .put_role_permissions_boundary()
            .role_name(name)
            .permissions_boundary(boundary.unwrap_or_default())
            .send()
            .await
            .map(drop)
            .map_err(|error| call_error("iam:PutRolePermissionsBoundary", CODES, &error))?,
        ALLOWS => put_own_policy(client, name, &wanted.allows).await?,
        // UpdateRole would set the longest session back to an hour.
        "description" => client
            .update_role_description()
            .role_name(name)
            .description(&wanted.description)
            .send()
            .await
            .map(drop)
            .map_err(|error| call_error("iam:UpdateRoleDescription", CODES, &error))?,
        _ => {
            let Some(there) = attached(client, name).await? else {
                return Ok(Progress::changed(POLL_SECONDS));
            };
            if let Some(missing) = wanted.managed_policies.difference(&there).next() {
                client
                    .attach_role_policy()
                    .role_name(name)
                    .policy_arn(missing)
                    .send()
                    .await
                    .map_err(|error| call_error("iam:AttachRolePolicy", CODES, &error))?;
            } else if let Some(surplus) = there.difference(&wanted.managed_policies).next() {
                detach(client, name, surplus).await?;
            }
        }
    }
    Ok(Progress::changed(POLL_SECONDS))
}

/// CreateRole: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>.
async fn create(
    client: &Client,
    target: &Target,
    wanted: &Role,
    boundary: Option<&str>,
) -> Result<Progress, CallError> {
    let output = client
        .create_role()
        .role_name(&target.resource.physical_name)
        .path(path(wanted))
        .description(&wanted.description)
        .assume_role_policy_document(trust::policy(&wanted.service).to_string())
        .set_permissions_boundary(boundary.map(str::to_owned))
        .set_tags(Some(to_sdk(&target.resource.tags)?))
        .send()
        .await
        .map_err(|error| call_error("iam:CreateRole", CODES, &error))?;
    Ok(Progress::InProgress {
        id: output.role.map(|role| role.role_name),
        poll_after_seconds: POLL_SECONDS,
        request_id: None,
    })
}

/// DeleteRole, once nothing is attached: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html>.
pub(crate) async fn delete(client: &Client, name: &str) -> Result<Progress, CallError> {
    let Some(policies) = attached(client, name).await? else {
        return Ok(Progress::Done);
    };
    if let Some(policy) = policies.first() {
        detach(client, name, policy).await?;
        return Ok(Progress::changed(POLL_SECONDS));
    }
    if own_policy(client, name).await?.is_some() {
        put_own_policy(client, name, &[]).await?;
        return Ok(Progress::changed(POLL_SECONDS));
    }
    match client.delete_role().role_name(name).send().await {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        Err(error) => Err(call_error("iam:DeleteRole", CODES, &error)),
    }
}

/// DetachRolePolicy; detached already is as good:
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DetachRolePolicy.html>.
async fn detach(client: &Client, name: &str, policy: &str) -> Result<(), CallError> {
    match client
        .detach_role_policy()
        .role_name(name)
        .policy_arn(policy)
        .send()
        .await
    {
        Ok(_) => Ok(()),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(()),
        Err(error) => Err(call_error("iam:DetachRolePolicy", CODES, &error)),
    }
}

/// The policy that a role has of its own, URL-encoded as it is answered; `None` when there is none:
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html>.
async fn own_policy(client: &Client, name: &str) -> Result<Option<String>, CallError> {
    match client
        .get_role_policy()
        .role_name(name)
        .policy_name(OWN_POLICY)
        .send()
        .await
    {
        Ok(output) => Ok(Some(output.policy_document)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(None),
        Err(error) => Err(call_error("iam:GetRolePolicy", CODES, &error)),
    }
}

/// PutRolePolicy, or DeleteRolePolicy where it is to have none:
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html>.
async fn put_own_policy(client: &Client, name: &str, wanted: &[Allows]) -> Result<(), CallError> {
    if wanted.is_empty() {
        let request = client.delete_role_policy().role_name(name).policy_name(OWN_POLICY);
        return match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_code(&error, NOT_FOUND) => Ok(()),
            Err(error) => Err(call_error("iam:DeleteRolePolicy", CODES, &error)),
        };
    }
    let request = client.put_role_policy().role_name(name).policy_name(OWN_POLICY);
    let request = request.policy_document(allows::policy(wanted).to_string());
    let answer = request.send().await;
    answer
        .map(drop)
        .map_err(|error| call_error("iam:PutRolePolicy", CODES, &error))
}

async fn get(client: &Client, name: &str) -> Result<Option<SdkRole>, CallError> {
    match client.get_role().role_name(name).send().await {
        Ok(output) => Ok(output.role),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(None),
        Err(error) => Err(call_error("iam:GetRole", CODES, &error)),
    }
}

/// The ARNs of the managed policies of a role; `None` when there is no such role.
async fn attached(client: &Client, name: &str) -> Result<Option<BTreeSet<String>>, CallError> {
    let call = "iam:ListAttachedRolePolicies";
    let request = client.list_attached_role_policies().role_name(name);
    match pages(call, CODES, request.into_paginator().send(), |page| {
        page.attached_policies
    })
    .await
    {
        Ok(policies) => Ok(Some(
            policies.into_iter().filter_map(|policy| policy.policy_arn).collect(),
        )),
        Err(error) if NOT_FOUND.contains(&error.code.as_str()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where a role differs from what is wanted. Without a boundary to give, none is compared.
fn differences(
    wanted: &Role,
    boundary: Option<&str>,
    actual: &SdkRole,
    policies: &BTreeSet<String>,
    own_policy: Option<&str>,
    wanted_tags: &BTreeMap<String, String>,
) -> Vec<Difference> {
    let service = trust::service(actual.assume_role_policy_document().unwrap_or_default());
    let description = actual.description().unwrap_or_default();
    let actual_boundary = actual
        .permissions_boundary()
        .and_then(|boundary| boundary.permissions_boundary_arn());
    // What bounds a role comes before what it may do.
    [
        missing_tags(wanted_tags, &from_sdk(actual.tags())),
        Difference::between("service", &wanted.service, &service),
        boundary.and_then(|boundary| Difference::between(BOUNDARY, &Some(boundary), &actual_boundary)),
        Difference::between("managed_policies", &wanted.managed_policies, policies),
        Difference::between(ALLOWS, &serde_json::json!(wanted.allows), &allows::told(own_policy)),
        Difference::between("description", &wanted.description.as_str(), &description),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn to_sdk(tags: &BTreeMap<String, String>) -> Result<Vec<Tag>, CallError> {
    tags.iter()
        .map(|(key, value)| {
            let tag = Tag::builder().key(key).value(value).build();
            tag.map_err(|error| CallError::invalid("iam:TagRole", error.to_string()))
        })
        .collect()
}

fn from_sdk(tags: &[Tag]) -> BTreeMap<String, String> {
    tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_iam::primitives::DateTime;
    use aws_sdk_iam::types::AttachedPermissionsBoundary;
    use aws_sdk_iam::types::builders::RoleBuilder;

    use super::*;

    const SERVICE: &str = "monitoring.rds.amazonaws.com";

    fn actual() -> RoleBuilder {
        let boundary = AttachedPermissionsBoundary::builder().permissions_boundary_arn("arn:boundary");
        SdkRole::builder()
            .path(PATH)
            .role_name("monitoring")
            .role_id("AROA1")
            .arn("arn:role")
            .create_date(DateTime::from_secs(0))
            .assume_role_policy_document(trust::policy(SERVICE).to_string())
            .description("for a")
            .permissions_boundary(boundary.build())
    }

    fn policies(arns: &[&str]) -> BTreeSet<String> {
        arns.iter().map(|arn| (*arn).to_owned()).collect()
    }

    #[test]
    fn differences_are_told() {
        let wanted = Role {
            description: "for a".to_owned(),
            service: SERVICE.to_owned(),
            managed_policies: policies(&["arn:policy"]),
            allows: Vec::new(),
        };
        let check_of = |boundary: Option<&str>, actual: RoleBuilder, attached: &[&str], expected: &[&str]| {
            let role = actual.build().unwrap();
            let found: Vec<_> = differences(&wanted, boundary, &role, &policies(attached), None, &BTreeMap::new())
                .iter()
                .map(|difference| format!("{}: {} / {}", difference.property, difference.wanted, difference.actual))
                .collect();
            assert_eq!(found, expected);
        };
        let check = |actual: RoleBuilder, attached: &[&str], expected: &[&str]| {
            check_of(Some("arn:boundary"), actual, attached, expected);
        };
        check(actual(), &["arn:policy"], &[]);
        check_of(None, actual(), &["arn:policy"], &[]);
        check(
            actual(),
            &["arn:policy", "arn:theirs"],
            &[r#"managed_policies: ["arn:policy"] / ["arn:policy","arn:theirs"]"#],
        );
        check(
            actual().description("for b").set_permissions_boundary(None),
            &[],
            &[
                r#"permissions_boundary: "arn:boundary" / null"#,
                r#"managed_policies: ["arn:policy"] / []"#,
                r#"description: "for a" / "for b""#,
            ],
        );
        check(
            actual().assume_role_policy_document(trust::policy("ec2.amazonaws.com").to_string()),
            &["arn:policy"],
            &[r#"service: "monitoring.rds.amazonaws.com" / "ec2.amazonaws.com""#],
        );
    }
}
