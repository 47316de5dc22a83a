//! The EC2 adapter over the wire: the suite that every provider passes, and what only EC2 has.

mod harness;

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{AttributeBooleanValue, GatewayType, Tag, VpcAttributeName};
use outrigger_aws_ec2::zones;
use outrigger_engine::ports::provider::{CallErrorKind, Observed, Progress, Provider};
use outrigger_model::properties::Vpc;
use outrigger_model::resource::TAG_INTENT;
use outrigger_model::{Properties, Region};
use serde_json::json;

use crate::harness::{
    REGION, TURNS_MAX, Watched, association, conforms, internet_gateway, observe, pause, resource, route, route_table,
    rule, security_group, security_group_of, stand_up, subnet, target, target_of, tear_down, token, vpc,
    with_local_aws,
};

/// Every kind, each among what it depends on; nothing is left afterwards.
async fn every_kind_conforms(provider: &Watched) -> Result<()> {
    let vpc = vpc()?;
    conforms(provider, &vpc, None).await?;
    let vpc_id = stand_up(provider, &vpc).await?;

    let subnet = subnet("public-1", &vpc_id, "10.0.0.0/24", true)?;
    conforms(provider, &subnet, None).await?;
    let subnet_id = stand_up(provider, &subnet).await?;

    let gateway = internet_gateway(&vpc_id);
    conforms(provider, &gateway, None).await?;
    let gateway_id = stand_up(provider, &gateway).await?;

    let table = route_table("public", &vpc_id);
    conforms(provider, &table, None).await?;
    let table_id = stand_up(provider, &table).await?;

    // Somebody else's route to the same destination leads through a VPN gateway.
    let client = &provider.client;
    let vpn = client.create_vpn_gateway().r#type(GatewayType::Ipsec1).send().await?;
    let vpn_id = vpn
        .vpn_gateway()
        .and_then(|vpn| vpn.vpn_gateway_id())
        .context("a VPN gateway")?;
    for _ in 0..TURNS_MAX {
        if client
            .describe_vpn_gateways()
            .vpn_gateway_ids(vpn_id)
            .send()
            .await
            .is_ok_and(|answer| {
                let mut gateways = answer.vpn_gateways().iter();
                gateways.any(|gateway| gateway.vpn_gateway_id() == Some(vpn_id))
            })
        {
            break;
        }
        pause().await;
    }
    client
        .attach_vpn_gateway()
        .vpc_id(&vpc_id)
        .vpn_gateway_id(vpn_id)
        .send()
        .await?;
    conforms(
        provider,
        &route(&table_id, &gateway_id)?,
        Some(route(&table_id, vpn_id)?),
    )
    .await?;
    client
        .detach_vpn_gateway()
        .vpc_id(&vpc_id)
        .vpn_gateway_id(vpn_id)
        .send()
        .await?;
    client.delete_vpn_gateway().vpn_gateway_id(vpn_id).send().await?;

    let private = route_table("private", &vpc_id);
    let private_id = stand_up(provider, &private).await?;
    let foreign = association(&private_id, &subnet_id);
    conforms(provider, &association(&table_id, &subnet_id), Some(foreign)).await?;

    // The same physical name with the tags of another stack.
    let rules = vec![rule(5432, "PostgreSQL")?, rule(6379, "Redis")?];
    let group = security_group(&vpc_id, rules);
    let mut foreign = security_group_of("another", &vpc_id, Vec::new());
    foreign.physical_name.clone_from(&group.physical_name);
    conforms(provider, &group, Some(foreign)).await?;

    for resource in [&private, &table, &gateway, &subnet, &vpc] {
        tear_down(provider, resource).await?;
    }
    Ok(())
}

#[test]
fn kinds_conform() -> Result<()> {
    with_local_aws(every_kind_conforms)
}

#[test]
fn kinds_conform_where_ec2_shows_them_late() -> Result<()> {
    with_local_aws(async |provider| {
        provider
            .aws
            .set_faults(&json!({"late_visibility": {"seconds": 0.4, "services": ["ec2"]}}))?;
        every_kind_conforms(provider).await
    })
}

#[test]
fn zones_are_sorted() -> Result<()> {
    with_local_aws(async |provider| {
        for region in [REGION, "us-west-2"] {
            let zones = zones(&provider.aws.aws(), &Region::new(region)).await?;
            assert_eq!(zones, ["a", "b", "c"].map(|letter| format!("{region}{letter}")));
        }
        Ok(())
    })
}

