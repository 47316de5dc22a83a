//! What serves: APIs, functions, event buses, parameters.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Input;
use crate::key::Region;

/// A regional REST API: what it answers on which routes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RestApi {
    /// What it is for.
    pub description: String,
    /// What it answers, by method and path: `POST /sensor-data`.
    pub routes: BTreeMap<String, ApiRoute>,
}

/// One method of one path of an API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApiRoute {
    /// Whether a request must bring a key that a usage plan knows.
    pub api_key: bool,
    /// What is answered with status 200, as JSON.
    pub response: String,
    /// The stream that gets the body of each request as a record; without, API Gateway answers by itself.
    #[serde(default)]
    pub record_to: Option<RecordTo>,
}

/// A stream that gets the bodies of requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordTo {
    /// The stream's name.
    pub stream: Input,
    /// The ARN of the role that API Gateway takes on to write to it.
    pub role: Input,
}

/// What an API was when it was deployed: it never changes. Its name within the stack holds the hash of the routes, so that
/// other routes are another deployment's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApiDeployment {
    /// The API's id.
    pub api: Input,
}

/// A stage of an API: where one of its deployments answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApiStage {
    /// The API's id.
    pub api: Input,
    /// Its name, the first part of the path of its URL.
    pub stage: String,
    /// The id of the deployment that answers.
    pub deployment: Input,
}

/// How often each of its keys may call a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UsagePlan {
    /// What it is for.
    pub description: String,
    /// The stage's id: `<API's id>:<stage's name>`.
    pub stage: Input,
    /// How many requests a second a key may make in the long run.
    pub rate_per_second: u32,
    /// How many requests a key may make at once.
    pub burst: u32,
}

/// A key that requests are made with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApiKey {
    /// What it is for.
    pub description: String,
}

/// That a key is one of a plan's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UsagePlanKey {
    /// The usage plan's id.
    pub plan: Input,
    /// The key's id.
    pub key: Input,
}

/// A Lambda function whose code is that of one of the project's own functions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// What it is for.
    pub description: String,
    /// Whose code it has: `region-gate`, `event-recorder` or `database-agent`.
    pub code: String,
    /// The ARN of the role that it runs with.
    pub role: Input,
    /// What it reads from its environment. Never a secret.
    pub environment: BTreeMap<String, Input>,
    /// How much memory it has, in MiB as AWS counts it; processing power grows with it.
    pub memory_mb: u32,
    /// How long an invocation may take.
    pub timeout_seconds: u32,
    /// The ids of the subnets that it reaches; none where it is in no VPC.
    pub subnets: Vec<Input>,
    /// The ids of its security groups in the VPC.
    pub security_groups: Vec<Input>,
}

/// That a service may invoke a function: a statement of the function's policy, named as the resource is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunctionPermission {
    /// The function's name.
    pub function: Input,
    /// The service, such as `events.amazonaws.com`.
    pub service: String,
    /// The ARN of what it may invoke it for; anything of the account's without.
    #[serde(default)]
    pub source: Option<Input>,
}

/// A regional domain name of one's own for APIs, with TLS 1.2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApiDomain {
    /// The domain name, such as `api.example.com`.
    pub domain: String,
    /// The ARN of its certificate in Certificate Manager, in its own region.
    pub certificate: String,
}

/// Where below a domain an API answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApiMapping {
    /// The domain's name.
    pub domain: Input,
    /// The first part of the path, which the API does not see; without one, the API answers at the root.
    #[serde(default)]
    pub base_path: Option<String>,
    /// The API's id.
    pub api: Input,
    /// The name of the stage that answers.
    pub stage: String,
}

/// A custom event bus; whoever is in its account may put events on it, as AWS has it by default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventBus {
    /// What it is for.
    pub description: String,
}

/// A rule of an event bus; it is always enabled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventRule {
    /// The bus's name.
    pub bus: Input,
    /// What it is for.
    pub description: String,
    /// Which events it matches, as JSON.
    pub pattern: String,
}

/// What gets the events that a rule matches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventTarget {
    /// The bus's name.
    pub bus: Input,
    /// The rule's name.
    pub rule: Input,
    /// The function's ARN.
    pub function: Input,
}

/// An endpoint over two event buses of one name, each in its own region: events go to the primary's, or to the other where the
/// health check tells that the primary is not well; and they are copied to both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GlobalEndpoint {
    /// What it is for, and whose.
    pub description: String,
    /// The id of the Route 53 health check of the primary's region.
    pub health_check: Input,
    /// The ARN of the primary's bus.
    pub primary_bus: Input,
    /// The ARN of the other bus.
    pub secondary_bus: Input,
    /// Where the other bus is.
    pub secondary_region: Region,
    /// The ARN of the role that EventBridge takes on to copy events.
    pub role: Input,
}

/// A parameter of Parameter Store, of the tier Standard.
/// A DynamoDB table: on demand, and always encrypted. Its keys are texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// How its value is kept.
    #[serde(rename = "type")]
    pub kind: ParameterType,
    /// Its value, of one of the type `String`; that of a `SecureString` is in Parameter Store alone.
    #[serde(default)]
    pub value: Option<Input>,
    /// The ARN of the parameter, in another region, whose value a `SecureString` has. One without it has a value of its own,
    /// which is generated when it is created.
    #[serde(default)]
    pub copy_of: Option<Input>,
}

/// How a parameter's value is kept:
/// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterType {
    /// As it is.
    String,
    /// Encrypted, with the key that AWS manages for Parameter Store.
    SecureString,
}
