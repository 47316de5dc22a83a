//! The network: the VPC's range, and those of its subnets.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde_json::Value;

use super::super::collect::{Problems, inside, shown};
use super::super::fields::{Fields, boolean, choice, list, number, parsed, text};
use super::super::problem::{Code, Problem};
use super::super::{ByRegion, Nat, Network, Subnets};
use super::regions::by_region;
use crate::key::Region;

/// What the components of the document need of it.
#[derive(Clone, Copy)]
pub(super) struct Needs {
    /// Private subnets, in two zones.
    pub(super) private: bool,
    /// Public and private subnets, in two zones, in which load balancers have room.
    pub(super) gates: bool,
}

pub(super) fn network(
    value: &Value,
    place: &str,
    needs: Needs,
    regions: &[Region],
    problems: &mut Problems,
) -> Option<Network> {
    let mut fields = Fields::of(value, place, problems)?;
    let cidr = by_region(regions, |value, place, problems| {
        let range = range(value, place, problems)?;
        // Where it is wrong, nothing is said of what lies in it.
        vpc_range(range, place, problems).then_some(range)
    });
    let cidr = fields.required("cidr", "10.0.0.0/16", cidr);
    let zones = fields.required("zones", "2", number::<usize>(1, 6));
    let subnets = |value: &Value, place: &str, problems: &mut Problems| subnets(value, place, regions, problems);
    let public = fields.option("public", subnets);
    let private = fields.option("private", subnets);
    let nat = fields.or("nat", Nat::None, choice);
    let endpoints = fields.collection("endpoints", endpoints);
    let nat_needs = |of: &Option<Option<Subnets>>| nat.is_none_or(|nat| nat == Nat::None) || of != &Some(None);
    let nat_place = fields.at("nat");
    for (name, subnets, what) in [
        ("public", &public, "are in public subnets"),
        ("private", &private, "serve private subnets"),
    ] {
        fields.problems.unless(nat_needs(subnets), || {
            Problem::at(
                Code::Conflict,
                &nat_place,
                format!("NAT gateways {what}, and there are none"),
            )
            .help(format!("add `{name}: {{}}` to the network, or take `nat` away"))
        });
    }
    let without_endpoints = endpoints.as_ref().is_none_or(BTreeSet::is_empty);
    let endpoints_place = fields.at("endpoints");
    fields.problems.unless(without_endpoints || private != Some(None), || {
        Problem::at(
            Code::Conflict,
            endpoints_place,
            "endpoints serve private subnets, and there are none",
        )
        .help("add `private: {}` to the network, or take `endpoints` away")
    });
    let peering = fields.or("peering", false, boolean);
    if peering == Some(true) {
        let (place, cidr_place) = (fields.at("peering"), fields.at("cidr"));
        peered(regions, cidr.as_ref(), &place, &cidr_place, fields.problems);
    }
    let (private_place, zones_place) = (fields.at("private"), fields.at("zones"));
    if needs.private {
        fields
            .problems
            .unless(private.as_ref().is_none_or(Option::is_some), || {
                Problem::at(
                    Code::Missing,
                    private_place,
                    "`private` is missing: databases and caches live in private subnets only",
                )
                .help("add `private: {}`")
            });
        fields.problems.unless(zones != Some(1), || {
            Problem::at(
                Code::Range,
                zones_place,
                "databases and caches need subnets in at least 2 zones",
            )
            .help("expected 2 to 6")
        });
    }
    let (public_place, private_place) = (fields.at("public"), fields.at("private"));
    if needs.gates {
        let (zones_place, problems) = (fields.at("zones"), &mut *fields.problems);
        for (name, place, subnets) in [
            ("public", &public_place, &public),
            ("private", &private_place, &private),
        ] {
            // What databases need was told.
            let is_told = name == "private" && needs.private;
            problems.unless(is_told || subnets.as_ref().is_none_or(Option::is_some), || {
                let message = format!("`{name}` is missing: gates have a load balancer in {name} subnets");
                Problem::at(Code::Missing, place, message).help(format!("add `{name}: {{}}`"))
            });
        }
        problems.unless(needs.private || zones != Some(1), || {
            let message = "gates have load balancers in at least 2 zones";
            Problem::at(Code::Range, zones_place, message).help("expected 2 to 6")
        });
    }
    let network = match (cidr, zones) {
        (Some(cidr), Some(zones)) => Some(Network {
            cidr,
            zones: zones.min(6),
            // What could not be read is left out, so that the rest can be looked at.
            public: public.clone().flatten(),
            private: private.clone().flatten(),
            nat: nat.unwrap_or_default(),
            endpoints: endpoints.clone().unwrap_or_default(),
            peering: peering.unwrap_or_default(),
        }),
        _ => None,
    };
    if let Some(network) = &network {
        for region in regions {
            ranges(network, region, [&public_place, &private_place], fields.problems);
            if needs.gates {
                room(network, region, [&public_place, &private_place], fields.problems);
            }
        }
    }
    fields.finish();
    (public.is_some() && private.is_some() && nat.is_some() && endpoints.is_some() && peering.is_some())
        .then_some(network)
        .flatten()
}