#[test]
fn a_network_is_as_it_is_wanted_and_drift_is_put_right() -> Result<()> {
    with_local_aws(async |provider| {
        let client = &provider.client;

        // DNS support and host names are on; every tag is there.
        let vpc = vpc()?;
        let vpc_id = stand_up(provider, &vpc).await?;
        let dns = |attribute| {
            client
                .describe_vpc_attribute()
                .vpc_id(&vpc_id)
                .attribute(attribute)
                .send()
        };
        let support = dns(VpcAttributeName::EnableDnsSupport).await?;
        let host_names = dns(VpcAttributeName::EnableDnsHostnames).await?;
        assert_eq!(support.enable_dns_support().and_then(|value| value.value()), Some(true));
        assert_eq!(
            host_names.enable_dns_hostnames().and_then(|value| value.value()),
            Some(true)
        );
        let mut tags = vpc.tags.clone();
        tags.insert(TAG_INTENT.to_owned(), token(&vpc));
        assert_eq!(tags_of_vpc(client, &vpc_id).await?, tags);

        // Addresses on launch as they are wanted.
        let public = subnet("public-1", &vpc_id, "10.0.0.0/24", true)?;
        let private = subnet("private-1", &vpc_id, "10.0.10.0/24", false)?;
        let public_id = stand_up(provider, &public).await?;
        let private_id = stand_up(provider, &private).await?;
        for (id, on_launch) in [(&public_id, true), (&private_id, false)] {
            let subnets = client.describe_subnets().subnet_ids(id).send().await?;
            let subnets: Vec<_> = subnets
                .subnets()
                .iter()
                .map(|subnet| subnet.map_public_ip_on_launch())
                .collect();
            assert_eq!(subnets, [Some(on_launch)]);
        }
        // A second subnet with the same range is refused as taken, and not doubled.
        let same_range = subnet("public-9", &vpc_id, "10.0.0.0/24", true)?;
        let conflict = provider.ensure(&target(&same_range, None), None).await;
        assert_eq!(conflict.map_err(|error| error.kind), Err(CallErrorKind::Exists));

        // Rules with their descriptions, and everything may go out.
        let group = security_group(&vpc_id, vec![rule(5432, "PostgreSQL")?]);
        let group_id = stand_up(provider, &group).await?;
        assert_eq!(
            rules(client, &group_id).await?,
            ["-1 0.0.0.0/0 ", "tcp 5432 10.0.0.0/16 PostgreSQL"]
        );

        let gateway = internet_gateway(&vpc_id);
        let gateway_id = stand_up(provider, &gateway).await?;
        let table = route_table("public", &vpc_id);
        let table_id = stand_up(provider, &table).await?;
        let route = route(&table_id, &gateway_id)?;
        assert_eq!(stand_up(provider, &route).await?, format!("{table_id}|0.0.0.0/0"));
        let association = association(&table_id, &public_id);
        assert!(stand_up(provider, &association).await?.starts_with("rtbassoc-"));

        // Drift: host names off, a tag changed, one taken away; a tag of others stays.
        let off = AttributeBooleanValue::builder().value(false).build();
        let modify = client.modify_vpc_attribute().vpc_id(&vpc_id);
        modify.enable_dns_hostnames(off).send().await?;
        client
            .create_tags()
            .resources(&vpc_id)
            .tags(Tag::builder().key("Name").value("renamed").build())
            .tags(Tag::builder().key("CostCentre").value("1234").build())
            .send()
            .await?;
        let environment = Tag::builder().key("Environment").build();
        client.delete_tags().resources(&vpc_id).tags(environment).send().await?;
        let drifted = observe(provider, &vpc, Some(&vpc_id)).await?;
        assert_eq!(properties(&drifted), ["dns_host_names", "tags"]);
        assert_eq!(stand_up(provider, &vpc).await?, vpc_id);
        tags.insert("CostCentre".to_owned(), "1234".to_owned());
        assert_eq!(tags_of_vpc(client, &vpc_id).await?, tags);

        // Drift: another rule instead of ours, and no way out.
        let changed = security_group(&vpc_id, vec![rule(22, "by hand")?]);
        stand_up(provider, &changed).await?;
        let groups = client.describe_security_groups().group_ids(&group_id).send().await?;
        let egress = groups
            .security_groups()
            .iter()
            .flat_map(|group| group.ip_permissions_egress());
        let revoke = client.revoke_security_group_egress().group_id(&group_id);
        revoke
            .set_ip_permissions(Some(egress.cloned().collect()))
            .send()
            .await?;
        let drifted = observe(provider, &group, Some(&group_id)).await?;
        assert_eq!(properties(&drifted), ["ingress", "ingress", "egress"]);
        assert_eq!(stand_up(provider, &group).await?, group_id);
        assert_eq!(
            rules(client, &group_id).await?,
            ["-1 0.0.0.0/0 ", "tcp 5432 10.0.0.0/16 PostgreSQL"]
        );

        // Drift: another description. MiniStack does not know the call, so what counts is what was asked for.
        let described = security_group(&vpc_id, vec![rule(5432, "the database")?]);
        let drifted = observe(provider, &described, Some(&group_id)).await?;
        assert_eq!(properties(&drifted), ["ingress"]);
        let _ = provider
            .ensure(&target(&described, Some(&group_id)), Some(&drifted))
            .await;
        let calls = provider.aws.calls()?;
        let asked = calls.iter().rfind(|call| call.mutating).context("a call")?;
        assert_eq!(asked.operation, "UpdateSecurityGroupRuleDescriptionsIngress");
        for (parameter, value) in [
            ("GroupId", group_id.as_str()),
            ("IpPermissions.1.IpProtocol", "tcp"),
            ("IpPermissions.1.FromPort", "5432"),
            ("IpPermissions.1.ToPort", "5432"),
            ("IpPermissions.1.IpRanges.1.CidrIp", "10.0.0.0/16"),
            ("IpPermissions.1.IpRanges.1.Description", "the database"),
        ] {
            assert_eq!(asked.parameters.get(parameter), Some(&json!(value)), "{parameter}");
        }

        // Drift: the gateway detached.
        let detach = client.detach_internet_gateway().internet_gateway_id(&gateway_id);
        detach.vpc_id(&vpc_id).send().await?;
        assert_eq!(properties(&observe(provider, &gateway, None).await?), ["attachment"]);
        assert_eq!(stand_up(provider, &gateway).await?, gateway_id);

        // Drift: the association moved; only what is recorded as ours is moved back.
        let other = route_table("private", &vpc_id);
        let other_id = stand_up(provider, &other).await?;
        let here = observe(provider, &association, None).await?;
        let replace = client.replace_route_table_association().association_id(&here.id);
        let moved = replace.route_table_id(&other_id).send().await?;
        let moved_id = moved.new_association_id().context("the new association's id")?;
        assert!(!observe(provider, &association, None).await?.ours);
        let recorded = observe(provider, &association, Some(moved_id)).await?;
        assert_eq!((recorded.ours, properties(&recorded)), (true, vec!["route_table"]));
        provider
            .ensure(&target(&association, Some(moved_id)), Some(&recorded))
            .await?;
        assert!(observe(provider, &association, None).await?.ours);

        // What cannot be changed in place is said so, and nothing is called.
        let before = provider.changes()?;
        let moved = [
            (
                resource(
                    "vpc",
                    Properties::Vpc(Vpc {
                        cidr: "10.9.0.0/16".parse()?,
                    }),
                ),
                "cidr",
            ),
            (subnet("public-1", &vpc_id, "10.0.5.0/24", true)?, "cidr"),
            (internet_gateway("vpc-0123"), "vpc"),
            (route_table("public", "vpc-0123"), "vpc"),
        ];
        for (resource, property) in moved {
            let observed = observe(provider, &resource, None).await?;
            assert_eq!(properties(&observed), [property], "{}", resource.key);
            match provider.ensure(&target(&resource, None), Some(&observed)).await? {
                Progress::Blocked { reason } => ensure!(reason.contains(&observed.id), "{reason}"),
                other => bail!("{} answered {other:?}", resource.key),
            }
        }
        assert_eq!(provider.changes()?, before);

        // What something hangs on does not go yet.
        let in_use = [(&vpc, &vpc_id), (&table, &table_id)];
        for (resource, id) in in_use {
            let observed = observe(provider, resource, Some(id)).await?;
            let refused = provider.delete(&target(resource, Some(id)), &observed).await;
            assert_eq!(refused.map_err(|error| error.kind), Err(CallErrorKind::NotYet), "{id}");
        }
        for resource in [
            &association,
            &route,
            &other,
            &table,
            &gateway,
            &group,
            &private,
            &public,
            &vpc,
        ] {
            tear_down(provider, resource).await?;
        }
        Ok(())
    })
}

