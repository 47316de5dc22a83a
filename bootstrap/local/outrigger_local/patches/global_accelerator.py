"""AWS Global Accelerator, which MiniStack does not have.

AWS (Global Accelerator API Reference, version 2018-08-08; Developer Guide, "How AWS Global Accelerator works",
"Endpoint groups", "How failover works for unhealthy endpoints"; Service Authorization Reference, "Actions, resources,
and condition keys for AWS Global Accelerator"): the control plane is in us-west-2. An accelerator has two static
addresses and a DNS name; it is IN_PROGRESS after each change of it or of anything in it, and DEPLOYED when that is
done. It is deleted when it is disabled and empty. A listener has one endpoint group for each region. Load balancers are
healthy by their own health checks; a HealthReason is not given. Traffic goes to healthy endpoints of a weight in a
group with a dial, then of any group, then anywhere.

Here nobody is near one region: the endpoint group that was made first is the nearest. Custom routing, bringing one's
own addresses and attachments of other accounts are not there.
"""

from __future__ import annotations

import json
import random
import re
import secrets
import time
import uuid
from collections.abc import Callable

from ministack import app
from ministack.core import iam_actions, router
from ministack.core.arn import parse_arn
from ministack.core.responses import AccountScopedDict, get_account_id, get_region, request_scope
from ministack.services import alb, ec2, tagging

from outrigger_local.call import Answer, Call, content_of
from outrigger_local.errors import error
from outrigger_local.faults import Faults
from outrigger_local.hooks import Hooks, call_of
from outrigger_local.patches.target_health import balancer_is_healthy

KIND = "globalaccelerator"
_REGION = "us-west-2"
_SUFFIX = ".awsglobalaccelerator.com"
_NAME = re.compile(r"^(?![-.])[A-Za-z0-9.-]{1,64}(?<![-.])$")
_PATH = re.compile(r"^/[-a-zA-Z0-9@:%_\\+.~#?&/=]*$")
_PAGE, _LARGEST_PAGE = 10, 100
_ARGUMENT = "InvalidArgumentException"
_ACCELERATOR = ("AcceleratorArn", "AcceleratorNotFoundException", "accelerator")
_LISTENER = ("ListenerArn", "ListenerNotFoundException", "listener")
_GROUP = ("EndpointGroupArn", "EndpointGroupNotFoundException", "endpoint group")
_CHECK_DEFAULTS = {"HealthCheckProtocol": "TCP", "HealthCheckIntervalSeconds": 30, "ThresholdCount": 3}

# What was made, by ARN; what it is made in is the beginning of its own ARN.
_accelerators = AccountScopedDict()
_listeners = AccountScopedDict()
_groups = AccountScopedDict()
_tags = AccountScopedDict()
_attributes = AccountScopedDict()
# by operation and token: the parameters, and the ARN of what was made
_tokens = AccountScopedDict()
_STORES = {"AcceleratorArn": _accelerators, "ListenerArn": _listeners, "EndpointGroupArn": _groups}


def is_accelerator(host: str) -> bool:
    """Whether a name is one of an accelerator."""
    return host.partition(":")[0].lower().endswith(_SUFFIX)


def install(hooks: Hooks, faults: Faults) -> None:
    """Adds the service to those that MiniStack routes to, lets policies hold for it, and serves its traffic."""
    from ministack.app import SERVICE_HANDLERS

    router.SERVICE_PATTERNS[KIND] = {
        "target_prefixes": ["GlobalAccelerator_V20180706"],
        "host_patterns": [r"globalaccelerator\."],
        "credential_scope": KIND,
    }
    iam_actions.SERVICE_TO_IAM_NAMESPACE[KIND] = KIND
    iam_actions.extract_resource_arn = _resource(iam_actions.extract_resource_arn)
    tagging.resource_tags = _resource_tags(tagging.resource_tags)
    service = _GlobalAccelerator(faults)
    SERVICE_HANDLERS[KIND] = service.handle
    serve = app._handle_alb_request

    async def handle_alb_request(host: str, path: str, method: str, headers: dict, body: bytes, *rest):
        if is_accelerator(host):
            return await _serve(host, path, method, headers, body, *rest)
        return await serve(host, path, method, headers, body, *rest)

    app._handle_alb_request = handle_alb_request


