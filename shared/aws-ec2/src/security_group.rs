//! Security groups, with their rules: exactly the wanted ones for what comes in, everything for what goes out.

use std::collections::BTreeMap;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, ResourceType, SecurityGroup as Actual};
use outrigger_aws::{is_code, missing_tags, pages, surplus_tags};
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::SecurityGroup;
use outrigger_model::resource::is_ours;

use crate::call::{CODES, NOT_FOUND, POLL_AFTER_SECONDS, blocked, changed, created, deleted, differs, refused};
use crate::rule::{Egress, Ingress, Rule};
use crate::tags;

const VPC: &str = "vpc";
const DESCRIPTION: &str = "description";

/// The group of that name in the VPC, whoever's it is; or else the recorded one, wherever that is, so that none is left
/// behind where nobody looks. What was replaced has its name as well, so it is found by what was made for it.
///
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroups.html>.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &SecurityGroup,
) -> Result<Option<Observed>, CallError> {
    if target.resource.key.is_former() {
        let found = find!(
            client,
            target,
            "ec2:DescribeSecurityGroups",
            describe_security_groups,
            group_ids,
            security_groups,
            group_id
        );
        return Ok(found.await?.and_then(|choice| seen(target, wanted, &choice.object)));
    }
    let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
    let request = client
        .describe_security_groups()
        .filters(filter("vpc-id", wanted.vpc.text()))
        .filters(filter("group-name", &target.resource.physical_name));
    let named: Vec<Actual> = pages(
        "ec2:DescribeSecurityGroups",
        CODES,
        request.into_paginator().send(),
        |page| page.security_groups,
    )
    .await?;
    if let Some(observed) = named.iter().find_map(|group| named_so(target, wanted, group)) {
        return Ok(Some(observed));
    }
    let recorded = match &target.id {
        Some(id) if !target.not.contains(id) => recorded(client, id).await?,
        _ => None,
    };
    Ok(recorded.and_then(|group| seen(target, wanted, &group)))
}

async fn recorded(client: &Client, id: &str) -> Result<Option<Actual>, CallError> {
    match client.describe_security_groups().group_ids(id).send().await {
        Ok(answer) => Ok(answer.security_groups.unwrap_or_default().into_iter().next()),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(None),
        Err(error) => Err(refused("ec2:DescribeSecurityGroups", &error)),
    }
}

/// Reads the group's rules again, because a difference does not say which rules to add and which to take away.
///
/// Sources: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html>,
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_UpdateSecurityGroupRuleDescriptionsIngress.html>,
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RevokeSecurityGroupIngress.html>,
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupEgress.html>,
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RevokeSecurityGroupEgress.html>.
pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &SecurityGroup,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let Some(observed) = observed else {
        return create(client, target, wanted).await;
    };
    if observed.differences.is_empty() {
        return Ok(Progress::Done);
    }
    let id = &observed.id;
    let Some(group) = recorded(client, id).await? else {
        // It was there a moment ago: the next observation decides.
        return Ok(Progress::changed(POLL_AFTER_SECONDS));
    };
    let permissions = |rules: &[Rule]| Some(rules.iter().map(Rule::to_permission).collect());
    let revocations = |rules: &[Rule]| Some(rules.iter().map(Rule::to_revocation).collect());
    match step(target, wanted, &group) {
        None => Ok(Progress::Done),
        Some(Step::Blocked(difference)) => Ok(blocked(observed, &difference)),
        Some(Step::AuthorizeIngress(rules)) => {
            let request = client.authorize_security_group_ingress().group_id(id);
            let request = request.set_ip_permissions(permissions(&rules));
            changed("ec2:AuthorizeSecurityGroupIngress", request.send().await)
        }
        Some(Step::DescribeIngress(rules)) => {
            let request = client.update_security_group_rule_descriptions_ingress().group_id(id);
            let request = request.set_ip_permissions(permissions(&rules));
            changed("ec2:UpdateSecurityGroupRuleDescriptionsIngress", request.send().await)
        }
        Some(Step::RevokeIngress(rules)) => {
            let request = client.revoke_security_group_ingress().group_id(id);
            let request = request.set_ip_permissions(revocations(&rules));
            changed("ec2:RevokeSecurityGroupIngress", request.send().await)
        }
        Some(Step::AuthorizeEgress(rules)) => {
            let request = client.authorize_security_group_egress().group_id(id);
            let request = request.set_ip_permissions(permissions(&rules));
            changed("ec2:AuthorizeSecurityGroupEgress", request.send().await)
        }
        Some(Step::RevokeEgress(rules)) => {
            let request = client.revoke_security_group_egress().group_id(id);
            let request = request.set_ip_permissions(revocations(&rules));
            changed("ec2:RevokeSecurityGroupEgress", request.send().await)
        }
        Some(Step::Tags) => tags::put(client, id, target).await,
        Some(Step::TagsGone(gone)) => tags::remove(client, id, &gone).await,
    }
}

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html>.
pub(crate) async fn delete(client: &Client, id: &str) -> Result<Progress, CallError> {
    let request = client.delete_security_group().group_id(id);
    deleted("ec2:DeleteSecurityGroup", request.send().await)
}