/// A group's rules, sorted: protocol, port, range, description.
async fn rules(client: &Client, group: &str) -> Result<Vec<String>> {
    let groups = client.describe_security_groups().group_ids(group).send().await?;
    let group = groups.security_groups().first().context("the group")?;
    let permissions = group.ip_permissions().iter().chain(group.ip_permissions_egress());
    let mut rules: Vec<String> = permissions
        .flat_map(|permission| {
            let protocol = permission.ip_protocol().unwrap_or_default();
            let port = permission.from_port().map(|port| format!(" {port}"));
            let port = port.filter(|_| protocol != "-1").unwrap_or_default();
            permission.ip_ranges().iter().map(move |range| {
                let description = range.description().unwrap_or_default();
                format!("{protocol}{port} {} {description}", range.cidr_ip().unwrap_or_default())
            })
        })
        .collect();
    rules.sort();
    Ok(rules)
}

async fn tags_of_vpc(client: &Client, id: &str) -> Result<BTreeMap<String, String>> {
    let vpcs = client.describe_vpcs().vpc_ids(id).send().await?;
    let tags = vpcs.vpcs().iter().flat_map(|vpc| vpc.tags());
    let tags = tags.filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned())));
    Ok(tags.collect())
}

fn properties(observed: &Observed) -> Vec<&'static str> {
    observed
        .differences
        .iter()
        .map(|difference| difference.property)
        .collect()
}

