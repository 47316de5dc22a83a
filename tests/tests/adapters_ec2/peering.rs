//! A peering of the VPCs of two regions, with routes through it.

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Tag, VpcPeeringConnection};
use outrigger_engine::ports::provider::{CallErrorKind, Condition, Progress, Provider};
use outrigger_model::properties::{Route, RouteTarget, Vpc, VpcPeering};
use outrigger_model::{Properties, Region, Resource, ResourceKey};
use serde_json::json;

use crate::harness::{
    TURNS_MAX, Watched, conforms, converge, observe, pause, properties, resource, route_table, stand_up, target,
    tear_down, text, with_local_aws,
};

const PEER_REGION: &str = "us-east-2";

/// A resource as it is in the other region.
fn in_peer_region(mut resource: Resource) -> Resource {
    resource.key = ResourceKey::new(&Region::new(PEER_REGION), resource.key.kind, resource.key.name);
    resource
        .tags
        .insert("outrigger:resource".to_owned(), resource.key.to_string());
    resource
}

fn vpc_of(range: &str) -> Result<Resource> {
    let cidr = range.parse()?;
    Ok(resource("vpc", Properties::Vpc(Vpc { cidr })))
}

fn peering(vpc: &str, peer_vpc: &str) -> Resource {
    let properties = VpcPeering {
        vpc: text(vpc),
        peer_vpc: text(peer_vpc),
        peer_region: Region::new(PEER_REGION),
    };
    resource("to-us-east-2", Properties::VpcPeering(properties))
}

fn route_through(route_table: &str, range: &str, peering: &str) -> Result<Resource> {
    let properties = Route {
        route_table: text(route_table),
        destination: range.parse()?,
        target: RouteTarget::VpcPeering(text(peering)),
    };
    Ok(resource("private-to-us-east-2", Properties::Route(properties)))
}

/// Two VPCs that can be peered, and their ids.
struct Vpcs {
    one: Resource,
    other: Resource,
    one_id: String,
    other_id: String,
    /// What is in the other region.
    client: Client,
}

impl Vpcs {
    async fn stand_up(provider: &Watched, range: &str) -> Result<Self> {
        let (one, other) = (vpc_of("10.0.0.0/16")?, in_peer_region(vpc_of(range)?));
        Ok(Self {
            one_id: stand_up(provider, &one).await?,
            other_id: stand_up(provider, &other).await?,
            client: Client::new(&provider.aws.sdk_config(PEER_REGION)),
            one,
            other,
        })
    }

    fn peering(&self) -> Resource {
        peering(&self.one_id, &self.other_id)
    }

    async fn tear_down(&self, provider: &Watched) -> Result<()> {
        tear_down(provider, &self.one).await?;
        tear_down(provider, &self.other).await
    }
}

async fn shown(client: &Client, id: &str) -> Result<VpcPeeringConnection> {
    let answer = client
        .describe_vpc_peering_connections()
        .vpc_peering_connection_ids(id)
        .send()
        .await?;
    let found = answer.vpc_peering_connections.unwrap_or_default().into_iter().next();
    found.context("the peering is not shown")
}

fn state(peering: &VpcPeeringConnection) -> &str {
    let code = peering.status().and_then(|status| status.code());
    code.map(|code| code.as_str()).unwrap_or_default()
}

fn tag<'a>(peering: &'a VpcPeeringConnection, key: &str) -> Option<&'a str> {
    let mut tags = peering.tags().iter();
    tags.find(|tag| tag.key() == Some(key)).and_then(|tag| tag.value())
}

async fn conforms_between_two_regions(provider: &Watched) -> Result<()> {
    let vpcs = Vpcs::stand_up(provider, "10.1.0.0/16").await?;
    conforms(provider, &vpcs.peering(), None).await?;
    vpcs.tear_down(provider).await
}

#[test]
fn a_peering_conforms() -> Result<()> {
    with_local_aws(conforms_between_two_regions)
}

