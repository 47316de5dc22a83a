"""Load balancers as in AWS: their names, zones, network interfaces, attributes, and the time they take.

AWS (Elastic Load Balancing API Reference, version 2015-12-01, CreateLoadBalancer, DeleteLoadBalancer, SetSubnets,
SetSecurityGroups, LoadBalancerAttribute; User Guide for Application Load Balancers, "Subnets for your load balancer";
User Guide for Network Load Balancers, "Security groups"; General Reference, "Elastic Load Balancing endpoints"): the
subnets exist, in one VPC, each in a zone of its own, at least two for an application load balancer; an internet-facing
one needs an internet gateway; a network load balancer that was made without security groups never has any. The ARN and
the DNS name tell the type. The same call again is answered with the same load balancer, one with other settings is
DuplicateLoadBalancerName. Its network interfaces hold subnets, groups and gateway, and outlive it for a while. Deletion
protection is OperationNotPermitted; deleting an absent load balancer succeeds. MiniStack has one kind of ARN and name,
one zone, ``active`` at once, no interfaces, and checks nothing but the name.
"""

from __future__ import annotations

import random
import re
import secrets
import time

from ministack.core.responses import get_region
from ministack.services import alb, ec2

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.faults import Faults
from outrigger_local.hooks import ANY, Hooks, answer_of, members

KIND = "elasticloadbalancing"
_NAME = re.compile(r"^(?!-)[A-Za-z0-9-]{1,32}(?<!-)$")
_MAPPED = re.compile(r"^SubnetMappings\.member\.(\d+)\.SubnetId$")
_ATTRIBUTE = re.compile(r"^Attributes\.member\.(\d+)\.Key$")
# The hosted zones of their names (General Reference, "Elastic Load Balancing endpoints and quotas").
_HOSTED_ZONES = {
    "application": {"us-east-1": "Z35SXDOTRQ7X7K", "us-east-2": "Z3AADJGX6KTTL2", "us-west-2": "Z1H1FL5HABSF5"},
    "network": {"us-east-1": "Z26RNL4JYFTOTI", "us-east-2": "ZLMOA37VPKANP", "us-west-2": "Z18D5FSROUN65G"},
}
_SHARED_ATTRIBUTES = {
    "deletion_protection.enabled": "false",
    "access_logs.s3.enabled": "false",
    "access_logs.s3.bucket": "",
    "access_logs.s3.prefix": "",
    "ipv6.deny_all_igw_traffic": "false",
    "zonal_shift.config.enabled": "false",
}
_ATTRIBUTES = {
    "application": _SHARED_ATTRIBUTES
    | {
        "load_balancing.cross_zone.enabled": "true",
        "idle_timeout.timeout_seconds": "60",
        "client_keep_alive.seconds": "3600",
        "connection_logs.s3.enabled": "false",
        "connection_logs.s3.bucket": "",
        "connection_logs.s3.prefix": "",
        "health_check_logs.s3.enabled": "false",
        "health_check_logs.s3.bucket": "",
        "health_check_logs.s3.prefix": "",
        "routing.http.desync_mitigation_mode": "defensive",
        "routing.http.drop_invalid_header_fields.enabled": "false",
        "routing.http.preserve_host_header.enabled": "false",
        "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
        "routing.http.xff_client_port.enabled": "false",
        "routing.http.xff_header_processing.mode": "append",
        "routing.http2.enabled": "true",
        "waf.fail_open.enabled": "false",
    },
    "network": _SHARED_ATTRIBUTES
    | {
        "load_balancing.cross_zone.enabled": "false",
        "dns_record.client_routing_policy": "any_availability_zone",
        "secondary_ips.auto_assigned.per_subnet": "0",
    },
}
_SETTINGS = ("Type", "Scheme", "Subnets", "SecurityGroups", "IpAddressType")
_VALIDATION = "ValidationError"