#[test]
fn the_first_of_two_is_kept_and_the_recorded_one_before_all() -> Result<()> {
    with_local_aws(async |provider| {
        let vpc = vpc()?;
        let mut ids = Vec::new();
        for token in ["0002-second", "0001-first"] {
            match provider.ensure(&target_of(&vpc, None, token), None).await? {
                Progress::InProgress { id: Some(id), .. } => ids.push(id),
                other => bail!("a create answered {other:?}"),
            }
        }
        let [second, first] = ids.as_slice() else {
            bail!("two VPCs were to be made, not {ids:?}");
        };
        for (recorded, chosen, duplicate) in [
            (None, first, second),
            (Some(first.as_str()), first, second),
            (Some(second.as_str()), second, first),
            (Some("vpc-00000000000000000"), first, second),
        ] {
            let observed = observe(provider, &vpc, recorded).await?;
            assert_eq!((&observed.id, observed.ours), (chosen, true), "{recorded:?}");
            assert_eq!(observed.duplicates, std::slice::from_ref(duplicate), "{recorded:?}");
        }
        Ok(())
    })
}

#[test]
fn what_does_not_show_yet_is_waited_for() -> Result<()> {
    with_local_aws(async |provider| {
        let vpc_id = stand_up(provider, &vpc()?).await?;
        let table_id = stand_up(provider, &route_table("public", &vpc_id)).await?;
        let elsewhere = internet_gateway("vpc-00000000000000000");
        let Progress::InProgress { id: Some(gateway), .. } = provider.ensure(&target(&elsewhere, None), None).await?
        else {
            bail!("the gateway was not made");
        };
        let creates = [
            subnet("public-1", "vpc-00000000000000000", "10.0.0.0/24", true)?,
            route_table("private", "vpc-00000000000000000"),
            security_group("vpc-00000000000000000", Vec::new()),
            route("rtb-00000000000000000", &gateway)?,
            route(&table_id, "igw-00000000000000000")?,
            // Made, but not attached.
            route(&table_id, &gateway)?,
            association(&table_id, "subnet-00000000000000000"),
            association("rtb-00000000000000000", "subnet-00000000000000000"),
        ];
        for resource in creates {
            // What hangs on something that is not there is not there either.
            assert_eq!(
                provider.observe(&target(&resource, None)).await?,
                None,
                "{}",
                resource.key
            );
            let refused = provider.ensure(&target(&resource, None), None).await;
            assert_eq!(
                refused.map_err(|error| error.kind),
                Err(CallErrorKind::NotYet),
                "{:?}",
                resource.properties
            );
        }
        // A change of what is not there, too.
        let observed = observe(provider, &elsewhere, None).await?;
        let refused = provider.ensure(&target(&elsewhere, None), Some(&observed)).await;
        assert_eq!(refused.map_err(|error| error.kind), Err(CallErrorKind::NotYet));
        Ok(())
    })
}

