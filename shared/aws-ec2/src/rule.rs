//! The rules of a security group, one by one, and how they differ from those that are wanted.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{IpPermission, IpRange, Ipv6Range, PrefixListId, UserIdGroupPair};
use outrigger_engine::ports::provider::Difference;
use outrigger_model::properties::IngressRule;
use serde::Serialize;

/// Every protocol, in EC2's words.
const ALL_PROTOCOLS: &str = "-1";
const TCP: &str = "tcp";
const EVERYWHERE: &str = "0.0.0.0/0";
const EVERYWHERE_IPV6: &str = "::/0";

pub(crate) const INGRESS: &str = "ingress";
pub(crate) const EGRESS: &str = "egress";

/// How the rules for what comes in differ from those that are wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ingress {
    pub(crate) missing: Vec<Rule>,
    /// There, but with another description: as they are to be.
    pub(crate) described: Vec<Rule>,
    pub(crate) unwanted: Vec<Rule>,
    /// The difference that all of these make up.
    pub(crate) difference: Option<Difference>,
}

impl Ingress {
    pub(crate) fn of(wanted: &[IngressRule], actual: &[IpPermission]) -> Self {
        let mut actual: BTreeMap<_, _> = rules(actual).into_iter().map(|rule| (rule.traffic(), rule)).collect();
        let mut ingress = Self::default();
        let mut asked_for = BTreeSet::new();
        let mut there = Vec::new();
        for one in wanted {
            let rule = Rule::from(one);
            // EC2 knows a rule by its traffic alone; of two that differ in their description only, it takes one.
            if !asked_for.insert(rule.traffic()) {
                continue;
            }
            match actual.remove(&rule.traffic()) {
                None => ingress.missing.push(rule),
                Some(held) => {
                    // Written as it is wanted, so that the two lists differ where the rules do.
                    there.push(Shown::Rule(IngressRule {
                        description: held.description.clone(),
                        ..one.clone()
                    }));
                    if held.description != rule.description {
                        ingress.described.push(rule);
                    }
                }
            }
        }
        ingress.unwanted = actual.into_values().collect();
        if !(ingress.missing.is_empty() && ingress.described.is_empty() && ingress.unwanted.is_empty()) {
            there.extend(ingress.unwanted.iter().map(Shown::of));
            ingress.difference = Some(Difference::new(INGRESS, &wanted, &there));
        }
        ingress
    }
}

/// How the rules for what goes out differ from "everything may".
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Egress {
    pub(crate) missing: Vec<Rule>,
    pub(crate) unwanted: Vec<Rule>,
    /// The difference that both make up.
    pub(crate) difference: Option<Difference>,
}

impl Egress {
    /// Everything over IPv6 may go out as well: EC2 itself adds such a rule where a VPC has IPv6 addresses.
    pub(crate) fn of(actual: &[IpPermission]) -> Self {
        let everything = Rule::everything(Peer::Ipv4(EVERYWHERE.to_owned()));
        let over_ipv6 = Rule::everything(Peer::Ipv6(EVERYWHERE_IPV6.to_owned()));
        let (wanted, unwanted): (Vec<Rule>, Vec<Rule>) = rules(actual)
            .into_iter()
            .filter(|rule| rule.traffic() != over_ipv6.traffic())
            .partition(|rule| rule.traffic() == everything.traffic());
        let missing = if wanted.is_empty() {
            vec![everything.clone()]
        } else {
            Vec::new()
        };
        let there: Vec<String> = wanted.iter().map(|_| &everything).chain(&unwanted).map(text).collect();
        let differs = !(missing.is_empty() && unwanted.is_empty());
        Self {
            difference: differs.then(|| Difference::new(EGRESS, &[text(&everything)], &there)),
            missing,
            unwanted,
        }
    }
}

/// A rule in a difference: of the property's own form, or in words where that form cannot say it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Shown {
    Rule(IngressRule),
    Words(String),
}