def _resource(find: Callable) -> Callable:
    def extract_resource_arn(
        service: str, method: str, path: str, headers: dict, body: bytes, parameters: dict, region: str, account: str
    ) -> str:
        if service != KIND:
            return find(service, method, path, headers, body, parameters, region, account)
        given = content_of(body, "json")
        names = ("EndpointGroupArn", "ListenerArn", "AcceleratorArn", "ResourceArn")
        return next((given[name] for name in names if isinstance(given.get(name), str) and given[name]), "*")

    return extract_resource_arn


def _resource_tags(find: Callable) -> Callable:
    def resource_tags(arn: str) -> dict[str, str] | None:
        # Only accelerators have tags.
        return dict(_tags.get(arn) or {}) if arn.startswith(f"arn:aws:{KIND}:") else find(arn)

    return resource_tags


class _Refused(Exception):
    """The service's own error for a call."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class _GlobalAccelerator:
    """The operations."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._operations = {
            "CreateAccelerator": self._create_accelerator,
            "DescribeAccelerator": self._describe_accelerator,
            "UpdateAccelerator": self._update_accelerator,
            "DeleteAccelerator": self._delete_accelerator,
            "ListAccelerators": self._list_accelerators,
            "DescribeAcceleratorAttributes": self._describe_attributes,
            "UpdateAcceleratorAttributes": self._update_attributes,
            "CreateListener": self._create_listener,
            "DescribeListener": self._describe_listener,
            "UpdateListener": self._update_listener,
            "DeleteListener": self._delete_listener,
            "ListListeners": self._list_listeners,
            "CreateEndpointGroup": self._create_group,
            "DescribeEndpointGroup": self._describe_group,
            "UpdateEndpointGroup": self._update_group,
            "DeleteEndpointGroup": self._delete_group,
            "ListEndpointGroups": self._list_groups,
            "AddEndpoints": self._add_endpoints,
            "RemoveEndpoints": self._remove_endpoints,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "ListTagsForResource": self._list_tags,
        }

    async def handle(self, method: str, path: str, headers: dict, body: bytes, query_params: dict):
        """Answers a request."""
        call = call_of(KIND, method, path, headers, body, query_params)
        answer = await self._answer(call)
        return answer.status, {name.decode(): value.decode() for name, value in answer.headers}, answer.body

    async def _answer(self, call: Call) -> Answer:
        if get_region() != _REGION:
            message = f"Credential should be scoped to a valid region, not '{get_region()}'."
            return error(call, "InvalidSignatureException", message, 400)
        operation = self._operations.get(call.operation)
        if operation is None:
            return error(call, "UnknownOperationException", f"Unknown operation {call.operation}", 400)
        try:
            content = await operation(call.parameters)
        except _Refused as refused:
            return error(call, refused.code, str(refused), 400)
        return Answer(200, [(b"content-type", b"application/x-amz-json-1.1")], json.dumps(content).encode())

    # accelerators

    async def _create_accelerator(self, given: dict) -> dict:
        _need(given, "Name", "IdempotencyToken")
        _check_accelerator(given)
        repeated = _repeated("CreateAccelerator", given, _accelerators)
        if repeated:
            return {"Accelerator": self._accelerator(repeated)}
        now = time.time()
        arn = f"arn:aws:{KIND}::{get_account_id()}:accelerator/{uuid.uuid4()}"
        addresses = [f"{first}.{random.randrange(256)}.{random.randrange(1, 255)}" for first in ("75.2", "99.83")]
        made = {
            "AcceleratorArn": arn,
            "Name": given["Name"],
            "IpAddressType": given.get("IpAddressType") or "IPV4",
            "Enabled": given.get("Enabled", True),
            "IpSets": [{"IpFamily": "IPv4", "IpAddresses": addresses, "IpAddressFamily": "IPv4"}],
            "DnsName": f"a{secrets.token_hex(8)}{_SUFFIX}",
            "CreatedTime": now,
            "LastModifiedTime": now,
        }
        _accelerators[arn] = made
        _tags[arn] = {tag["Key"]: tag["Value"] for tag in given.get("Tags") or []}
        _remember("CreateAccelerator", given, arn)
        self._deploy(arn)
        return {"Accelerator": self._accelerator(made)}

    async def _describe_accelerator(self, given: dict) -> dict:
        return {"Accelerator": self._accelerator(_found(given, _ACCELERATOR))}

    async def _update_accelerator(self, given: dict) -> dict:
        held = _found(given, _ACCELERATOR)
        _check_accelerator(given)
        self._refuse_while_deployed(held)
        held.update({name: given[name] for name in ("Name", "IpAddressType", "Enabled") if given.get(name) is not None})
        self._deploy(held["AcceleratorArn"])
        return {"Accelerator": self._accelerator(held)}

    async def _delete_accelerator(self, given: dict) -> dict:
        held = _found(given, _ACCELERATOR)
        arn = held["AcceleratorArn"]
        if held["Enabled"]:
            raise _Refused("AcceleratorNotDisabledException", "The accelerator must be disabled before it is deleted.")
        if _within(_listeners, arn):
            raise _Refused("AssociatedListenerFoundException", "The accelerator has a listener associated with it.")
        self._refuse_while_deployed(held)
        del _accelerators[arn]
        _tags.pop(arn, None)
        _attributes.pop(arn, None)
        return {}

    async def _list_accelerators(self, given: dict) -> dict:
        return _page(given, "Accelerators", [self._accelerator(held) for held in _accelerators.values()])

    async def _describe_attributes(self, given: dict) -> dict:
        arn = _found(given, _ACCELERATOR)["AcceleratorArn"]
        return {"AcceleratorAttributes": _attributes.get(arn) or {"FlowLogsEnabled": False}}

    async def _update_attributes(self, given: dict) -> dict:
        arn = _found(given, _ACCELERATOR)["AcceleratorArn"]
        names = ("FlowLogsEnabled", "FlowLogsS3Bucket", "FlowLogsS3Prefix")
        wanted = {"FlowLogsEnabled": False} | (_attributes.get(arn) or {})
        wanted |= {name: given[name] for name in names if given.get(name) is not None}
        if wanted["FlowLogsEnabled"] and not wanted.get("FlowLogsS3Bucket"):
            raise _Refused(_ARGUMENT, "FlowLogsS3Bucket is required when flow logs are enabled.")
        _attributes[arn] = wanted
        return {"AcceleratorAttributes": wanted}

    def _accelerator(self, held: dict) -> dict:
        status = "IN_PROGRESS" if self._is_deployed_later(held) else "DEPLOYED"
        shown = {name: value for name, value in held.items() if not name.startswith("_")}
        return shown | {"Status": status, "Events": []}

    def _is_deployed_later(self, held: dict) -> bool:
        return bool(self._faults.slow(KIND)) and time.monotonic() < held.get("_deployed_at", 0)

    def _refuse_while_deployed(self, held: dict) -> None:
        if self._is_deployed_later(held):
            raise _Refused("TransactionInProgressException", "There's already a transaction in progress.")

    def _deploy(self, arn: str) -> None:
        """A change of anything in an accelerator is a change of the accelerator."""
        held = _accelerators["/".join(arn.split("/")[:2])]
        held["LastModifiedTime"] = time.time()
        held["_deployed_at"] = time.monotonic() + self._faults.slow(KIND)

    # listeners

    async def _create_listener(self, given: dict) -> dict:
        _need(given, "PortRanges", "Protocol", "IdempotencyToken")
        accelerator = _found(given, _ACCELERATOR)["AcceleratorArn"]
        repeated = _repeated("CreateListener", given, _listeners)
        if repeated:
            return {"Listener": repeated}
        made = {
            "ListenerArn": f"{accelerator}/listener/{secrets.token_hex(4)}",
            "PortRanges": given["PortRanges"],
            "Protocol": given["Protocol"],
            "ClientAffinity": given.get("ClientAffinity") or "NONE",
        }
        _check_listener(made)
        _listeners[made["ListenerArn"]] = made
        _remember("CreateListener", given, made["ListenerArn"])
        self._deploy(accelerator)
        return {"Listener": made}

    async def _describe_listener(self, given: dict) -> dict:
        return {"Listener": _found(given, _LISTENER)}

    async def _update_listener(self, given: dict) -> dict:
        held = _found(given, _LISTENER)
        names = ("PortRanges", "Protocol", "ClientAffinity")
        wanted = held | {name: given[name] for name in names if given.get(name) is not None}
        _check_listener(wanted)
        held.update(wanted)
        self._deploy(held["ListenerArn"])
        return {"Listener": held}

    async def _delete_listener(self, given: dict) -> dict:
        arn = _found(given, _LISTENER)["ListenerArn"]
        if _within(_groups, arn):
            raise _Refused(
                "AssociatedEndpointGroupFoundException", "The listener has an endpoint group associated with it."
            )
        del _listeners[arn]
        self._deploy(arn)
        return {}

    async def _list_listeners(self, given: dict) -> dict:
        arn = _found(given, _ACCELERATOR)["AcceleratorArn"]
        return _page(given, "Listeners", _within(_listeners, arn))

    # endpoint groups

    async def _create_group(self, given: dict) -> dict:
        _need(given, "EndpointGroupRegion", "IdempotencyToken")
        listener = _found(given, _LISTENER)
        repeated = _repeated("CreateEndpointGroup", given, _groups)
        if repeated:
            return {"EndpointGroup": await self._group(repeated)}
        region = given["EndpointGroupRegion"]
        if any(group["EndpointGroupRegion"] == region for group in _within(_groups, listener["ListenerArn"])):
            message = f"The listener already has an endpoint group in the region '{region}'."
            raise _Refused("EndpointGroupAlreadyExistsException", message)
        if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", region):
            raise _Refused(_ARGUMENT, f"The region '{region}' is not valid.")
        made = {
            "EndpointGroupArn": f"{listener['ListenerArn']}/endpoint-group/{secrets.token_hex(6)}",
            "EndpointGroupRegion": region,
            "TrafficDialPercentage": 100.0,
            "HealthCheckPort": listener["PortRanges"][0]["FromPort"],
            "PortOverrides": [],
            "_endpoints": [],
        }
        made |= _CHECK_DEFAULTS
        _change_group(made, given)
        _groups[made["EndpointGroupArn"]] = made
        _remember("CreateEndpointGroup", given, made["EndpointGroupArn"])
        self._deploy(made["EndpointGroupArn"])
        return {"EndpointGroup": await self._group(made)}

    async def _describe_group(self, given: dict) -> dict:
        return {"EndpointGroup": await self._group(_found(given, _GROUP))}

    async def _update_group(self, given: dict) -> dict:
        held = _found(given, _GROUP)
        _change_group(held, given)
        self._deploy(held["EndpointGroupArn"])
        return {"EndpointGroup": await self._group(held)}

    async def _delete_group(self, given: dict) -> dict:
        arn = _found(given, _GROUP)["EndpointGroupArn"]
        del _groups[arn]
        self._deploy(arn)
        return {}

    async def _list_groups(self, given: dict) -> dict:
        arn = _found(given, _LISTENER)["ListenerArn"]
        page = _page(given, "EndpointGroups", _within(_groups, arn))
        page["EndpointGroups"] = [await self._group(held) for held in page["EndpointGroups"]]
        return page

    async def _add_endpoints(self, given: dict) -> dict:
        held = _found(given, _GROUP)
        added = [_endpoint(held["EndpointGroupRegion"], one) for one in given.get("EndpointConfigurations") or []]
        names = {one["EndpointId"] for one in added}
        held["_endpoints"] = [one for one in held["_endpoints"] if one["EndpointId"] not in names] + added
        self._deploy(held["EndpointGroupArn"])
        shown = [one for one in (await self._group(held))["EndpointDescriptions"] if one["EndpointId"] in names]
        return {"EndpointDescriptions": shown, "EndpointGroupArn": held["EndpointGroupArn"]}

    async def _remove_endpoints(self, given: dict) -> dict:
        held = _found(given, _GROUP)
        names = {one.get("EndpointId") for one in given.get("EndpointIdentifiers") or []}
        held["_endpoints"] = [one for one in held["_endpoints"] if one["EndpointId"] not in names]
        self._deploy(held["EndpointGroupArn"])
        return {}

    async def _group(self, held: dict) -> dict:
        shown = {name: value for name, value in held.items() if not name.startswith("_")}
        accelerator = _accelerators["/".join(held["EndpointGroupArn"].split("/")[:2])]
        is_new = self._is_deployed_later(accelerator)
        shown["EndpointDescriptions"] = [
            endpoint | {"HealthState": "INITIAL" if is_new else await _health(endpoint)}
            for endpoint in held["_endpoints"]
        ]
        return shown

    # tags

    async def _tag(self, given: dict) -> dict:
        arn = _taggable(given)
        _tags[arn] = (_tags.get(arn) or {}) | {tag["Key"]: tag["Value"] for tag in given.get("Tags") or []}
        return {}

    async def _untag(self, given: dict) -> dict:
        arn = _taggable(given)
        gone = given.get("TagKeys") or []
        _tags[arn] = {key: value for key, value in (_tags.get(arn) or {}).items() if key not in gone}
        return {}

    async def _list_tags(self, given: dict) -> dict:
        arn = _taggable(given)
        return {"Tags": [{"Key": key, "Value": value} for key, value in (_tags.get(arn) or {}).items()]}


