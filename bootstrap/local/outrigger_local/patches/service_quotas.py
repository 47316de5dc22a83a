"""Service Quotas, which MiniStack does not have.

AWS (Service Quotas API Reference): quotas have codes; a service or a code that does not exist is
NoSuchResourceException. Here an increase that is requested is in force at once, whatever the value, so that a test can
set a quota; and the defaults of VPCs and internet gateways are 100 instead of 5, for many stacks side by side.
"""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass

from ministack.core import iam_actions, router
from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region

from outrigger_local.call import Answer, Call
from outrigger_local.errors import error
from outrigger_local.hooks import call_of

_SERVICE = "servicequotas"
_PAGE = 100


@dataclass(frozen=True)
class Quota:
    """One quota as AWS names it, with what holds here until a request changes it."""

    service: str
    code: str
    name: str
    default: float
    here: float | None = None

    @property
    def value(self) -> float:
        """The value in force."""
        return _requested.get(self.code) or (self.default if self.here is None else self.here)


_SERVICES = {
    "vpc": "Amazon Virtual Private Cloud (Amazon VPC)",
    "ec2": "Amazon Elastic Compute Cloud (Amazon EC2)",
    "elasticache": "Amazon ElastiCache",
    "elasticloadbalancing": "Elastic Load Balancing (ELB)",
    "rds": "Amazon Relational Database Service (Amazon RDS)",
    "kinesis": "Amazon Kinesis Data Streams",
    "apigateway": "Amazon API Gateway",
    "events": "Amazon EventBridge (CloudWatch Events)",
    "kms": "AWS Key Management Service (AWS KMS)",
}
_QUOTAS = (
    Quota("vpc", "L-F678F1CE", "VPCs per Region", 5, here=100),
    Quota("vpc", "L-A4707A72", "Internet gateways per Region", 5, here=100),
    Quota("vpc", "L-E79EC296", "VPC security groups per Region", 2500),
    Quota("vpc", "L-407747CB", "Subnets per VPC", 200),
    Quota("vpc", "L-589F43AA", "Route tables per VPC", 200),
    Quota("vpc", "L-93826ACB", "Routes per route table", 50),
    Quota("vpc", "L-0EA8095F", "Inbound or outbound rules per security group", 60),
    Quota("vpc", "L-2AFB9258", "Security groups per network interface", 5),
    Quota("vpc", "L-FE5A380F", "NAT gateways per Availability Zone", 5),
    Quota("vpc", "L-1B52E74A", "Gateway VPC endpoints per Region", 20),
    Quota("vpc", "L-29B6F2EB", "Interface VPC endpoints per VPC", 50),
    Quota("ec2", "L-0263D0A3", "EC2-VPC Elastic IPs", 5),
    Quota("elasticache", "L-DFE45DF3", "Nodes per Region", 300),
    Quota("elasticloadbalancing", "L-69A177A2", "Network Load Balancers per Region", 50),
    Quota("elasticloadbalancing", "L-53DA6B97", "Application Load Balancers per Region", 50),
    Quota("elasticloadbalancing", "L-B22855CB", "Target Groups per Region", 3000),
    Quota("apigateway", "L-AA0FF27B", "Regional APIs", 600),
    Quota("apigateway", "L-1D180A63", "API keys", 10000),
    Quota("apigateway", "L-A93447B8", "Custom Domain Names", 120),
    Quota("events", "L-658A4FD9", "Event buses", 100),
    Quota("events", "L-244521F2", "Number of rules", 300),
    Quota("kms", "L-C2F1777E", "Customer Master Keys (CMKs)", 100000),
    Quota("rds", "L-7B6409FD", "DB instances", 40),
    Quota("rds", "L-7ADDB58A", "Total storage for all DB instances", 100000),
    Quota("rds", "L-DE55804A", "Parameter groups", 50),
    Quota("rds", "L-48C6BF61", "DB subnet groups", 50),
    Quota("rds", "L-272F1212", "Manual DB instance snapshots", 100),
    Quota("rds", "L-952B80B8", "DB clusters", 40),
)
_BY_CODE = {(quota.service, quota.code): quota for quota in _QUOTAS}
_requested = AccountRegionScopedDict()


def value_of(service: str, code: str) -> float:
    """The value in force in the region of the request."""
    return _BY_CODE[service, code].value


