//! The metrics that AWS documents of each kind of component, with the dimensions that an alarm of ours has.

use crate::document::ComponentPath;

/// <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_EnableEnhancedMonitoring.html>
pub(in crate::document) const SHARD: [&str; 7] = [
    "IncomingBytes",
    "IncomingRecords",
    "IteratorAgeMilliseconds",
    "OutgoingBytes",
    "OutgoingRecords",
    "ReadProvisionedThroughputExceeded",
    "WriteProvisionedThroughputExceeded",
];

/// Those of a component, and AWS's name for what it is.
pub(super) fn of(component: &ComponentPath) -> (&'static [&'static str], &'static str) {
    match component {
        ComponentPath::Database(_) => (&DATABASE, "RDS for PostgreSQL"),
        ComponentPath::Cluster(_) => (&CLUSTER, "Aurora PostgreSQL"),
        ComponentPath::Cache(_) => (&CACHE, "ElastiCache for Redis"),
        ComponentPath::Stream(_) => (&STREAM, "Kinesis"),
        ComponentPath::Topic(_) => (&TOPIC, "SNS"),
        ComponentPath::Api(_) => (&API, "API Gateway"),
        ComponentPath::Bus(_) => (&BUS, "EventBridge"),
        ComponentPath::Table(_) => (&TABLE, "DynamoDB"),
        ComponentPath::Function(_) => (&FUNCTION, "Lambda"),
        ComponentPath::Bucket(_) => (&BUCKET, "S3"),
        ComponentPath::Gate(_) => (&GATE, "Elastic Load Balancing"),
        ComponentPath::Accelerator(_) => (&ACCELERATOR, "Global Accelerator"),
        ComponentPath::HealthCheck(_) => (&HEALTH_CHECK, "Route 53"),
        ComponentPath::Backup(_) => (&BACKUP, "AWS Backup"),
        ComponentPath::Parameter(_) => (&[], "Parameter Store"),
    }
}

/// The one region in which the metrics of a component of a global service are, wherever the stack is.
pub fn only_in(component: &ComponentPath) -> Option<&'static str> {
    match component {
        // https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/monitoring-health-checks.html
        ComponentPath::HealthCheck(_) => Some("us-east-1"),
        // https://docs.aws.amazon.com/global-accelerator/latest/dg/cloudwatch-monitoring.html
        ComponentPath::Accelerator(_) => Some("us-west-2"),
        ComponentPath::Database(_)
        | ComponentPath::Cluster(_)
        | ComponentPath::Cache(_)
        | ComponentPath::Stream(_)
        | ComponentPath::Topic(_)
        | ComponentPath::Api(_)
        | ComponentPath::Table(_)
        | ComponentPath::Bucket(_)
        | ComponentPath::Parameter(_)
        | ComponentPath::Backup(_)
        | ComponentPath::Function(_)
        | ComponentPath::Gate(_)
        | ComponentPath::Bus(_) => None,
    }
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html>, of a function that is invoked directly or by
/// events.
const FUNCTION: [&str; 9] = [
    "AsyncEventAge",
    "AsyncEventsDropped",
    "AsyncEventsReceived",
    "ConcurrentExecutions",
    "DeadLetterErrors",
    "Duration",
    "Errors",
    "Invocations",
    "Throttles",
];

/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html>: those of a table as a whole, and
/// the latency of a replica, which says the region besides.
const TABLE: [&str; 8] = [
    "AccountProvisionedReadCapacityUtilization",
    "ConditionalCheckFailedRequests",
    "ConsumedReadCapacityUnits",
    "ConsumedWriteCapacityUnits",
    "ReadThrottleEvents",
    REPLICATION_LATENCY,
    "TransactionConflict",
    "WriteThrottleEvents",
];

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/repl-metrics.html>: those of replication.
const BUCKET: [&str; 4] = [
    "BytesPendingReplication",
    OPERATIONS_FAILED_REPLICATION,
    "OperationsPendingReplication",
    REPLICATION_LATENCY,
];

/// How many operations were not copied to the other bucket.
pub const OPERATIONS_FAILED_REPLICATION: &str = "OperationsFailedReplication";

/// How long what is written in one region of a global table, or put into one of two buckets, takes to the other.
pub const REPLICATION_LATENCY: &str = "ReplicationLatency";

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-cloudwatch-metrics.html>, of a load balancer
/// with a TCP listener, by target group.
const GATE: [&str; 2] = ["HealthyHostCount", "UnHealthyHostCount"];

