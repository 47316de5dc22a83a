//! The JSON Schemas of single values, where their Rust types say less than what validation asks for.
//!
//! `errorMessage` is not part of JSON Schema: editors show it, and `outrigger explain` tells by it what is allowed.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::component::{api, backup, database, domain, function, health_check, metrics, parameter, table};
use super::{ComponentPath, OutputPath, Route};

/// A component's, a stack's or an environment's name: lower case letters, digits, single hyphens.
const NAME: &str = "[a-z](-?[a-z0-9])*";
const TIME: &str = "([01][0-9]|2[0-3]):[0-5][0-9]";

fn text(pattern: &str, allowed: &str, example: &str) -> Schema {
    json_schema!({
        "type": "string",
        "pattern": format!("^{pattern}$"),
        "errorMessage": allowed,
        "examples": [example],
    })
}

fn name(length_max: usize, example: &str) -> Schema {
    let allowed = format!(
        "at most {length_max} lower case letters, digits and single hyphens, the first a letter, the last no hyphen"
    );
    let mut schema = text(NAME, &allowed, example);
    schema.insert("maxLength".to_owned(), length_max.into());
    schema
}

pub(super) fn stack_name(_: &mut SchemaGenerator) -> Schema {
    let mut schema = name(30, "data-processing");
    schema.insert("not".to_owned(), json_schema!({ "pattern": "^sg(-|$)" }).to_value());
    schema
}

pub(super) fn environment_name(_: &mut SchemaGenerator) -> Schema {
    environment()
}

pub(super) fn environment() -> Schema {
    name(20, "production")
}

/// The name of a region.
const REGION: &str =
    "[a-z]{2,4}(-[a-z]+){0,2}-(north|south|east|west|central|northeast|northwest|southeast|southwest)-[1-9]";

pub(super) fn region(_: &mut SchemaGenerator) -> Schema {
    text(REGION, "the name of an AWS region", "us-east-1")
}

pub(super) fn regions(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array", "items": region(generator), "minItems": 1, "maxItems": 2, "uniqueItems": true,
    })
}

/// Where a component lives.
pub(super) fn home(_: &mut SchemaGenerator) -> Schema {
    let mut schema = text(REGION, "one of the stack's regions", "us-east-1");
    schema.insert("type".to_owned(), vec!["string", "null"].into());
    schema
}

/// The ARN of a certificate, or a mapping that says one for each region.
pub(super) fn certificate_by_region(_: &mut SchemaGenerator) -> Schema {
    let mut one = text(
        "arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[A-Za-z0-9-]+",
        "the ARN of a certificate of ACM",
        "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012",
    );
    one.insert("maxLength".to_owned(), 2048.into());
    let each = each_region(one.clone());
    one.insert("type".to_owned(), vec!["string", "null"].into());
    json_schema!({ "anyOf": [one, each] })
}

/// A mapping that says a value for each region.
fn each_region(one: Schema) -> Schema {
    json_schema!({
        "type": "object",
        "additionalProperties": one,
        "propertyNames": text(REGION, "the stack's regions", "us-east-1"),
        "minProperties": 1,
    })
}

pub(super) fn named<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "additionalProperties": T::json_schema(generator),
        "propertyNames": name(60, "main"),
    })
}

/// The name of one of the document's keys.
pub(super) fn key_name(_: &mut SchemaGenerator) -> Schema {
    let mut schema = name(60, "data");
    schema.insert("type".to_owned(), vec!["string", "null"].into());
    schema.insert(
        "errorMessage".to_owned(),
        "the name of one of the document's keys".into(),
    );
    schema
}

