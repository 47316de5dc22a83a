//! Security groups, with their rules: exactly the wanted ones for what comes in, everything for what goes out.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    Filter, IpPermission, IpRange, Ipv6Range, PrefixListId, ResourceType, SecurityGroup as Actual, UserIdGroupPair,
};
use outrigger_aws::missing_tags;
use outrigger_engine::ports::provider::{CallError, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::{IngressRule, SecurityGroup};
use outrigger_model::resource::is_ours;

use crate::call::{blocked, changed, created, deleted, differs, refused};
use crate::tags;

const DESCRIPTION: &str = "description";
const INGRESS: &str = "ingress";
const EGRESS: &str = "egress";

/// Every protocol, in EC2's words.
const ALL_PROTOCOLS: &str = "-1";
const EVERYWHERE: &str = "0.0.0.0/0";
const LIST: &str = "ec2:DescribeSecurityGroups";

/// The group of that name in the VPC, whoever's it is.
///
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroups.html>.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &SecurityGroup,
) -> Result<Option<Observed>, CallError> {
    let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
    let request = client
        .describe_security_groups()
        .filters(filter("vpc-id", wanted.vpc.text()))
        .filters(filter("group-name", &target.resource.physical_name));
    let groups: Vec<Actual> = pages!("ec2:DescribeSecurityGroups", request, security_groups)?;
    let group = groups
        .iter()
        .find(|group| group.group_name() == Some(target.resource.physical_name.as_str()));
    Ok(group.and_then(|group| seen(target, wanted, group)))
}

/// Reads the group's rules again, because a difference does not say which rules to add and which to take away.
///
/// Sources: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html>,
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_UpdateSecurityGroupRuleDescriptionsIngress.html>,
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RevokeSecurityGroupIngress.html>,
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupEgress.html>.
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
    let answer = client.describe_security_groups().group_ids(id).send().await;
    let groups = answer
        .map_err(|error| refused(LIST, &error))?
        .security_groups
        .unwrap_or_default();
    let Some(group) = groups.first() else {
        // It was there a moment ago: the next observation decides.
        return Ok(Progress::changed(crate::call::POLL_AFTER_SECONDS));
    };
    let Some((difference, step)) = steps(target, wanted, group).into_iter().next() else {
        return Ok(Progress::Done);
    };
    match step {
        Step::Blocked => Ok(blocked(observed, &difference)),
        Step::AuthorizeIngress(rules) => {
            let request = client.authorize_security_group_ingress().group_id(id);
            let request = request.set_ip_permissions(Some(rules.iter().map(Rule::to_permission).collect()));
            changed("ec2:AuthorizeSecurityGroupIngress", request.send().await)
        }
        Step::DescribeIngress(rules) => {
            let request = client.update_security_group_rule_descriptions_ingress().group_id(id);
            let request = request.set_ip_permissions(Some(rules.iter().map(Rule::to_permission).collect()));
            changed("ec2:UpdateSecurityGroupRuleDescriptionsIngress", request.send().await)
        }
        Step::RevokeIngress(rules) => {
            let request = client.revoke_security_group_ingress().group_id(id);
            let request = request.set_ip_permissions(Some(rules.iter().map(Rule::to_permission).collect()));
            changed("ec2:RevokeSecurityGroupIngress", request.send().await)
        }
        Step::AuthorizeEgress => {
            let request = client.authorize_security_group_egress().group_id(id);
            let request = request.ip_permissions(Rule::everything().to_permission());
            changed("ec2:AuthorizeSecurityGroupEgress", request.send().await)
        }
        Step::Tags => tags::put(client, id, target).await,
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

fn seen(target: &Target, wanted: &SecurityGroup, group: &Actual) -> Option<Observed> {
    Some(Observed {
        id: group.group_id()?.to_owned(),
        attributes: BTreeMap::new(),
        // A group has no state: it is there or not.
        condition: Condition::Ready,
        ours: is_ours(&tags::read(group.tags()), &target.resource.tags),
        differences: differences(target, wanted, group),
        duplicates: Vec::new(),
    })
}

/// What closes a difference.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    /// Nothing does.
    Blocked,
    AuthorizeIngress(Vec<Rule>),
    DescribeIngress(Vec<Rule>),
    RevokeIngress(Vec<Rule>),
    AuthorizeEgress,
    Tags,
}

fn differences(target: &Target, wanted: &SecurityGroup, actual: &Actual) -> Vec<Difference> {
    let steps = steps(target, wanted, actual);
    steps.into_iter().map(|(difference, _)| difference).collect()
}