/// <https://docs.aws.amazon.com/aws-backup/latest/devguide/cloudwatch.html>, of a vault.
const BACKUP: [&str; 20] = [
    "NumberOfBackupJobsAborted",
    "NumberOfBackupJobsCompleted",
    "NumberOfBackupJobsCreated",
    "NumberOfBackupJobsExpired",
    "NumberOfBackupJobsFailed",
    "NumberOfBackupJobsPending",
    "NumberOfBackupJobsRunning",
    "NumberOfCopyJobsCompleted",
    "NumberOfCopyJobsCreated",
    "NumberOfCopyJobsFailed",
    "NumberOfCopyJobsRunning",
    "NumberOfRecoveryPointsCold",
    "NumberOfRecoveryPointsCompleted",
    "NumberOfRecoveryPointsDeleting",
    "NumberOfRecoveryPointsExpired",
    "NumberOfRecoveryPointsPartial",
    "NumberOfRestoreJobsCompleted",
    "NumberOfRestoreJobsFailed",
    "NumberOfRestoreJobsPending",
    "NumberOfRestoreJobsRunning",
];

/// <https://docs.aws.amazon.com/global-accelerator/latest/dg/cloudwatch-monitoring.html>, of an accelerator; from memory.
const ACCELERATOR: [&str; 11] = [
    "ActiveFlowCount",
    "Flows_Dropped_No_Endpoint_Found",
    "HealthyEndpointCount",
    "NewFlowCount",
    "PacketsProcessed",
    "ProcessedBytesIn",
    "ProcessedBytesOut",
    "TCP_AGA_Reset_Count",
    "TCP_Client_Reset_Count",
    "TCP_Endpoint_Reset_Count",
    "UnhealthyEndpointCount",
];
/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/monitoring-health-checks.html>, of a check by HTTP or HTTPS that
/// does not measure latency.
const HEALTH_CHECK: [&str; 2] = ["HealthCheckPercentageHealthy", "HealthCheckStatus"];
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html>, with the dimension `EventBusName`; from memory.
const BUS: [&str; 15] = [
    "DeadLetterInvocations",
    "FailedInvocations",
    "IngestionToInvocationCompleteLatency",
    "IngestionToInvocationStartLatency",
    "IngestionToInvocationSuccessLatency",
    "InvocationAttempts",
    "Invocations",
    "InvocationsCreated",
    "InvocationsFailedToBeSentToDlq",
    "InvocationsSentToDlq",
    "MatchedEvents",
    "RetryInvocationAttempts",
    "SuccessfulInvocationAttempts",
    "ThrottledRules",
    "TriggeredRules",
];
/// Whether only the members of a global database publish a metric, with the dimension `SourceRegion`.
pub(super) fn is_of_global_database(metric: &str) -> bool {
    GLOBAL_DATABASE.contains(&metric)
}
/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.AuroraMonitoring.Metrics.html>: of a cluster that copies
/// another region's, published where it is, with the dimensions `DBClusterIdentifier` and `SourceRegion`.
const GLOBAL_DATABASE: [&str; 5] = [
    "AuroraGlobalDBDataTransferBytes",
    "AuroraGlobalDBProgressLag",
    "AuroraGlobalDBReplicatedWriteIO",
    "AuroraGlobalDBReplicationLag",
    "AuroraGlobalDBRPOLag",
];
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html>
const API: [&str; 7] = [
    "4XXError",
    "5XXError",
    "CacheHitCount",
    "CacheMissCount",
    "Count",
    "IntegrationLatency",
    "Latency",
];

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html>, of an instance with PostgreSQL; and
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PerfInsights.Cloudwatch.html>.
const DATABASE: [&str; 57] = [
    "BurstBalance",
    "CheckpointLag",
    "ConnectionAttempts",
    "CPUCreditBalance",
    "CPUCreditUsage",
    "CPUSurplusCreditBalance",
    "CPUSurplusCreditsCharged",
    "CPUUtilization",
    "DatabaseConnections",
    "DBLoad",
    "DBLoadCPU",
    "DBLoadNonCPU",
    "DBLoadRelativeToNumVCPUs",
    "DiskQueueDepth",
    "DiskQueueDepthLogVolume",
    "EBSByteBalance%",
    "EBSIOBalance%",
    "FreeableMemory",
    "FreeLocalStorage",
    "FreeLocalStoragePercent",
    "FreeStorageSpace",
    "FreeStorageSpaceLogVolume",
    "IamDbAuthConnectionRequests",
    "IamDbAuthConnectionSuccess",
    "IamDbAuthConnectionFailure",
    "IamDbAuthConnectionFailureInvalidToken",
    "IamDbAuthConnectionFailureInsufficientPermissions",
    "IamDbAuthConnectionFailureThrottling",
    "IamDbAuthConnectionFailureServerError",
    "MaximumUsedTransactionIDs",
    "NetworkReceiveThroughput",
    "NetworkTransmitThroughput",
    "OldestLogicalReplicationSlotLag",
    "OldestReplicationSlotLag",
    "ReadIOPS",
    "ReadIOPSLocalStorage",
    "ReadIOPSLogVolume",
    "ReadLatency",
    "ReadLatencyLocalStorage",
    "ReadLatencyLogVolume",
    "ReadThroughput",
    "ReadThroughputLocalStorage",
    "ReadThroughputLogVolume",
    "ReplicaLag",
    "ReplicationSlotDiskUsage",
    "SwapUsage",
    "TransactionLogsDiskUsage",
    "TransactionLogsGeneration",
    "WriteIOPS",
    "WriteIOPSLocalStorage",
    "WriteIOPSLogVolume",
    "WriteLatency",
    "WriteLatencyLocalStorage",
    "WriteLatencyLogVolume",
    "WriteThroughput",
    "WriteThroughputLocalStorage",
    "WriteThroughputLogVolume",
];