pub(super) fn tags(_: &mut SchemaGenerator) -> Schema {
    let allowed = "letters, digits, spaces and _ . : / = + - @";
    let good = "[^\\x00-\\x1f!\"#$%&'()*,;<>?\\[\\\\\\]^`{|}~]*";
    let mut key = text(
        good,
        &format!("1 to 128 {allowed}; not Name, Type, aws:* or outrigger:*"),
        "Owner",
    );
    key.insert("minLength".to_owned(), 1.into());
    key.insert("maxLength".to_owned(), 128.into());
    let reserved = json_schema!({ "pattern": "^([Aa][Ww][Ss]:|outrigger:|Name$|Type$)" });
    key.insert("not".to_owned(), reserved.to_value());
    let mut value = text(good, &format!("at most 256 {allowed}"), "data-team");
    value.insert("maxLength".to_owned(), 256.into());
    json_schema!({
        "type": "object",
        "additionalProperties": value,
        "propertyNames": key,
        "maxProperties": 40,
        "errorMessage": format!(
            "at most 40; keys of 1 to 128, values of at most 256 {allowed}; not Name, Type, aws:* or outrigger:*"
        ),
    })
}

pub(super) fn address_range(_: &mut SchemaGenerator) -> Schema {
    let octet = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
    let pattern = format!("{octet}(\\.{octet}){{3}}/(1[6-9]|2[0-8])");
    text(&pattern, "a network address with a prefix of /16 to /28", "10.0.0.0/16")
}

pub(super) fn address_range_by_region(generator: &mut SchemaGenerator) -> Schema {
    let one = address_range(generator);
    json_schema!({ "anyOf": [one.clone(), each_region(one)] })
}

pub(super) fn address_ranges_by_region(generator: &mut SchemaGenerator) -> Schema {
    let one = json_schema!({ "type": "array", "items": address_range(generator) });
    // What is wrong in a list is then told where it is.
    let mut schema = each_region(one);
    schema.insert("items".to_owned(), address_range(generator).to_value());
    schema.insert("type".to_owned(), vec!["array", "object", "null"].into());
    schema
}

pub(super) fn endpoints(_: &mut SchemaGenerator) -> Schema {
    let mut name = text(
        super::component::ENDPOINT_NAME,
        "the short name of a service of AWS that has VPC endpoints",
        "secretsmanager",
    );
    name.insert("maxLength".to_owned(), super::component::ENDPOINT_LENGTH_MAX.into());
    json_schema!({ "type": "array", "items": name })
}

/// Redis on ElastiCache: 4 to 7.
pub(super) fn redis_version(_: &mut SchemaGenerator) -> Schema {
    text("[4-7](\\.[0-9]{1,6}){0,2}", "4 to 7, in quotes", "7.0")
}

/// PostgreSQL on RDS: a major and a minor version; before 10 the major had two parts.
pub(super) fn postgres_version(_: &mut SchemaGenerator) -> Schema {
    let pattern = "(9(\\.[0-9]{1,6}){1,2}|[1-9][0-9]{1,5}(\\.[0-9]{1,6})?)";
    text(pattern, "a major and a minor version, in quotes", "15.15")
}

/// Aurora PostgreSQL of Serverless v2: from 13 on.
pub(super) fn aurora_version(_: &mut SchemaGenerator) -> Schema {
    let pattern = "(1[3-9]|[2-9][0-9]|[1-9][0-9]{2,5})(\\.[0-9]{1,6})?";
    text(pattern, "a major and a minor version, in quotes", "15.15")
}

pub(super) fn capacity_acu_min(_: &mut SchemaGenerator) -> Schema {
    capacity(0)
}

pub(super) fn capacity_acu_max(_: &mut SchemaGenerator) -> Schema {
    capacity(1)
}

fn capacity(least: u32) -> Schema {
    json_schema!({ "type": "number", "multipleOf": 0.5, "minimum": least, "maximum": 256 })
}

pub(super) fn node_type(_: &mut SchemaGenerator) -> Schema {
    text(
        "cache(\\.[a-z0-9-]{1,20}){2}",
        "a node type of ElastiCache",
        "cache.t3.micro",
    )
}

