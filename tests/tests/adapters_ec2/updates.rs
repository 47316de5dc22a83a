//! What the document wants otherwise is changed in place, one call at a time; what cannot be is said so.

use anyhow::{Context, Result};
use aws_sdk_ec2::types::Tag;
use outrigger_engine::ports::provider::{Difference, Target};
use outrigger_model::properties::{
    InternetGateway, NatGateway, Reached, Route, RouteTable, RouteTableAssociation, RouteTarget, SecurityGroup, Subnet,
    Vpc, VpcEndpoint,
};
use outrigger_model::resource::TAG_STACK;
use outrigger_model::{Properties, Resource};
use serde_json::{Value, json};

use crate::harness::{
    REGION, Watched, at_addresses, by_routes, observe_target, properties, route_table, rule, stand_up, text,
    with_local_aws,
};
use crate::network::{Network, Standing, calls_to, is_blocked, snapshot, vpn_gateway};

/// One change: what shows it, what closes it, and where the SDK sees it then.
struct Change<'a> {
    of: &'a Standing,
    to: Resource,
    differs: &'a [&'a str],
    calls: &'a [&'a str],
    /// An object's id, the place in its snapshot, and what is there afterwards.
    read: (&'a str, &'a str, Value),
}

/// Makes the change, reads AWS back, and takes the change back again.
async fn check(provider: &Watched, change: Change<'_>) -> Result<()> {
    let Change {
        of,
        to,
        differs,
        calls,
        read,
    } = change;
    let key = &of.resource.key;
    let before = snapshot(&provider.client).await?;
    let target = of.target_as(&to);
    assert_eq!(properties(&observe_target(provider, &target).await?), differs, "{key}");
    assert_eq!(calls_to(provider, target).await?, calls, "{key}");
    let (id, place, value) = read;
    let there = snapshot(&provider.client).await?;
    let there = there.get(id).with_context(|| format!("{id} is not there"))?;
    assert_eq!(there.pointer(place), Some(&value), "{key}");
    // The record still holds the first id.
    assert_eq!(calls_to(provider, of.target()).await?.len(), calls.len(), "{key}");
    assert_eq!(snapshot(&provider.client).await?, before, "{key}");
    Ok(())
}

/// A resource with other properties.
fn with(standing: &Standing, properties: Properties) -> Resource {
    Resource {
        properties,
        ..standing.resource.clone()
    }
}

/// A resource with another value of a tag.
fn retagged(standing: &Standing) -> Resource {
    let mut resource = standing.resource.clone();
    resource.tags.insert("Environment".to_owned(), "staging".to_owned());
    resource
}

fn subnet_of(standing: &Standing, change: impl FnOnce(&mut Subnet)) -> Resource {
    let mut resource = standing.resource.clone();
    if let Properties::Subnet(subnet) = &mut resource.properties {
        change(subnet);
    }
    resource
}

fn group_of(standing: &Standing, change: impl FnOnce(&mut SecurityGroup)) -> Resource {
    let mut resource = standing.resource.clone();
    if let Properties::SecurityGroup(group) = &mut resource.properties {
        change(group);
    }
    resource
}

fn route_of(standing: &Standing, change: impl FnOnce(&mut Route)) -> Resource {
    let mut resource = standing.resource.clone();
    if let Properties::Route(route) = &mut resource.properties {
        change(route);
    }
    resource
}

fn endpoint_of(standing: &Standing, change: impl FnOnce(&mut VpcEndpoint)) -> Resource {
    let mut resource = standing.resource.clone();
    if let Properties::VpcEndpoint(endpoint) = &mut resource.properties {
        change(endpoint);
    }
    resource
}

fn reached(standing: &Standing, reached: Reached) -> Resource {
    endpoint_of(standing, |endpoint| endpoint.reached = reached)
}

