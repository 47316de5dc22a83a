//! What AWS must answer about a document: zones, engine versions, parameters. Zones and versions are asked once; what is
//! recorded is not asked again.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use outrigger_model::document::{Code, Document, VersionPolicy};
use outrigger_model::{Kind, Problem, Properties, Record, Region, ResourceKey};
use outrigger_plan::expand::parameter_family;
use outrigger_plan::plan::Records;
use outrigger_plan::{Resolved, capacity, endpoints, parameters, version};

use super::Ports;
use crate::state::content::StackState;
use crate::tasks::TaskError;

/// Whose versions AWS is asked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Engine {
    Postgres,
    AuroraPostgresql,
    Redis,
}

/// What AWS answers, and every problem that it has with the document. `known` gains what was asked now.
///
/// Where AWS does not offer a version, another stands in for it, so that the rest can be looked at too.
pub(super) async fn resolve(
    ports: &Ports<'_>,
    document: &Document,
    records: &Records,
    known: &mut StackState,
) -> Result<(Resolved, Vec<Problem>), TaskError> {
    let mut problems: Vec<Problem> = Vec::new();
    let mut resolved = Resolved::default();
    for region in &document.regions {
        let zones = zones(ports, document, region, known, &mut problems).await?;
        resolved.zones.insert(region.clone(), zones);
    }
    resolved.control_plane = ports.home.clone();
    resolved.endpoints = Resolved::unasked(document).endpoints;
    for region in &document.regions {
        endpoints(ports, document, region, &mut resolved, &mut problems).await?;
    }
    versions(ports, document, records, known, &mut resolved, &mut problems).await?;
    static_parameters(ports, document, &mut resolved, &mut problems).await?;
    for (name, cluster) in &document.clusters {
        let component = format!("clusters.{name}");
        if let Some(version) = resolved.versions.get(&component) {
            problems.extend(capacity::problems(&component, cluster, version));
        }
    }
    for (component, version) in Resolved::unasked(document).versions {
        resolved.versions.entry(component).or_insert(version);
    }
    Ok((resolved, problems))
}

async fn zones(
    ports: &Ports<'_>,
    document: &Document,
    region: &Region,
    known: &mut StackState,
    problems: &mut Vec<Problem>,
) -> Result<Vec<String>, TaskError> {
    let wanted = document.network.zones;
    let zones = known.zones.entry(region.to_string()).or_default();
    if zones.len() < wanted {
        // Those that are in use stay the first.
        for zone in ports.catalog.zones(region).await? {
            if zones.len() < wanted && !zones.contains(&zone) {
                zones.push(zone);
            }
        }
    }
    if zones.len() < wanted {
        problems.push(Problem::at(
            Code::Zones,
            "network.zones",
            format!(
                "{region} has {} zones ({}), the document wants {wanted}",
                zones.len(),
                zones.join(", ")
            ),
        ));
    }
    Ok(zones.iter().take(wanted).cloned().collect())
}

/// A service that is not offered is told, and stands in for itself, so that the rest can be looked at too.
async fn endpoints(
    ports: &Ports<'_>,
    document: &Document,
    region: &Region,
    resolved: &mut Resolved,
    problems: &mut Vec<Problem>,
) -> Result<(), TaskError> {
    let services = endpoints::wanted(document, region);
    if services.is_empty() {
        return Ok(());
    }
    let names = services.iter().flat_map(|service| endpoints::names(region, service));
    let offered = ports.catalog.endpoint_services(region, &names.collect()).await?;
    let zones = resolved.zones.get(region).map_or(&[][..], Vec::as_slice);
    let found_here = resolved.endpoints.entry(region.clone()).or_default();
    for service in &services {
        match endpoints::find(&offered, region, service, zones) {
            Ok(found) => drop(found_here.insert(service.clone(), found.clone())),
            Err(problem) => problems.push(*problem),
        }
    }
    Ok(())
}

