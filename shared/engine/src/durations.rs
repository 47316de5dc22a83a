//! How long AWS takes to create, change and delete an object of each kind: when the executor looks, and how the cloud in
//! memory behaves. Data only.
//!
//! AWS promises no durations. These are published ones, rounded; where a log was written by a client that polls, the
//! lower end is taken. `docs/performance.md` says what follows from that.

use outrigger_model::{Kind, UnixMs};

/// How long AWS works on an object, after its call was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Durations {
    /// From its creation until it is ready.
    pub create_ms: UnixMs,
    /// From a change until it is ready again.
    pub change_ms: UnixMs,
    /// From its deletion until it is gone.
    pub delete_ms: UnixMs,
    /// Where that is published.
    pub sources: &'static [&'static str],
}

/// The call does it: what the answer names is ready, although other calls may not see it yet.
const fn at_once(sources: &'static [&'static str]) -> Durations {
    Durations {
        create_ms: 0,
        change_ms: 0,
        delete_ms: 0,
        sources,
    }
}

/// Logs in which everything of a VPC takes a second; the VPC itself 20 s, most of it the client's own waits.
const NETWORK: &[&str] = &[
    "https://github.com/DevopsArtFactory/terraform-provisioning/pull/7",
    "https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html",
];

/// The durations of a kind.
pub const fn of(kind: Kind) -> Durations {
    match kind {
        // Creation: 15 to 20 minutes with a standby, half of it the conversion. Deletion: with a creation without a
        // standby a bit more than 6 minutes. Change: of the class, with a standby a failover between two restarts; an
        // estimate.
        Kind::DbInstance => Durations {
            create_ms: 900_000,
            change_ms: 600_000,
            delete_ms: 180_000,
            sources: &[
                "https://github.com/hashicorp/terraform/issues/498",
                "https://github.com/hashicorp/terraform-provider-aws/pull/14778",
                "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Troubleshooting.html",
            ],
        },
        // From memory: an empty one is there in seconds, and goes so.
        Kind::GlobalCluster => Durations {
            create_ms: 5_000,
            change_ms: 5_000,
            delete_ms: 5_000,
            sources: &[
                "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-global-database-getting-started.html",
            ],
        },
        // Deletion: 63 s. Creation and change: no more than that; estimates.
        Kind::DbCluster => Durations {
            create_ms: 60_000,
            change_ms: 60_000,
            delete_ms: 60_000,
            sources: &["https://github.com/tungbq/aws-lab-with-terraform/issues/100"],
        },
        // Creation and deletion: nearly 10 minutes each. Change: of the maintenance window or the like; an estimate.
        Kind::DbClusterInstance => Durations {
            create_ms: 540_000,
            change_ms: 60_000,
            delete_ms: 540_000,
            sources: &[
                "https://github.com/terraform-aws-modules/terraform-aws-rds-aurora/pull/506",
                "https://github.com/tungbq/aws-lab-with-terraform/issues/100",
            ],
        },
        // Creation and deletion together 11 to 18 minutes; with a change of the nodes' size in between 26.
        Kind::ReplicationGroup => Durations {
            create_ms: 600_000,
            change_ms: 900_000,
            delete_ms: 300_000,
            sources: &[
                "https://github.com/hashicorp/terraform-provider-aws/pull/17320",
                "https://github.com/hashicorp/terraform-provider-aws/pull/3931",
            ],
        },
        // Creation: 41 s, three times over. Change and deletion: tests that do all three take 2 to 3 minutes.
        Kind::Stream => Durations {
            create_ms: 41_000,
            change_ms: 40_000,
            delete_ms: 40_000,
            sources: &[
                "https://github.com/turbot/steampipe-plugin-aws/pull/125",
                "https://github.com/hashicorp/terraform-provider-aws/pull/17149",
            ],
        },
        // Of a table alone: 6 to 10 s. Of one with a replica: 2 to 4 minutes from end to end of a test, of which the replica has
        // most, and about as long to take away; estimates.
        Kind::Table => Durations {
            create_ms: 90_000,
            change_ms: 10_000,
            delete_ms: 60_000,
            sources: &["https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables.tutorial.html"],
        },
        // Creation: minutes, ten at most. Deletion: shorter, an estimate. It is never changed but for its tags.
        Kind::NatGateway => Durations {
            create_ms: 100_000,
            change_ms: 0,
            delete_ms: 60_000,
            sources: &[
                "https://github.com/kubernetes/kops/pull/944",
                "https://github.com/hashicorp/terraform/issues/8687",
                "https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html",
            ],
        },
        // Of an interface endpoint, an estimate: its network interfaces and the private zone with its name take minutes. A
        // gateway endpoint is a route, and is there at once.
        Kind::VpcEndpoint => Durations {
            create_ms: 90_000,
            change_ms: 30_000,
            delete_ms: 60_000,
            sources: &["https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html"],
        },
        // A test that makes and deletes one takes 6 s longer between two regions than within one.
        Kind::VpcPeering => Durations {
            create_ms: 6_000,
            change_ms: 0,
            delete_ms: 0,
            sources: &["https://github.com/hashicorp/terraform-provider-aws/pull/2508"],
        },
        // Calls that are answered when they are done. An estimate: what empties a bucket takes a second for each 1000 objects.
        Kind::Bucket | Kind::BucketReplication => {
            at_once(&["https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html"])
        }
        Kind::Vpc
        | Kind::Subnet
        | Kind::InternetGateway
        | Kind::ElasticIp
        | Kind::RouteTable
        | Kind::Route
        | Kind::RouteTableAssociation
        | Kind::SecurityGroup => at_once(NETWORK),
        // 2 to 8 s from another continent.
        Kind::DbSubnetGroup | Kind::DbParameterGroup | Kind::CacheSubnetGroup => {
            at_once(&["https://github.com/turbot/steampipe-plugin-aws/pull/184"])
        }
        Kind::Role => at_once(&["https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html"]),
        Kind::Secret | Kind::SecretAttachment => {
            at_once(&["https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html"])
        }
        // "eventually consistent": most changes show at once, some after a few seconds.
        Kind::KmsKey | Kind::KmsAlias => at_once(&[
            "https://docs.aws.amazon.com/kms/latest/developerguide/accessing-kms.html#programming-eventual-consistency",
        ]),
        // Calls that are answered when they are done; so few of them are taken in a minute that they may have to wait.
        Kind::RestApi | Kind::ApiDeployment | Kind::ApiStage | Kind::UsagePlan | Kind::ApiKey | Kind::UsagePlanKey => {
            at_once(&[
                "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html",
            ])
        }
        // In a VPC, and only there: its network interfaces take about a minute the first time ("may take several minutes"). They
        // outlive it by 20 minutes and more, which is the subnets' and security groups' to wait for. A change of its code or
        // configuration takes seconds; estimates.
        Kind::Function => Durations {
            create_ms: 60_000,
            change_ms: 5_000,
            delete_ms: 0,
            sources: &[
                "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html",
                "https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html",
            ],
        },
        Kind::FunctionPermission => at_once(&["https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html"]),
        // Creation: 2 to 3 minutes of `provisioning`, whichever of the two it is; a published log of an application load
        // balancer says 2 min 32 s. Deletion: the call; its network interfaces go later. From memory.
        Kind::LoadBalancer => Durations {
            create_ms: 150_000,
            change_ms: 0,
            delete_ms: 0,
            sources: &[
                "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerState.html",
            ],
        },
        Kind::TargetGroup | Kind::Listener | Kind::ListenerRule => {
            at_once(&["https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Operations.html"])
        }
        // Creation: until its health is known, by default two checks 10 s apart, and what passes until the load balancer
        // begins with them. Deletion: the delay that connections have to end.
        Kind::Target => Durations {
            create_ms: 60_000,
            change_ms: 0,
            delete_ms: 30_000,
            sources: &[
                "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html",
            ],
        },
        Kind::Parameter => {
            at_once(&["https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html"])
        }
        Kind::BackupVault | Kind::BackupPlan | Kind::BackupSelection => {
            at_once(&["https://docs.aws.amazon.com/aws-backup/latest/devguide/API_CreateBackupVault.html"])
        }
        // 3 s from another continent.
        Kind::LogGroup => at_once(&["https://github.com/turbot/steampipe-plugin-aws/pull/31"]),
        // A regional domain name takes a minute at most, an estimate; its mappings are there at once.
        Kind::ApiDomain => Durations {
            create_ms: 10_000,
            change_ms: 30_000,
            delete_ms: 0,
            sources: &[
                "https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-regional-api-custom-domain-create.html",
            ],
        },
        Kind::ApiMapping => at_once(&[
            "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html",
        ]),
        // "It may take a short period of time for changes to take effect."
        Kind::EventBus | Kind::EventRule | Kind::EventTarget => {
            at_once(&["https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html"])
        }
        // CREATING, UPDATING and DELETING last for seconds to a minute, an estimate: rules are made in both regions.
        Kind::GlobalEndpoint => Durations {
            create_ms: 30_000,
            change_ms: 30_000,
            delete_ms: 30_000,
            sources: &["https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeEndpoint.html"],
        },
        Kind::Topic | Kind::Subscription => {
            at_once(&["https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html"])
        }
        // Of an accelerator, and of every change of what is in it: a minute or two until it is deployed at AWS's edge. It is
        // disabled before it goes, which takes as long.
        Kind::Accelerator => Durations {
            create_ms: 60_000,
            change_ms: 60_000,
            delete_ms: 60_000,
            sources: &[
                "https://docs.aws.amazon.com/global-accelerator/latest/dg/disable-deny-traffic-to-accelerator.html",
                "https://github.com/hashicorp/terraform-provider-aws/pull/14115",
            ],
        },
        // They are there at once; it is the accelerator that is being deployed.
        Kind::AcceleratorListener | Kind::EndpointGroup => {
            at_once(&["https://docs.aws.amazon.com/global-accelerator/latest/api/API_CreateEndpointGroup.html"])
        }
        // There at once; its first result takes a minute or so.
        Kind::HealthCheck => {
            at_once(&["https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/health-checks-creating.html"])
        }
        Kind::Dashboard => {
            at_once(&["https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html"])
        }
        Kind::Alarm => {
            at_once(&["https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"])
        }
    }
}