pub(super) fn instance_class(_: &mut SchemaGenerator) -> Schema {
    text("db(\\.[a-z0-9-]{1,20}){2}", "an instance class of RDS", "db.t3.micro")
}

pub(super) fn identifier(_: &mut SchemaGenerator) -> Schema {
    let allowed = "1 to 63 letters, digits and _, the first a letter";
    text("[A-Za-z][A-Za-z0-9_]{0,62}", allowed, "orders")
}

pub(super) fn user(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = identifier(generator);
    let reserved = ["admin", "rdsadmin", "rds_superuser", "user", "public", "all"];
    schema.insert("not".to_owned(), json_schema!({ "enum": reserved }).to_value());
    schema
}

pub(super) fn daily_window(_: &mut SchemaGenerator) -> Schema {
    let pattern = format!("{TIME}-{TIME}");
    text(&pattern, "hh:mm-hh:mm in UTC, at least 30 minutes", "03:00-04:00")
}

pub(super) fn weekly_window(_: &mut SchemaGenerator) -> Schema {
    let either_case = |day: &str| -> String {
        let letters = day
            .chars()
            .map(|letter| format!("[{}{letter}]", letter.to_ascii_uppercase()));
        letters.collect()
    };
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
        .map(either_case)
        .join("|");
    let pattern = format!("({days}):{TIME}-({days}):{TIME}");
    let allowed = "ddd:hh:mm-ddd:hh:mm in UTC, 30 minutes to 24 hours";
    text(&pattern, allowed, "sun:04:00-sun:05:00")
}

/// A value in Parameter Store.
pub(super) fn parameter_value(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "null"],
        "minLength": 1,
        "maxLength": parameter::VALUE_BYTES_MAX,
        "not": { "type": "string", "pattern": "\\{\\{" },
        "errorMessage": format!("1 to {} bytes, without {{{{", parameter::VALUE_BYTES_MAX),
        "examples": ["on"],
    })
}

/// An attribute of a component, which may be left out.
pub(super) fn value_of(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = OutputPath::json_schema(generator);
    schema.insert("type".to_owned(), vec!["string", "null"].into());
    schema
}

/// What AWS Backup backs up.
pub(super) fn backed_up(_: &mut SchemaGenerator) -> Schema {
    let parts = backup::PARTS.join("|");
    let allowed = "databases.<name> or clusters.<name>, of a component that the document has";
    json_schema!({
        "type": "array",
        "items": text(&format!("({parts})\\.{NAME}"), allowed, "clusters.main"),
        "minItems": 1,
    })
}

/// What an agent logs in to.
pub(super) fn database_path(_: &mut SchemaGenerator) -> Schema {
    let parts = function::DATABASES.join("|");
    let allowed = "databases.<name> or clusters.<name>, of a component that the document has";
    let mut schema = text(&format!("({parts})\\.{NAME}"), allowed, "clusters.main");
    schema.insert("type".to_owned(), serde_json::json!(["string", "null"]));
    schema
}

pub(super) fn time_of_day(_: &mut SchemaGenerator) -> Schema {
    text(TIME, "hh:mm in UTC", "05:00")
}

pub(super) fn parameters(_: &mut SchemaGenerator) -> Schema {
    let allowed = "lower case letters, digits, _ and .";
    let mut key = text("[a-z0-9_.]+", allowed, "log_statement");
    key.insert("maxLength".to_owned(), 255.into());
    json_schema!({
        "type": "object",
        "additionalProperties": { "type": ["string", "number", "boolean"], "minLength": 1 },
        "propertyNames": key,
        "errorMessage": "what the engine's parameter group family knows",
    })
}

pub(super) fn monitoring_interval(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "integer", "enum": database::MONITORING_INTERVALS_SECONDS })
}

pub(super) fn log_exports(_: &mut SchemaGenerator) -> Schema {
    choices(&database::LOG_EXPORTS)
}

