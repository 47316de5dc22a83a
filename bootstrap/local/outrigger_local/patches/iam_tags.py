"""Policies with conditions on tags hold for EC2, RDS, ElastiCache, Kinesis and CloudWatch too.

AWS (IAM User Guide, "Controlling access to AWS resources using tags"; Service Authorization Reference of each
service): ``aws:RequestTag`` is what a call sets, for EC2 in its TagSpecifications or with CreateTags; ``aws:TagKeys``
is what it sets or takes off; ``aws:ResourceTag`` is what the object has; and tags at creation need the permission to
tag as well, EC2's with ``ec2:CreateAction``. MiniStack reads neither of EC2's and no tags or keys of CloudWatch, finds the tags of
none of these services' objects, names the object of few calls, does not ask for the permission to tag, and lets every
call in CBOR pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch, ec2, elasticache, kinesis, rds, tagging

from outrigger_local.call import Answer, Call, Proceed, content_of
from outrigger_local.hooks import ANY, Hooks, answer_of

_SMITHY_PATH = re.compile(r"^/service/[^/]+/operation/(\w+)$")
_QUERY_TAG = re.compile(r"^Tags\.member\.\d+\.Key$")
_SPECIFIED_TAG = re.compile(r"^(TagSpecification\.\d+\.)?Tag\.\d+\.Key$")
_CREATING = ("Create", "Put", "Allocate", "Restore", "Copy")
_TAGGING = {
    "ec2": "ec2:CreateTags",
    "rds": "rds:AddTagsToResource",
    "elasticache": "elasticache:AddTagsToResource",
    "kinesis": "kinesis:AddTagsToStream",
    "secretsmanager": "secretsmanager:TagResource",
    "monitoring": "cloudwatch:TagResource",
    "elasticloadbalancing": "elasticloadbalancing:AddTags",
    "globalaccelerator": "globalaccelerator:TagResource",
    "ssm": "ssm:AddTagsToResource",
}
# The parameter that names the object of a call, for those that MiniStack takes for "*".
_EC2_KINDS = {
    "vpc": "vpc", "subnet": "subnet", "rtb": "route-table", "igw": "internet-gateway", "sg": "security-group",
    "eipalloc": "elastic-ip", "nat": "natgateway", "eni": "network-interface", "pcx": "vpc-peering-connection",
    "vpce": "vpc-endpoint",
}  # fmt: skip
_EC2_CREATED = {
    "CreateVpc": "vpc", "CreateInternetGateway": "internet-gateway", "AllocateAddress": "elastic-ip",
}  # fmt: skip
_NAMED = {
    "rds": {
        "DBSubnetGroupName": "subgrp", "DBSnapshotIdentifier": "snapshot", "DBParameterGroupName": "pg",
        "DBClusterSnapshotIdentifier": "cluster-snapshot", "DBClusterParameterGroupName": "cluster-pg",
    },
    "elasticache": {"CacheSubnetGroupName": "subnetgroup", "CacheParameterGroupName": "parametergroup"},
}  # fmt: skip


def install(hooks: Hooks) -> None:
    """Extends the evaluator's context, and puts the check of the permission to tag around the creations."""
    iam_actions.extract_iam_action = _action(iam_actions.extract_iam_action)
    iam_actions._safe_json_field = _field
    iam_actions.request_tag_context = _request_tags(iam_actions.request_tag_context)
    iam_actions.extract_resource_arn = _resource(iam_actions.extract_resource_arn)
    tagging.resource_tags = _resource_tags(tagging.resource_tags)
    # A permissions boundary has conditions too; MiniStack reads the tags where the role's own policies ask for them.
    iam_evaluator._names_condition_key = lambda _policies, _prefix: True
    for service in (*_TAGGING, "iam"):
        hooks.around(service, ANY)(_may_tag)


def _field(body: bytes, field: str) -> str:
    """A field of a body in JSON or CBOR; MiniStack fails on bodies that are no UTF-8, as the Rust SDK's are."""
    return (content_of(body, "json" if body[:1] == b"{" else "cbor").get(field) or "") if body else ""


def _action(read: Callable) -> Callable:
    def extract_iam_action(
        service: str, method: str, path: str, headers: dict, body: bytes, parameters: dict
    ) -> str | None:
        in_path = _SMITHY_PATH.match(path)
        if in_path and service in iam_actions.SERVICE_TO_IAM_NAMESPACE:
            return f"{iam_actions.SERVICE_TO_IAM_NAMESPACE[service]}:{in_path[1]}"
        return read(service, method, path, headers, body, parameters)

    return extract_iam_action


def _request_tags(read: Callable) -> Callable:
    def request_tag_context(service: str, action: str, body: bytes, parameters: dict) -> dict:
        context = read(service, action, body, parameters)
        tags, keys = {}, []
        pattern = {"ec2": _SPECIFIED_TAG, "elasticloadbalancing": _QUERY_TAG, "monitoring": _QUERY_TAG}.get(service)
        for name in parameters if pattern else ():
            if pattern.match(name):
                value = iam_actions._query_param(parameters, name.removesuffix("Key") + "Value")
                tags[iam_actions._query_param(parameters, name)] = value
        if service == "monitoring":
            content = content_of(body, "json" if body[:1] == b"{" else "cbor")
            tags |= {tag["Key"]: tag["Value"] for tag in content.get("Tags") or []}
            keys = content.get("TagKeys") or []
        if tags or keys:
            context = context | {f"aws:RequestTag/{key}".lower(): value for key, value in tags.items()}
            context["aws:TagKeys"] = [*tags, *keys]
        return context

    return request_tag_context