/// The short name of a service of AWS, as a pattern: `s3`, `ecr.api`, `execute-api`.
#[cfg(feature = "schema")]
pub(in super::super) const ENDPOINT_NAME: &str = "[a-z0-9]+([.-][a-z0-9]+)*";
pub(in super::super) const ENDPOINT_LENGTH_MAX: usize = 60;

fn endpoints(value: &Value, place: &str, problems: &mut Problems) -> Option<BTreeSet<String>> {
    let items = list(text(Code::Form, endpoint))(value, place, problems)?;
    let mut names = BTreeSet::new();
    for (index, name) in items.into_iter().enumerate() {
        let message = format!("`{}` is there twice", shown(&name));
        problems.unless(names.insert(name), || {
            Problem::at(Code::Conflict, format!("{place}[{index}]"), message).help("take one of them away")
        });
    }
    Some(names)
}

fn endpoint(name: &str) -> Result<(), (String, String)> {
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|char| char.is_ascii_lowercase() || char.is_ascii_digit())
    };
    if name.len() <= ENDPOINT_LENGTH_MAX && name.split(['.', '-']).all(is_word) && !name.starts_with("com.amazonaws.") {
        return Ok(());
    }
    // `com.amazonaws.us-east-1.ecr.api`: what comes after the region.
    let short = name
        .strip_prefix("com.amazonaws.")
        .and_then(|rest| rest.split_once('.'));
    let help = match short {
        Some((_, short)) => format!("write its short name: `{}`", shown(short)),
        None => "expected the short name of a service, such as s3, secretsmanager or ecr.api".to_owned(),
    };
    Err((format!("`{}` is no short name of a service", shown(name)), help))
}

/// Peering is for two VPCs, whose ranges do not overlap:
/// <https://docs.aws.amazon.com/vpc/latest/peering/invalid-peering-configurations.html>.
fn peered(
    regions: &[Region],
    cidr: Option<&ByRegion<Ipv4Net>>,
    place: &str,
    cidr_place: &str,
    problems: &mut Problems,
) {
    let [one, other] = regions else {
        // Where no region could be read, that was told.
        problems.unless(regions.is_empty(), || {
            Problem::at(Code::Conflict, place, "only the VPCs of two regions can be peered")
                .help("give the stack two, as in `regions: [us-east-1, us-east-2]`, or leave this out")
        });
        return;
    };
    match cidr {
        Some(ByRegion::Everywhere(range)) => problems.add(
            Problem::at(
                Code::AddressRange,
                cidr_place,
                format!("the VPCs of {one} and {other} would both have {range}, and peered ones must not overlap"),
            )
            .help(format!(
                "give each its own, as in `cidr: {{{one}: 10.0.0.0/16, {other}: 10.1.0.0/16}}`"
            )),
        ),
        Some(each @ ByRegion::Each(_)) => {
            if let (Some(of_one), Some(of_other)) = (each.of(one), each.of(other)) {
                let overlap = of_one.contains(of_other) || of_other.contains(of_one);
                problems.unless(!overlap, || {
                    let message = format!(
                        "{of_other} overlaps with {of_one} of {}, and peered VPCs must not overlap",
                        inside(cidr_place, one.as_str())
                    );
                    Problem::at(Code::AddressRange, inside(cidr_place, other.as_str()), message)
                        .help("give each region a range of its own")
                });
            }
        }
        None => {}
    }
}