def install(hooks: Hooks, faults: Faults) -> None:
    """Puts the corrections around the calls, and what a load balancer is into its description."""
    balancers = _LoadBalancers(faults)
    alb._short_id = lambda: secrets.token_hex(8)
    alb._lb_xml = balancers.described
    hooks.around("ec2", ANY)(balancers.released)
    hooks.around("ec2", "DeleteNetworkInterface")(_interface_deleted)
    hooks.around("ec2", "DetachInternetGateway")(_gateway_detached)
    hooks.around(KIND, "CreateLoadBalancer")(balancers.created)
    hooks.around(KIND, "DeleteLoadBalancer")(balancers.deleted)
    hooks.around(KIND, "DescribeLoadBalancers")(_listed)
    hooks.around(KIND, "SetSubnets")(_subnets_set)
    hooks.around(KIND, "SetSecurityGroups")(_groups_set)
    hooks.around(KIND, "ModifyLoadBalancerAttributes")(_attributes_modified)


class _LoadBalancers:
    """The load balancers, with the times at which what takes its time is done."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        # the scoped keys of interfaces whose load balancer is gone, with the time at which they go too
        self._orphans: dict[tuple, float] = {}

    def described(self, balancer: dict) -> str:
        """A load balancer as the API answers it."""
        kind = balancer["Type"]
        groups = "".join(f"<member>{group}</member>" for group in balancer["SecurityGroups"])
        hosted_zone = _HOSTED_ZONES.get(kind, {}).get(get_region(), "Z35SXDOTRQ7X7K")
        return (
            f"<member><LoadBalancerArn>{balancer['LoadBalancerArn']}</LoadBalancerArn>"
            f"<LoadBalancerName>{balancer['LoadBalancerName']}</LoadBalancerName>"
            f"<DNSName>{balancer['DNSName']}</DNSName><CanonicalHostedZoneId>{hosted_zone}</CanonicalHostedZoneId>"
            f"<CreatedTime>{balancer['CreatedTime']}</CreatedTime><Scheme>{balancer['Scheme']}</Scheme>"
            f"<VpcId>{balancer['VpcId']}</VpcId><State><Code>{self._state(balancer)}</Code></State>"
            f"<Type>{kind}</Type>{_zones(balancer)}<SecurityGroups>{groups}</SecurityGroups></member>"
        )

    def _state(self, balancer: dict) -> str:
        is_slow = self._faults.slow(KIND) and time.monotonic() < balancer.get("_ready_at", 0)
        return "provisioning" if is_slow else "active"

    async def released(self, call: Call, proceed: Proceed) -> Answer:
        """Takes away the interfaces whose time has come before EC2 looks at what there is."""
        now = time.monotonic() if self._faults.slow(KIND) else float("inf")
        for key in [key for key, until in self._orphans.items() if until <= now]:
            del self._orphans[key]
            ec2._network_interfaces._data.pop(key, None)
        return await proceed(call)

    async def created(self, call: Call, proceed: Proceed) -> Answer:
        """Checks what is asked for, and makes of MiniStack's load balancer one of its type."""
        given = call.parameters
        name, wanted = given.get("Name", ""), _wanted(call)
        refused = _refused_name(call, name) or _refused_network(call, wanted)
        if refused:
            return refused
        existing = next((held for held in alb._lbs.values() if held["LoadBalancerName"] == name), None)
        if existing:
            if not _is_same(existing, wanted, given):
                message = f"A load balancer with the same name '{name}' exists, but with different settings"
                return error(call, "DuplicateLoadBalancerName", message, 400)
            return _answer(call, existing)
        answer = await proceed(call)
        if answer.status >= 300:
            return answer
        made = next(held for held in alb._lbs.values() if held["LoadBalancerName"] == name)
        identifier = made["LoadBalancerArn"].rpartition("/")[2]
        _rename(made, wanted["Type"])
        made.update(wanted, _ready_at=time.monotonic() + self._faults.slow(KIND))
        made["VpcId"] = ec2._subnets[wanted["Subnets"][0]]["VpcId"]
        made["DNSName"] = _dns_name(made, identifier)
        attributes = dict(_ATTRIBUTES[made["Type"]])
        if made["Scheme"] == "internal":
            attributes["ipv6.deny_all_igw_traffic"] = "true"
        held = [{"Key": key, "Value": value} for key, value in attributes.items()]
        alb._lb_attrs[made["LoadBalancerArn"]] = held
        _hold_network(made)
        return _answer(call, made)

    async def deleted(self, call: Call, proceed: Proceed) -> Answer:
        """Deletes it with its listeners, unless it is protected or a target."""
        arn = call.parameters.get("LoadBalancerArn", "")
        balancer = alb._lbs.get(arn)
        if balancer is None:
            return await proceed(call)
        if _attribute(arn, "deletion_protection.enabled") == "true":
            message = f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
            return error(call, "OperationNotPermitted", message, 400)
        if any(target["Id"] == arn for targets in alb._targets.values() for target in targets):
            message = f"Load balancer '{arn}' cannot be deleted because it is currently a registered target"
            return error(call, "ResourceInUse", message, 400)
        for listener in [held["ListenerArn"] for held in alb._listeners.values() if held["LoadBalancerArn"] == arn]:
            alb._delete_listener({"ListenerArn": listener})
        answer = await proceed(call)
        until = time.monotonic() + self._faults.slow(KIND)
        for identifier in _interfaces_of(arn):
            self._orphans[ec2._network_interfaces._scoped(identifier)] = until
        return answer