/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.AuroraMonitoring.Metrics.html>: those of a cluster with
/// Aurora PostgreSQL, and those of its instances, which CloudWatch sums up for the cluster.
const CLUSTER: [&str; 50] = [
    "ACUUtilization",
    "AuroraReplicaLag",
    "AuroraReplicaLagMaximum",
    "AuroraReplicaLagMinimum",
    "BackupRetentionPeriodStorageUsed",
    "BufferCacheHitRatio",
    "CommitLatency",
    "CommitThroughput",
    "CPUUtilization",
    "DatabaseConnections",
    "Deadlocks",
    "DiskQueueDepth",
    "EBSByteBalance%",
    "EBSIOBalance%",
    "EngineUptime",
    "FreeableMemory",
    "FreeLocalStorage",
    "IamDbAuthConnectionFailure",
    "IamDbAuthConnectionFailureInsufficientPermissions",
    "IamDbAuthConnectionFailureInvalidToken",
    "IamDbAuthConnectionFailureServerError",
    "IamDbAuthConnectionFailureThrottling",
    "IamDbAuthConnectionRequests",
    "IamDbAuthConnectionSuccess",
    "MaximumUsedTransactionIDs",
    "NetworkReceiveThroughput",
    "NetworkThroughput",
    "NetworkTransmitThroughput",
    "OldestReplicationSlotLag",
    "RDSToAuroraPostgreSQLReplicaLag",
    "ReadIOPS",
    "ReadLatency",
    "ReadThroughput",
    "ReplicationSlotDiskUsage",
    "ServerlessDatabaseCapacity",
    "SnapshotStorageUsed",
    "StorageNetworkReceiveThroughput",
    "StorageNetworkThroughput",
    "StorageNetworkTransmitThroughput",
    "SwapUsage",
    "TempStorageIOPS",
    "TempStorageThroughput",
    "TotalBackupStorageBilled",
    "TransactionLogsDiskUsage",
    "VolumeBytesUsed",
    "VolumeReadIOPs",
    "VolumeWriteIOPs",
    "WriteIOPS",
    "WriteLatency",
    "WriteThroughput",
];