impl Shown {
    fn of(rule: &Rule) -> Self {
        rule.to_ingress().map_or_else(|| Self::Words(text(rule)), Self::Rule)
    }
}

/// One rule of a group, as EC2's console shows it: a line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rule {
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
            protocol: TCP.to_owned(),
            from_port: Some(i32::from(rule.port)),
            to_port: Some(i32::from(rule.port)),
            // EC2 clears the host's bits too.
            peer: Peer::Ipv4(rule.source.trunc().to_string()),
            description: rule.description.clone(),
        }
    }
}

impl Rule {
    fn everything(peer: Peer) -> Self {
        Self {
            protocol: ALL_PROTOCOLS.to_owned(),
            from_port: None,
            to_port: None,
            peer,
            description: String::new(),
        }
    }

    /// `None` where the property's form cannot say it: other protocols, ranges of ports, other peers.
    fn to_ingress(&self) -> Option<IngressRule> {
        let Peer::Ipv4(source) = &self.peer else {
            return None;
        };
        if self.protocol != TCP || self.from_port != self.to_port {
            return None;
        }
        Some(IngressRule {
            port: u16::try_from(self.from_port?).ok()?,
            source: source.parse().ok()?,
            description: self.description.clone(),
        })
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

    /// What authorizes or describes it; without a description, none is set, or the one that is there goes.
    pub(crate) fn to_permission(&self) -> IpPermission {
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

    /// What revokes it: the traffic alone.
    pub(crate) fn to_revocation(&self) -> IpPermission {
        let bare = Self {
            description: String::new(),
            ..self.clone()
        };
        bare.to_permission()
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

/// A rule for people: `tcp 5432 10.0.0.0/16 (PostgreSQL)`.
fn text(rule: &Rule) -> String {
    let (protocol, from, to, peer) = rule.traffic();
    let protocol = if protocol == ALL_PROTOCOLS { "all" } else { &protocol };
    let ports = match (from, to) {
        (Some(from), Some(to)) if from == to => format!(" {from}"),
        (Some(from), Some(to)) => format!(" {from}-{to}"),
        _ => String::new(),
    };
    let peer = match &peer {
        Peer::Ipv4(peer) | Peer::Ipv6(peer) | Peer::PrefixList(peer) | Peer::Group { id: peer, .. } => peer,
    };
    let description = match rule.description.as_str() {
        "" => String::new(),
        description => format!(" ({description})"),
    };
    format!("{protocol}{ports} {peer}{description}")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const VPC: &str = "10.0.0.0/16";

    pub(crate) fn ingress(port: u16, source: &str, description: &str) -> IngressRule {
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

    fn ports(protocol: &str, from: i32, to: i32, ranges: &[IpRange]) -> IpPermission {
        IpPermission::builder()
            .ip_protocol(protocol)
            .from_port(from)
            .to_port(to)
            .set_ip_ranges(Some(ranges.to_vec()))
            .build()
    }

    pub(crate) fn tcp(port: i32, cidr: &str, description: &str) -> IpPermission {
        ports("tcp", port, port, &[range(cidr, description)])
    }

    pub(crate) fn everything() -> IpPermission {
        Rule::everything(Peer::Ipv4(EVERYWHERE.to_owned())).to_permission()
    }

    fn texts(rules: &[Rule]) -> Vec<String> {
        rules.iter().map(text).collect()
    }

    /// What the difference says is there, in JSON, and what is missing, described anew and unwanted.
    #[track_caller]
    fn check(
        wanted: &[IngressRule],
        actual: &[IpPermission],
        there: Option<&str>,
        missing: &[&str],
        described: &[&str],
        unwanted: &[&str],
    ) {
        let seen = Ingress::of(wanted, actual);
        assert_eq!(texts(&seen.missing), missing);
        assert_eq!(texts(&seen.described), described);
        assert_eq!(texts(&seen.unwanted), unwanted);
        if let Some(difference) = &seen.difference {
            assert_eq!(
                *difference,
                Difference {
                    actual: difference.actual.clone(),
                    ..Difference::new(INGRESS, &wanted, &())
                }
            );
        }
        assert_eq!(
            seen.difference
                .map(|difference| difference.actual.to_string())
                .as_deref(),
            there
        );
    }

    #[test]
    fn rules_are_compared_one_by_one() {
        let postgres = ingress(5432, VPC, "PostgreSQL");
        let rules = [postgres.clone()];
        let there = tcp(5432, VPC, "PostgreSQL");
        check(&rules, std::slice::from_ref(&there), None, &[], &[], &[]);
        // The host's bits do not count.
        let host = ingress(5432, "10.0.7.9/16", "PostgreSQL");
        check(
            std::slice::from_ref(&host),
            std::slice::from_ref(&there),
            None,
            &[],
            &[],
            &[],
        );
        check(
            &rules,
            &[],
            Some("[]"),
            &["tcp 5432 10.0.0.0/16 (PostgreSQL)"],
            &[],
            &[],
        );
        // What EC2 has put together is taken apart.
        check(
            &rules,
            &[ports(
                "tcp",
                5432,
                5432,
                &[range("0.0.0.0/0", ""), range(VPC, "PostgreSQL")],
            )],
            Some(concat!(
                r#"[{"description":"PostgreSQL","port":5432,"source":"10.0.0.0/16"},"#,
                r#"{"description":"","port":5432,"source":"0.0.0.0/0"}]"#
            )),
            &[],
            &[],
            &["tcp 5432 0.0.0.0/0"],
        );
        check(
            &[host],
            &[tcp(5432, VPC, "")],
            Some(r#"[{"description":"","port":5432,"source":"10.0.7.9/16"}]"#),
            &[],
            &["tcp 5432 10.0.0.0/16 (PostgreSQL)"],
            &[],
        );
        // All at once: one difference.
        check(
            &[postgres, ingress(6379, VPC, "Redis")],
            &[tcp(22, "0.0.0.0/0", ""), tcp(6379, VPC, "redis")],
            Some(concat!(
                r#"[{"description":"redis","port":6379,"source":"10.0.0.0/16"},"#,
                r#"{"description":"","port":22,"source":"0.0.0.0/0"}]"#
            )),
            &["tcp 5432 10.0.0.0/16 (PostgreSQL)"],
            &["tcp 6379 10.0.0.0/16 (Redis)"],
            &["tcp 22 0.0.0.0/0"],
        );
    }

    #[test]
    fn what_the_property_cannot_say_is_said_in_words() {
        let out_of_form = [
            ports("udp", 53, 53, &[range(VPC, "DNS")]),
            ports("tcp", 1, 9, &[range(VPC, "")]),
            ports("icmp", -1, -1, &[range(VPC, "")]),
            everything(),
        ];
        check(
            &[],
            &out_of_form,
            Some(r#"["all 0.0.0.0/0","icmp -1 10.0.0.0/16","tcp 1-9 10.0.0.0/16","udp 53 10.0.0.0/16 (DNS)"]"#),
            &[],
            &[],
            &[
                "all 0.0.0.0/0",
                "icmp -1 10.0.0.0/16",
                "tcp 1-9 10.0.0.0/16",
                "udp 53 10.0.0.0/16 (DNS)",
            ],
        );
    }

    #[test]
    fn a_rule_wanted_twice_is_asked_for_once() {
        let twice = [ingress(5432, VPC, "one"), ingress(5432, VPC, "two")];
        check(&twice, &[], Some("[]"), &["tcp 5432 10.0.0.0/16 (one)"], &[], &[]);
        check(&twice, &[tcp(5432, VPC, "one")], None, &[], &[], &[]);
        let exactly = [ingress(5432, VPC, "one"), ingress(5432, VPC, "one")];
        check(&exactly, &[tcp(5432, VPC, "one")], None, &[], &[], &[]);
        let same = [ingress(5432, VPC, "one"), ingress(5432, "10.0.1.0/16", "one")];
        check(&same, &[], Some("[]"), &["tcp 5432 10.0.0.0/16 (one)"], &[], &[]);
        check(&same, &[tcp(5432, VPC, "one")], None, &[], &[], &[]);
    }

    #[test]
    fn what_is_there_can_be_taken_for_what_is_wanted() {
        let actual = [tcp(22, "0.0.0.0/0", "by hand"), tcp(5432, VPC, "")];
        let difference = Ingress::of(&[ingress(5432, VPC, "PostgreSQL")], &actual)
            .difference
            .unwrap();
        let taken: Vec<IngressRule> = serde_json::from_value(difference.actual).unwrap();
        assert_eq!(Ingress::of(&taken, &actual), Ingress::default());
    }

    #[test]
    fn everything_may_go_out_and_no_rule_more() {
        let check = |actual: &[IpPermission], there: Option<&str>, missing: &[&str], unwanted: &[&str]| {
            let seen = Egress::of(actual);
            assert_eq!((texts(&seen.missing), texts(&seen.unwanted)), {
                let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
                (owned(missing), owned(unwanted))
            });
            if let Some(difference) = &seen.difference {
                assert_eq!(difference.wanted.to_string(), r#"["all 0.0.0.0/0"]"#);
            }
            let actual = seen.difference.map(|difference| difference.actual.to_string());
            assert_eq!(actual.as_deref(), there);
        };
        let all = "all 0.0.0.0/0";
        let over_ipv6 = Rule::everything(Peer::Ipv6(EVERYWHERE_IPV6.to_owned())).to_permission();
        let described = IpPermission::builder()
            .ip_protocol(ALL_PROTOCOLS)
            .from_port(-1)
            .to_port(-1)
            .ip_ranges(range(EVERYWHERE, "all"))
            .build();
        let https = tcp(443, EVERYWHERE, "");
        check(&[everything()], None, &[], &[]);
        check(&[everything(), over_ipv6], None, &[], &[]);
        check(&[described], None, &[], &[]);
        check(&[], Some("[]"), &[all], &[]);
        check(
            &[https.clone(), everything()],
            Some(r#"["all 0.0.0.0/0","tcp 443 0.0.0.0/0"]"#),
            &[],
            &["tcp 443 0.0.0.0/0"],
        );
        check(
            &[https],
            Some(r#"["tcp 443 0.0.0.0/0"]"#),
            &[all],
            &["tcp 443 0.0.0.0/0"],
        );
    }

    #[test]
    fn every_kind_of_peer_is_revoked_by_its_traffic() {
        let described = "by hand";
        let permission = IpPermission::builder().ip_protocol("udp").from_port(1).to_port(9);
        let with = |description: Option<&str>| {
            let description = description.map(str::to_owned);
            permission
                .clone()
                .ipv6_ranges(
                    Ipv6Range::builder()
                        .cidr_ipv6("::/0")
                        .set_description(description.clone())
                        .build(),
                )
                .prefix_list_ids(
                    PrefixListId::builder()
                        .prefix_list_id("pl-1")
                        .set_description(description.clone())
                        .build(),
                )
                .user_id_group_pairs(
                    UserIdGroupPair::builder()
                        .group_id("sg-2")
                        .user_id("1234")
                        .set_description(description)
                        .build(),
                )
                .build()
        };
        let unwanted = Ingress::of(&[], &[with(Some(described))]).unwanted;
        assert_eq!(
            texts(&unwanted),
            [
                "udp 1-9 ::/0 (by hand)",
                "udp 1-9 pl-1 (by hand)",
                "udp 1-9 sg-2 (by hand)"
            ]
        );
        let revoked: Vec<IpPermission> = unwanted.iter().map(Rule::to_revocation).collect();
        assert_eq!(rules(&revoked), rules(&[with(None)]));
    }
}