#[test]
fn a_peering_conforms_where_ec2_shows_it_late() -> Result<()> {
    with_local_aws(async |provider| {
        provider
            .aws
            .set_faults(&json!({"late_visibility": {"seconds": 0.4, "services": ["ec2"]}}))?;
        conforms_between_two_regions(provider).await
    })
}

#[test]
fn it_is_accepted_and_tagged_in_both_regions_and_leads_where_it_should() -> Result<()> {
    with_local_aws(async |provider| {
        let vpcs = Vpcs::stand_up(provider, "10.1.0.0/16").await?;
        let peering = vpcs.peering();
        let id = stand_up(provider, &peering).await?;
        for client in [&provider.client, &vpcs.client] {
            let shown = shown(client, &id).await?;
            assert_eq!(state(&shown), "active");
            for (key, value) in &peering.tags {
                assert_eq!(tag(&shown, key), Some(value.as_str()), "{key}");
            }
            let sides = [shown.requester_vpc_info(), shown.accepter_vpc_info()];
            let ids = sides.map(|side| side.and_then(|side| side.vpc_id()).unwrap_or_default());
            assert_eq!(ids, [&vpcs.one_id, &vpcs.other_id]);
        }

        // A table on each side, and a route to the other.
        let table = route_table("private", &vpcs.one_id);
        let other_table = in_peer_region(route_table("private", &vpcs.other_id));
        let route = route_through(&stand_up(provider, &table).await?, "10.1.0.0/16", &id)?;
        let other_route = route_through(&stand_up(provider, &other_table).await?, "10.0.0.0/16", &id)?;
        let other_route = in_peer_region(other_route);
        conforms(provider, &route, None).await?;
        conforms(provider, &other_route, None).await?;
        stand_up(provider, &route).await?;
        stand_up(provider, &other_route).await?;

        // Deleted by hand from the other side, it is made anew, and the routes lead there: they were black holes.
        vpcs.client
            .delete_vpc_peering_connection()
            .vpc_peering_connection_id(&id)
            .send()
            .await?;
        for _ in 0..TURNS_MAX {
            if provider.observe(&target(&peering, Some(&id))).await?.is_none() {
                break;
            }
            pause().await;
        }
        let observed = observe(provider, &route, None).await?;
        assert_eq!(properties(&observed), ["state"]);
        let again = converge(provider, target(&peering, Some(&id))).await?;
        ensure!(again.id != id, "a deleted peering came back");
        assert_eq!(
            shown(&provider.client, &id).await.map(|gone| state(&gone).to_owned())?,
            "deleted"
        );
        for (route, region) in [(&route, None), (&other_route, Some(PEER_REGION))] {
            let Properties::Route(properties) = &route.properties else {
                bail!("{}", route.key);
            };
            let mut leads_anew = route.clone();
            leads_anew.properties = Properties::Route(Route {
                target: RouteTarget::VpcPeering(text(&again.id)),
                ..properties.clone()
            });
            let place = format!("{}|{}", properties.route_table.text(), properties.destination);
            let recorded = target(&leads_anew, Some(&place));
            let observed = provider.observe(&recorded).await?.context("the route")?;
            assert_eq!(crate::harness::properties(&observed), ["vpc_peering"], "{region:?}");
            let observed = converge(provider, recorded).await?;
            assert_eq!(observed.differences, [], "{region:?}");
            tear_down(provider, &leads_anew).await?;
        }
        for resource in [&peering, &table, &other_table] {
            tear_down(provider, resource).await?;
        }
        vpcs.tear_down(provider).await
    })
}

