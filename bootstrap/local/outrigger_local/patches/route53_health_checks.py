"""Route 53 health checks check, and are made once.

AWS (Route 53 API Reference, CreateHealthCheck, UpdateHealthCheck, DeleteHealthCheck, GetHealthCheckStatus,
GetHealthCheckLastFailureReason, ListTagsForResources; Developer Guide, "How Amazon Route 53 determines whether a health
check is healthy"): a caller reference with the same settings is answered with the same health check, with others, or
after that was deleted, it is HealthCheckAlreadyExists; an update that names another version than the present one is
HealthCheckVersionMismatch. The checkers are outside VPCs: what is internal cannot be reached. A status of 200 to 399 is
healthy. MiniStack keeps settings without their defaults, spells truth values as Python does, checks none, forgets
caller references, and has no status.

A check is made when somebody asks for the status and the interval has passed (of which it takes the share that Wait
states do). Names of load balancers, accelerators, APIs and function URLs are known; no other is looked up.
"""

from __future__ import annotations

import http.client
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement

from ministack import app
from ministack.core import iam_actions
from ministack.core.concurrency import run_reentrant
from ministack.core.responses import get_account_id
from ministack.services import route53, tagging

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import ANY, Hooks, answer_of
from outrigger_local.patches import global_accelerator, load_balancer_requests
from outrigger_local.patches.target_health import scaled

_PATH = re.compile(r"^/2013-04-01/(healthcheck|healthcheckcount|tags/healthcheck)(?:/([^/]+))?(?:/([a-z]+))?/?$")
_ARN = "arn:aws:route53:::healthcheck/"
_TYPES = (
    "HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP", "CALCULATED", "CLOUDWATCH_METRIC", "RECOVERY_CONTROL",
)  # fmt: skip
_CHECKED_FROM = (
    "us-east-1", "us-west-1", "us-west-2", "eu-west-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1",
    "sa-east-1",
)  # fmt: skip
_RESETTABLE = ("ChildHealthChecks", "FullyQualifiedDomainName", "Regions", "ResourcePath")
_ANSWER_SECONDS = 10
_SEARCHED_BYTES = 5120


@dataclass
class _Checked:
    """What the last check of a health check has seen."""

    at: float
    time: str
    status: str


_checked: dict[str, _Checked] = {}
_failures: dict[str, _Checked] = {}
# the caller references of those that are gone, by account
_used: set[tuple[str, str]] = set()


def install(hooks: Hooks) -> None:
    """Puts the corrections around the calls, and lets policies name health checks."""
    route53._build_health_check_el = _spelled(route53._build_health_check_el)
    hooks.around("route53", ANY)(_health_checks)
    iam_actions.extract_resource_arn = _resource(iam_actions.extract_resource_arn)
    tagging.resource_tags = _resource_tags(tagging.resource_tags)


def _spelled(build: Callable[[Element, dict], None]) -> Callable[[Element, dict], None]:
    """Truth values as XML has them, in lower case; MiniStack writes Python's."""

    def build_health_check(parent: Element, held: dict) -> None:
        settings = {
            name: str(value).lower() if isinstance(value, bool) else value for name, value in held["config"].items()
        }
        build(parent, {**held, "config": settings})

    return build_health_check


def _resource(find: Callable) -> Callable:
    def extract_resource_arn(
        service: str, method: str, path: str, headers: dict, body: bytes, parameters: dict, region: str, account: str
    ) -> str:
        found = find(service, method, path, headers, body, parameters, region, account)
        matched = _PATH.match(path) if service == "route53" else None
        if matched and matched[2] and matched[1] != "healthcheckcount":
            return _ARN + matched[2]
        if matched and matched[1] == "tags/healthcheck":
            # Those whose tags are listed at once; a policy speaks of all of them or of none.
            listed = _listed(body)
            return _ARN + listed[0] if listed else found
        return found

    return extract_resource_arn


def _resource_tags(find: Callable) -> Callable:
    def resource_tags(arn: str) -> dict[str, str] | None:
        if arn.startswith(_ARN):
            return dict(route53._tags.get(("healthcheck", arn.removeprefix(_ARN))) or {})
        return find(arn)

    return resource_tags


async def _health_checks(call: Call, proceed: Proceed) -> Answer:
    matched = _PATH.match(call.path)
    if not matched:
        return await proceed(call)
    kind, identifier, detail = matched.groups()
    if kind == "healthcheckcount":
        count = len(route53._health_checks)
        return _described("GetHealthCheckCountResponse", lambda root: _text(root, "HealthCheckCount", count))
    if kind == "tags/healthcheck":
        return await proceed(call) if identifier else _tags_of_many(call)
    if call.method == "POST":
        return await (_updated(call, proceed, identifier) if identifier else _created(call, proceed))
    if call.method == "DELETE":
        return await _deleted(call, proceed, identifier)
    if detail in ("status", "lastfailurereason"):
        return await _status(call, identifier, detail)
    return await proceed(call)


def _described(name: str, build: Callable[[Element], None]) -> Answer:
    return answer_of(route53._xml_response(name, build))


