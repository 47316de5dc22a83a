//! The services of AWS that a region has VPC endpoints for.

use std::collections::BTreeSet;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, ServiceDetail, ServiceType};
use outrigger_aws::Aws;
use outrigger_engine::ports::catalog::EndpointService;
use outrigger_engine::ports::provider::CallError;
use outrigger_model::Region;

use crate::call::refused;

/// The most values that a filter takes.
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html>.
const FILTER_VALUES_MAX: usize = 200;
/// No region has as many services; who asks on for ever is given up.
const PAGES_MAX: usize = 50;

/// Those of the services with these full names that the region has gateway or interface endpoints for.
///
/// # Errors
/// The calls'; `Invalid` where the list has more than 50 pages.
///
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcEndpointServices.html>.
pub async fn endpoint_services(
    aws: &Aws,
    region: &Region,
    names: &BTreeSet<String>,
) -> Result<Vec<EndpointService>, CallError> {
    const CALL: &str = "ec2:DescribeVpcEndpointServices";
    let client = Client::new(&aws.config(Some(region)).await);
    let names: Vec<String> = names.iter().cloned().collect();
    let mut services = Vec::new();
    for names in names.chunks(FILTER_VALUES_MAX) {
        // Asked by `service_names`, EC2 refuses the whole call for one that it does not know.
        let filter = Filter::builder()
            .name("service-name")
            .set_values(Some(names.to_vec()))
            .build();
        let mut next = None;
        for page in 0.. {
            if page == PAGES_MAX {
                return Err(CallError::invalid(
                    CALL,
                    format!("the list has more than {PAGES_MAX} pages"),
                ));
            }
            let request = client.describe_vpc_endpoint_services().filters(filter.clone());
            let answer = request.set_next_token(next).send().await;
            let answer = answer.map_err(|error| refused(CALL, &error))?;
            services.extend(answer.service_details().iter().flat_map(offered));
            next = answer.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                break;
            }
        }
    }
    Ok(services)
}

/// In which of the two ways a service is offered; other ways are for what is not AWS's own.
fn offered(detail: &ServiceDetail) -> Vec<EndpointService> {
    let types = detail.service_type().iter().filter_map(|of| of.service_type());
    let types = types.filter_map(|of| match of {
        ServiceType::Gateway => Some(true),
        ServiceType::Interface => Some(false),
        _ => None,
    });
    let service = |is_gateway: bool| EndpointService {
        name: detail.service_name().unwrap_or_default().to_owned(),
        zones: detail.availability_zones().iter().cloned().collect(),
        private_dns: !is_gateway && detail.private_dns_name().is_some_and(|name| !name.is_empty()),
        is_gateway,
    };
    types.map(service).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ec2::types::ServiceTypeDetail;

    #[test]
    fn both_ways_are_told() {
        let of = |ways: &[ServiceType]| {
            let ways = ways
                .iter()
                .map(|way| ServiceTypeDetail::builder().service_type(way.clone()).build());
            ServiceDetail::builder()
                .service_name("com.amazonaws.us-east-1.s3")
                .set_service_type(Some(ways.collect()))
                .availability_zones("us-east-1a")
                .private_dns_name("s3.us-east-1.amazonaws.com")
                .build()
        };
        let told = |is_gateway: bool| EndpointService {
            name: "com.amazonaws.us-east-1.s3".to_owned(),
            zones: BTreeSet::from(["us-east-1a".to_owned()]),
            private_dns: !is_gateway,
            is_gateway,
        };
        let both = [ServiceType::Gateway, ServiceType::Interface];
        assert_eq!(offered(&of(&both)), [told(true), told(false)]);
        assert_eq!(offered(&of(&[ServiceType::GatewayLoadBalancer])), []);
    }
}
