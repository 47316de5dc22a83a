//! What watches and keeps: alarms, logs, dashboards, topics, backups.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Input;
use crate::key::Region;

/// A dashboard: widgets, each with some metrics over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dashboard {
    /// What is shown above them.
    pub text: String,
    /// The widgets, in the order in which they are shown.
    pub widgets: Vec<Widget>,
}

/// Some metrics over time, in one drawing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Widget {
    /// What is above it.
    pub title: String,
    /// The region whose metrics these are.
    pub region: Region,
    /// The metrics.
    pub metrics: Vec<WidgetMetric>,
}

/// A line in a widget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WidgetMetric {
    /// The metric's namespace, such as `AWS/RDS`.
    pub namespace: String,
    /// The metric's name.
    pub metric: String,
    /// The metric's dimensions.
    pub dimensions: BTreeMap<String, Input>,
    /// How a period's samples become one number.
    pub statistic: Statistic,
}

/// A backup vault, encrypted with the key that AWS manages for Backup.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackupVault {}

/// A backup plan with one rule: a backup every day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackupPlan {
    /// The name of the vault that backups are made in.
    pub vault: Input,
    /// When a backup may begin at the earliest, `hh:mm` in UTC.
    pub window_start: String,
    /// How long backups and copies are kept.
    pub retention_days: u32,
    /// The ARNs of the vaults, in other regions, that each backup is copied to.
    pub copies: Vec<Input>,
}

/// What a backup plan backs up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackupSelection {
    /// The plan's id.
    pub plan: Input,
    /// The ARN of the role that Backup takes on.
    pub role: Input,
    /// The ARNs of what is backed up.
    pub resources: Vec<Input>,
    /// Whether the plan copies backups to another region: not everything can be.
    pub copied: bool,
}

/// A CloudWatch alarm on one metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// What it tells.
    pub description: String,
    /// The metric's namespace, such as `AWS/RDS`.
    pub namespace: String,
    /// The metric's name.
    pub metric: String,
    /// The metric's dimensions.
    pub dimensions: BTreeMap<String, Input>,
    /// How a period's samples become one number.
    pub statistic: Statistic,
    /// How the number stands to the threshold when the alarm fires.
    pub comparison: Comparison,
    /// The threshold, in the metric's unit.
    pub threshold: f64,
    /// The length of a period.
    pub period_seconds: u32,
    /// How many periods in a row.
    pub periods: u32,
    /// What a period without data counts as.
    pub missing_data: MissingData,
    /// The ARNs of the topics that are told when it fires, and when all is well again.
    #[serde(default)]
    pub topics: Vec<Input>,
}

/// A log group that an AWS service writes to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LogGroup {
    /// How long what is written is kept. Without, it is left as it is: for ever, until somebody says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u32>,
}

/// A standard SNS topic; whoever is in its account may publish to it, as AWS has it by default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Topic {}

/// Somebody or something that a topic's messages go to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subscription {
    /// The topic's ARN.
    pub topic: Input,
    /// How messages travel.
    pub protocol: Protocol,
    /// Where to: an address, a URL, a number or an ARN.
    pub endpoint: String,
}

/// How a topic's messages travel:
/// <https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Mail for people. Whoever has the address confirms once, by the link in the first mail.
    Email,
    /// A POST to an address that begins with `https://`, which confirms by itself.
    Https,
    /// A text message to a telephone number.
    Sms,
    /// To an SQS queue, whose policy lets the topic send.
    Sqs,
    /// To a Lambda function, whose policy lets SNS invoke it.
    Lambda,
}

impl Protocol {
    /// AWS's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Protocol::Email => "email",
            Protocol::Https => "https",
            Protocol::Sms => "sms",
            Protocol::Sqs => "sqs",
            Protocol::Lambda => "lambda",
        }
    }
}

/// How a period's samples become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    /// Their mean.
    Average,
    /// Their sum.
    Sum,
    /// The least of them.
    Minimum,
    /// The greatest of them.
    Maximum,
}

/// How a number stands to the threshold when an alarm fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// Above it.
    GreaterThan,
    /// Above it, or equal.
    GreaterThanOrEqual,
    /// Below it.
    LessThan,
    /// Below it, or equal.
    LessThanOrEqual,
}

/// What a period without data counts as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MissingData {
    /// As nothing: the alarm may go to `INSUFFICIENT_DATA`.
    #[default]
    Missing,
    /// As within the threshold.
    NotBreaching,
    /// As beyond the threshold.
    Breaching,
    /// As whatever came before.
    Ignore,
}
