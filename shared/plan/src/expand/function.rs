//! Functions: one of the project's own, with its role, its log group and, in the VPC, its security group.

use std::collections::{BTreeMap, BTreeSet};

use outrigger_model::document::{ComponentPath, Function, FunctionCode};
use outrigger_model::name::{physical_name, topology_partition};
use outrigger_model::properties::{self, Allows, Input};
use outrigger_model::{Kind, Properties, ResourceKey};

use super::{Expansion, NetworkKeys};

/// Where `event-recorder` is told its table.
const RECORDER_TABLE: &str = "EVENT_TABLE";

/// The certificates of databases that `database-agent` trusts: a file in its package.
const AGENT_CERTIFICATES: &str = "certificates.pem";

/// How long what functions log is kept: long enough to look into what happened.
const LOG_RETENTION_DAYS: u32 = 30;

/// What a function is to be.
pub(super) struct FunctionOf<'a> {
    /// Its name within the stack, that of its role and of its security group: no dot is in it.
    pub(super) name: &'a str,
    /// What it is for.
    pub(super) description: String,
    /// Which of the project's functions it is.
    pub(super) code: &'a str,
    /// What it reads from its environment.
    pub(super) environment: BTreeMap<String, Input>,
    /// What it may do, besides writing its log.
    pub(super) allows: Vec<Allows>,
    pub(super) memory_mb: u32,
    pub(super) timeout_seconds: u32,
    /// The network whose private subnets it is in; none where it is in no VPC.
    pub(super) network: Option<&'a NetworkKeys>,
    pub(super) tags: &'a BTreeMap<String, String>,
}

