//! Health checks: of a gate in each of its regions.

use outrigger_model::document::HealthCheck;
use outrigger_model::properties::{self, HealthCheckProtocol, Input};
use outrigger_model::{Kind, Properties, Region, ResourceKey};

use super::{Expansion, gate};

/// The key of the health check of a region.
pub(super) fn key(name: &str, region: &Region) -> ResourceKey {
    ResourceKey::new(Region::global(), Kind::HealthCheck, format!("{name}.{region}"))
}

impl Expansion<'_> {
    /// What answers at a gate's port is its application load balancer: without a certificate it speaks HTTP. A check that
    /// only connected would find every load balancer healthy: one without healthy targets fails open.
    /// <https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html>
    pub(super) fn health_check(&mut self, name: &str, check: &HealthCheck) {
        let Some(gate) = self.document.gates.get(&check.gate) else {
            return;
        };
        let protocol = match gate.certificate {
            Some(_) => HealthCheckProtocol::Https,
            None => HealthCheckProtocol::Http,
        };
        for region in self.document.places_of_gate(&check.gate) {
            let balancer = ResourceKey::new(region, Kind::LoadBalancer, gate::network(&check.gate));
            let properties = Properties::HealthCheck(properties::HealthCheck {
                host: Input::of(&balancer, "dns_name"),
                region: region.clone(),
                protocol,
                port: gate::PORT,
                path: check.path.clone(),
                interval_seconds: check.interval_seconds,
                failures: check.failures,
            });
            let name = key(name, region).name;
            self.at(Region::global(), |expansion| {
                expansion.add_tagged(Kind::HealthCheck, &name, properties, &check.tags)
            });
        }
    }
}