def _wanted(call: Call) -> dict:
    given = call.parameters
    kind = given.get("Type") or "application"
    groups = members(given, "SecurityGroups")
    wanted = {
        "Type": kind,
        "Scheme": given.get("Scheme") or "internet-facing",
        "Subnets": _given_subnets(given),
        "SecurityGroups": groups,
        "IpAddressType": given.get("IpAddressType") or "ipv4",
    }
    first = ec2._subnets.get(wanted["Subnets"][0]) if wanted["Subnets"] else None
    if kind == "application" and not groups and first:
        wanted["SecurityGroups"] = [ec2._vpcs[first["VpcId"]]["DefaultSecurityGroupId"]]
    return wanted


def _given_subnets(given: dict) -> list[str]:
    mapped = sorted((int(found[1]), value) for name, value in given.items() if (found := _MAPPED.match(name)))
    return members(given, "Subnets") or [subnet for _, subnet in mapped]


def _refused_name(call: Call, name: str) -> Answer | None:
    if not name or not _NAME.match(name) or name.startswith("internal-"):
        message = (
            f"The load balancer name '{name}' is not valid: it can have 32 characters, only letters, digits and "
            "hyphens, must not begin or end with a hyphen, and must not begin with 'internal-'"
        )
        return error(call, _VALIDATION, message, 400)
    return None


def _refused_network(call: Call, wanted: dict) -> Answer | None:
    kind, scheme, identifiers = wanted["Type"], wanted["Scheme"], wanted["Subnets"]
    if kind not in _ATTRIBUTES:
        return error(call, _VALIDATION, f"Load balancer type '{kind}' must be one of 'application, network'", 400)
    if scheme not in ("internet-facing", "internal"):
        return error(call, "InvalidScheme", f"Scheme '{scheme}' must be one of 'internet-facing, internal'", 400)
    return _refused_subnets(call, kind, scheme, identifiers) or _refused_groups(call, wanted["SecurityGroups"])


def _refused_subnets(call: Call, kind: str, scheme: str, identifiers: list[str]) -> Answer | None:
    if not identifiers:
        return error(call, _VALIDATION, "You must specify either subnets or subnet mappings", 400)
    missing = [identifier for identifier in identifiers if identifier not in ec2._subnets]
    if missing:
        return error(call, "SubnetNotFound", f"The subnet ID '{missing[0]}' does not exist", 400)
    subnets = [ec2._subnets[identifier] for identifier in identifiers]
    vpcs, zones = {subnet["VpcId"] for subnet in subnets}, {subnet["AvailabilityZone"] for subnet in subnets}
    if len(vpcs) > 1:
        return error(call, "InvalidConfigurationRequest", "All subnets must belong to the same VPC", 400)
    if len(zones) < len(subnets):
        message = "A load balancer cannot be attached to multiple subnets in the same Availability Zone"
        return error(call, "InvalidConfigurationRequest", message, 400)
    if kind == "application" and len(zones) < 2:
        message = "At least two subnets in two different Availability Zones must be specified"
        return error(call, _VALIDATION, message, 400)
    (vpc,) = vpcs
    attached = [held for gateway in ec2._internet_gateways.values() for held in gateway.get("Attachments", [])]
    if scheme == "internet-facing" and all(attachment["VpcId"] != vpc for attachment in attached):
        return error(call, "InvalidSubnet", f"VPC {vpc} has no internet gateway", 400)
    return None


def _refused_groups(call: Call, groups: list[str]) -> Answer | None:
    missing = [group for group in groups if group not in ec2._security_groups]
    if missing:
        return error(call, "InvalidSecurityGroup", f"The security group '{missing[0]}' does not exist", 400)
    return None