fn subnets(value: &Value, place: &str, regions: &[Region], problems: &mut Problems) -> Option<Subnets> {
    let mut fields = Fields::of(value, place, problems)?;
    let cidrs = fields.option("cidrs", by_region(regions, list(range)));
    fields.finish();
    Some(Subnets { cidrs: cidrs? })
}

fn range(value: &Value, place: &str, problems: &mut Problems) -> Option<Ipv4Net> {
    parsed(Code::Form, "address range", "expected IPv4 as in 10.0.0.0/16")(value, place, problems)
}

/// <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html>
fn vpc_range(range: Ipv4Net, place: &str, problems: &mut Problems) -> bool {
    let address = range.addr();
    let problem = if !(16..=28).contains(&range.prefix_len()) {
        let size = if range.prefix_len() < 16 { "large" } else { "small" };
        Problem::at(Code::AddressRange, place, format!("{range} is too {size} for a VPC"))
            .help("expected a prefix of /16 to /28")
    } else if range != range.trunc() {
        Problem::at(
            Code::AddressRange,
            place,
            format!("{range} does not begin where such a range can"),
        )
        .help(format!("did you mean {}?", range.trunc()))
    } else if address.is_loopback() || address.is_link_local() || address.is_multicast() || address.octets()[0] == 0 {
        Problem::at(Code::AddressRange, place, format!("{range} is reserved for other uses"))
            .help("expected private addresses: 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16")
    } else {
        return true;
    };
    problems.add(problem);
    false
}

/// The ranges of a region's subnets, in its VPC's and among each other.
fn ranges(network: &Network, region: &Region, [public, private]: [&str; 2], problems: &mut Problems) {
    let Some(vpc) = network.cidr.of(region) else {
        return;
    };
    let kinds = [(public, &network.public, PUBLIC), (private, &network.private, PRIVATE)];
    let mut all: Vec<(String, Ipv4Net)> = Vec::new();
    for (place, subnets, first) in kinds {
        if let Some(subnets) = subnets {
            all.extend(subnet_ranges(network, (region, *vpc), place, subnets, first, problems));
        }
    }
    for (index, (place, range)) in all.iter().enumerate() {
        problems.unless(vpc.contains(range), || {
            Problem::at(
                Code::AddressRange,
                place,
                format!("{range} is not within the VPC's {vpc}"),
            )
        });
        problems.unless((16..=28).contains(&range.prefix_len()), || {
            Problem::at(
                Code::AddressRange,
                place,
                format!("{range} is too small or too large for a subnet"),
            )
            .help("expected a prefix of /16 to /28")
        });
        problems.unless(*range == range.trunc(), || {
            Problem::at(
                Code::AddressRange,
                place,
                format!("{range} does not begin where such a range can"),
            )
            .help(format!("did you mean {}?", range.trunc()))
        });
        for (other_place, other) in all.iter().skip(index + 1) {
            problems.unless(!range.contains(other) && !other.contains(range), || {
                Problem::at(
                    Code::AddressRange,
                    other_place,
                    format!("{other} overlaps with {range} of {place}"),
                )
            });
        }
    }
}

