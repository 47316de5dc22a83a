//! The availability zones of a region.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{AvailabilityZone, AvailabilityZoneState, Filter};
use outrigger_aws::Aws;
use outrigger_engine::ports::provider::CallError;
use outrigger_model::Region;

use crate::call::refused;

/// What EC2 calls a zone that is neither a local zone nor a wavelength zone.
const ZONE_TYPE: &str = "availability-zone";

/// The names of the region's zones that are available to every account, sorted; local and wavelength zones, which must
/// be opted in to and offer little of what a stack needs, are not among them.
///
/// # Errors
/// The call's.
///
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAvailabilityZones.html>.
pub async fn zones(aws: &Aws, region: &Region) -> Result<Vec<String>, CallError> {
    let client = Client::new(&aws.config(Some(region)).await);
    let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
    let answer = client
        .describe_availability_zones()
        .filters(filter("state", AvailabilityZoneState::Available.as_str()))
        .filters(filter("zone-type", ZONE_TYPE))
        .send()
        .await
        .map_err(|error| refused("ec2:DescribeAvailabilityZones", &error))?;
    Ok(names(answer.availability_zones()))
}

/// The filters again: a stack must never land in a zone that they would have left out.
fn names(zones: &[AvailabilityZone]) -> Vec<String> {
    let mut names: Vec<String> = zones
        .iter()
        .filter(|zone| zone.state() == Some(&AvailabilityZoneState::Available) && zone.zone_type() == Some(ZONE_TYPE))
        .filter_map(|zone| zone.zone_name().map(str::to_owned))
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str, state: AvailabilityZoneState, zone_type: &str) -> AvailabilityZone {
        AvailabilityZone::builder()
            .zone_name(name)
            .state(state)
            .zone_type(zone_type)
            .build()
    }

    #[test]
    fn only_available_zones_of_everyone_count() {
        let zones = [
            zone("us-west-2b", AvailabilityZoneState::Available, ZONE_TYPE),
            zone("us-west-2a", AvailabilityZoneState::Available, ZONE_TYPE),
            zone("us-west-2c", AvailabilityZoneState::Impaired, ZONE_TYPE),
            zone("us-west-2-lax-1a", AvailabilityZoneState::Available, "local-zone"),
            zone(
                "us-west-2-wl1-den-wlz-1",
                AvailabilityZoneState::Available,
                "wavelength-zone",
            ),
        ];
        assert_eq!(names(&zones), ["us-west-2a", "us-west-2b"]);
    }
}