#[test]
fn tags_are_put_right_on_both_sides() -> Result<()> {
    with_local_aws(async |provider| {
        let vpcs = Vpcs::stand_up(provider, "10.1.0.0/16").await?;
        let mut peering = vpcs.peering();
        let id = stand_up(provider, &peering).await?;
        let environment = |value: &str| Tag::builder().key("Environment").value(value).build();
        for (client, property) in [(&vpcs.client, "peer_tags"), (&provider.client, "tags")] {
            client
                .create_tags()
                .resources(&id)
                .tags(environment("test"))
                .send()
                .await?;
            let observed = observe(provider, &peering, Some(&id)).await?;
            assert_eq!(properties(&observed), [property]);
            converge(provider, target(&peering, Some(&id))).await?;
            assert_eq!(tag(&shown(client, &id).await?, "Environment"), Some("production"));
        }
        // A tag that is no longer wanted goes from both; what others have set stays.
        let foreign = Tag::builder().key("CostCenter").value("4711").build();
        vpcs.client.create_tags().resources(&id).tags(foreign).send().await?;
        peering.tags.remove("Environment");
        let mut wanted = target(&peering, Some(&id));
        wanted.tags_gone.insert("Environment".to_owned());
        let observed = converge(provider, wanted).await?;
        assert_eq!(observed.differences, []);
        for client in [&provider.client, &vpcs.client] {
            assert_eq!(tag(&shown(client, &id).await?, "Environment"), None);
        }
        assert_eq!(tag(&shown(&vpcs.client, &id).await?, "CostCenter"), Some("4711"));
        tear_down(provider, &peering).await?;
        vpcs.tear_down(provider).await
    })
}

/// EC2 tells only afterwards that ranges overlap; the same is not asked for again, and the reason is told.
#[test]
fn what_ec2_has_refused_is_told_and_not_repeated() -> Result<()> {
    with_local_aws(async |provider| {
        let vpcs = Vpcs::stand_up(provider, "10.0.128.0/20").await?;
        let peering = vpcs.peering();
        let Progress::InProgress { id: Some(id), .. } = provider.ensure(&target(&peering, None), None).await? else {
            bail!("the request was not made");
        };
        let recorded = target(&peering, Some(&id));
        for _ in 0..TURNS_MAX {
            match provider.observe(&recorded).await? {
                None => break,
                Some(observed) => assert!(matches!(observed.condition, Condition::Changing { .. }), "{observed:?}"),
            }
            pause().await;
        }
        assert_eq!(state(&shown(&provider.client, &id).await?), "failed");
        match provider.ensure(&recorded, None).await? {
            Progress::Blocked { reason } => {
                assert!(
                    reason.contains(&id) && reason.contains("overlapping CIDR range"),
                    "{reason}"
                );
            }
            other => bail!("it answered {other:?}"),
        }
        assert_eq!(provider.count("CreateVpcPeeringConnection")?, 1);
        // With another VPC there is nothing in the way; and there is nothing to delete.
        tear_down(provider, &vpcs.other).await?;
        tear_down(provider, &peering).await?;
        let other = in_peer_region(vpc_of("10.1.0.0/16")?);
        let other_id = stand_up(provider, &other).await?;
        let right = self::peering(&vpcs.one_id, &other_id);
        let observed = converge(provider, target(&right, Some(&id))).await?;
        ensure!(observed.id != id, "a failed peering counts as there");
        tear_down(provider, &right).await
    })
}

#[test]
fn a_request_that_was_answered_nothing_is_found_and_one_that_is_taken_is_not_doubled() -> Result<()> {
    with_local_aws(async |provider| {
        let vpcs = Vpcs::stand_up(provider, "10.1.0.0/16").await?;
        let peering = vpcs.peering();
        let lost = json!([{"service": "ec2", "operation": "CreateVpcPeeringConnection", "times": 1}]);
        provider.aws.set_faults(&json!({ "lose_answers": lost }))?;
        let lost = provider.ensure(&target(&peering, None), None).await;
        assert_eq!(lost.map_err(|error| error.kind), Err(CallErrorKind::Unknown));
        assert_eq!(provider.count("CreateVpcPeeringConnection")?, 1);
        let adopted = observe(provider, &peering, None).await?;
        assert!(adopted.ours && adopted.duplicates.is_empty(), "{adopted:?}");
        let again = provider.ensure(&target(&peering, None), None).await;
        assert_eq!(again.map_err(|error| error.kind), Err(CallErrorKind::Exists));
        assert_eq!(stand_up(provider, &peering).await?, adopted.id);
        Ok(())
    })
}