#[test]
fn throttled_and_lost_calls_are_told_apart() -> Result<()> {
    with_local_aws(async |provider| {
        let faults = |name: &str, operation: &str| {
            let rule = json!([{"service": "ec2", "operation": operation, "times": 1}]);
            provider.aws.set_faults(&json!({ name: rule }))
        };

        // Creates that only a tag identifies are sent once.
        let vpc = vpc()?;
        faults("throttle", "CreateVpc")?;
        let throttled = provider.ensure(&target(&vpc, None), None).await;
        assert_eq!(throttled.map_err(|error| error.kind), Err(CallErrorKind::Throttled));
        assert_eq!(provider.count("CreateVpc")?, 1);
        assert_eq!(provider.observe(&target(&vpc, None)).await?, None);

        faults("lose_requests", "CreateVpc")?;
        let lost = provider.ensure(&target(&vpc, None), None).await;
        assert_eq!(lost.map_err(|error| error.kind), Err(CallErrorKind::Unknown));
        assert_eq!(provider.count("CreateVpc")?, 2);
        assert_eq!(provider.observe(&target(&vpc, None)).await?, None);

        faults("lose_answers", "CreateVpc")?;
        let lost = provider.ensure(&target(&vpc, None), None).await;
        assert_eq!(lost.map_err(|error| error.kind), Err(CallErrorKind::Unknown));
        assert_eq!(provider.count("CreateVpc")?, 3);
        // The answer was lost, the VPC was not: its tags find it.
        let adopted = observe(provider, &vpc, None).await?;
        assert_eq!((adopted.ours, adopted.duplicates.len()), (true, 0));
        assert_eq!(stand_up(provider, &vpc).await?, adopted.id);
        let vpc_id = adopted.id;

        let subnet = subnet("public-1", &vpc_id, "10.0.0.0/24", true)?;
        faults("lose_answers", "CreateSubnet")?;
        let lost = provider.ensure(&target(&subnet, None), None).await;
        assert_eq!(lost.map_err(|error| error.kind), Err(CallErrorKind::Unknown));
        assert_eq!(provider.count("CreateSubnet")?, 1);
        let subnet_id = stand_up(provider, &subnet).await?;

        let gateway = internet_gateway(&vpc_id);
        faults("lose_answers", "CreateInternetGateway")?;
        let lost = provider.ensure(&target(&gateway, None), None).await;
        assert_eq!(lost.map_err(|error| error.kind), Err(CallErrorKind::Unknown));
        assert_eq!(provider.count("CreateInternetGateway")?, 1);
        let gateway_id = stand_up(provider, &gateway).await?;

        // The SDK repeats the others: the token, or the name, recognises the repeat.
        let table = route_table("public", &vpc_id);
        faults("lose_answers", "CreateRouteTable")?;
        let Progress::InProgress { id: Some(table_id), .. } = provider.ensure(&target(&table, None), None).await?
        else {
            bail!("the repeat did not answer with the first call's route table");
        };
        assert_eq!(provider.count("CreateRouteTable")?, 2);
        let observed = observe(provider, &table, None).await?;
        assert_eq!((observed.id, observed.duplicates.len()), (table_id.clone(), 0));

        for (operation, resource) in [
            (
                "CreateSecurityGroup",
                security_group(&vpc_id, vec![rule(5432, "PostgreSQL")?]),
            ),
            ("CreateRoute", route(&table_id, &gateway_id)?),
            ("AssociateRouteTable", association(&table_id, &subnet_id)),
        ] {
            faults("lose_answers", operation)?;
            let lost = provider.ensure(&target(&resource, None), None).await;
            assert_eq!(
                lost.map_err(|error| error.kind),
                Err(CallErrorKind::Exists),
                "{operation}"
            );
            assert_eq!(provider.count(operation)?, 2, "{operation}");
            assert!(observe(provider, &resource, None).await?.ours, "{operation}");
            stand_up(provider, &resource).await?;
        }

        // A read that is throttled once is read again.
        faults("throttle", "DescribeVpcs")?;
        observe(provider, &vpc, None).await?;

        // A quota is no matter of waiting.
        let quota = json!({"service": "ec2", "operation": "CreateVpc", "code": "VpcLimitExceeded",
            "message": "The maximum number of VPCs has been reached."});
        provider.aws.set_faults(&json!({ "fail": [quota] }))?;
        let refused = provider.ensure(&target(&vpc, None), None).await;
        let refused = refused.err().context("the quota was not noticed")?;
        assert_eq!((refused.kind, refused.is_retryable()), (CallErrorKind::Invalid, false));
        ensure!(refused.to_string().contains("The maximum number of VPCs"), "{refused}");
        Ok(())
    })
}