pub(super) fn cluster_log_exports(_: &mut SchemaGenerator) -> Schema {
    choices(&["postgresql", "instance"])
}

pub(super) fn shard_metrics(_: &mut SchemaGenerator) -> Schema {
    choices(&metrics::SHARD)
}

fn choices(of: &[&str]) -> Schema {
    json_schema!({ "type": "array", "items": { "type": "string", "enum": of } })
}

pub(super) fn stage(_: &mut SchemaGenerator) -> Schema {
    let pattern = format!("[A-Za-z0-9_-]{{1,{}}}", api::STAGE_LENGTH_MAX);
    text(&pattern, "letters, digits, _ and -", "prod")
}

pub(super) fn stream_name(_: &mut SchemaGenerator) -> Schema {
    let mut schema = name(60, "events");
    schema.insert("type".to_owned(), serde_json::json!(["string", "null"]));
    schema
}

/// Methods with paths, each a route.
pub(super) fn routes(generator: &mut SchemaGenerator) -> Schema {
    let part = "([A-Za-z0-9._:-]+|\\{[A-Za-z0-9_]+\\})";
    let pattern = format!(
        "({}) /({part}(/{part}){{0,5}}|(({part}/){{0,5}}\\{{[A-Za-z0-9_]+\\+\\}}))?",
        api::METHODS.join("|")
    );
    json_schema!({
        "type": "object",
        "additionalProperties": Route::json_schema(generator),
        "propertyNames": text(&pattern, "a method and a path", "POST /sensor-data"),
        "minProperties": 1,
        "maxProperties": 50,
    })
}

pub(super) fn response(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "additionalProperties": { "type": ["string", "number", "boolean"], "pattern": "^[^$#]*$" },
        "errorMessage": "texts, numbers and booleans, without $ and #",
    })
}

pub(super) fn period(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "integer",
        "anyOf": [{ "enum": [10, 20, 30] }, { "multipleOf": 60, "minimum": 60, "maximum": 86_400 }],
        "errorMessage": "10, 20, 30, or a multiple of 60 up to 86400",
        "examples": [300],
    })
}

impl JsonSchema for ComponentPath {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ComponentPath".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let allowed = format!("{}, of a component that the document has", ComponentPath::expected());
        text(
            &format!("({})\\.{NAME}", ComponentPath::PARTS.join("|")),
            &allowed,
            "databases.database",
        )
    }
}

impl JsonSchema for OutputPath {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OutputPath".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut patterns = vec![format!("network(\\.{REGION})?\\.vpc_id")];
        let mut allowed = vec!["network.vpc_id or network.<region>.vpc_id".to_owned()];
        patterns.push(format!("keys\\.{NAME}\\.({})", OutputPath::KEY.join("|")));
        allowed.push(format!("keys.<name>. and one of {}", OutputPath::KEY.join(", ")));
        for component in ComponentPath::PARTS
            .iter()
            .filter_map(|part| ComponentPath::of(part, ""))
        {
            let (kind, _) = component.parts();
            let attributes = OutputPath::attributes(&component);
            patterns.push(format!("{kind}\\.{NAME}(\\.{REGION})?\\.({})", attributes.join("|")));
            allowed.push(format!("{kind}.<name>. and one of {}", attributes.join(", ")));
        }
        // A path may follow the URL of an API.
        patterns.push(format!("apis\\.{NAME}(\\.{REGION})?\\.url/.+"));
        text(
            &format!("({})", patterns.join("|")),
            &allowed.join("; "),
            "databases.database.endpoint",
        )
    }
}

/// The name of an attribute of a table's items.
pub(super) fn attribute(_: &mut SchemaGenerator) -> Schema {
    let pattern = format!("[A-Za-z0-9_.-]{{1,{}}}", table::ATTRIBUTE_LENGTH_MAX);
    text(&pattern, "letters, digits, _, . and -", "id")
}