def _text(parent: Element, name: str, value: object) -> None:
    SubElement(parent, name).text = str(value)


def _absent(call: Call, identifier: str) -> Answer:
    message = f"A health check with id {identifier} does not exist."
    return error(call, "NoSuchHealthCheck", message, 404)


def _with_defaults(given: dict) -> dict:
    kind = given.get("Type", "")
    defaults: dict = {"Inverted": False, "Disabled": False}
    if kind.startswith(("HTTP", "TCP")):
        defaults |= {"RequestInterval": 30, "FailureThreshold": 3, "MeasureLatency": False, "EnableSNI": False}
    if kind.startswith("HTTP"):
        is_secure = kind.startswith("HTTPS")
        defaults |= {"Port": 443 if is_secure else 80, "EnableSNI": is_secure}
    return defaults | given


def _problem(wanted: dict) -> str | None:
    kind = wanted.get("Type")
    if kind not in _TYPES:
        return f"Invalid health check type '{kind}'."
    if kind.startswith(("HTTP", "TCP")):
        if not wanted.get("FullyQualifiedDomainName") and not wanted.get("IPAddress"):
            return "Invalid parameter : Either IPAddress or FullyQualifiedDomainName must be specified."
        if wanted["RequestInterval"] not in (10, 30):
            return "Invalid parameter : RequestInterval must be 10 or 30 seconds."
        if not 1 <= wanted["FailureThreshold"] <= 10:
            return "Invalid parameter : FailureThreshold must be between 1 and 10."
        if not 1 <= wanted.get("Port", 0) <= 65535:
            return "Invalid parameter : Port must be between 1 and 65535."
        if len(wanted.get("ResourcePath", "")) > 255:
            return "Invalid parameter : ResourcePath can have 255 characters."
    if kind.endswith("_STR_MATCH") != bool(wanted.get("SearchString")):
        return "Invalid parameter : SearchString goes with the types HTTP_STR_MATCH and HTTPS_STR_MATCH."
    if "Regions" in wanted and len(wanted["Regions"]) < 3:
        return "Invalid parameter : At least three regions must be specified."
    return None


async def _created(call: Call, proceed: Proceed) -> Answer:
    root = route53._parse_body(call.body)
    settings = route53._find(root, "HealthCheckConfig") if root is not None else None
    if root is None or settings is None:
        return await proceed(call)
    reference = route53._text(root, "CallerReference")
    wanted = _with_defaults(route53._parse_health_check_config(settings))
    problem = "CallerReference must have 1 to 64 characters." if not 1 <= len(reference) <= 64 else _problem(wanted)
    if problem:
        return error(call, "InvalidInput", problem, 400)
    existing = route53._health_checks.get(route53._hc_caller_refs.get(reference) or "")
    if (get_account_id(), reference) in _used or (existing and existing["config"] != wanted):
        message = f"A health check with the caller reference {reference} already exists."
        return error(call, "HealthCheckAlreadyExists", message, 409)
    answer = await proceed(call)
    made = route53._health_checks.get(route53._hc_caller_refs.get(reference) or "")
    if answer.status >= 300 or made is None:
        return answer
    made["config"] = wanted
    answer = _described("CreateHealthCheckResponse", lambda root: route53._build_health_check_el(root, made))
    answer.status = 201
    location = f"https://route53.amazonaws.com/2013-04-01/healthcheck/{made['id']}"
    answer.headers.append((b"location", location.encode()))
    return answer


async def _updated(call: Call, proceed: Proceed, identifier: str) -> Answer:
    held, root = route53._health_checks.get(identifier), route53._parse_body(call.body)
    if held is None:
        return _absent(call, identifier)
    if root is None:
        return await proceed(call)
    version = route53._text(root, "HealthCheckVersion")
    if version and version != str(held.get("version", 1)):
        message = f"The version {version} of the health check is not the present one, {held.get('version', 1)}."
        return error(call, "HealthCheckVersionMismatch", message, 409)
    reset = route53._find(root, "ResetElements")
    names = [element.text for element in reset] if reset is not None else []
    if any(name not in _RESETTABLE for name in names):
        return error(call, "InvalidInput", "An element that is to be reset cannot be.", 400)
    kept = {name: value for name, value in held["config"].items() if name not in names}
    wanted = kept | route53._parse_health_check_config(root)
    problem = _problem(wanted)
    if problem:
        return error(call, "InvalidInput", problem, 400)
    held["config"], held["version"] = wanted, held.get("version", 1) + 1
    _checked.pop(identifier, None)
    return _described("UpdateHealthCheckResponse", lambda root: route53._build_health_check_el(root, held))


async def _deleted(call: Call, proceed: Proceed, identifier: str) -> Answer:
    held = route53._health_checks.get(identifier)
    if held is None:
        return _absent(call, identifier)
    answer = await proceed(call)
    _used.add((get_account_id(), held["caller_reference"]))
    route53._tags.pop(("healthcheck", identifier), None)
    for store in (_checked, _failures):
        store.pop(identifier, None)
    return answer


