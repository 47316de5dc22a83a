//! What somebody changed behind our back is reported under its property, as it is, and put back by `ensure`.

use anyhow::{Context, Result};
use aws_sdk_ec2::types::{AttributeBooleanValue, IpPermission, IpRange, Tag};
use outrigger_engine::ports::provider::{Difference, Provider};
use serde_json::{Value, json};

use crate::harness::{Watched, association, observe_target, remove, with_local_aws};
use crate::network::{Network, Standing, calls_to, is_blocked, snapshot, vpn_gateway};

/// What is reported of a resource: nothing is there, or these properties, as wanted and as they are.
type Report<'a> = Option<&'a [(&'static str, Value, Value)]>;

/// Tampers, looks at what is reported of the resource, and has it put back by these calls; then all is as before.
async fn check(
    provider: &Watched,
    of: &Standing,
    tamper: impl AsyncFnOnce() -> Result<()>,
    report: Report<'_>,
    calls: &[&str],
) -> Result<()> {
    let key = &of.resource.key;
    let before = snapshot(&provider.client).await?;
    let calm = observe_target(provider, &of.target()).await?;
    assert_eq!((calm.ours, calm.differences), (true, Vec::new()), "{key}");
    tamper().await?;
    reported(provider, of, report).await?;
    assert_eq!(calls_to(provider, of.target()).await?, calls, "{key}");
    assert_eq!(snapshot(&provider.client).await?, before, "{key}");
    Ok(())
}

async fn reported(provider: &Watched, of: &Standing, report: Report<'_>) -> Result<()> {
    let observed = provider.observe(&of.target()).await?;
    let ours = observed.as_ref().is_none_or(|observed| observed.ours);
    assert!(ours, "{}", of.resource.key);
    let differences = report.map(|report| {
        let differences = report.iter();
        let differences = differences.map(|(property, wanted, actual)| Difference::new(property, wanted, actual));
        differences.collect::<Vec<_>>()
    });
    assert_eq!(
        observed.map(|observed| observed.differences),
        differences,
        "{}",
        of.resource.key
    );
    Ok(())
}

fn switch(on: bool) -> AttributeBooleanValue {
    AttributeBooleanValue::builder().value(on).build()
}

fn permission(protocol: &str, port: i32, range: &str, description: Option<&str>) -> IpPermission {
    let range = IpRange::builder().cidr_ip(range);
    IpPermission::builder()
        .ip_protocol(protocol)
        .from_port(port)
        .to_port(port)
        .ip_ranges(range.set_description(description.map(str::to_owned)).build())
        .build()
}

fn everything() -> IpPermission {
    let range = IpRange::builder().cidr_ip("0.0.0.0/0").build();
    IpPermission::builder().ip_protocol("-1").ip_ranges(range).build()
}

async fn tag(provider: &Watched, id: &str, key: &str, value: &str) -> Result<()> {
    let tag = Tag::builder().key(key).value(value).build();
    provider.client.create_tags().resources(id).tags(tag).send().await?;
    Ok(())
}

async fn untag(provider: &Watched, id: &str, key: &str) -> Result<()> {
    let tag = Tag::builder().key(key).build();
    provider.client.delete_tags().resources(id).tags(tag).send().await?;
    Ok(())
}

#[test]
fn tags_are_put_back_and_those_of_others_stay() -> Result<()> {
    with_local_aws(async |provider| {
        let network = Network::stand_up(provider, 0, None).await?;
        for of in network.tagged() {
            let name = &of.resource.physical_name;
            tag(provider, &of.id, "CostCentre", "1234").await?;
            check(
                provider,
                of,
                async || tag(provider, &of.id, "Name", "renamed").await,
                Some(&[("tags", json!({ "Name": name }), json!({ "Name": "renamed" }))]),
                &["CreateTags"],
            )
            .await?;
            check(
                provider,
                of,
                async || untag(provider, &of.id, "Environment").await,
                Some(&[(
                    "tags",
                    json!({ "Environment": "production" }),
                    json!({ "Environment": null }),
                )]),
                &["CreateTags"],
            )
            .await?;
        }
        // Who loses our own tags is not ours any more.
        untag(provider, &network.vpc.id, "outrigger:stack").await?;
        let observed = observe_target(provider, &network.vpc.target()).await?;
        assert_eq!((observed.ours, observed.id), (false, network.vpc.id));
        Ok(())
    })
}

#[test]
fn addresses_and_names_are_put_back() -> Result<()> {
    with_local_aws(async |provider| {
        let client = &provider.client;
        let network = Network::stand_up(provider, 0, None).await?;
        let vpc = &network.vpc;
        let host_names_off = async || {
            let request = client.modify_vpc_attribute().vpc_id(&vpc.id);
            request.enable_dns_hostnames(switch(false)).send().await?;
            Ok(())
        };
        check(
            provider,
            vpc,
            host_names_off,
            Some(&[("dns_host_names", json!("on"), json!("off"))]),
            &["ModifyVpcAttribute"],
        )
        .await?;
        let both_off = async || {
            host_names_off().await?;
            let request = client.modify_vpc_attribute().vpc_id(&vpc.id);
            request.enable_dns_support(switch(false)).send().await?;
            tag(provider, &vpc.id, "Name", "renamed").await
        };
        let name = &vpc.resource.physical_name;
        check(
            provider,
            vpc,
            both_off,
            Some(&[
                ("dns_support", json!("on"), json!("off")),
                ("dns_host_names", json!("on"), json!("off")),
                ("tags", json!({ "Name": name }), json!({ "Name": "renamed" })),
            ]),
            &["ModifyVpcAttribute", "ModifyVpcAttribute", "CreateTags"],
        )
        .await?;
        for (of, on_launch) in [(&network.public, true), (&network.private, false)] {
            let turned = async || {
                let request = client.modify_subnet_attribute().subnet_id(&of.id);
                request.map_public_ip_on_launch(switch(!on_launch)).send().await?;
                Ok(())
            };
            check(
                provider,
                of,
                turned,
                Some(&[("public_address_on_launch", json!(on_launch), json!(!on_launch))]),
                &["ModifySubnetAttribute"],
            )
            .await?;
        }
        Ok(())
    })
}

#[test]
fn ways_are_put_back() -> Result<()> {
    with_local_aws(async |provider| {
        let client = &provider.client;
        let network = Network::stand_up(provider, 0, None).await?;
        let Network {
            vpc,
            gateway,
            table,
            other_table,
            route,
            association: associated,
            ..
        } = &network;
        let vpn = vpn_gateway(client, &vpc.id).await?;

        let deleted = async || {
            let request = client.delete_route().route_table_id(&table.id);
            request.destination_cidr_block("0.0.0.0/0").send().await?;
            Ok(())
        };
        check(provider, route, deleted, None, &["CreateRoute"]).await?;
        let elsewhere = async || {
            let request = client.replace_route().route_table_id(&table.id);
            request
                .destination_cidr_block("0.0.0.0/0")
                .gateway_id(&vpn)
                .send()
                .await?;
            Ok(())
        };
        check(
            provider,
            route,
            elsewhere,
            Some(&[("gateway", json!(gateway.id), json!(vpn))]),
            &["ReplaceRoute"],
        )
        .await?;

        // Moved, which gives it another id; taken away; and instead of it another, which is recorded nowhere.
        let association_id =
            async || -> Result<String> { Ok(observe_target(provider, &associated.target()).await?.id) };
        let moved = async || {
            let request = client.replace_route_table_association();
            let request = request
                .association_id(association_id().await?)
                .route_table_id(&other_table.id);
            request.send().await?;
            Ok(())
        };
        let elsewhere = [("route_table", json!(table.id), json!(other_table.id))];
        check(
            provider,
            associated,
            moved,
            Some(&elsewhere),
            &["ReplaceRouteTableAssociation"],
        )
        .await?;
        let taken_away = async || {
            let request = client.disassociate_route_table();
            request.association_id(association_id().await?).send().await?;
            Ok(())
        };
        check(provider, associated, taken_away, None, &["AssociateRouteTable"]).await?;
        let another = async || {
            taken_away().await?;
            let request = client.associate_route_table().route_table_id(&other_table.id);
            request.subnet_id(&network.public.id).send().await?;
            Ok(())
        };
        check(
            provider,
            associated,
            another,
            Some(&elsewhere),
            &["ReplaceRouteTableAssociation"],
        )
        .await?;
        // Where none of ours is recorded, it is somebody else's.
        let wanted = association(&other_table.id, &network.public.id);
        let never_ours = crate::harness::observe(provider, &wanted, None).await?;
        assert!(!never_ours.ours, "{never_ours:?}");

        // With a public address in use it cannot be detached.
        for way in [&network.private_route, &network.nat] {
            remove(provider, &way.target()).await?;
        }
        // Detached: its route leads nowhere until it is attached again.
        let detached = async || {
            let request = client.detach_internet_gateway().internet_gateway_id(&gateway.id);
            request.vpc_id(&vpc.id).send().await?;
            let nowhere = ("state", json!("active"), json!("blackhole"));
            reported(provider, route, Some(&[nowhere])).await
        };
        check(
            provider,
            gateway,
            detached,
            Some(&[("attachment", json!(vpc.id), Value::Null)]),
            &["AttachInternetGateway"],
        )
        .await?;
        reported(provider, route, Some(&[])).await?;

        // Attached to another VPC: that is not ours to cut off.
        detached().await?;
        let other = client.create_vpc().cidr_block("10.9.0.0/16").send().await?;
        let other = other.vpc().and_then(|vpc| vpc.vpc_id()).context("another VPC")?;
        let request = client.attach_internet_gateway().internet_gateway_id(&gateway.id);
        request.vpc_id(other).send().await?;
        reported(provider, gateway, Some(&[("vpc", json!(vpc.id), json!(other))])).await?;
        is_blocked(provider, &gateway.target(), "vpc").await
    })
}

#[test]
fn ways_out_are_put_back() -> Result<()> {
    with_local_aws(async |provider| {
        let client = &provider.client;
        let network = Network::stand_up(provider, 0, None).await?;
        let Network {
            public,
            private,
            gateway,
            table,
            other_table,
            group,
            nat,
            private_route: route,
            by_routes: s3,
            at_addresses: secrets,
            ..
        } = &network;

        let deleted = async || {
            let request = client.delete_route().route_table_id(&other_table.id);
            request.destination_cidr_block("0.0.0.0/0").send().await?;
            Ok(())
        };
        check(provider, route, deleted, None, &["CreateRoute"]).await?;
        let elsewhere = async || {
            let request = client.replace_route().route_table_id(&other_table.id);
            let request = request.destination_cidr_block("0.0.0.0/0").gateway_id(&gateway.id);
            request.send().await?;
            Ok(())
        };
        let report = [("nat_gateway", json!(nat.id), json!(gateway.id))];
        check(provider, route, elsewhere, Some(&report), &["ReplaceRoute"]).await?;

        const MODIFY: &str = "ModifyVpcEndpoint";
        let other_routes = async || {
            let request = client.modify_vpc_endpoint().vpc_endpoint_id(&s3.id);
            let request = request
                .add_route_table_ids(&table.id)
                .remove_route_table_ids(&other_table.id);
            request.send().await?;
            Ok(())
        };
        let report = [("route_tables", json!([other_table.id]), json!([table.id]))];
        check(provider, s3, other_routes, Some(&report), &[MODIFY]).await?;
        let modify = || client.modify_vpc_endpoint().vpc_endpoint_id(&secrets.id);
        let elsewhere = async || {
            modify().remove_subnet_ids(&private.id).send().await?;
            modify().add_subnet_ids(&public.id).send().await?;
            Ok(())
        };
        let report = [("subnets", json!([private.id]), json!([public.id]))];
        check(provider, secrets, elsewhere, Some(&report), &[MODIFY, MODIFY]).await?;
        let closed = async || {
            let request = modify().remove_security_group_ids(&group.id).private_dns_enabled(false);
            request.send().await?;
            Ok(())
        };
        let report = [
            ("security_groups", json!([group.id]), json!([])),
            ("private_dns", json!(true), json!(false)),
        ];
        check(provider, secrets, closed, Some(&report), &[MODIFY, MODIFY]).await?;

        // Deleted, it goes on being shown for an hour, and counts as gone; its route leads nowhere.
        client.delete_nat_gateway().nat_gateway_id(&nat.id).send().await?;
        remove(provider, &nat.target()).await?;
        reported(provider, nat, None).await?;
        reported(provider, route, Some(&[("state", json!("active"), json!("blackhole"))])).await?;
        let shown = client.describe_nat_gateways().nat_gateway_ids(&nat.id).send().await?;
        assert_eq!(shown.nat_gateways().len(), 1);
        Ok(())
    })
}

#[test]
fn rules_are_put_back() -> Result<()> {
    with_local_aws(async |provider| {
        let client = &provider.client;
        let network = Network::stand_up(provider, 0, None).await?;
        let group = &network.group;
        let rule = |port: u16, source: &str, description: &str| json!({ "port": port, "source": source, "description": description });
        const VPC: &str = "10.0.0.0/16";
        let (postgres, redis) = (rule(5432, VPC, "PostgreSQL"), rule(6379, VPC, "Redis"));
        let wanted = json!([postgres, redis]);
        let authorize = async |permission: IpPermission| -> Result<()> {
            let request = client.authorize_security_group_ingress().group_id(&group.id);
            request.ip_permissions(permission).send().await?;
            Ok(())
        };
        let revoke = async |permission: IpPermission| -> Result<()> {
            let request = client.revoke_security_group_ingress().group_id(&group.id);
            request.ip_permissions(permission).send().await?;
            Ok(())
        };
        let describe = async |permission: IpPermission| -> Result<()> {
            let request = client
                .update_security_group_rule_descriptions_ingress()
                .group_id(&group.id);
            request.ip_permissions(permission).send().await?;
            Ok(())
        };
        let out = async |permission: IpPermission| -> Result<()> {
            let request = client.authorize_security_group_egress().group_id(&group.id);
            request.ip_permissions(permission).send().await?;
            Ok(())
        };
        let not_out = async || -> Result<()> {
            let request = client.revoke_security_group_egress().group_id(&group.id);
            request.ip_permissions(everything()).send().await?;
            Ok(())
        };
        let of = |actual: Value| [("ingress", wanted.clone(), actual)];

        let by_hand = of(json!([postgres, redis, rule(22, "0.0.0.0/0", "by hand")]));
        let added = async || authorize(permission("tcp", 22, "0.0.0.0/0", Some("by hand"))).await;
        check(provider, group, added, Some(&by_hand), &["RevokeSecurityGroupIngress"]).await?;
        let in_words = of(json!([postgres, redis, "udp 53 10.0.0.0/16 (DNS)"]));
        let added = async || authorize(permission("udp", 53, VPC, Some("DNS"))).await;
        check(provider, group, added, Some(&in_words), &["RevokeSecurityGroupIngress"]).await?;
        let one_less = of(json!([redis]));
        let removed = async || revoke(permission("tcp", 5432, VPC, None)).await;
        let calls = ["AuthorizeSecurityGroupIngress"];
        check(provider, group, removed, Some(&one_less), &calls).await?;
        let calls = ["UpdateSecurityGroupRuleDescriptionsIngress"];
        for description in [None, Some("another")] {
            let described = of(json!([rule(5432, VPC, description.unwrap_or_default()), redis]));
            let changed = async || describe(permission("tcp", 5432, VPC, description)).await;
            check(provider, group, changed, Some(&described), &calls).await?;
        }

        let all = "all 0.0.0.0/0";
        let removed = [("egress", json!([all]), json!([]))];
        check(
            provider,
            group,
            not_out,
            Some(&removed),
            &["AuthorizeSecurityGroupEgress"],
        )
        .await?;
        let added = [("egress", json!([all]), json!([all, "tcp 443 0.0.0.0/0"]))];
        let https = async || out(permission("tcp", 443, "0.0.0.0/0", None)).await;
        check(provider, group, https, Some(&added), &["RevokeSecurityGroupEgress"]).await?;

        // Everything at once: what is missing comes first, and each call does one thing.
        let everywhere = async || {
            revoke(permission("tcp", 5432, VPC, None)).await?;
            authorize(permission("tcp", 22, "0.0.0.0/0", None)).await?;
            describe(permission("tcp", 6379, VPC, Some("another"))).await?;
            not_out().await?;
            out(permission("tcp", 443, "0.0.0.0/0", None)).await?;
            tag(provider, &group.id, "Name", "renamed").await
        };
        let name = &group.resource.physical_name;
        check(
            provider,
            group,
            everywhere,
            Some(&[
                (
                    "ingress",
                    wanted.clone(),
                    json!([rule(6379, VPC, "another"), rule(22, "0.0.0.0/0", "")]),
                ),
                ("egress", json!([all]), json!(["tcp 443 0.0.0.0/0"])),
                ("tags", json!({ "Name": name }), json!({ "Name": "renamed" })),
            ]),
            &[
                "AuthorizeSecurityGroupIngress",
                "UpdateSecurityGroupRuleDescriptionsIngress",
                "RevokeSecurityGroupIngress",
                "AuthorizeSecurityGroupEgress",
                "RevokeSecurityGroupEgress",
                "CreateTags",
            ],
        )
        .await
    })
}
