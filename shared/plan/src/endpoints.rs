//! Which services of AWS a region has VPC endpoints for.

use std::collections::BTreeSet;

use outrigger_model::Region;
use outrigger_model::document::{Code, Document, FunctionCode, Nat, Problem};
use serde::{Deserialize, Serialize};

/// A service that a VPC can have an endpoint of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointService {
    /// Its full name, such as `com.amazonaws.us-east-1.s3`.
    pub name: String,
    /// The zones in which it can have an address.
    pub zones: BTreeSet<String>,
    /// Whether its public name can lead to the endpoint.
    pub private_dns: bool,
    /// Whether it is reached by routes; else at addresses in subnets. Some services are offered both ways.
    pub is_gateway: bool,
}

/// Where the database agent reads its secret.
const SECRETS: &str = "secretsmanager";

/// The services that the VPC of a region has endpoints of, by their short names: those that the document lists, and what the
/// functions there call that have no other way out.
pub fn wanted(document: &Document, region: &Region) -> BTreeSet<String> {
    let network = &document.network;
    let mut services = network.endpoints.clone();
    let has_agent = document.functions.values().any(|function| {
        function.code == FunctionCode::DatabaseAgent && document.places_of_function(function).contains(&region)
    });
    if has_agent && network.nat == Nat::None {
        services.insert(SECRETS.to_owned());
    }
    services
}

/// Whether the endpoint of a service, by its short name, is a gateway endpoint: those cost nothing.
///
/// Source: <https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html>.
pub fn is_gateway(service: &str) -> bool {
    ["s3", "dynamodb"].contains(&service)
}

/// The full names that the service can have in the region; those in China begin with `cn.` in part.
///
/// Source: <https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html>.
pub fn names(region: &Region, service: &str) -> [String; 2] {
    let name = format!("com.amazonaws.{region}.{service}");
    [format!("cn.{name}"), name]
}

/// The service that a document names, among those that the region offers.
///
/// # Errors
/// Where there is none, and where it has an address in none of the zones.
pub fn find<'a>(
    offered: &'a [EndpointService],
    region: &Region,
    service: &str,
    zones: &[String],
) -> Result<&'a EndpointService, Box<Problem>> {
    let problem = |message: String| {
        Box::new(Problem::at(
            Code::Endpoint,
            format!("network.endpoints.{service}"),
            message,
        ))
    };
    let names = names(region, service);
    let found = offered
        .iter()
        .find(|offered| names.contains(&offered.name) && offered.is_gateway == is_gateway(service))
        .ok_or_else(|| problem(format!("{region} has no VPC endpoint for a service named `{service}`")))?;
    if !found.is_gateway && !zones.iter().any(|zone| found.zones.contains(zone)) {
        return Err(problem(format!(
            "`{service}` has no VPC endpoint in {}, only in {}",
            zones.join(", "),
            found.zones.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
        )));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(name: &str, zones: &[&str], is_gateway: bool) -> EndpointService {
        EndpointService {
            name: name.to_owned(),
            zones: zones.iter().map(|zone| (*zone).to_owned()).collect(),
            private_dns: !is_gateway,
            is_gateway,
        }
    }

    #[test]
    fn a_service_is_found_by_its_short_name() {
        let offers = [
            offered("com.amazonaws.cn-north-1.s3", &["a"], false),
            offered("com.amazonaws.cn-north-1.s3", &["a"], true),
            offered("cn.com.amazonaws.cn-north-1.secretsmanager", &["a", "b"], false),
            offered("com.amazonaws.cn-north-1.ecr.api", &["b"], false),
        ];
        let find = |service: &str, zones: &[&str]| {
            let zones: Vec<String> = zones.iter().map(|zone| (*zone).to_owned()).collect();
            find(&offers, &Region::new("cn-north-1"), service, &zones).map_err(|problem| problem.to_string())
        };
        assert_eq!(find("s3", &["c"]), Ok(&offers[1]));
        assert_eq!(find("secretsmanager", &["b"]), Ok(&offers[2]));
        assert_eq!(find("ecr.api", &["a", "b"]), Ok(&offers[3]));
        assert_eq!(
            find("ecr.api", &["a", "c"]),
            Err("network.endpoints.ecr.api: `ecr.api` has no VPC endpoint in a, c, only in b".to_owned())
        );
        for absent in ["api", "dynamodb", "s4"] {
            let told = format!("cn-north-1 has no VPC endpoint for a service named `{absent}`");
            assert_eq!(find(absent, &["a"]), Err(format!("network.endpoints.{absent}: {told}")));
        }
    }
}