def _is_same(existing: dict, wanted: dict, given: dict) -> bool:
    def comparable(value: object) -> object:
        return set(value) if isinstance(value, list) else value

    same = all(comparable(existing[name]) == comparable(wanted[name]) for name in _SETTINGS)
    held = {tag["Key"]: tag["Value"] for tag in alb._tags.get(existing["LoadBalancerArn"], [])}
    return same and held == {tag["Key"]: tag["Value"] for tag in alb._parse_tags(given)}


def _rename(made: dict, kind: str) -> None:
    """Gives it the ARN of its type: MiniStack's is always that of an application load balancer."""
    before = made["LoadBalancerArn"]
    after = before.replace(":loadbalancer/app/", f":loadbalancer/{'net' if kind == 'network' else 'app'}/")
    made["LoadBalancerArn"] = after
    for store in (alb._lbs, alb._tags, alb._lb_attrs):
        store[after] = store.pop(before)


def _dns_name(made: dict, identifier: str) -> str:
    name, region = made["LoadBalancerName"], get_region()
    if made["Type"] == "network":
        return f"{name}-{identifier}.elb.{region}.amazonaws.com"
    prefix = "internal-" if made["Scheme"] == "internal" else ""
    return f"{prefix}{name}-{random.randrange(10**9, 10**10)}.{region}.elb.amazonaws.com"


def _answer(call: Call, balancer: dict) -> Answer:
    content = f"<LoadBalancers>{alb._lb_xml(balancer)}</LoadBalancers>"
    return answer_of(alb._xml(200, call.operation, content))


def _zones(balancer: dict) -> str:
    """Where it is, and with which kind of addresses."""
    zones = "".join(
        f"<member><ZoneName>{_zone(subnet)}</ZoneName><SubnetId>{subnet}</SubnetId><LoadBalancerAddresses/></member>"
        for subnet in balancer["Subnets"]
    )
    addresses = balancer.get("IpAddressType", "ipv4")
    return f"<AvailabilityZones>{zones}</AvailabilityZones><IpAddressType>{addresses}</IpAddressType>"


def _zone(subnet: str) -> str:
    return (ec2._subnets.get(subnet) or {}).get("AvailabilityZone", f"{get_region()}a")


def _attribute(arn: str, key: str) -> str:
    return next((held["Value"] for held in alb._lb_attrs.get(arn, []) if held["Key"] == key), "")


def _description(arn: str) -> str:
    return "ELB " + arn.partition(":loadbalancer/")[2]


def _interfaces_of(arn: str) -> list[str]:
    wanted = _description(arn)
    return [name for name, held in ec2._network_interfaces.items() if held["Description"] == wanted]


def _hold_network(balancer: dict) -> None:
    """One interface in each subnet, with the security groups; those of subnets that it left are gone."""
    arn = balancer["LoadBalancerArn"]
    for identifier in _interfaces_of(arn):
        if ec2._network_interfaces[identifier]["SubnetId"] not in balancer["Subnets"]:
            del ec2._network_interfaces[identifier]
    held = {ec2._network_interfaces[name]["SubnetId"]: name for name in _interfaces_of(arn)}
    for subnet in balancer["Subnets"]:
        if subnet not in held:
            before = set(ec2._network_interfaces)
            ec2._create_network_interface({"SubnetId": [subnet], "Description": [_description(arn)]})
            (held[subnet],) = set(ec2._network_interfaces) - before
        interface = ec2._network_interfaces[held[subnet]]
        interface["Status"] = "in-use"
        interface["_is_public"] = balancer["Scheme"] == "internet-facing"
        if balancer["Type"] == "network":
            interface["InterfaceType"] = "network_load_balancer"
        interface["Groups"] = [
            {"GroupId": group, "GroupName": ec2._security_groups[group]["GroupName"]}
            for group in balancer["SecurityGroups"]
        ]


async def _interface_deleted(call: Call, proceed: Proceed) -> Answer:
    identifier = call.parameters.get("NetworkInterfaceId", "")
    interface = ec2._network_interfaces.get(identifier) or {}
    if interface.get("Description", "").startswith(("ELB app/", "ELB net/")):
        message = f"Network interface '{identifier}' is currently in use."
        return error(call, "InvalidParameterValue", message, 400)
    return await proceed(call)