/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html>.
async fn create(client: &Client, target: &Target, wanted: &SecurityGroup) -> Result<Progress, CallError> {
    const CALL: &str = "ec2:CreateSecurityGroup";
    let answer = client
        .create_security_group()
        .vpc_id(wanted.vpc.text())
        .group_name(&target.resource.physical_name)
        .description(&wanted.description)
        .tag_specifications(tags::at_creation(ResourceType::SecurityGroup, target))
        .send()
        .await
        .map_err(|error| refused(CALL, &error))?;
    created(CALL, answer.group_id())
}

/// The group, where it has the resource's name and is not what the resource replaces.
fn named_so(target: &Target, wanted: &SecurityGroup, group: &Actual) -> Option<Observed> {
    let named = group.group_name() == Some(target.resource.physical_name.as_str());
    let observed = seen(target, wanted, group)?;
    (named && !target.not.contains(&observed.id)).then_some(observed)
}

fn seen(target: &Target, wanted: &SecurityGroup, group: &Actual) -> Option<Observed> {
    Some(Observed {
        id: group.group_id()?.to_owned(),
        attributes: BTreeMap::new(),
        // A group has no state: it is there or not.
        condition: Condition::Ready,
        ours: is_ours(&tags::read(group.tags()), &target.resource.tags),
        differences: differences(target, wanted, group),
        duplicates: Vec::new(),
        pending: Vec::new(),
    })
}

/// What closes the next difference.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    /// Nothing does.
    Blocked(Difference),
    AuthorizeIngress(Vec<Rule>),
    DescribeIngress(Vec<Rule>),
    RevokeIngress(Vec<Rule>),
    AuthorizeEgress(Vec<Rule>),
    RevokeEgress(Vec<Rule>),
    Tags,
    TagsGone(Difference),
}