impl Expansion<'_> {
    /// A function that the document says, in the region at hand.
    pub(super) fn function_of_document(&mut self, name: &str, function: &Function, network: Option<&NetworkKeys>) {
        let (environment, allows) = match (function.code, &function.database) {
            (FunctionCode::EventRecorder, _) => {
                let (environment, allows) = self.records_events(function.table.as_deref().unwrap_or_default());
                (environment, vec![allows])
            }
            (FunctionCode::RegionGate, _) => {
                let (environment, allows) = self.reads_topology();
                (environment, vec![allows])
            }
            (FunctionCode::DatabaseAgent, database) => self.logs_in(database.as_ref()),
        };
        self.function(FunctionOf {
            name,
            description: format!("the function {name} of {}", self.document.id()),
            code: function.code.as_str(),
            environment,
            allows,
            memory_mb: function.memory_mb,
            timeout_seconds: function.timeout_seconds,
            network: network.filter(|_| function.in_vpc),
            tags: &function.tags,
        });
    }

    /// What `event-recorder` needs to write to a table.
    fn records_events(&self, table: &str) -> (BTreeMap<String, Input>, Allows) {
        let (key, arn) = self.table_here(table);
        let environment = BTreeMap::from([(RECORDER_TABLE.to_owned(), Input::of(&key, "name"))]);
        let allows = Allows {
            actions: BTreeSet::from(["dynamodb:PutItem".to_owned()]),
            resources: vec![Input::of(&key, arn)],
            leading_keys: BTreeSet::new(),
        };
        (environment, allows)
    }

    /// What `database-agent` needs to log in to a database in the region at hand: the certificates to trust, which are in its
    /// package, and the right to read that database's secret there alone. Its requests say which host it connects to.
    fn logs_in(&self, database: Option<&ComponentPath>) -> (BTreeMap<String, Input>, Vec<Allows>) {
        let certificates = Input::Text(AGENT_CERTIFICATES.to_owned());
        let environment = BTreeMap::from([("OUTRIGGER_CERTIFICATES".to_owned(), certificates)]);
        // No cluster has the name of a database.
        let name = database.map_or("", |database| database.parts().1);
        let of_database = self.document.databases.get(name);
        let of_database = of_database.map(|of| (&of.region, &of.encryption_key));
        let of_cluster = self.document.clusters.get(name);
        let of_cluster = of_cluster.map(|of| (&of.region, &of.encryption_key));
        let Some((region, encryption_key)) = of_database.or(of_cluster) else {
            return (environment, Vec::new());
        };
        let allows = |action: &str, resource: Input| Allows {
            actions: BTreeSet::from([action.to_owned()]),
            resources: vec![resource],
            leading_keys: BTreeSet::new(),
        };
        let secret = ResourceKey::new(self.document.home(region.as_ref()), Kind::Secret, name);
        let mut allowed = vec![allows("secretsmanager:GetSecretValue", self.secret_here(&secret))];
        let encryption_key = self.encryption_key(encryption_key.as_ref());
        allowed.extend(encryption_key.map(|key| allows("kms:Decrypt", key)));
        (environment, allowed)
    }

    /// The ARN of a secret in the region at hand: its own, or that of its replica, which has the same name. What Secrets Manager
    /// adds to a name are a hyphen and six characters:
    /// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_iam-policies.html>.
    fn secret_here(&self, secret: &ResourceKey) -> Input {
        if secret.region == *self.region {
            return Input::of(secret, "arn");
        }
        let name = physical_name(&self.document.id(), secret);
        self.arn("secretsmanager", &format!("secret:{name}-??????"))
    }

    /// A function in the region at hand.
    ///
    /// Its log group is there before it, and goes after it: Lambda would make it itself, without tags, and leave it behind.
    pub(super) fn function(&mut self, of: FunctionOf<'_>) -> ResourceKey {
        let key = ResourceKey::new(self.region, Kind::Function, of.name);
        let physical_name = physical_name(&self.document.id(), &key);
        let log_group = self.add_tagged(
            Kind::LogGroup,
            &format!("{}{WITHIN}logs", of.name),
            Properties::LogGroup(properties::LogGroup {
                retention_days: Some(LOG_RETENTION_DAYS),
            }),
            of.tags,
        );
        let log_group_name = format!("/aws/lambda/{physical_name}");
        if let Some(group) = self.graph.resources.get_mut(&log_group) {
            group.tags.insert("Name".to_owned(), log_group_name.clone());
            group.physical_name.clone_from(&log_group_name);
        }
        let security_group = of.network.map(|network| {
            self.add_tagged(
                Kind::SecurityGroup,
                of.name,
                Properties::SecurityGroup(properties::SecurityGroup {
                    vpc: Input::id_of(&network.vpc),
                    description: format!("the function {} of {}", of.name, self.document.id()),
                    ingress: Vec::new(),
                }),
                of.tags,
            )
        });
        let mut allows = vec![Allows {
            actions: BTreeSet::from(["logs:CreateLogStream".to_owned(), "logs:PutLogEvents".to_owned()]),
            resources: vec![self.arn("logs", &format!("log-group:{log_group_name}:*"))],
            leading_keys: BTreeSet::new(),
        }];
        allows.extend(of.allows);
        let role = self.add_tagged(
            Kind::Role,
            &format!("{}{WITHIN}function", of.name),
            Properties::Role(properties::Role {
                description: format!("the function {} of {}", of.name, self.document.id()),
                service: "lambda.amazonaws.com".to_owned(),
                managed_policies: of.network.map(|_| self.vpc_access()).into_iter().collect(),
                allows,
            }),
            of.tags,
        );
        let function = self.add_tagged(
            Kind::Function,
            of.name,
            Properties::Function(properties::Function {
                description: of.description,
                code: of.code.to_owned(),
                role: Input::of(&role, "arn"),
                environment: of.environment,
                memory_mb: of.memory_mb,
                timeout_seconds: of.timeout_seconds,
                subnets: match of.network {
                    Some(network) => network.private_subnets.iter().map(Input::id_of).collect(),
                    None => Vec::new(),
                },
                security_groups: security_group.iter().map(Input::id_of).collect(),
            }),
            of.tags,
        );
        self.after(&function, &log_group);
        function
    }

    /// What a function needs to read the stack's topology: the environment, and the right to read that item of the control
    /// plane's table alone, in the region at hand.
    pub(super) fn reads_topology(&self) -> (BTreeMap<String, Input>, Allows) {
        let id = self.document.id();
        let table = &self.resolved.control_plane.table;
        let environment = BTreeMap::from([
            ("OUTRIGGER_TABLE".to_owned(), Input::Text(table.clone())),
            ("OUTRIGGER_STACK".to_owned(), Input::Text(id.to_string())),
        ]);
        let allows = Allows {
            actions: BTreeSet::from(["dynamodb:GetItem".to_owned()]),
            resources: vec![self.arn("dynamodb", &format!("table/{table}"))],
            leading_keys: BTreeSet::from([topology_partition(&id)]),
        };
        (environment, allows)
    }

    /// The ARN of something of the account in the region at hand:
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>.
    pub(super) fn arn(&self, service: &str, resource: &str) -> Input {
        let (partition, region) = (self.region.partition(), self.region);
        let account = &self.resolved.control_plane.account;
        Input::Text(format!("arn:{partition}:{service}:{region}:{account}:{resource}"))
    }

    /// What Lambda needs to put a function into a VPC:
    /// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions>.
    fn vpc_access(&self) -> String {
        let partition = self.region.partition();
        format!("arn:{partition}:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole")
    }
}

/// What stands between a function's name and that of something it has. No component's name can hold it.
const WITHIN: char = '.';