/// A load balancer takes at least 8 addresses of each subnet, which is to be a /27 at least:
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html#availability-zones>.
fn room(network: &Network, region: &Region, [public, private]: [&str; 2], problems: &mut Problems) {
    for (place, ranges) in [
        (public, network.public_ranges(region)),
        (private, network.private_ranges(region)),
    ] {
        let small = ranges.iter().find(|range| range.prefix_len() > 27);
        if let Some(range) = small {
            let message = format!("{range} is too small for the load balancers of gates");
            problems.add(Problem::at(Code::AddressRange, place, message).help("expected /27 or larger"));
        }
    }
}

fn subnet_ranges(
    network: &Network,
    (region, vpc): (&Region, Ipv4Net),
    place: &str,
    subnets: &Subnets,
    first: u32,
    problems: &mut Problems,
) -> Vec<(String, Ipv4Net)> {
    if let Some(said) = &subnets.cidrs {
        let place = match said {
            ByRegion::Everywhere(_) => inside(place, "cidrs"),
            ByRegion::Each(_) => inside(&inside(place, "cidrs"), region.as_str()),
        };
        let cidrs = said.of(region).map(Vec::as_slice).unwrap_or_default();
        problems.unless(cidrs.len() == network.zones, || {
            let message = format!(
                "{} of {} zones have a range",
                cidrs.len().min(network.zones),
                network.zones
            );
            let message = match cidrs.len() > network.zones {
                true => format!("{} ranges are too many for {} zones", cidrs.len(), network.zones),
                false => message,
            };
            Problem::at(Code::Conflict, &place, message).help("expected one per zone")
        });
        // More than there can be zones are not compared.
        let cidrs = cidrs.iter().enumerate().take(6);
        return cidrs
            .map(|(index, cidr)| (format!("{place}[{index}]"), *cidr))
            .collect();
    }
    let zones = u32::try_from(network.zones).unwrap_or_default();
    let ranges: Vec<Option<Ipv4Net>> = (first..first + zones).map(|number| subnet_range(vpc, number)).collect();
    problems.unless(ranges.iter().all(Option::is_some), || {
        Problem::at(
            Code::AddressRange,
            place,
            format!("{vpc} is too small for these subnets"),
        )
        .help("give their ranges as `cidrs`, or the VPC a larger one")
    });
    ranges
        .into_iter()
        .flatten()
        .map(|range| (place.to_owned(), range))
        .collect()
}

/// The number of the first public subnet where the document gives no ranges, and that of the first private one.
const PUBLIC: u32 = 0;
const PRIVATE: u32 = 10;

/// The range that subnet `number` gets when the document gives none: 8 bits longer than the VPC's, at most `/28`.
fn subnet_range(vpc: Ipv4Net, number: u32) -> Option<Ipv4Net> {
    let prefix = (vpc.prefix_len() + 8).min(28);
    let size = 1u32.checked_shl(u32::from(32 - prefix))?;
    let start = u32::from(vpc.network()).checked_add(size.checked_mul(number)?)?;
    let range = Ipv4Net::new(Ipv4Addr::from(start), prefix).ok()?;
    vpc.contains(&range).then_some(range)
}

impl Network {
    /// The ranges of the public subnets in a region, one per zone; none without.
    pub fn public_ranges(&self, region: &Region) -> Vec<Ipv4Net> {
        self.ranges(region, self.public.as_ref(), PUBLIC)
    }

    /// The ranges of the private subnets in a region, one per zone; none without.
    pub fn private_ranges(&self, region: &Region) -> Vec<Ipv4Net> {
        self.ranges(region, self.private.as_ref(), PRIVATE)
    }

    fn ranges(&self, region: &Region, subnets: Option<&Subnets>, first: u32) -> Vec<Ipv4Net> {
        match (subnets, self.cidr.of(region)) {
            (None, _) | (_, None) => Vec::new(),
            (Some(Subnets { cidrs: Some(cidrs) }), _) => cidrs.of(region).cloned().unwrap_or_default(),
            (Some(Subnets { cidrs: None }), Some(vpc)) => (first..)
                .take(self.zones)
                .filter_map(|number| subnet_range(*vpc, number))
                .collect(),
        }
    }
}