/// A group stays in its VPC, and its description as it is.
fn fixed(wanted: &SecurityGroup, actual: &Actual) -> Vec<Difference> {
    let description = actual.description().unwrap_or_default();
    [
        differs(VPC, wanted.vpc.text(), actual.vpc_id().unwrap_or_default()),
        differs(DESCRIPTION, &wanted.description, description),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn differences(target: &Target, wanted: &SecurityGroup, actual: &Actual) -> Vec<Difference> {
    let ingress = Ingress::of(&wanted.ingress, actual.ip_permissions());
    let egress = Egress::of(actual.ip_permissions_egress());
    let actual_tags = tags::read(actual.tags());
    let changeable = [
        ingress.difference,
        egress.difference,
        missing_tags(&target.resource.tags, &actual_tags),
        surplus_tags(&target.tags_gone, &actual_tags),
    ];
    fixed(wanted, actual)
        .into_iter()
        .chain(changeable.into_iter().flatten())
        .collect()
}

/// What to do next. What is missing is let through before what is not wanted is shut out, so that a changed rule never
/// cuts anyone off.
fn step(target: &Target, wanted: &SecurityGroup, actual: &Actual) -> Option<Step> {
    let blocked = fixed(wanted, actual).into_iter().next().map(Step::Blocked);
    let ingress = Ingress::of(&wanted.ingress, actual.ip_permissions());
    let egress = Egress::of(actual.ip_permissions_egress());
    let of_rules = [
        (ingress.missing, Step::AuthorizeIngress as fn(Vec<Rule>) -> Step),
        (ingress.described, Step::DescribeIngress),
        (ingress.unwanted, Step::RevokeIngress),
        (egress.missing, Step::AuthorizeEgress),
        (egress.unwanted, Step::RevokeEgress),
    ];
    let mut of_rules = of_rules.into_iter().filter(|(rules, _)| !rules.is_empty());
    let actual_tags = tags::read(actual.tags());
    blocked
        .or_else(|| of_rules.next().map(|(rules, step)| step(rules)))
        .or_else(|| missing_tags(&target.resource.tags, &actual_tags).map(|_| Step::Tags))
        .or_else(|| surplus_tags(&target.tags_gone, &actual_tags).map(Step::TagsGone))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::tests::{everything, ingress, tcp};
    use aws_sdk_ec2::types::builders::SecurityGroupBuilder;
    use outrigger_model::{Input, Properties};

    const RANGE: &str = "10.0.0.0/16";

    fn wanted() -> SecurityGroup {
        SecurityGroup {
            vpc: Input::Text("vpc-1".to_owned()),
            description: "a database".to_owned(),
            ingress: vec![ingress(5432, RANGE, "PostgreSQL")],
        }
    }

    fn target(recorded: Option<&str>) -> Target {
        crate::find::tests::target(Properties::SecurityGroup(wanted()), recorded)
    }

    /// As it is wanted, but for its rules.
    fn group() -> SecurityGroupBuilder {
        let tags = target(None).resource.tags.into_iter();
        let tags = tags.map(|(key, value)| aws_sdk_ec2::types::Tag::builder().key(key).value(value).build());
        Actual::builder()
            .group_id("sg-1")
            .group_name("shop-test-main")
            .vpc_id("vpc-1")
            .description("a database")
            .set_tags(Some(tags.collect()))
    }

    #[track_caller]
    fn check(group: SecurityGroupBuilder, expected: &[&str], next: Option<&str>) {
        let group = group.build();
        let differences = differences(&target(None), &wanted(), &group);
        let properties: Vec<_> = differences.iter().map(|difference| difference.property).collect();
        assert_eq!(properties, expected);
        let step = step(&target(None), &wanted(), &group);
        let step = step.map(|step| format!("{step:?}"));
        let step = step.as_deref().map(|step| step.split('(').next().unwrap_or_default());
        assert_eq!(step, next);
    }

    #[test]
    fn differences_are_closed_one_call_at_a_time() {
        let ours = || tcp(5432, RANGE, "PostgreSQL");
        check(
            group().ip_permissions(ours()).ip_permissions_egress(everything()),
            &[],
            None,
        );
        // As a group is when it was just made.
        let made = group().ip_permissions_egress(everything());
        check(made, &["ingress"], Some("AuthorizeIngress"));
        // Everything at once, and then one thing after the other.
        let rules = [
            (vec![tcp(22, RANGE, "")], "AuthorizeIngress"),
            (vec![tcp(22, RANGE, ""), tcp(5432, RANGE, "")], "DescribeIngress"),
            (vec![tcp(22, RANGE, ""), ours()], "RevokeIngress"),
        ];
        for (rules, next) in rules {
            let rules = group().set_ip_permissions(Some(rules)).set_tags(None);
            check(rules, &["ingress", "egress", "tags"], Some(next));
        }
        let no_way_out = group().ip_permissions(ours()).set_tags(None);
        check(no_way_out.clone(), &["egress", "tags"], Some("AuthorizeEgress"));
        let another = no_way_out.ip_permissions_egress(tcp(443, RANGE, ""));
        check(another.clone(), &["egress", "tags"], Some("AuthorizeEgress"));
        let both = another.ip_permissions_egress(everything());
        check(both, &["egress", "tags"], Some("RevokeEgress"));
        let untagged = group().ip_permissions(ours()).ip_permissions_egress(everything());
        check(untagged.set_tags(None), &["tags"], Some("Tags"));
    }

    #[test]
    fn vpc_and_description_cannot_be_changed() {
        check(
            group().description("another"),
            &["description", "ingress", "egress"],
            Some("Blocked"),
        );
        check(group().vpc_id("vpc-2"), &["vpc", "ingress", "egress"], Some("Blocked"));
    }

    #[test]
    fn a_name_counts_unless_it_is_of_what_is_replaced() {
        let check = |name: &str, not: &[&str], found: bool| {
            let mut target = target(None);
            target.not = not.iter().map(|id| (*id).to_owned()).collect();
            let observed = named_so(&target, &wanted(), &group().group_name(name).build());
            assert_eq!(observed.is_some(), found, "{name} {not:?}");
        };
        check("shop-test-main", &[], true);
        check("shop-test-main", &["sg-2"], true);
        check("shop-test-main", &["sg-1"], false);
        check("shop-test-other", &[], false);
    }
}
