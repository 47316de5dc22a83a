"""What closes MiniStack's gaps, one module per gap."""

from __future__ import annotations

from outrigger_local.faults import Faults
from outrigger_local.hooks import Hooks
from outrigger_local.middleware import late_visibility, slow_provisioning
from outrigger_local.patches import (
    absent_alarms,
    api_deployments,
    api_imports,
    api_records,
    api_tags,
    api_updates,
    api_usage_plans,
    assignments,
    dependency_violations,
    ec2_account_attributes,
    ec2_blackholes,
    ec2_cidrs,
    ec2_client_tokens,
    ec2_duplicates,
    ec2_references,
    ec2_rule_descriptions,
    ec2_tags_of_the_deleted,
    elasticache_changes,
    elasticache_groups,
    event_conditions,
    event_rules,
    event_targets,
    execution_ends,
    execution_names,
    iam_roles,
    iam_tags,
    json_expressions,
    kinesis_scaling,
    kinesis_streams,
    log_pages,
    lower_case_identifiers,
    parallel_branches,
    rds_account_attributes,
    rds_engine_versions,
    rds_instances,
    rds_modifications,
    rds_parameter_groups,
    rds_snapshots,
    secret_versions,
    secure_transport,
    service_quotas,
    state_machine_roles,
    tagged_resources,
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
    event_targets,
    template_properties,
    service_quotas,
    api_updates,
    api_imports,
    api_deployments,
    api_usage_plans,
    api_tags,
    api_records,
)
# Each puts hooks around operations of MiniStack's services.
_HOOKS = (
    iam_tags,
    iam_roles,
    ec2_client_tokens,
    ec2_references,
    ec2_cidrs,
    ec2_duplicates,
    dependency_violations,
    ec2_tags_of_the_deleted,
    ec2_rule_descriptions,
    ec2_blackholes,
    ec2_account_attributes,
    lower_case_identifiers,
    rds_engine_versions,
    rds_parameter_groups,
    rds_modifications,
    rds_instances,
    rds_snapshots,
    rds_account_attributes,
    elasticache_groups,
    elasticache_changes,
    kinesis_streams,
    kinesis_scaling,
    secret_versions,
    absent_alarms,
    log_pages,
    tagged_resources,
    event_rules,
)


def install(faults: Faults) -> None:
    """Puts the patches in place, and the faults that need MiniStack's stores; imports the services they are for."""
    for patch in _PATCHES:
        patch.install()
    hooks = Hooks()
    late_visibility.install(hooks, faults)
    slow_provisioning.install(hooks, faults)
    for patch in _HOOKS:
        patch.install(hooks)
    hooks.install()