async fn versions(
    ports: &Ports<'_>,
    document: &Document,
    records: &Records,
    known: &mut StackState,
    resolved: &mut Resolved,
    problems: &mut Vec<Problem>,
) -> Result<(), TaskError> {
    let databases = document.databases.iter().map(|(name, database)| {
        let home = document.home(database.region.as_ref());
        let key = ResourceKey::new(home, Kind::DbInstance, name);
        let component = format!("databases.{name}");
        (
            component,
            key,
            &database.version,
            database.version_policy,
            Engine::Postgres,
        )
    });
    let clusters = document.clusters.iter().map(|(name, cluster)| {
        let home = document.home(cluster.region.as_ref());
        let key = ResourceKey::new(home, Kind::DbCluster, name);
        let component = format!("clusters.{name}");
        let engine = Engine::AuroraPostgresql;
        (component, key, &cluster.version, cluster.version_policy, engine)
    });
    let caches = document.caches.iter().map(|(name, cache)| {
        let home = document.home(cache.region.as_ref());
        let key = ResourceKey::new(home, Kind::ReplicationGroup, name);
        let component = format!("caches.{name}");
        (component, key, &cache.version, cache.version_policy, Engine::Redis)
    });
    let mut offered: BTreeMap<(Region, Engine), Vec<String>> = BTreeMap::new();
    for (component, key, asked, policy, engine) in databases.chain(clusters).chain(caches) {
        let known_as = format!("{component} {asked} in {}", key.region);
        // Recorded before stacks had several regions: it is the version of what is there, or of the only region.
        let before = known.versions.get(&format!("{component} {asked}")).cloned();
        if let Some(version) = before.filter(|_| key.region == document.region || records.contains_key(&key)) {
            known.versions.entry(known_as.clone()).or_insert(version);
        }
        if !known.versions.contains_key(&known_as) {
            let places = places(document, &component, &key.region);
            for region in &places {
                if let Entry::Vacant(unasked) = offered.entry((region.clone(), engine)) {
                    unasked.insert(match engine {
                        Engine::Postgres => ports.catalog.postgres_versions(region).await?,
                        Engine::AuroraPostgresql => ports.catalog.aurora_postgresql_versions(region).await?,
                        Engine::Redis => ports.catalog.redis_versions(region).await?,
                    });
                }
            }
            let offered = offered_in_each(&offered, &places, engine);
            let offered = offered.as_slice();
            match version::resolve(asked, policy, offered) {
                Ok(version) => drop(known.versions.insert(known_as.clone(), version)),
                Err(message) => {
                    problems.push(Problem::at(Code::Version, format!("{component}.version"), message));
                    let stand_in = records.get(&key).and_then(version_of);
                    let nearest = || version::resolve(asked, VersionPolicy::NearestMinor, offered).ok();
                    if let Some(version) = stand_in.or_else(nearest) {
                        resolved.versions.insert(component.clone(), version);
                    }
                }
            }
        }
        if let Some(version) = known.versions.get(&known_as) {
            resolved.versions.insert(component, version.clone());
        }
    }
    Ok(())
}

/// Where a component's version must be offered: where it lives, and a global database lives in each region.
fn places(document: &Document, component: &str, home: &Region) -> Vec<Region> {
    let cluster = component
        .strip_prefix("clusters.")
        .and_then(|name| document.clusters.get(name));
    match cluster.is_some_and(|cluster| cluster.global) {
        true => document.regions.clone(),
        false => vec![home.clone()],
    }
}

/// The versions that are offered in each of these regions.
fn offered_in_each(
    offered: &BTreeMap<(Region, Engine), Vec<String>>,
    places: &[Region],
    engine: Engine,
) -> Vec<String> {
    let of = |region: &Region| {
        offered
            .get(&(region.clone(), engine))
            .map(Vec::as_slice)
            .unwrap_or_default()
    };
    let first = places.first().map(of).unwrap_or_default().iter();
    let everywhere = first.filter(|version| places.iter().all(|region| of(region).contains(version)));
    everywhere.cloned().collect()
}

/// The version that is recorded.
fn version_of(record: &Record) -> Option<String> {
    match &record.resource.properties {
        Properties::DbInstance(database) => Some(database.engine_version.clone()),
        Properties::DbCluster(cluster) => Some(cluster.engine_version.clone()),
        Properties::ReplicationGroup(cache) => Some(cache.engine_version.clone()),
        _ => None,
    }
}

async fn static_parameters(
    ports: &Ports<'_>,
    document: &Document,
    resolved: &mut Resolved,
    problems: &mut Vec<Problem>,
) -> Result<(), TaskError> {
    let mut families = BTreeMap::new();
    for (name, database) in document.databases.iter().filter(|(_, of)| !of.parameters.is_empty()) {
        let component = format!("databases.{name}");
        // Without a version of that major there is a problem already.
        let Some(version) = resolved.versions.get(&component) else {
            continue;
        };
        let family = parameter_family(version);
        let home = document.home(database.region.as_ref());
        let known = match families.entry((home.clone(), family.clone())) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unasked) => unasked.insert(ports.catalog.parameters(home, &family).await?),
        };
        match parameters::check(&component, &family, &database.parameters, known) {
            Ok(names) => drop(resolved.static_parameters.insert(component, names)),
            Err(found) => problems.extend(found),
        }
    }
    Ok(())
}