async def _gateway_detached(call: Call, proceed: Proceed) -> Answer:
    """What has public addresses holds the gateway."""
    vpc = call.parameters.get("VpcId", "")
    if any(held.get("_is_public") and held["VpcId"] == vpc for held in ec2._network_interfaces.values()):
        message = (
            f"Network {vpc} has some mapped public address(es). Please unmap those public address(es) before detaching "
            "the gateway."
        )
        return error(call, "DependencyViolation", message, 400)
    return await proceed(call)


async def _listed(call: Call, proceed: Proceed) -> Answer:
    """Every ARN and name must exist; the rest comes in pages."""
    arns, names = members(call.parameters, "LoadBalancerArns"), members(call.parameters, "Names")
    held = {balancer["LoadBalancerName"] for balancer in alb._lbs.values()}
    missing = [arn for arn in arns if arn not in alb._lbs]
    missing += [name for name in names if name not in held and len(name) <= 32]
    if missing:
        return error(call, "LoadBalancerNotFound", f"Load balancers '[{', '.join(missing)}]' not found", 400)
    if arns or names:
        return await proceed(call)
    return paged(call, "LoadBalancers", [alb._lb_xml(balancer) for balancer in alb._lbs.values()])


def paged(call: Call, name: str, described: list[str]) -> Answer:
    """The part of a list that Marker and PageSize ask for, with a NextMarker where there is more."""
    marker, size = call.parameters.get("Marker", "0"), call.parameters.get("PageSize", "400")
    if not marker.isdigit():
        return error(call, _VALIDATION, f"Invalid marker '{marker}'", 400)
    if not size.isdigit() or not 1 <= int(size) <= 400:
        return error(call, _VALIDATION, f"Page size '{size}' must be between 1 and 400", 400)
    start, end = int(marker), int(marker) + int(size)
    more = f"<NextMarker>{end}</NextMarker>" if end < len(described) else ""
    return answer_of(alb._xml(200, call.operation, f"<{name}>{''.join(described[start:end])}</{name}>{more}"))


async def _subnets_set(call: Call, proceed: Proceed) -> Answer:
    balancer = alb._lbs.get(call.parameters.get("LoadBalancerArn", ""))
    if balancer is None:
        return await proceed(call)
    identifiers = _given_subnets(call.parameters)
    refused = _refused_subnets(call, balancer["Type"], balancer["Scheme"], identifiers)
    if refused:
        return refused
    if any(ec2._subnets[identifier]["VpcId"] != balancer["VpcId"] for identifier in identifiers):
        message = f"The subnets must belong to the VPC '{balancer['VpcId']}' of the load balancer"
        return error(call, "InvalidConfigurationRequest", message, 400)
    await proceed(call)
    balancer["Subnets"] = identifiers
    _hold_network(balancer)
    return answer_of(alb._xml(200, call.operation, _zones(balancer)))


async def _groups_set(call: Call, proceed: Proceed) -> Answer:
    arn, groups = call.parameters.get("LoadBalancerArn", ""), members(call.parameters, "SecurityGroups")
    balancer = alb._lbs.get(arn)
    if balancer is None:
        return await proceed(call)
    if balancer["Type"] == "network" and not balancer["SecurityGroups"]:
        message = (
            f"You cannot set security groups on the load balancer '{arn}': none were specified when it was created"
        )
        return error(call, "InvalidConfigurationRequest", message, 400)
    if balancer["Type"] == "application" and not groups:
        return error(call, _VALIDATION, "At least one security group must be specified", 400)
    refused = _refused_groups(call, groups)
    if refused:
        return refused
    answer = await proceed(call)
    _hold_network(balancer)
    return answer


async def _attributes_modified(call: Call, proceed: Proceed) -> Answer:
    balancer = alb._lbs.get(call.parameters.get("LoadBalancerArn", ""))
    if balancer is None:
        return await proceed(call)
    keys = [value for name, value in call.parameters.items() if _ATTRIBUTE.match(name)]
    unknown = [key for key in keys if key not in _ATTRIBUTES[balancer["Type"]]]
    if unknown:
        kind = balancer["Type"]
        message = f"Load balancer attribute key '{unknown[0]}' is not supported on load balancers with type '{kind}'"
        return error(call, _VALIDATION, message, 400)
    return await proceed(call)