#[test]
fn ways_out_are_changed_in_place() -> Result<()> {
    with_local_aws(async |provider| {
        let network = Network::stand_up(provider, 0, None).await?;
        let Network {
            public,
            private,
            gateway,
            table,
            other_table,
            private_route,
            group,
            by_routes: s3,
            at_addresses: secrets,
            ..
        } = &network;
        const MODIFY: &str = "ModifyVpcEndpoint";
        let mut everything = reached(secrets, at_addresses(&[&public.id], &[], false));
        everything.tags = retagged(secrets).tags;
        let changes = [
            Change {
                of: private_route,
                to: route_of(private_route, |route| {
                    route.target = RouteTarget::Gateway(text(&gateway.id))
                }),
                differs: &["gateway"],
                calls: &["ReplaceRoute"],
                read: (
                    &other_table.id,
                    "/routes",
                    json!([format!("0.0.0.0/0 {} active", gateway.id), "10.0.0.0/16 local active"]),
                ),
            },
            Change {
                of: s3,
                to: reached(s3, by_routes(&[&table.id])),
                differs: &["route_tables"],
                calls: &[MODIFY],
                read: (&s3.id, "/route_tables", json!([table.id])),
            },
            Change {
                of: secrets,
                to: reached(secrets, at_addresses(&[&private.id], &[&group.id], false)),
                differs: &["private_dns"],
                calls: &[MODIFY],
                read: (&secrets.id, "/private_dns", json!(false)),
            },
            Change {
                of: secrets,
                to: reached(secrets, at_addresses(&[&private.id], &[], true)),
                differs: &["security_groups"],
                calls: &[MODIFY],
                read: (&secrets.id, "/groups", json!([])),
            },
            // Another one in the same zone: the first one has to go before.
            Change {
                of: secrets,
                to: reached(secrets, at_addresses(&[&public.id], &[&group.id], true)),
                differs: &["subnets"],
                calls: &[MODIFY, MODIFY],
                read: (&secrets.id, "/subnets", json!([public.id])),
            },
            Change {
                of: secrets,
                to: everything,
                differs: &["security_groups", "subnets", "private_dns", "tags"],
                calls: &[MODIFY, MODIFY, MODIFY, MODIFY, "CreateTags"],
                read: (&secrets.id, "/tags/Environment", json!("staging")),
            },
        ];
        for change in changes {
            check(provider, change).await?;
        }
        Ok(())
    })
}

#[test]
fn what_is_wanted_otherwise_is_changed_in_place() -> Result<()> {
    with_local_aws(async |provider| {
        let network = Network::stand_up(provider, 0, None).await?;
        let Network {
            public,
            private,
            table,
            other_table,
            route,
            association,
            group,
            ..
        } = &network;
        let vpn = vpn_gateway(&provider.client, &network.vpc.id).await?;
        for of in network.tagged() {
            let change = Change {
                of,
                to: retagged(of),
                differs: &["tags"],
                calls: &["CreateTags"],
                read: (&of.id, "/tags/Environment", json!("staging")),
            };
            check(provider, change).await?;
        }
        for (of, on_launch) in [(public, false), (private, true)] {
            let change = Change {
                of,
                to: subnet_of(of, |subnet| subnet.public_address_on_launch = on_launch),
                differs: &["public_address_on_launch"],
                calls: &["ModifySubnetAttribute"],
                read: (&of.id, "/public", json!(on_launch)),
            };
            check(provider, change).await?;
        }
        let mut several = subnet_of(public, |subnet| subnet.public_address_on_launch = false);
        several.tags = retagged(public).tags;
        let changes = [
            Change {
                of: public,
                to: several,
                differs: &["public_address_on_launch", "tags"],
                calls: &["ModifySubnetAttribute", "CreateTags"],
                read: (&public.id, "/tags/Environment", json!("staging")),
            },
            Change {
                of: route,
                to: route_of(route, |route| route.target = RouteTarget::Gateway(text(&vpn))),
                differs: &["gateway"],
                calls: &["ReplaceRoute"],
                read: (
                    &table.id,
                    "/routes",
                    json!([format!("0.0.0.0/0 {vpn} active"), "10.0.0.0/16 local active"]),
                ),
            },
            Change {
                of: association,
                to: with(
                    association,
                    Properties::RouteTableAssociation(RouteTableAssociation {
                        route_table: text(&other_table.id),
                        subnet: text(&public.id),
                    }),
                ),
                differs: &["route_table"],
                calls: &["ReplaceRouteTableAssociation"],
                read: (&other_table.id, "/subnets", json!([public.id])),
            },
            Change {
                of: group,
                to: group_of(group, |group| group.ingress.truncate(1)),
                differs: &["ingress"],
                calls: &["RevokeSecurityGroupIngress"],
                read: (&group.id, "/ingress", json!(["tcp 5432 10.0.0.0/16 PostgreSQL"])),
            },
            Change {
                of: group,
                to: {
                    let rules = [rule(5432, "the database")?, rule(6379, "")?];
                    group_of(group, |group| group.ingress = rules.to_vec())
                },
                differs: &["ingress"],
                calls: &["UpdateSecurityGroupRuleDescriptionsIngress"],
                read: (
                    &group.id,
                    "/ingress",
                    json!(["tcp 5432 10.0.0.0/16 the database", "tcp 6379 10.0.0.0/16 "]),
                ),
            },
            Change {
                of: group,
                to: {
                    let rules = [rule(5433, "PostgreSQL")?, rule(6379, "the cache")?];
                    let mut changed = group_of(group, |group| group.ingress = rules.to_vec());
                    changed.tags = retagged(group).tags;
                    changed
                },
                differs: &["ingress", "tags"],
                calls: &[
                    "AuthorizeSecurityGroupIngress",
                    "UpdateSecurityGroupRuleDescriptionsIngress",
                    "RevokeSecurityGroupIngress",
                    "CreateTags",
                ],
                read: (
                    &group.id,
                    "/ingress",
                    json!(["tcp 5433 10.0.0.0/16 PostgreSQL", "tcp 6379 10.0.0.0/16 the cache"]),
                ),
            },
        ];
        for change in changes {
            check(provider, change).await?;
        }
        Ok(())
    })
}