pub(super) fn optional_attribute(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = attribute(generator);
    schema.insert("type".to_owned(), vec!["string", "null"].into());
    schema
}

/// The name of one of the document's gates.
pub(super) fn gate_name(_: &mut SchemaGenerator) -> Schema {
    let mut schema = name(60, "main");
    schema.insert(
        "errorMessage".to_owned(),
        "the name of one of the document's gates".into(),
    );
    schema
}

/// The name of one of the document's functions.
pub(super) fn function_name(_: &mut SchemaGenerator) -> Schema {
    referred("functions", "recorder")
}

/// The name of one of the document's health checks.
pub(super) fn health_check_name(_: &mut SchemaGenerator) -> Schema {
    referred("health_checks", "main")
}

fn referred(part: &str, example: &str) -> Schema {
    let mut schema = name(60, example);
    let allowed = format!("the name of one of the document's {}", part.replace('_', " "));
    schema.insert("errorMessage".to_owned(), allowed.into());
    schema
}

/// Which events a rule matches: fields with lists of values and matchers, as deep as the event's details are.
pub(super) fn event_pattern(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "minProperties": 1,
        "additionalProperties": { "type": ["array", "object"], "minItems": 1, "minProperties": 1 },
        "propertyNames": { "enum": [
            "$or", "account", "detail", "detail-type", "id", "region", "replay-name", "resources", "source", "time", "version",
        ] },
        "errorMessage": "an event's fields, each with a list of values and matchers",
        "examples": [{ "source": ["shop"] }],
    })
}

pub(super) fn domain_name(_: &mut SchemaGenerator) -> Schema {
    let label = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
    let mut schema = text(
        &format!("{label}(\\.{label})+"),
        "a domain name in lower case",
        "api.example.com",
    );
    schema.insert("maxLength".to_owned(), domain::NAME_LENGTH_MAX.into());
    schema
}

/// The ARN of a certificate, or one for each region.
pub(super) fn certificates(_: &mut SchemaGenerator) -> Schema {
    let one = text(
        "arn:aws(-cn|-us-gov)?:acm:[a-z0-9-]+:[0-9]{12}:certificate/[A-Za-z0-9-]+",
        "the ARN of a certificate in Certificate Manager, in its own region",
        "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012",
    );
    json_schema!({ "anyOf": [one.clone(), each_region(one)] })
}

pub(super) fn base_path(_: &mut SchemaGenerator) -> Schema {
    let pattern = format!("[A-Za-z0-9$_.+!*'()-]{{1,{}}}", domain::BASE_PATH_LENGTH_MAX);
    let allowed = format!("letters, digits and {}", domain::BASE_PATH_SIGNS);
    let mut schema = text(&pattern, &allowed, "v1");
    schema.insert("type".to_owned(), vec!["string", "null"].into());
    schema
}

/// What a health check asks for.
pub(super) fn resource_path(_: &mut SchemaGenerator) -> Schema {
    let mut schema = text("/[!\"$-~]*", "a path", "/active");
    schema.insert("maxLength".to_owned(), health_check::PATH_LENGTH_MAX.into());
    schema
}

pub(super) fn check_interval(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "integer", "enum": health_check::INTERVALS_SECONDS })
}

/// The names of topics of the document.
pub(super) fn topic_names(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": name(60, "alerts"), "maxItems": 5 })
}

/// Where a topic's messages go, in the form that the protocol asks for.
pub(super) fn endpoint(_: &mut SchemaGenerator) -> Schema {
    let mut schema = text(
        "([!-?A-~]+@[!-?A-~]+\\.[!-?A-~]+|https://[!-?A-~]+|\\+[0-9]{5,15}|arn:[!-~]+)",
        "an address of mail, a URL that begins with https://, a telephone number with its country, or an ARN, as the \
         protocol asks for",
        "on-call@example.com",
    );
    schema.insert("maxLength".to_owned(), 2048.into());
    schema
}
