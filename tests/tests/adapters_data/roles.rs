//! Roles.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use outrigger_aws_iam::Roles;
use outrigger_engine::ports::provider::{CallErrorKind, Progress, Provider};
use outrigger_model::properties::Role;
use outrigger_model::{Properties, Resource};
use outrigger_tests::LocalAws;
use serde_json::json;

use crate::harness::{
    TOKEN, called, check, check_faults, differences, remove, resource, settle, target, with_aws, work,
};

const MONITORING: &str = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole";
const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

fn role(aws: &LocalAws, description: &str, service: &str, policies: &[&str]) -> Resource {
    let properties = Role {
        description: description.to_owned(),
        service: service.to_owned(),
        managed_policies: policies.iter().map(|arn| (*arn).to_owned()).collect(),
        allows: Vec::new(),
    };
    resource(aws, "database-monitoring", Properties::Role(properties))
}

pub(crate) fn monitoring_role(aws: &LocalAws) -> Resource {
    role(
        aws,
        "enhanced monitoring",
        "monitoring.rds.amazonaws.com",
        &[MONITORING],
    )
}

#[test]
fn roles() -> Result<()> {
    with_aws(async |aws| {
        let client = aws_sdk_iam::Client::new(&aws.sdk_config(aws.region()));
        let policy = |name: &str| {
            let document = json!({
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}],
            });
            let request = client.create_policy().policy_name(name).path("/outrigger/");
            request.policy_document(document.to_string()).send()
        };
        let (boundary, other) = (policy("boundary").await?, policy("other").await?);
        let boundary = boundary.policy().and_then(|policy| policy.arn()).context("no ARN")?;
        let other = other.policy().and_then(|policy| policy.arn()).context("no ARN")?;
        let provider = Roles::new(&aws.aws(), Some(boundary.to_owned()));
        let wanted = monitoring_role(aws);
        let name = wanted.physical_name.clone();
        let (take, give_back) = (name.clone(), name.clone());
        let taken = (
            work(&client, move |client| {
                let trust = json!({"Version": "2012-10-17", "Statement": [
                    {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
                ]});
                let request = client.create_role().role_name(&take);
                let request = request.assume_role_policy_document(trust.to_string());
                async move { Ok(request.send().await.map(drop)?) }
            }),
            work(&client, move |client| {
                let request = client.delete_role().role_name(&give_back);
                async move { Ok(request.send().await.map(drop)?) }
            }),
        );
        check(aws, &provider, &wanted, Some(taken)).await?;
        check_faults(aws, &provider, &wanted, ["iam", "CreateRole"]).await?;

        let wanted = target(&wanted, TOKEN);
        let observed = settle(&provider, &wanted).await?;
        let shown = client.get_role().role_name(&name).send().await?;
        let shown = shown.role().context("no role")?;
        ensure!(shown.path() == "/outrigger/" && observed.id == name, "{shown:?}");
        ensure!(observed.attributes.get("arn").map(String::as_str) == Some(shown.arn()));
        let bound = async || {
            let role = client
                .get_role()
                .role_name(&name)
                .send()
                .await?
                .role
                .context("no role")?;
            let boundary = role.permissions_boundary;
            anyhow::Ok(boundary.and_then(|boundary| boundary.permissions_boundary_arn))
        };
        ensure!(bound().await?.as_deref() == Some(boundary));

        // Everything changes in place, one call after the other.
        let policies = async || {
            let output = client.list_attached_role_policies().role_name(&name).send().await?;
            let policies = output.attached_policies.unwrap_or_default().into_iter();
            anyhow::Ok(policies.filter_map(|policy| policy.policy_arn).collect::<BTreeSet<_>>())
        };
        let table = [
            (
                "description: \"metrics\" / \"enhanced monitoring\"",
                role(aws, "metrics", "monitoring.rds.amazonaws.com", &[MONITORING]),
            ),
            (
                "service: \"rds.amazonaws.com\" / \"monitoring.rds.amazonaws.com\"",
                role(aws, "enhanced monitoring", "rds.amazonaws.com", &[MONITORING]),
            ),
            (
                &format!(
                    "managed_policies: {} / {}",
                    json!([other, READ_ONLY]),
                    json!([MONITORING])
                ),
                role(
                    aws,
                    "enhanced monitoring",
                    "monitoring.rds.amazonaws.com",
                    &[READ_ONLY, other],
                ),
            ),
        ];
        for (difference, changed) in table {
            let changed = target(&changed, TOKEN);
            ensure!(differences(&provider, &changed).await? == [difference]);
            settle(&provider, &changed).await?;
            if let Properties::Role(role) = &changed.resource.properties {
                ensure!(policies().await? == role.managed_policies);
            }
            settle(&provider, &wanted).await?;
        }

        // What somebody changes is told as it is, and made as it was.
        client
            .delete_role_permissions_boundary()
            .role_name(&name)
            .send()
            .await?;
        client
            .attach_role_policy()
            .role_name(&name)
            .policy_arn(READ_ONLY)
            .send()
            .await?;
        client
            .untag_role()
            .role_name(&name)
            .tag_keys("Environment")
            .send()
            .await?;
        let root = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"},
        ]});
        let request = client.update_assume_role_policy().role_name(&name);
        request.policy_document(root.to_string()).send().await?;
        let expected = [
            "tags: {\"Environment\":\"production\"} / {\"Environment\":null}".to_owned(),
            format!(
                "service: \"monitoring.rds.amazonaws.com\" / {}",
                json!(root.to_string())
            ),
            format!("permissions_boundary: {} / null", json!(boundary)),
            format!(
                "managed_policies: {} / {}",
                json!([MONITORING]),
                json!([READ_ONLY, MONITORING])
            ),
        ];
        ensure!(differences(&provider, &wanted).await? == expected);
        settle(&provider, &wanted).await?;
        ensure!(bound().await?.as_deref() == Some(boundary) && policies().await?.len() == 1);
        // A boundary is that of this control plane; who has none to give compares none.
        let request = client.put_role_permissions_boundary().role_name(&name);
        request.permissions_boundary(other).send().await?;
        let expected = format!("permissions_boundary: {} / {}", json!(boundary), json!(other));
        ensure!(differences(&provider, &wanted).await? == [expected]);
        ensure!(differences(&Roles::new(&aws.aws(), None), &wanted).await?.is_empty());

        // What is attached is detached first; what somebody hung on it besides keeps it.
        let request = client.put_role_policy().role_name(&name).policy_name("theirs");
        request
            .policy_document(root.to_string().replace("AWS", "Service"))
            .send()
            .await
            .ok();
        let request = client.put_role_policy().role_name(&name).policy_name("theirs");
        let inline = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]});
        request.policy_document(inline.to_string()).send().await?;
        let observed = provider.observe(&wanted).await?.context("gone")?;
        let before = called(aws, "DetachRolePolicy")?;
        ensure!(matches!(
            provider.delete(&wanted, &observed).await?,
            Progress::InProgress { .. }
        ));
        ensure!(called(aws, "DetachRolePolicy")? == before + 1);
        let refused = provider.delete(&wanted, &observed).await.map_err(|error| error.kind);
        ensure!(refused == Err(CallErrorKind::NotYet), "{refused:?}");
        client
            .delete_role_policy()
            .role_name(&name)
            .policy_name("theirs")
            .send()
            .await?;
        remove(&provider, &wanted).await
    })
}