def _need(given: dict, *names: str) -> None:
    for name in names:
        if not given.get(name):
            raise _Refused(_ARGUMENT, f"{name} is required.")


def _found(given: dict, kind: tuple[str, str, str]) -> dict:
    parameter, code, name = kind
    _need(given, parameter)
    held = _STORES[parameter].get(given[parameter])
    if held is None:
        raise _Refused(code, f"The {name} '{given[parameter]}' doesn't exist.")
    return held


def _within(store: AccountScopedDict, arn: str) -> list[dict]:
    """What was made in something, in the order in which it was made."""
    return [held for name, held in store.items() if name.startswith(f"{arn}/")]


def _taggable(given: dict) -> str:
    _need(given, "ResourceArn")
    arn = given["ResourceArn"]
    if arn not in _accelerators:
        raise _Refused(_ACCELERATOR[1], f"The accelerator '{arn}' doesn't exist.")
    return arn


def _repeated(operation: str, given: dict, store: AccountScopedDict) -> dict | None:
    """What a call with this token has made before."""
    known = _tokens.get((operation, given["IdempotencyToken"]))
    if known is None or known[1] not in store:
        return None
    if known[0] != given:
        raise _Refused(_ARGUMENT, "The idempotency token was used with other parameters.")
    return store[known[1]]