def install() -> None:
    """Adds the service to those that MiniStack routes to."""
    from ministack.app import SERVICE_HANDLERS

    router.SERVICE_PATTERNS[_SERVICE] = {
        "target_prefixes": ["ServiceQuotasV20190624"],
        "host_patterns": [r"servicequotas\."],
        "credential_scope": _SERVICE,
    }
    iam_actions.SERVICE_TO_IAM_NAMESPACE[_SERVICE] = _SERVICE
    SERVICE_HANDLERS[_SERVICE] = _handle


async def _handle(method: str, path: str, headers: dict, body: bytes, query_params: dict):
    call = call_of(_SERVICE, method, path, headers, body, query_params)
    answer = _OPERATIONS.get(call.operation, _unknown)(call)
    return answer.status, {name.decode(): value.decode() for name, value in answer.headers}, answer.body


def _answer(content: dict) -> Answer:
    return Answer(200, [(b"content-type", b"application/x-amz-json-1.1")], json.dumps(content).encode())


def _unknown(call: Call) -> Answer:
    return error(call, "UnknownOperationException", f"Unknown operation {call.operation}", 400)


def _described(quota: Quota, value: float) -> dict:
    return {
        "ServiceCode": quota.service,
        "ServiceName": _SERVICES[quota.service],
        "QuotaArn": f"arn:aws:servicequotas:{get_region()}:{get_account_id()}:{quota.service}/{quota.code}",
        "QuotaCode": quota.code,
        "QuotaName": quota.name,
        "Value": float(value),
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
        "QuotaAppliedAtLevel": "ACCOUNT",
    }


def _quota(call: Call) -> Quota | Answer:
    given = call.parameters
    for name in ("ServiceCode", "QuotaCode"):
        if not given.get(name):
            return error(call, "IllegalArgumentException", f"{name} must not be empty.", 400)
    quota = _BY_CODE.get((given["ServiceCode"], given["QuotaCode"]))
    if quota is None:
        message = f"The request failed because the specified service or quota does not exist: {given['QuotaCode']}"
        return error(call, "NoSuchResourceException", message, 400)
    return quota


def _get(call: Call) -> Answer:
    quota = _quota(call)
    if isinstance(quota, Answer):
        return quota
    default = call.operation == "GetAWSDefaultServiceQuota"
    return _answer({"Quota": _described(quota, quota.default if default else quota.value)})


def _list(call: Call) -> Answer:
    service = call.parameters.get("ServiceCode", "")
    if service not in _SERVICES:
        message = "The request failed because the specified service does not exist."
        return error(call, "NoSuchResourceException", message, 400)
    wanted = call.parameters.get("QuotaCode")
    quotas = [quota for quota in _QUOTAS if quota.service == service and wanted in (None, quota.code)]
    default = call.operation == "ListAWSDefaultServiceQuotas"
    listed = [_described(quota, quota.default if default else quota.value) for quota in quotas]
    return _paged(call, "Quotas", listed)


def _list_services(call: Call) -> Answer:
    listed = [{"ServiceCode": code, "ServiceName": name} for code, name in _SERVICES.items()]
    return _paged(call, "Services", listed)


def _paged(call: Call, name: str, listed: list) -> Answer:
    start, size = int(call.parameters.get("NextToken") or 0), int(call.parameters.get("MaxResults") or _PAGE)
    more = {"NextToken": str(start + size)} if start + size < len(listed) else {}
    return _answer({name: listed[start : start + size], **more})


def _request(call: Call) -> Answer:
    quota = _quota(call)
    if isinstance(quota, Answer):
        return quota
    value = call.parameters.get("DesiredValue")
    if not isinstance(value, int | float) or value <= 0:
        return error(call, "IllegalArgumentException", "DesiredValue must be a positive number.", 400)
    _requested[quota.code] = float(value)
    described = _described(quota, value)
    kept = ("ServiceCode", "ServiceName", "QuotaCode", "QuotaName", "QuotaArn", "GlobalQuota", "Unit")
    change = {name: described[name] for name in kept}
    change |= {"Id": uuid.uuid4().hex, "DesiredValue": float(value), "Status": "APPROVED"}
    change |= {"Created": int(time.time()), "LastUpdated": int(time.time()), "QuotaRequestedAtLevel": "ACCOUNT"}
    return _answer({"RequestedQuota": change})


_OPERATIONS = {
    "GetServiceQuota": _get,
    "GetAWSDefaultServiceQuota": _get,
    "ListServiceQuotas": _list,
    "ListAWSDefaultServiceQuotas": _list,
    "ListServices": _list_services,
    "RequestServiceQuotaIncrease": _request,
}