/// The differences in the order of work, each with what closes it. What is missing is let in before what is not wanted
/// is shut out, so that a changed rule never cuts anyone off.
fn steps(target: &Target, wanted: &SecurityGroup, actual: &Actual) -> Vec<(Difference, Step)> {
    let changes = Changes::of(&wanted.ingress, actual.ip_permissions());
    let of_rules = |property, wanted: &[Rule], actual: &[Rule], step| {
        let difference = Difference {
            property,
            wanted: texts(wanted),
            actual: texts(actual),
        };
        (!wanted.is_empty() || !actual.is_empty()).then_some((difference, step))
    };
    let description = differs(
        DESCRIPTION,
        &wanted.description,
        actual.description().unwrap_or_default(),
    );
    let egress = rules(actual.ip_permissions_egress());
    let everything = Rule::everything();
    let may_go_out = egress.iter().any(|rule| rule.traffic() == everything.traffic());
    let missing_egress = if may_go_out { Vec::new() } else { vec![everything] };
    [
        description.map(|difference| (difference, Step::Blocked)),
        of_rules(
            INGRESS,
            &changes.missing,
            &[],
            Step::AuthorizeIngress(changes.missing.clone()),
        ),
        of_rules(
            INGRESS,
            &changes.described,
            &changes.described_before,
            Step::DescribeIngress(changes.described.clone()),
        ),
        of_rules(
            INGRESS,
            &[],
            &changes.unwanted,
            Step::RevokeIngress(changes.unwanted.clone()),
        ),
        of_rules(EGRESS, &missing_egress, &[], Step::AuthorizeEgress),
        missing_tags(&target.resource.tags, &tags::read(actual.tags())).map(|difference| (difference, Step::Tags)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// How the rules that are there differ from those that are wanted.
#[derive(Clone, Debug, Default, PartialEq)]
struct Changes {
    missing: Vec<Rule>,
    /// There, but with another description: as they are to be, and as they are.
    described: Vec<Rule>,
    described_before: Vec<Rule>,
    unwanted: Vec<Rule>,
}

impl Changes {
    fn of(wanted: &[IngressRule], actual: &[IpPermission]) -> Self {
        // EC2 knows a rule by its traffic alone; of two that differ in their description only, it takes one.
        let wanted: BTreeMap<_, _> = wanted
            .iter()
            .rev()
            .map(Rule::from)
            .map(|rule| (rule.traffic(), rule))
            .collect();
        let actual: BTreeMap<_, _> = rules(actual).into_iter().map(|rule| (rule.traffic(), rule)).collect();
        let mut changes = Self::default();
        for (traffic, rule) in &wanted {
            match actual.get(traffic) {
                None => changes.missing.push(rule.clone()),
                Some(there) if there.description == rule.description => {}
                Some(there) => {
                    changes.described.push(rule.clone());
                    changes.described_before.push(there.clone());
                }
            }
        }
        let unwanted = actual.into_iter().filter(|(traffic, _)| !wanted.contains_key(traffic));
        changes.unwanted = unwanted.map(|(_, rule)| rule).collect();
        changes
    }
}

/// One rule of a group, as EC2's console shows it: a line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rule {
    protocol: String,
    from_port: Option<i32>,
    to_port: Option<i32>,
    peer: Peer,
    /// Empty where there is none.
    description: String,
}

/// Whom a rule lets in or out to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Peer {
    Ipv4(String),
    Ipv6(String),
    PrefixList(String),
    Group { id: String, account: Option<String> },
}

/// What EC2 knows a rule by.
type Traffic = (String, Option<i32>, Option<i32>, Peer);

impl From<&IngressRule> for Rule {
    fn from(rule: &IngressRule) -> Self {
        Self {
            protocol: "tcp".to_owned(),
            from_port: Some(i32::from(rule.port)),
            to_port: Some(i32::from(rule.port)),
            // EC2 clears the host's bits too.
            peer: Peer::Ipv4(rule.source.trunc().to_string()),
            description: rule.description.clone(),
        }
    }
}

impl Rule {
    /// Everything may go everywhere.
    fn everything() -> Self {
        Self {
            protocol: ALL_PROTOCOLS.to_owned(),
            from_port: None,
            to_port: None,
            peer: Peer::Ipv4(EVERYWHERE.to_owned()),
            description: String::new(),
        }
    }

    fn traffic(&self) -> Traffic {
        // Where a rule is for all protocols its ports say nothing, and EC2 leaves them out.
        let (from, to) = if self.protocol == ALL_PROTOCOLS {
            (None, None)
        } else {
            (self.from_port, self.to_port)
        };
        (self.protocol.clone(), from, to, self.peer.clone())
    }

    fn to_permission(&self) -> IpPermission {
        let (protocol, from, to, peer) = self.traffic();
        let description = Some(self.description.clone()).filter(|description| !description.is_empty());
        let permission = IpPermission::builder()
            .ip_protocol(protocol)
            .set_from_port(from)
            .set_to_port(to);
        match peer {
            Peer::Ipv4(range) => {
                permission.ip_ranges(IpRange::builder().cidr_ip(range).set_description(description).build())
            }
            Peer::Ipv6(range) => permission.ipv6_ranges(
                Ipv6Range::builder()
                    .cidr_ipv6(range)
                    .set_description(description)
                    .build(),
            ),
            Peer::PrefixList(id) => permission.prefix_list_ids(
                PrefixListId::builder()
                    .prefix_list_id(id)
                    .set_description(description)
                    .build(),
            ),
            Peer::Group { id, account } => permission.user_id_group_pairs(
                UserIdGroupPair::builder()
                    .group_id(id)
                    .set_user_id(account)
                    .set_description(description)
                    .build(),
            ),
        }
        .build()
    }
}

/// EC2 puts rules for the same protocol and ports together: one line for each of their peers.
fn rules(permissions: &[IpPermission]) -> BTreeSet<Rule> {
    let mut rules = BTreeSet::new();
    for permission in permissions {
        let mut add = |peer: Peer, description: Option<&str>| {
            rules.insert(Rule {
                protocol: permission.ip_protocol().unwrap_or(ALL_PROTOCOLS).to_owned(),
                from_port: permission.from_port(),
                to_port: permission.to_port(),
                peer,
                description: description.unwrap_or_default().to_owned(),
            });
        };
        for range in permission.ip_ranges() {
            add(
                Peer::Ipv4(range.cidr_ip().unwrap_or_default().to_owned()),
                range.description(),
            );
        }
        for range in permission.ipv6_ranges() {
            add(
                Peer::Ipv6(range.cidr_ipv6().unwrap_or_default().to_owned()),
                range.description(),
            );
        }
        for list in permission.prefix_list_ids() {
            add(
                Peer::PrefixList(list.prefix_list_id().unwrap_or_default().to_owned()),
                list.description(),
            );
        }
        for pair in permission.user_id_group_pairs() {
            let peer = Peer::Group {
                id: pair.group_id().unwrap_or_default().to_owned(),
                account: pair.user_id().map(str::to_owned),
            };
            add(peer, pair.description());
        }
    }
    rules
}

/// Rules for people: `tcp 5432 10.0.0.0/16 (PostgreSQL), ...`.
fn texts(rules: &[Rule]) -> String {
    if rules.is_empty() {
        return "none".to_owned();
    }
    let texts: Vec<String> = rules.iter().map(text).collect();
    texts.join(", ")
}

fn text(rule: &Rule) -> String {
    let protocol = if rule.protocol == ALL_PROTOCOLS {
        "all"
    } else {
        &rule.protocol
    };
    let ports = match (rule.from_port, rule.to_port) {
        (Some(from), Some(to)) if from == to => format!(" {from}"),
        (Some(from), Some(to)) => format!(" {from}-{to}"),
        _ => String::new(),
    };
    let peer = match &rule.peer {
        Peer::Ipv4(peer) | Peer::Ipv6(peer) | Peer::PrefixList(peer) | Peer::Group { id: peer, .. } => peer,
    };
    let description = match rule.description.as_str() {
        "" => String::new(),
        description => format!(" ({description})"),
    };
    format!("{protocol}{ports} {peer}{description}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use outrigger_model::{Input, Properties};

    const VPC: &str = "10.0.0.0/16";

    fn ingress(port: u16, source: &str, description: &str) -> IngressRule {
        IngressRule {
            port,
            source: source.parse().unwrap(),
            description: description.to_owned(),
        }
    }

    fn range(cidr: &str, description: &str) -> IpRange {
        let description = Some(description.to_owned()).filter(|description| !description.is_empty());
        IpRange::builder().cidr_ip(cidr).set_description(description).build()
    }

    fn tcp(port: i32, ranges: &[IpRange]) -> IpPermission {
        IpPermission::builder()
            .ip_protocol("tcp")
            .from_port(port)
            .to_port(port)
            .set_ip_ranges(Some(ranges.to_vec()))
            .build()
    }

    fn group(ingress: &[IpPermission], egress: &[IpPermission], target: &Target) -> Actual {
        let tags = target.resource.tags.iter();
        let tags = tags.map(|(key, value)| aws_sdk_ec2::types::Tag::builder().key(key).value(value).build());
        Actual::builder()
            .group_id("sg-1")
            .description("a database")
            .set_ip_permissions(Some(ingress.to_vec()))
            .set_ip_permissions_egress(Some(egress.to_vec()))
            .set_tags(Some(tags.collect()))
            .build()
    }

    fn wanted(rules: &[IngressRule]) -> SecurityGroup {
        SecurityGroup {
            vpc: Input::Text("vpc-1".to_owned()),
            description: "a database".to_owned(),
            ingress: rules.to_vec(),
        }
    }

    fn everything() -> IpPermission {
        Rule::everything().to_permission()
    }

    /// Checks the steps as `property: actual -> wanted`.
    #[track_caller]
    fn check(rules: &[IngressRule], ingress: &[IpPermission], egress: &[IpPermission], expected: &[&str]) {
        let wanted = wanted(rules);
        let target = crate::find::tests::target(Properties::SecurityGroup(wanted.clone()), None);
        let differences = differences(&target, &wanted, &group(ingress, egress, &target));
        let seen: Vec<String> = differences
            .iter()
            .map(|difference| {
                format!(
                    "{}: {} -> {}",
                    difference.property, difference.actual, difference.wanted
                )
            })
            .collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn rules_are_compared_one_by_one() {
        let postgres = ingress(5432, VPC, "PostgreSQL");
        let rules = [postgres.clone()];
        let there = tcp(5432, &[range(VPC, "PostgreSQL")]);
        let out = [everything()];
        check(&rules, std::slice::from_ref(&there), &out, &[]);
        // The host's bits do not count.
        check(&[ingress(5432, "10.0.7.9/16", "PostgreSQL")], &[there], &out, &[]);
        check(
            &rules,
            &[],
            &out,
            &["ingress: none -> tcp 5432 10.0.0.0/16 (PostgreSQL)"],
        );
        // What EC2 has put together is taken apart.
        check(
            &rules,
            &[tcp(5432, &[range("0.0.0.0/0", ""), range(VPC, "PostgreSQL")])],
            &out,
            &["ingress: tcp 5432 0.0.0.0/0 -> none"],
        );
        check(
            &rules,
            &[tcp(5432, &[range(VPC, "")])],
            &out,
            &["ingress: tcp 5432 10.0.0.0/16 -> tcp 5432 10.0.0.0/16 (PostgreSQL)"],
        );
        check(
            &[postgres, ingress(6379, VPC, "Redis")],
            &[tcp(22, &[range("0.0.0.0/0", "")]), tcp(6379, &[range(VPC, "redis")])],
            &[],
            &[
                "ingress: none -> tcp 5432 10.0.0.0/16 (PostgreSQL)",
                "ingress: tcp 6379 10.0.0.0/16 (redis) -> tcp 6379 10.0.0.0/16 (Redis)",
                "ingress: tcp 22 0.0.0.0/0 -> none",
                "egress: none -> all 0.0.0.0/0",
            ],
        );
    }

    #[test]
    fn further_ways_out_are_left_alone() {
        check(&[], &[], &[tcp(443, &[range(EVERYWHERE, "")]), everything()], &[]);
        check(
            &[],
            &[],
            &[tcp(443, &[range(EVERYWHERE, "")])],
            &["egress: none -> all 0.0.0.0/0"],
        );
    }

    #[test]
    fn every_kind_of_peer_is_revoked_as_it_is() {
        let permission = IpPermission::builder()
            .ip_protocol("udp")
            .from_port(1)
            .to_port(9)
            .ipv6_ranges(Ipv6Range::builder().cidr_ipv6("::/0").build())
            .prefix_list_ids(PrefixListId::builder().prefix_list_id("pl-1").build())
            .user_id_group_pairs(UserIdGroupPair::builder().group_id("sg-2").user_id("1234").build())
            .build();
        let changes = Changes::of(&[], std::slice::from_ref(&permission));
        let again: Vec<IpPermission> = changes.unwanted.iter().map(Rule::to_permission).collect();
        assert_eq!(again.len(), 3);
        assert_eq!(rules(&again), rules(&[permission]));
        assert_eq!(texts(&changes.unwanted), "udp 1-9 ::/0, udp 1-9 pl-1, udp 1-9 sg-2");
    }

    #[test]
    fn a_rule_wanted_twice_is_asked_for_once() {
        let twice = [ingress(5432, VPC, "one"), ingress(5432, VPC, "two")];
        let changes = Changes::of(&twice, &[]);
        assert_eq!(texts(&changes.missing), "tcp 5432 10.0.0.0/16 (one)");
    }

    #[test]
    fn descriptions_of_groups_cannot_be_changed() {
        let wanted = SecurityGroup {
            description: "another".to_owned(),
            ..wanted(&[])
        };
        let target = crate::find::tests::target(Properties::SecurityGroup(wanted.clone()), None);
        let steps = steps(&target, &wanted, &group(&[], &[everything()], &target));
        assert!(matches!(steps.as_slice(), [(_, Step::Blocked)]), "{steps:?}");
    }
}