def _remember(operation: str, given: dict, arn: str) -> None:
    _tokens[operation, given["IdempotencyToken"]] = (given, arn)


def _page(given: dict, name: str, listed: list[dict]) -> dict:
    size, token = given.get("MaxResults", _PAGE), given.get("NextToken") or "0"
    if not isinstance(size, int) or not 1 <= size <= _LARGEST_PAGE:
        raise _Refused(_ARGUMENT, f"MaxResults must be between 1 and {_LARGEST_PAGE}.")
    if not token.isdigit():
        raise _Refused("InvalidNextTokenException", "There isn't another item to return.")
    end = int(token) + size
    return {name: listed[int(token) : end]} | ({"NextToken": str(end)} if end < len(listed) else {})


def _check_accelerator(given: dict) -> None:
    if "Name" in given and not _NAME.match(given["Name"]):
        message = "The name can have 64 letters, digits, periods and hyphens, none of the last two first or last."
        raise _Refused(_ARGUMENT, message)
    if given.get("IpAddressType") not in (None, "IPV4"):
        raise _Refused(_ARGUMENT, "The IP address type must be IPV4 here.")


def _check_listener(wanted: dict) -> None:
    ranges = wanted["PortRanges"]
    if wanted["Protocol"] not in ("TCP", "UDP"):
        raise _Refused(_ARGUMENT, "The protocol must be TCP or UDP.")
    if wanted["ClientAffinity"] not in ("NONE", "SOURCE_IP"):
        raise _Refused(_ARGUMENT, "The client affinity must be NONE or SOURCE_IP.")
    if not isinstance(ranges, list) or not 1 <= len(ranges) <= 10:
        raise _Refused("InvalidPortRangeException", "A listener has 1 to 10 port ranges.")
    others = [
        (taken["FromPort"], taken["ToPort"])
        for other in _within(_listeners, wanted["ListenerArn"].rpartition("/listener/")[0])
        if other["ListenerArn"] != wanted["ListenerArn"] and other["Protocol"] == wanted["Protocol"]
        for taken in other["PortRanges"]
    ]
    for one in ranges:
        least, most = one.get("FromPort", 0), one.get("ToPort", 0)
        if not 1 <= least <= most <= 65535:
            raise _Refused("InvalidPortRangeException", f"The port range {least} to {most} is not valid.")
        if any(least <= other_most and other_least <= most for other_least, other_most in others):
            message = f"The ports {least} to {most} are not unique for this accelerator."
            raise _Refused("InvalidPortRangeException", message)
        others.append((least, most))


