"""What closes MiniStack's gaps, one module per gap."""

from __future__ import annotations

from outrigger_local.faults import Faults
from outrigger_local.hooks import Hooks
from outrigger_local.middleware import late_visibility, slow_provisioning
from outrigger_local.patches import (
    absent_alarms,
    assignments,
    dependency_violations,
    ec2_cidrs,
    ec2_client_tokens,
    ec2_duplicates,
    ec2_references,
    ec2_tags_of_the_deleted,
    elasticache_groups,
    event_targets,
    execution_ends,
    execution_names,
    iam_tags,
    json_expressions,
    kinesis_streams,
    lower_case_identifiers,
    parallel_branches,
    rds_engine_versions,
    rds_instances,
    secret_versions,
    secure_transport,
    state_machine_roles,
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
    event_targets,
    template_properties,
)
# Each puts hooks around operations of MiniStack's services.
_HOOKS = (
    iam_tags,
    ec2_client_tokens,
    ec2_references,
    ec2_cidrs,
    ec2_duplicates,
    dependency_violations,
    ec2_tags_of_the_deleted,
    lower_case_identifiers,
    rds_engine_versions,
    rds_instances,
    elasticache_groups,
    kinesis_streams,
    secret_versions,
    absent_alarms,
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
