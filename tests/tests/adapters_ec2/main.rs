//! The EC2 adapter over the wire: the suite that every provider passes, and what only EC2 has.

mod harness;
mod network;
mod peering;
mod replacements;
mod tampering;
mod updates;

use anyhow::{Context, Result, bail, ensure};
use outrigger_aws_ec2::{count, endpoint_services, nat_gateways, zones};
use outrigger_engine::ports::provider::{CallErrorKind, Condition, Progress, Provider};
use outrigger_model::resource::TAG_INTENT;
use outrigger_model::{Kind, Region};
use serde_json::json;

use crate::harness::{
    REGION, Watched, association, at_addresses, by_routes, conforms, converge, elastic_ip, endpoint, internet_gateway,
    nat_gateway, observe, private_route, route, route_table, rule, security_group, security_group_of, stand_up, subnet,
    target, target_of, tear_down, token, vpc, with_local_aws,
};
use crate::network::{snapshot, vpn_gateway};

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
    let vpn_id = vpn_gateway(client, &vpc_id).await?;
    conforms(
        provider,
        &route(&table_id, &gateway_id)?,
        Some(route(&table_id, &vpn_id)?),
    )
    .await?;
    client
        .detach_vpn_gateway()
        .vpc_id(&vpc_id)
        .vpn_gateway_id(&vpn_id)
        .send()
        .await?;
    client.delete_vpn_gateway().vpn_gateway_id(&vpn_id).send().await?;

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

    let address = elastic_ip();
    conforms(provider, &address, None).await?;
    let address_id = stand_up(provider, &address).await?;
    let nat = nat_gateway(&subnet_id, &address_id);
    conforms(provider, &nat, None).await?;
    let nat_id = stand_up(provider, &nat).await?;
    // Somebody else's route to the same destination leads through the internet gateway.
    let through_nat = private_route(&private_id, &nat_id)?;
    conforms(provider, &through_nat, Some(route(&private_id, &gateway_id)?)).await?;

    let group_id = stand_up(provider, &group).await?;
    let s3 = endpoint("s3", &vpc_id, by_routes(&[&private_id, &table_id]));
    // The suite's token is that of the other endpoint, which is a kind of its own only to us.
    stand_up(provider, &s3).await?;
    tear_down(provider, &s3).await?;
    let kms = endpoint("kms", &vpc_id, at_addresses(&[&subnet_id], &[&group_id], true));
    conforms(provider, &kms, None).await?;

    for resource in [&nat, &address, &group, &private, &table, &gateway, &subnet, &vpc] {
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
fn what_quotas_count_is_counted() -> Result<()> {
    with_local_aws(async |provider| {
        let aws = provider.aws.aws();
        let region = Region::new(REGION);
        let kinds = [Kind::Vpc, Kind::InternetGateway, Kind::SecurityGroup];
        let mut before = Vec::new();
        for kind in kinds {
            before.push(count(&aws, &region, kind).await?);
        }
        let vpc_id = stand_up(provider, &vpc()?).await?;
        stand_up(provider, &internet_gateway(&vpc_id)).await?;
        stand_up(provider, &security_group(&vpc_id, Vec::new())).await?;
        // A VPC has a group from the beginning.
        for (kind, (before, more)) in kinds.into_iter().zip(before.into_iter().zip([1, 1, 2])) {
            assert_eq!(count(&aws, &region, kind).await?, before + more, "{kind}");
        }
        assert_eq!(nat_gateways(&aws, &region).await?, [].into());
        let subnet_id = stand_up(provider, &subnet("public-1", &vpc_id, "10.0.0.0/24", true)?).await?;
        let address_id = stand_up(provider, &elastic_ip()).await?;
        stand_up(provider, &nat_gateway(&subnet_id, &address_id)).await?;
        stand_up(provider, &endpoint("s3", &vpc_id, by_routes(&[]))).await?;
        // Another kind of endpoint counts for itself.
        stand_up(
            provider,
            &endpoint("kms", &vpc_id, at_addresses(&[&subnet_id], &[], true)),
        )
        .await?;
        for kind in [Kind::ElasticIp, Kind::VpcEndpoint] {
            assert_eq!(count(&aws, &region, kind).await?, 1, "{kind}");
        }
        assert_eq!(nat_gateways(&aws, &region).await?, [(format!("{REGION}a"), 1)].into());
        tear_down(provider, &nat_gateway(&subnet_id, &address_id)).await?;
        assert_eq!(nat_gateways(&aws, &region).await?, [].into());

        let refused = count(&aws, &region, Kind::Route).await;
        assert_eq!(refused.map_err(|error| error.kind), Err(CallErrorKind::Invalid));
        Ok(())
    })
}

#[test]
fn services_are_told_with_how_they_are_reached() -> Result<()> {
    with_local_aws(async |provider| {
        let region = Region::new("us-west-2");
        let names = ["s3", "secretsmanager", "nothing"].map(|name| format!("com.amazonaws.{region}.{name}"));
        let services = endpoint_services(&provider.aws.aws(), &region, &names.into()).await?;
        let told: Vec<_> = services
            .iter()
            .map(|service| (service.name.as_str(), service.is_gateway, service.private_dns))
            .collect();
        assert_eq!(
            told,
            [
                ("com.amazonaws.us-west-2.s3", true, false),
                ("com.amazonaws.us-west-2.secretsmanager", false, true)
            ]
        );
        for service in &services {
            ensure!(
                service.zones.contains("us-west-2c") && service.zones.len() == 3,
                "{service:?}"
            );
        }
        Ok(())
    })
}

/// Why one has failed is told; it counts as there until it is deleted.
#[test]
fn a_nat_gateway_that_has_failed_says_why() -> Result<()> {
    with_local_aws(async |provider| {
        let vpc_id = stand_up(provider, &vpc()?).await?;
        let subnet_id = stand_up(provider, &subnet("public-1", &vpc_id, "10.0.0.0/24", true)?).await?;
        let address_id = stand_up(provider, &elastic_ip()).await?;
        let nat = nat_gateway(&subnet_id, &address_id);
        provider.ensure(&target(&nat, None), None).await?;
        let observed = observe(provider, &nat, None).await?;
        let Condition::Broken { reason } = &observed.condition else {
            bail!("it is {observed:?}");
        };
        for told in [
            "has no Internet gateway attached (Gateway.NotAttached)",
            &observed.id,
            &vpc_id,
        ] {
            ensure!(reason.contains(told), "{reason}");
        }
        tear_down(provider, &nat).await?;

        // With a way to the internet another one is made.
        stand_up(provider, &internet_gateway(&vpc_id)).await?;
        let mut again = target(&nat, Some(&observed.id));
        again.token = "0001800000000000-again".to_owned();
        let standing = converge(provider, again).await?;
        assert_ne!(standing.id, observed.id);
        // Its address is in use until it is gone.
        let address = observe(provider, &elastic_ip(), None).await?;
        let refused = provider.delete(&target(&elastic_ip(), None), &address).await;
        assert_eq!(refused.map_err(|error| error.kind), Err(CallErrorKind::NotYet));
        ensure!(address.attributes["public_address"].starts_with("52."), "{address:?}");
        tear_down(provider, &nat).await?;
        tear_down(provider, &elastic_ip()).await
    })
}

#[test]
fn a_network_is_as_it_is_wanted() -> Result<()> {
    with_local_aws(async |provider| {
        let client = &provider.client;

        // DNS support and host names are on; every tag is there.
        let vpc = vpc()?;
        let vpc_id = stand_up(provider, &vpc).await?;
        let mut tags = vpc.tags.clone();
        tags.insert(TAG_INTENT.to_owned(), token(&vpc));
        let there = snapshot(client).await?;
        let expected = json!({
            "cidr": "10.0.0.0/16", "dns_support": true, "dns_host_names": true, "tags": tags,
        });
        assert_eq!(there.get(&vpc_id), Some(&expected));

        // Addresses on launch as they are wanted.
        let public = subnet("public-1", &vpc_id, "10.0.0.0/24", true)?;
        let private = subnet("private-1", &vpc_id, "10.0.10.0/24", false)?;
        let public_id = stand_up(provider, &public).await?;
        let private_id = stand_up(provider, &private).await?;
        let there = snapshot(client).await?;
        for (id, on_launch) in [(&public_id, true), (&private_id, false)] {
            assert_eq!(
                there.get(id).and_then(|subnet| subnet.get("public")),
                Some(&json!(on_launch))
            );
        }
        // A second subnet with the same range is refused as taken, and not doubled.
        let same_range = subnet("public-9", &vpc_id, "10.0.0.0/24", true)?;
        let conflict = provider.ensure(&target(&same_range, None), None).await;
        assert_eq!(conflict.map_err(|error| error.kind), Err(CallErrorKind::Exists));

        // Rules with their descriptions, and everything may go out.
        let group = security_group(&vpc_id, vec![rule(5432, "PostgreSQL")?]);
        let group_id = stand_up(provider, &group).await?;
        let there = snapshot(client).await?;
        let there = there.get(&group_id).context("the group")?;
        assert_eq!(there.get("ingress"), Some(&json!(["tcp 5432 10.0.0.0/16 PostgreSQL"])));
        assert_eq!(there.get("egress"), Some(&json!(["-1 0.0.0.0/0 "])));

        let gateway = internet_gateway(&vpc_id);
        let gateway_id = stand_up(provider, &gateway).await?;
        let table = route_table("public", &vpc_id);
        let table_id = stand_up(provider, &table).await?;
        let route = route(&table_id, &gateway_id)?;
        assert_eq!(stand_up(provider, &route).await?, format!("{table_id}|0.0.0.0/0"));
        let association = association(&table_id, &public_id);
        assert!(stand_up(provider, &association).await?.starts_with("rtbassoc-"));

        // What something hangs on does not go yet.
        let in_use = [(&vpc, &vpc_id), (&table, &table_id)];
        for (resource, id) in in_use {
            let observed = observe(provider, resource, Some(id)).await?;
            let refused = provider.delete(&target(resource, Some(id)), &observed).await;
            assert_eq!(refused.map_err(|error| error.kind), Err(CallErrorKind::NotYet), "{id}");
        }
        for resource in [&association, &route, &table, &gateway, &group, &private, &public, &vpc] {
            tear_down(provider, resource).await?;
        }
        Ok(())
    })
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
            nat_gateway("subnet-00000000000000000", "eipalloc-00000000000000000"),
            private_route(&table_id, "nat-00000000000000000")?,
            endpoint("s3", "vpc-00000000000000000", by_routes(&[&table_id])),
            endpoint("s3", &vpc_id, by_routes(&["rtb-00000000000000000"])),
            endpoint("kms", &vpc_id, at_addresses(&["subnet-00000000000000000"], &[], true)),
            endpoint("kms", &vpc_id, at_addresses(&[], &["sg-00000000000000000"], true)),
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

        // As of the tables: an address by its tag alone, the others by the token.
        let address = elastic_ip();
        faults("lose_answers", "AllocateAddress")?;
        let lost = provider.ensure(&target(&address, None), None).await;
        assert_eq!(lost.map_err(|error| error.kind), Err(CallErrorKind::Unknown));
        assert_eq!(provider.count("AllocateAddress")?, 1);
        let address_id = stand_up(provider, &address).await?;
        for (operation, resource) in [
            ("CreateNatGateway", nat_gateway(&subnet_id, &address_id)),
            (
                "CreateVpcEndpoint",
                endpoint("kms", &vpc_id, at_addresses(&[&subnet_id], &[], true)),
            ),
        ] {
            faults("lose_answers", operation)?;
            let Progress::InProgress { id: Some(id), .. } = provider.ensure(&target(&resource, None), None).await?
            else {
                bail!("the repeat of {operation} did not answer with what the first call made");
            };
            assert_eq!(provider.count(operation)?, 2, "{operation}");
            let observed = observe(provider, &resource, None).await?;
            assert_eq!((observed.id, observed.duplicates.len()), (id, 0), "{operation}");
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