def _change_group(held: dict, given: dict) -> None:
    names = (
        "TrafficDialPercentage", "HealthCheckPort", "HealthCheckProtocol", "HealthCheckPath",
        "HealthCheckIntervalSeconds", "ThresholdCount", "PortOverrides",
    )  # fmt: skip
    wanted = {name: given[name] for name in names if given.get(name) is not None}
    changed = held | wanted
    if not 0 <= changed["TrafficDialPercentage"] <= 100:
        raise _Refused(_ARGUMENT, "The traffic dial must be between 0 and 100.")
    if changed["HealthCheckProtocol"] not in ("TCP", "HTTP", "HTTPS"):
        raise _Refused(_ARGUMENT, "The health check protocol must be TCP, HTTP or HTTPS.")
    if changed["HealthCheckIntervalSeconds"] not in (10, 30):
        raise _Refused(_ARGUMENT, "The health check interval must be 10 or 30 seconds.")
    if not 1 <= changed["ThresholdCount"] <= 10 or not 1 <= changed["HealthCheckPort"] <= 65535:
        raise _Refused(_ARGUMENT, "The threshold must be between 1 and 10, the port between 1 and 65535.")
    if not _PATH.match(changed.get("HealthCheckPath") or "/"):
        raise _Refused(_ARGUMENT, "The health check path is not valid.")
    if given.get("EndpointConfigurations") is not None:
        endpoints = [_endpoint(held["EndpointGroupRegion"], one) for one in given["EndpointConfigurations"]]
        if len({one["EndpointId"] for one in endpoints}) < len(endpoints) or len(endpoints) > 10:
            raise _Refused(_ARGUMENT, "An endpoint group has at most 10 endpoints, each once.")
        held["_endpoints"] = endpoints
    held.update(wanted)
    if held["HealthCheckProtocol"] == "TCP":
        held.pop("HealthCheckPath", None)
    else:
        held.setdefault("HealthCheckPath", "/")
    held["TrafficDialPercentage"] = float(held["TrafficDialPercentage"])