#[test]
fn what_cannot_be_changed_in_place_is_said_so() -> Result<()> {
    with_local_aws(async |provider| {
        let network = Network::stand_up(provider, 0, None).await?;
        let Network {
            vpc,
            public,
            gateway,
            table,
            route,
            association,
            group,
            address,
            nat,
            by_routes: s3,
            ..
        } = &network;
        let nat_of = |subnet: &str, address: &str| {
            let (subnet, address) = (text(subnet), text(address));
            with(nat, Properties::NatGateway(NatGateway { subnet, address }))
        };
        let third = stand_up(provider, &route_table("third", &vpc.id)).await?;
        let (network_range, subnet_range) = ("10.9.0.0/16".parse()?, "10.0.5.0/24".parse()?);
        let elsewhere = text("vpc-00000000000000000");
        let gateway_elsewhere = InternetGateway { vpc: elsewhere.clone() };
        let table_elsewhere = RouteTable { vpc: elsewhere.clone() };
        let of_another_subnet = RouteTableAssociation {
            route_table: text(&table.id),
            subnet: text(&network.private.id),
        };
        let fixed = [
            (vpc, with(vpc, Properties::Vpc(Vpc { cidr: network_range })), "cidr"),
            (public, subnet_of(public, |subnet| subnet.cidr = subnet_range), "cidr"),
            (
                public,
                subnet_of(public, |subnet| subnet.zone = format!("{REGION}b")),
                "zone",
            ),
            (
                public,
                subnet_of(public, |subnet| subnet.vpc = elsewhere.clone()),
                "vpc",
            ),
            (
                gateway,
                with(gateway, Properties::InternetGateway(gateway_elsewhere)),
                "vpc",
            ),
            (table, with(table, Properties::RouteTable(table_elsewhere)), "vpc"),
            (
                route,
                route_of(route, |route| route.route_table = text(&third)),
                "route_table",
            ),
            (
                route,
                route_of(route, |route| route.destination = network_range),
                "destination",
            ),
            (
                association,
                with(association, Properties::RouteTableAssociation(of_another_subnet)),
                "subnet",
            ),
            (group, group_of(group, |group| group.vpc = elsewhere.clone()), "vpc"),
            (
                group,
                group_of(group, |group| group.description = "another".to_owned()),
                "description",
            ),
            (nat, nat_of(&network.private.id, &address.id), "subnet"),
            (nat, nat_of(&public.id, "eipalloc-00000000000000000"), "address"),
            (
                s3,
                endpoint_of(s3, |endpoint| endpoint.vpc = text("vpc-00000000000000000")),
                "vpc",
            ),
            (
                s3,
                endpoint_of(s3, |endpoint| {
                    endpoint.service = "com.amazonaws.us-east-1.dynamodb".to_owned()
                }),
                "service",
            ),
            (s3, reached(s3, at_addresses(&[], &[], false)), "type"),
        ];
        for (of, to, property) in fixed {
            is_blocked(provider, &of.target_as(&to), property).await?;
        }
        Ok(())
    })
}

#[test]
fn tags_that_are_no_longer_wanted_are_taken_off() -> Result<()> {
    with_local_aws(async |provider| {
        let network = Network::stand_up(provider, 0, None).await?;
        for of in network.tagged() {
            let key = &of.resource.key;
            let foreign = Tag::builder().key("foreign").value("stays").build();
            let put = provider.client.create_tags().resources(&of.id).tags(foreign);
            put.send().await?;
            let mut expected = snapshot(&provider.client).await?;
            let tags = expected.get_mut(&of.id).and_then(|held| held.get_mut("tags"));
            let tags = tags.and_then(Value::as_object_mut).context("no tags")?;
            assert_eq!(tags.remove("Environment"), Some(json!("production")), "{key}");
            assert_eq!(tags.get("foreign"), Some(&json!("stays")), "{key}");

            let mut resource = of.resource.clone();
            resource.tags.remove("Environment");
            let target = Target {
                tags_gone: ["Environment", "absent", "Name", TAG_STACK].map(str::to_owned).into(),
                ..of.target_as(&resource)
            };
            let gone = Difference {
                property: "tags_gone",
                wanted: json!({"Environment": null}),
                actual: json!({"Environment": "production"}),
            };
            assert_eq!(observe_target(provider, &target).await?.differences, [gone], "{key}");
            assert_eq!(calls_to(provider, target).await?, ["DeleteTags"], "{key}");
            assert_eq!(snapshot(&provider.client).await?, expected, "{key}");
        }
        Ok(())
    })
}