/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.HostLevel.html> and
/// <https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.Redis.html>.
const CACHE: [&str; 92] = [
    "ActiveDefragHits",
    "AuthenticationFailures",
    "BytesReadFromDisk",
    "BytesUsedForCache",
    "BytesWrittenToDisk",
    "CacheHitRate",
    "CacheHits",
    "CacheMisses",
    "ChannelAuthorizationFailures",
    "ClusterBasedCmds",
    "ClusterBasedCmdsLatency",
    "CommandAuthorizationFailures",
    "CPUCreditBalance",
    "CPUCreditUsage",
    "CPUUtilization",
    "CurrConnections",
    "CurrItems",
    "CurrVolatileItems",
    "DatabaseCapacityUsageCountedForEvictPercentage",
    "DatabaseCapacityUsagePercentage",
    "DatabaseMemoryUsageCountedForEvictPercentage",
    "DatabaseMemoryUsagePercentage",
    "DB0AverageTTL",
    "EngineCPUUtilization",
    "ErrorCount",
    "EvalBasedCmds",
    "EvalBasedCmdsLatency",
    "Evictions",
    "FreeableMemory",
    "GeoSpatialBasedCmds",
    "GeoSpatialBasedCmdsLatency",
    "GetTypeCmds",
    "GetTypeCmdsLatency",
    "GlobalDatastoreReplicationLag",
    "HashBasedCmds",
    "HashBasedCmdsLatency",
    "HyperLogLogBasedCmds",
    "HyperLogLogBasedCmdsLatency",
    "IamAuthenticationExpirations",
    "IamAuthenticationThrottling",
    "IsMaster",
    "IsPrimary",
    "JsonBasedCmds",
    "JsonBasedCmdsLatency",
    "JsonBasedGetCmds",
    "JsonBasedSetCmds",
    "KeyAuthorizationFailures",
    "KeyBasedCmds",
    "KeyBasedCmdsLatency",
    "KeysTracked",
    "ListBasedCmds",
    "ListBasedCmdsLatency",
    "MasterLinkHealthStatus",
    "MemoryFragmentationRatio",
    "NetworkBandwidthInAllowanceExceeded",
    "NetworkBandwidthOutAllowanceExceeded",
    "NetworkBaselineUsageInPercentage",
    "NetworkBaselineUsageOutPercentage",
    "NetworkBytesIn",
    "NetworkBytesOut",
    "NetworkConntrackAllowanceExceeded",
    "NetworkLinkLocalAllowanceExceeded",
    "NetworkMaxBytesIn",
    "NetworkMaxBytesOut",
    "NetworkMaxPacketsIn",
    "NetworkMaxPacketsOut",
    "NetworkPacketsIn",
    "NetworkPacketsOut",
    "NetworkPacketsPerSecondAllowanceExceeded",
    "NewConnections",
    "NonKeyTypeCmds",
    "NonKeyTypeCmdsLatency",
    "NumItemsReadFromDisk",
    "NumItemsWrittenToDisk",
    "PrimaryLinkHealthStatus",
    "PubSubBasedCmds",
    "PubSubBasedCmdsLatency",
    "Reclaimed",
    "ReplicationBytes",
    "ReplicationLag",
    "SaveInProgress",
    "SetBasedCmds",
    "SetBasedCmdsLatency",
    "SetTypeCmds",
    "SetTypeCmdsLatency",
    "SortedSetBasedCmds",
    "SortedSetBasedCmdsLatency",
    "StreamBasedCmds",
    "StreamBasedCmdsLatency",
    "StringBasedCmds",
    "SwapUsage",
    "TrafficManagementActive",
];

/// <https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html>, at the level of the stream.
const STREAM: [&str; 23] = [
    "GetRecords.Bytes",
    "GetRecords.IteratorAge",
    "GetRecords.IteratorAgeMilliseconds",
    "GetRecords.Latency",
    "GetRecords.Records",
    "GetRecords.Success",
    "IncomingBytes",
    "IncomingRecords",
    "OutgoingBytes",
    "OutgoingRecords",
    "PutRecord.Bytes",
    "PutRecord.Latency",
    "PutRecord.Success",
    "PutRecords.Bytes",
    "PutRecords.FailedRecords",
    "PutRecords.Latency",
    "PutRecords.Records",
    "PutRecords.Success",
    "PutRecords.SuccessfulRecords",
    "PutRecords.ThrottledRecords",
    "PutRecords.TotalRecords",
    "ReadProvisionedThroughputExceeded",
    "WriteProvisionedThroughputExceeded",
];

/// <https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html>, of a topic.
const TOPIC: [&str; 9] = [
    "NumberOfMessagesPublished",
    "NumberOfNotificationsDelivered",
    "NumberOfNotificationsFailed",
    "NumberOfNotificationsFilteredOut",
    "NumberOfNotificationsFilteredOut-InvalidAttributes",
    "NumberOfNotificationsFilteredOut-InvalidMessageBody",
    "NumberOfNotificationsFailedToRedriveToDlq",
    "NumberOfNotificationsRedrivenToDlq",
    "PublishSize",
];