def _endpoint(region: str, configuration: dict) -> dict:
    identifier, weight = configuration.get("EndpointId") or "", configuration.get("Weight", 128)
    if not isinstance(weight, int) or not 0 <= weight <= 255:
        raise _Refused(_ARGUMENT, "The weight of an endpoint must be between 0 and 255.")
    with request_scope(get_account_id(), region):
        balancer = alb._lbs.get(identifier)
        is_known = balancer or identifier in ec2._instances or identifier in ec2._addresses
    if not is_known:
        message = f"The endpoint '{identifier}' is not a valid resource in the region '{region}'."
        raise _Refused(_ARGUMENT, message)
    preserves = configuration.get("ClientIPPreservationEnabled")
    if preserves and balancer and balancer["Type"] == "network" and not balancer["SecurityGroups"]:
        message = "Client IP preservation needs a network load balancer with security groups."
        raise _Refused(_ARGUMENT, message)
    if preserves is None:
        preserves = bool(balancer) and balancer["Type"] == "application"
    return {"EndpointId": identifier, "Weight": weight, "ClientIPPreservationEnabled": preserves}


async def _health(endpoint: dict) -> str:
    identifier = endpoint["EndpointId"]
    if not identifier.startswith("arn:"):
        # there is nothing behind instances and addresses that could be checked
        return "HEALTHY"
    spec = parse_arn(identifier)
    with request_scope(spec.account_id, spec.region):
        if identifier not in alb._lbs:
            return "UNHEALTHY"
    return "HEALTHY" if await balancer_is_healthy(identifier) else "UNHEALTHY"


