"""What closes MiniStack's gaps, one module per gap."""

from __future__ import annotations

from outrigger_local import capacity
from outrigger_local.faults import Faults
from outrigger_local.hooks import Hooks
from outrigger_local.middleware import dead_regions, late_visibility, slow_provisioning, stopped_replication
from outrigger_local.patches import (
    absent_alarms,
    api_deployments,
    api_domains,
    api_imports,
    api_records,
    api_tags,
    api_updates,
    api_usage_plans,
    assignments,
    bucket_replication,
    backup_permissions,
    backup_plans,
    backup_vaults,
    condition_parameters,
    dashboards,
    dependency_violations,
    dynamodb_leading_keys,
    ec2_account_attributes,
    ec2_blackholes,
    ec2_cidrs,
    ec2_client_tokens,
    ec2_duplicates,
    ec2_elastic_addresses,
    ec2_nat_gateways,
    ec2_peering,
    ec2_references,
    ec2_rule_descriptions,
    ec2_tags_of_the_deleted,
    ec2_vpc_endpoints,
    elasticache_changes,
    elasticache_groups,
    elasticache_tokens,
    event_buses,
    event_conditions,
    event_policies,
    event_rules,
    event_targets,
    execution_ends,
    execution_names,
    global_accelerator,
    global_tables,
    iam_roles,
    iam_tags,
    json_expressions,
    kinesis_scaling,
    kinesis_streams,
    kms_keys,
    listeners,
    load_balancer_policies,
    load_balancer_requests,
    load_balancers,
    log_pages,
    lower_case_identifiers,
    parallel_branches,
    parameters,
    physical_names,
    rds_account_attributes,
    rds_clusters,
    rds_engine_versions,
    rds_global_clusters,
    rds_instances,
    rds_modifications,
    rds_parameter_groups,
    rds_snapshots,
    route53_health_checks,
    secret_replicas,
    secret_versions,
    secure_transport,
    service_quotas,
    sns_topics,
    state_machine_roles,
    table_replicas,
    tagged_resources,
    target_groups,
    target_health,
    template_properties,
)

# Each replaces functions of MiniStack's.
_PATCHES = (
    assignments,
    json_expressions,
    parallel_branches,
    execution_ends,
    execution_names,
    state_machine_roles,
    secure_transport,
    event_conditions,
dynamodb_leading_keys, event_policies,
    event_targets,
    template_properties,
    condition_parameters,
    physical_names,
    service_quotas,
    load_balancer_policies,
    load_balancer_requests,
    api_updates,
    api_imports,
    api_deployments,
    api_usage_plans,
    api_tags,
    api_domains,
    api_records,
    bucket_replication,
    backup_plans,
)
# Each puts hooks around operations of MiniStack's services, with what the faults say of how long things take.
_SLOW_HOOKS = (load_balancers, global_accelerator, rds_global_clusters)
# Each puts hooks around operations of MiniStack's services.
_HOOKS = (
    iam_tags,
    iam_roles,
    ec2_client_tokens,
    ec2_references,
    ec2_cidrs,
    ec2_duplicates,
    ec2_nat_gateways,
    ec2_vpc_endpoints,
    ec2_elastic_addresses,
    dependency_violations,
    ec2_tags_of_the_deleted,
    ec2_rule_descriptions,
    ec2_blackholes,
    ec2_peering,
    ec2_account_attributes,
    lower_case_identifiers,
    rds_engine_versions,
    rds_parameter_groups,
    rds_clusters,
    rds_modifications,
    rds_instances,
    rds_snapshots,
    rds_account_attributes,
    elasticache_groups,
    elasticache_changes,
    elasticache_tokens,
    kms_keys,
    kinesis_streams,
    kinesis_scaling,
    secret_versions,
    secret_replicas,
    absent_alarms,
    dashboards,
    log_pages,
    tagged_resources,
    event_rules,
    event_buses,
    sns_topics,
    target_groups,
    listeners,
    target_health,
    route53_health_checks,
    global_tables,
    table_replicas,
    parameters,
    backup_vaults,
    backup_permissions,
)


def install(faults: Faults) -> None:
    """Puts the patches in place, and the faults that need MiniStack's stores; imports the services they are for."""
    for patch in _PATCHES:
        patch.install()
    dead_regions.install(faults)
    hooks = Hooks()
    late_visibility.install(hooks, faults)
    slow_provisioning.install(hooks, faults)
    capacity.install(hooks)
    for patch in _SLOW_HOOKS:
        patch.install(hooks, faults)
    for patch in _HOOKS:
        patch.install(hooks)
    stopped_replication.install(hooks, faults)
    hooks.install()
