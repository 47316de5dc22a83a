"""What is in use cannot be deleted.

AWS (EC2 API Reference, "Error codes", DependencyViolation; RDS API Reference, DeleteDBSubnetGroup): a database, a
cache or a function has network interfaces in its subnets, which hold those and its security groups; a route table is
held by its associations, an internet gateway by its attachment, a VPC by anything in it; a DB subnet group by its
instances. A function's network interfaces outlive it (Lambda Developer Guide, "Giving Lambda functions access to resources in
an Amazon VPC": up to 40 minutes), here by two seconds. MiniStack checks VPCs for subnets, groups and gateways, cache subnet
groups for caches, and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from ministack.services import alb, ec2, elasticache, lambda_svc, rds

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import ANY, Hooks


# How long the network interfaces of a function stay that is gone, and those that stay: until when, where, and in which groups.
_STAY_SECONDS = 2.0
_staying: list[tuple[float, set[str], set[str]]] = []


def install(hooks: Hooks) -> None:
    """Puts the checks around the deletions."""
    hooks.around("ec2", "DeleteVpc")(_vpc)
    hooks.around("ec2", "DeleteSubnet")(_subnet)
    hooks.around("ec2", "DeleteSecurityGroup")(_security_group)
    hooks.around("ec2", "DeleteRouteTable")(_route_table)
    hooks.around("ec2", "DeleteInternetGateway")(_internet_gateway)
    hooks.around("rds", "DeleteDBSubnetGroup")(_db_subnet_group)
    hooks.around("lambda", ANY)(_function)


def _violation(call: Call, kind: str, identifier: str) -> Answer:
    message = f"The {kind} '{identifier}' has dependencies and cannot be deleted."
    return error(call, "DependencyViolation", message, 400)


def _interfaces() -> Iterator[tuple[set[str], set[str]]]:
    """For each thing with network interfaces: the subnets that they are in, and their security groups."""
    for interface in ec2._network_interfaces.values():
        yield {interface.get("SubnetId", "")}, {group["GroupId"] for group in interface.get("Groups", [])}
    for instance in ec2._instances.values():
        if (instance.get("State") or {}).get("Name") != "terminated":
            groups = {group.get("GroupId", "") for group in instance.get("SecurityGroups", [])}
            yield {instance.get("SubnetId", "")}, groups
    for database in [*rds._instances.values(), *rds._clusters.values()]:
        groups = {group["VpcSecurityGroupId"] for group in database.get("VpcSecurityGroups", [])}
        yield _db_subnets(database), groups
    for cache in elasticache._clusters.values():
        group = elasticache._subnet_groups.get(cache.get("CacheSubnetGroupName", "")) or {}
        subnets = {subnet["SubnetIdentifier"] for subnet in group.get("Subnets", [])}
        yield subnets, {entry["SecurityGroupId"] for entry in cache.get("SecurityGroups", [])}
    for gateway in ec2._nat_gateways.values():
        if gateway.get("State") not in ("deleted", "failed"):
            yield {gateway.get("SubnetId", "")}, set()
    for endpoint in ec2._vpc_endpoints.values():
        yield set(endpoint.get("SubnetIds", [])), set(endpoint.get("SecurityGroupIds", []))
    for function in lambda_svc._functions.values():
        yield _network_of(function)
    _staying[:] = [stay for stay in _staying if stay[0] > time.monotonic()]
    for _, subnets, groups in _staying:
        yield subnets, groups
    for balancer in alb._lbs.values():
        zones = balancer.get("AvailabilityZones", [])
        yield {zone.get("SubnetId", "") for zone in zones}, set(balancer.get("SecurityGroups", []))


def _network_of(function: dict) -> tuple[set[str], set[str]]:
    network = (function.get("config") or {}).get("VpcConfig") or {}
    return set(network.get("SubnetIds", [])), set(network.get("SecurityGroupIds", []))


async def _function(call: Call, proceed: Proceed) -> Answer:
    # Lambda's calls are told by their methods and paths.
    if call.method != "DELETE":
        return await proceed(call)
    before = {name: _network_of(function) for name, function in lambda_svc._functions.items()}
    answer = await proceed(call)
    for name in before.keys() - set(lambda_svc._functions.keys()):
        subnets, groups = before[name]
        if subnets:
            _staying.append((time.monotonic() + _STAY_SECONDS, subnets, groups))
    return answer


def _db_subnets(database: dict) -> set[str]:
    group = database.get("DBSubnetGroup")
    name = group.get("DBSubnetGroupName", "") if isinstance(group, dict) else str(group or "")
    held = rds._subnet_groups.get(name) or (group if isinstance(group, dict) else {})
    return {subnet["SubnetIdentifier"] for subnet in held.get("Subnets", [])}


async def _vpc(call: Call, proceed: Proceed) -> Answer:
    vpc = call.parameters.get("VpcId", "")
    held = ec2._vpcs.get(vpc)
    if held:
        main = {
            table["RouteTableId"]
            for table in ec2._route_tables.values()
            if any(association.get("Main") for association in table.get("Associations", []))
        }
        tables = [t for t in ec2._route_tables.values() if t["VpcId"] == vpc and t["RouteTableId"] not in main]
        endpoints = [endpoint for endpoint in ec2._vpc_endpoints.values() if endpoint.get("VpcId") == vpc]
        lists = [acl for acl in ec2._network_acls.values() if acl["VpcId"] == vpc and not acl["IsDefault"]]
        if tables or endpoints or lists:
            return _violation(call, "vpc", vpc)
    return await proceed(call)


async def _subnet(call: Call, proceed: Proceed) -> Answer:
    subnet = call.parameters.get("SubnetId", "")
    if subnet in ec2._subnets and any(subnet in subnets for subnets, _ in _interfaces()):
        return _violation(call, "subnet", subnet)
    answer = await proceed(call)
    if answer.status < 300:
        for table in ec2._route_tables.values():
            kept = [association for association in table["Associations"] if association.get("SubnetId") != subnet]
            table["Associations"] = kept
    return answer


async def _security_group(call: Call, proceed: Proceed) -> Answer:
    group = call.parameters.get("GroupId", "")
    if group in ec2._security_groups:
        in_rules = any(
            pair.get("GroupId") == group
            for identifier, other in ec2._security_groups.items()
            if identifier != group
            for rule in [*other["IpPermissions"], *other["IpPermissionsEgress"]]
            for pair in rule.get("UserIdGroupPairs", [])
        )
        if in_rules or any(group in groups for _, groups in _interfaces()):
            message = f"resource {group} has a dependent object"
            return error(call, "DependencyViolation", message, 400)
    return await proceed(call)


async def _route_table(call: Call, proceed: Proceed) -> Answer:
    table = call.parameters.get("RouteTableId", "")
    if (ec2._route_tables.get(table) or {}).get("Associations"):
        return _violation(call, "routeTable", table)
    return await proceed(call)


async def _internet_gateway(call: Call, proceed: Proceed) -> Answer:
    gateway = call.parameters.get("InternetGatewayId", "")
    if (ec2._internet_gateways.get(gateway) or {}).get("Attachments"):
        return _violation(call, "internetGateway", gateway)
    return await proceed(call)


async def _db_subnet_group(call: Call, proceed: Proceed) -> Answer:
    name = call.parameters.get("DBSubnetGroupName", "")
    for database in [*rds._instances.values(), *rds._clusters.values()]:
        group = database.get("DBSubnetGroup")
        if name == (group.get("DBSubnetGroupName") if isinstance(group, dict) else group):
            message = (
                f"Cannot delete the subnet group '{name}' because at least one database instance is still using it."
            )
            return error(call, "InvalidDBSubnetGroupStateFault", message, 400)
    return await proceed(call)