def _resource(find: Callable) -> Callable:
    def extract_resource_arn(
        service: str, method: str, path: str, headers: dict, body: bytes, parameters: dict, region: str, account: str
    ) -> str:
        found = find(service, method, path, headers, body, parameters, region, account)
        if found != "*":
            return found
        prefix = f"arn:aws:{service}:{region}:{account}:"
        if service == "ec2":
            return _ec2_resource(prefix, parameters) or found
        if service in _NAMED:
            # What is tagged is named by its ARN.
            arn = iam_actions._query_param(parameters, "ResourceName")
            arn = arn or iam_actions._query_param(parameters, "ResourceArn")
            if arn and arn.startswith("arn:"):
                return arn
        for name, kind in _NAMED.get(service, {}).items():
            value = iam_actions._query_param(parameters, name)
            if value:
                return f"{prefix}{kind}:{value}"
        if service == "kms":
            # AWS asks for the key of an alias as well.
            alias = _field(body, "AliasName")
            return f"{prefix}{alias}" if alias else found
        if service == "dynamodb":
            # What is tagged is named by its ARN here too.
            return _field(body, "ResourceArn") or found
        if service == "lambda":
            name = _field(body, "FunctionName")
            return f"{prefix}function:{name}" if name else found
        if service == "sns":
            return iam_actions._query_param(parameters, "ResourceArn") or found
        if service == "monitoring":
            content = content_of(body, "json" if body[:1] == b"{" else "cbor")
            names = [content.get("AlarmName"), *(content.get("AlarmNames") or []), *_arn_names(content)]
            names.append(iam_actions._query_param(parameters, "AlarmNames.member.1"))
            alarms = [name for name in names if name]
            if alarms and not path.endswith("DescribeAlarms"):
                return f"arn:aws:cloudwatch:{region}:{account}:alarm:{alarms[0]}"
        return found

    return extract_resource_arn


def _arn_names(content: dict) -> list[str]:
    return [str(content.get("ResourceARN", "")).rpartition(":alarm:")[2]]


def _ec2_resource(prefix: str, parameters: dict) -> str | None:
    operation = iam_actions._query_param(parameters, "Action")
    if operation in _EC2_CREATED:
        return f"{prefix}{_EC2_CREATED[operation]}/*"
    names = ("ResourceId.1", "NatGatewayId", "VpcEndpointId", "VpcPeeringConnectionId")
    identifier = next(filter(None, (iam_actions._query_param(parameters, name) for name in names)), "")
    if operation == "DisassociateRouteTable":
        association = iam_actions._query_param(parameters, "AssociationId")
        for table in ec2._route_tables.values():
            if any(held["RouteTableAssociationId"] == association for held in table.get("Associations", [])):
                identifier = table["RouteTableId"]
    kind = _EC2_KINDS.get(identifier.partition("-")[0]) if identifier else None
    return f"{prefix}{kind}/{identifier}" if kind else None


def _resource_tags(find: Callable) -> Callable:
    def resource_tags(arn: str) -> dict[str, str] | None:
        service = arn.split(":")[2] if arn.count(":") >= 5 else ""
        tags: list = []
        if service == "ec2":
            tags = ec2._tags.get(arn.rpartition("/")[2]) or []
        elif service == "rds":
            tags = rds._tags.get(arn) or []
        elif service == "elasticache":
            tags = elasticache._tags.get(arn) or []
        elif service == "kinesis":
            stream = kinesis._streams.get(arn.rpartition("/")[2]) or {}
            return dict(stream.get("tags") or {})
        elif service == "cloudwatch":
            held = cloudwatch._resource_tags.get(arn) or {}
            return dict(held) if isinstance(held, dict) else {tag["Key"]: tag["Value"] for tag in held}
        else:
            return find(arn)
        return {tag["Key"]: tag["Value"] for tag in tags}

    return resource_tags


async def _may_tag(call: Call, proceed: Proceed) -> Answer:
    from ministack.app import AUTH
    from ministack.core.iam_evaluator import AuthError, enforce
    from ministack.core.router import extract_access_key_id

    tagged = call.parameters.get("Tags") or any(
        name.startswith(("Tags.", "TagSpecification.")) for name in call.parameters
    )
    key = extract_access_key_id(call.headers, call.query)
    if not AUTH or not key or not tagged or not call.operation.startswith(_CREATING) or call.operation == "CreateTags":
        return await proceed(call)
    action = _TAGGING.get(call.service) or f"iam:Tag{call.operation.removeprefix('Create')}"
    arguments = (call.service, call.method, call.path, call.headers, call.body, call.parameters)
    resource = iam_actions.extract_resource_arn(*arguments, get_region(), get_account_id())
    created_by = f"{call.service}:{call.operation}"
    context = iam_actions.request_tag_context(call.service, created_by, call.body, call.parameters)
    if call.service == "elasticloadbalancing":
        context["elasticloadbalancing:CreateAction"] = call.operation
    if call.service == "ec2":
        context["ec2:CreateAction"] = call.operation
        # The object does not exist yet: what the call names is what it is made in.
        resource = _created_in_ec2(call)
    denied = enforce(key, action, call.service, get_region(), resource_arn=resource, service_context=context)
    if denied is None or isinstance(denied, AuthError):
        return await proceed(call)
    return answer_of(
        iam_actions.access_denied_response(
            call.service, action, denied.principal_arn, "", headers=call.headers, resource_arn=resource
        )
    )


def _created_in_ec2(call: Call) -> str:
    kind = call.parameters.get("TagSpecification.1.ResourceType", "*")
    return f"arn:aws:ec2:{get_region()}:{get_account_id()}:{kind}/*"