async def _serve(
    host: str, path: str, method: str, headers: dict, body: bytes, query: dict, raw_query: str | None = None, *_
) -> tuple[int, dict, bytes]:
    """What the endpoint that an accelerator chooses answers."""
    name, _, port = host.lower().partition(":")
    accelerator = next((held for held in _accelerators.values() if held["DnsName"] == name), None)
    if accelerator is None or not accelerator["Enabled"]:
        return 503, {"content-type": "text/plain"}, b""
    listeners = _within(_listeners, accelerator["AcceleratorArn"])
    wanted = int(port) if port.isdigit() else 80
    fitting = [one for one in listeners if any(r["FromPort"] <= wanted <= r["ToPort"] for r in one["PortRanges"])]
    for listener in fitting or listeners[:1]:
        endpoint = await _chosen(_within(_groups, listener["ListenerArn"]))
        if endpoint:
            spec = parse_arn(endpoint)
            balancer = alb._lbs.get_scoped(spec.account_id, spec.region, endpoint)
            if balancer:
                at = wanted if fitting else listener["PortRanges"][0]["FromPort"]
                return await alb.dispatch_request(
                    balancer, method, path, headers, body, query, at, raw_query_string=raw_query
                )
    return 503, {"content-type": "text/plain"}, b""


async def _chosen(groups: list[dict]) -> str | None:
    """The endpoint that gets a connection, of those that are load balancers."""
    candidates = [
        (group, endpoint, await _health(endpoint) == "HEALTHY")
        for group in groups
        for endpoint in group["_endpoints"]
        if endpoint["EndpointId"].startswith("arn:")
    ]
    healthy = [(group, one) for group, one, is_healthy in candidates if is_healthy and one["Weight"] > 0]
    preferred = [(group, one) for group, one in healthy if group["TrafficDialPercentage"] > 0]
    anywhere = [(group, one) for group, one, _ in candidates]
    for choice in (preferred, healthy, anywhere):
        if choice:
            nearest = choice[0][0]
            endpoints = [one for group, one in choice if group is nearest]
            weights = [one["Weight"] for one in endpoints]
            return random.choices(endpoints, weights if any(weights) else None)[0]["EndpointId"]
    return None