def _listed(body: bytes) -> list[str]:
    root = route53._parse_body(body)
    listed = route53._find(root, "ResourceIds") if root is not None else None
    return [element.text or "" for element in listed] if listed is not None else []


def _tags_of_many(call: Call) -> Answer:
    identifiers = _listed(call.body)
    if not 1 <= len(identifiers) <= 10:
        return error(call, "InvalidInput", "The tags of 1 to 10 resources can be listed.", 400)
    for identifier in identifiers:
        if identifier not in route53._health_checks:
            return _absent(call, identifier)

    def build(root: Element) -> None:
        sets = SubElement(root, "ResourceTagSets")
        for identifier in identifiers:
            one = SubElement(sets, "ResourceTagSet")
            _text(one, "ResourceType", "healthcheck")
            _text(one, "ResourceId", identifier)
            tags = SubElement(one, "Tags")
            for key, value in (route53._tags.get(("healthcheck", identifier)) or {}).items():
                tag = SubElement(tags, "Tag")
                _text(tag, "Key", key)
                _text(tag, "Value", value)

    return _described("ListTagsForResourcesResponse", build)


async def _status(call: Call, identifier: str, detail: str) -> Answer:
    held = route53._health_checks.get(identifier)
    if held is None:
        return _absent(call, identifier)
    settings = held["config"]
    if not settings["Type"].startswith(("HTTP", "TCP")):
        message = f"The status of a health check of type {settings['Type']} is not available."
        return error(call, "InvalidInput", message, 400)
    seen = _checked.get(identifier)
    if not settings["Disabled"] and (seen is None or time.monotonic() - seen.at >= scaled(settings["RequestInterval"])):
        status = await _check(settings)
        now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + f".{int(time.time() * 1000) % 1000:03}Z"
        seen = _checked[identifier] = _Checked(time.monotonic(), now, status)
        if not status.startswith("Success"):
            _failures[identifier] = seen
    told = _failures.get(identifier) if detail == "lastfailurereason" else seen

    def build(root: Element) -> None:
        observations = SubElement(root, "HealthCheckObservations")
        for number, region in enumerate(settings.get("Regions") or _CHECKED_FROM) if told else ():
            one = SubElement(observations, "HealthCheckObservation")
            _text(one, "Region", region)
            _text(one, "IPAddress", f"15.177.{number}.1")
            report = SubElement(one, "StatusReport")
            _text(report, "Status", told.status)
            _text(report, "CheckedTime", told.time)

    name = "GetHealthCheckStatus" if detail == "status" else "GetHealthCheckLastFailureReason"
    return _described(f"{name}Response", build)


async def _check(settings: dict) -> str:
    kind, host, port = settings["Type"], settings.get("FullyQualifiedDomainName", ""), settings["Port"]
    if not host:
        return "Failure: The health checker could not establish a connection within the timeout limit."
    balancer = load_balancer_requests.found(host)
    if load_balancer_requests.is_balancer(host):
        if balancer is None:
            return "Failure: DNS resolution failed: Rcode NXDomain(3)"
        if balancer["Scheme"] == "internal" or not load_balancer_requests.listens(balancer, port):
            return "Failure: The health checker could not establish a connection within the timeout limit."
    elif not global_accelerator.is_accelerator(host) and not _is_api(host):
        return "Failure: DNS resolution failed: Rcode NXDomain(3)"
    if kind == "TCP":
        return "Success: TCP connection established."
    if balancer and kind.startswith("HTTPS") and not load_balancer_requests.speaks_tls(balancer, port):
        return "Failure: Resolved IP. The health checker could not establish a TLS connection."
    path = settings.get("ResourcePath") or "/"
    named = f"{host}:{port}" if balancer or global_accelerator.is_accelerator(host) else host
    status, reason, body = await run_reentrant(
        lambda: _fetch(named, path if path.startswith("/") else f"/{path}"), thread_name="outrigger-health-check"
    )
    if not status:
        return f"Failure: {reason}"
    searched = settings.get("SearchString", "")
    if 200 <= status < 400 and searched and searched.encode() not in body:
        return f"Failure: HTTP Status Code {status}, {reason}. Search string not found."
    return f"{'Success' if 200 <= status < 400 else 'Failure'}: HTTP Status Code {status}, {reason}"


def _is_api(host: str) -> bool:
    """Whether a name is one of an API, one that an API was given, or one of a function."""
    readers = (app._parse_execute_api_url, app._resolve_custom_domain_request, app._parse_lambda_url)
    return any(read(host, "/") for read in readers)


def _fetch(host: str, path: str) -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["GATEWAY_PORT"]), timeout=_ANSWER_SECONDS)
    try:
        agent = "Amazon-Route53-Health-Check-Service (ref local; report http://amzn.to/1vsZADi)"
        connection.request("GET", path, headers={"Host": host, "User-Agent": agent, "Connection": "close"})
        answer = connection.getresponse()
        reason = answer.reason or http.client.responses.get(answer.status, "")
        return answer.status, reason, answer.read(_SEARCHED_BYTES)
    except OSError as failure:
        return 0, str(failure), b""
    finally:
        connection.close()
