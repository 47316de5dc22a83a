//! What a document calls its components, and their attributes.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::key::Region;

macro_rules! component_paths {
    ($($(#[$doc:meta])* $variant:ident = $part:literal;)*) => {
        /// A component that an output can name, and most an alarm: `databases.<name>`, `topics.<name>`, ...
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum ComponentPath { $($(#[$doc])* $variant(String),)* }

        impl ComponentPath {
            /// The parts of a document that have such components.
            pub const PARTS: &'static [&'static str] = &[$($part,)*];

            /// The component of a name in a part; none where the part has no such components.
            pub fn of(part: &str, name: &str) -> Option<Self> {
                match part {
                    $($part => Some(Self::$variant(name.to_owned())),)*
                    _ => None,
                }
            }

            /// The part that it is in, and its name.
            pub fn parts(&self) -> (&'static str, &str) {
                match self { $(Self::$variant(name) => ($part, name),)* }
            }
        }
    };
}

component_paths! {
    /// A database.
    Database = "databases";
    /// A cluster.
    Cluster = "clusters";
    /// A cache.
    Cache = "caches";
    /// A stream.
    Stream = "streams";
    /// A topic.
    Topic = "topics";
    /// An API.
    Api = "apis";
    /// A table.
    Table = "tables";
    /// A bucket.
    Bucket = "buckets";
    /// A parameter.
    Parameter = "parameters";
    /// Backups.
    Backup = "backups";
    /// A function.
    Function = "functions";
    /// A gate.
    Gate = "gates";
    /// An accelerator.
    Accelerator = "accelerators";
    /// A health check, of which there is one for each region.
    HealthCheck = "health_checks";
    /// An event bus.
    Bus = "buses";
}

impl ComponentPath {
    /// What is written for a component, to be shown where something else was: `databases.<name>, ... or buses.<name>`.
    pub(super) fn expected() -> String {
        let forms: Vec<String> = Self::PARTS.iter().map(|part| format!("{part}.<name>")).collect();
        match forms.split_last() {
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => String::new(),
        }
    }
}

impl std::str::FromStr for ComponentPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('.');
        let component = parts.and_then(|(part, name)| Self::of(part, name));
        component.ok_or_else(|| format!("`{text}` is no component; expected {}", Self::expected()))
    }
}

impl fmt::Display for ComponentPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (part, name) = self.parts();
        write!(formatter, "{part}.{name}")
    }
}

/// An attribute of a component, for an output: `network.vpc_id`, `databases.<name>.endpoint`, ...
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputPath {
    /// The VPC's id: in a region, or else in the first.
    VpcId(Option<Region>),
    /// An attribute of a key, one of [`OutputPath::KEY`]: its name, and the attribute.
    Key(String, String),
    /// An attribute of a component, one of [`OutputPath::attributes`]: in a region, or else in the first that it is in.
    Component(ComponentPath, Option<Region>, String),
}

impl OutputPath {
    /// The attributes that an output can name on a key.
    pub const KEY: [&'static str; 3] = ["id", "arn", "alias"];

    /// The attributes that an output can name on a component.
    pub fn attributes(component: &ComponentPath) -> &'static [&'static str] {
        match component {
            ComponentPath::Database(_) => &[
                "endpoint",
                "port",
                "arn",
                "engine_version",
                "availability_zone",
                "multi_az",
                "secret_arn",
                "subnet_group_name",
            ],
            ComponentPath::Cluster(_) => &[
                "endpoint",
                "reader_endpoint",
                "port",
                "arn",
                "engine_version",
                "writer_endpoint",
                "secret_arn",
                "subnet_group_name",
            ],
            ComponentPath::Cache(_) => &["endpoint", "port", "arn", "secret_arn"],
            ComponentPath::Stream(_)
            | ComponentPath::Topic(_)
            | ComponentPath::Table(_)
            | ComponentPath::Function(_)
            | ComponentPath::Bucket(_)
            | ComponentPath::Parameter(_) => &["name", "arn"],
            ComponentPath::Gate(_) => &["arn", "dns_name"],
            ComponentPath::Api(_) => &[
                "url",
                "id",
                "api_key_id",
                "domain_url",
                "domain_target",
                "domain_zone_id",
            ],
            ComponentPath::Accelerator(_) => &["dns_name", "addresses", "address_1", "address_2", "arn"],
            ComponentPath::HealthCheck(_) => &["id", "arn"],
            ComponentPath::Backup(_) => &["vault_name", "vault_arn", "plan_id"],
            ComponentPath::Bus(_) => &["name", "arn", "endpoint_id", "endpoint_url"],
        }
    }

    /// What follows the attribute: of `apis.<name>.url/sensor-data` the path, of any other nothing.
    pub fn path(&self) -> &str {
        match self {
            OutputPath::Component(ComponentPath::Api(_), _, attribute) => {
                attribute.strip_prefix(URL).unwrap_or_default()
            }
            OutputPath::VpcId(_) | OutputPath::Key(..) | OutputPath::Component(..) => "",
        }
    }
}

/// The attribute of an API that a path may follow.
const URL: &str = "url";

impl std::str::FromStr for OutputPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "network.vpc_id" {
            return Ok(Self::VpcId(None));
        }
        if let Some(region) = text
            .strip_prefix("network.")
            .and_then(|rest| rest.strip_suffix(".vpc_id"))
        {
            return Ok(Self::VpcId(Some(Region::new(region))));
        }
        let wrong = || {
            format!(
                "`{text}` is no attribute of a component; expected network.vpc_id, or for instance \
                 databases.<name>.endpoint, caches.<name>.endpoint, streams.<name>.name, apis.<name>.url"
            )
        };
        // A path may hold dots.
        let end = text.find('/').unwrap_or(text.len());
        let (component, _) = text
            .get(..end)
            .and_then(|text| text.rsplit_once('.'))
            .ok_or_else(wrong)?;
        let attribute = text.get(component.len() + 1..).unwrap_or_default();
        if let Some(key) = component.strip_prefix("keys.") {
            return match Self::KEY.contains(&attribute) {
                true => Ok(Self::Key(key.to_owned(), attribute.to_owned())),
                false => Err(format!(
                    "`{component}` has no attribute `{attribute}`; it has {}",
                    Self::KEY.join(", ")
                )),
            };
        }
        // Neither a part's name nor a component's holds a dot.
        let (component, region) = match component.match_indices('.').nth(1) {
            Some((end, _)) => (
                component.get(..end).unwrap_or_default(),
                component.get(end + 1..).map(Region::new),
            ),
            None => (component, None),
        };
        let component: ComponentPath = component.parse().map_err(|_| wrong())?;
        let known = Self::attributes(&component);
        let is_url = matches!(component, ComponentPath::Api(_)) && attribute.starts_with("url/");
        if known.contains(&attribute) || is_url {
            Ok(Self::Component(component, region, attribute.to_owned()))
        } else {
            Err(format!(
                "`{component}` has no attribute `{attribute}`; it has {}",
                known.join(", ")
            ))
        }
    }
}

impl fmt::Display for OutputPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OutputPath::VpcId(None) => formatter.write_str("network.vpc_id"),
            OutputPath::VpcId(Some(region)) => write!(formatter, "network.{region}.vpc_id"),
            OutputPath::Key(name, attribute) => write!(formatter, "keys.{name}.{attribute}"),
            OutputPath::Component(component, None, attribute) => write!(formatter, "{component}.{attribute}"),
            OutputPath::Component(component, Some(region), attribute) => {
                write!(formatter, "{component}.{region}.{attribute}")
            }
        }
    }
}

macro_rules! as_text {
    ($($type:ident)*) => { $(
        impl Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )* };
}

as_text!(ComponentPath OutputPath);
