"""Requests to the DNS name of a load balancer, of any type and region, are served as its rules say.

AWS (User Guide for Application Load Balancers, "Lambda functions as targets" and "Troubleshoot your Application Load
Balancers", HTTP 502; User Guide for Network Load Balancers, "Use an Application Load Balancer as a target"): a network
load balancer hands a connection on to the load balancer behind it; a function that answers without a status code, or
that may not be invoked, is a 502. MiniStack knows the names of application load balancers only, looks for them in the
region of the request, which has none, and takes a missing status code for 200.

A request carries the name as its Host; without a port there, it is for the listener on port 80, or else the only one.
"""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import urlencode

from ministack import app
from ministack.core import responses
from ministack.core.arn import parse_arn
from ministack.core.concurrency import run_reentrant
from ministack.services import alb, lambda_svc

from outrigger_local.patches.target_groups import forwarded_to, may_be_invoked

_TEXT = ("text/", "application/json", "application/javascript", "application/xml")
_BAD_GATEWAY = (
    502,
    {"content-type": "text/html"},
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n",
)
_HOST = re.compile(r"\.elb\.(?:[a-z0-9-]+\.)?amazonaws\.com$")


def install() -> None:
    """Lets MiniStack find the load balancer, and wraps what serves its requests."""
    is_potential = app._is_potential_alb_request
    app._is_potential_alb_request = lambda host, path: is_balancer(host) or is_potential(host, path)
    alb.find_lb_for_host = found
    dispatch = alb.dispatch_request

    async def dispatch_request(balancer: dict, method: str, path: str, headers: dict, *arguments, **options):
        spec = parse_arn(balancer["LoadBalancerArn"])
        with responses.request_scope(spec.account_id, spec.region):
            behind = balancer
            if balancer["Type"] == "network":
                behind, arguments = _behind(balancer, *arguments)
            if behind is None:
                return 503, {"content-type": "text/plain"}, b""
            return await dispatch(behind, method, path, headers, *arguments, **options)

    alb.dispatch_request = dispatch_request
    alb._invoke_lambda_target = _invoke


def is_balancer(host: str) -> bool:
    """Whether a name is one of a load balancer."""
    return _HOST.search(host.partition(":")[0].lower()) is not None


def found(host: str) -> dict | None:
    """The load balancer of a name, in whichever region it is."""
    name = host.partition(":")[0].lower()
    return next((held for held in alb._lbs._data.values() if held["DNSName"].lower() == name), None)


def _listener(balancer: dict, port: int) -> dict | None:
    held = (found for found in alb._listeners._data.values() if found["LoadBalancerArn"] == balancer["LoadBalancerArn"])
    return next((found for found in held if found["Port"] == port), None)


def listens(balancer: dict, port: int) -> bool:
    """Whether a load balancer has a listener on a port."""
    return _listener(balancer, port) is not None


def speaks_tls(balancer: dict, port: int) -> bool:
    """Whether a connection to a port of a load balancer ends in TLS."""
    listener = _listener(balancer, port)
    if listener is None or listener["Protocol"] in ("HTTPS", "TLS"):
        return listener is not None
    spec = parse_arn(balancer["LoadBalancerArn"])
    with responses.request_scope(spec.account_id, spec.region):
        behind, arguments = _behind(balancer, b"", {}, port) if balancer["Type"] == "network" else (None, ())
    return behind is not None and speaks_tls(behind, arguments[2])


def _behind(balancer: dict, body: bytes, query: dict, port: int = 80, *rest) -> tuple[dict | None, tuple]:
    """The application load balancer that a network load balancer hands its connections to, and the listener's port."""
    held = [found for found in alb._listeners.values() if found["LoadBalancerArn"] == balancer["LoadBalancerArn"]]
    listener = next((found for found in held if found["Port"] == port), held[0] if held else None)
    groups = forwarded_to(listener["DefaultActions"]) if listener else []
    for target in [target for group in groups for target in alb._targets.get(group, [])]:
        if target["Id"] in alb._lbs:
            return alb._lbs[target["Id"]], (body, query, target["Port"], *rest)
    return None, ()


async def _invoke(
    function: str,
    group: str,
    method: str,
    path: str,
    headers: dict,
    body: bytes,
    query: dict,
    raw_query: str | None = None,
) -> tuple[int, dict, bytes]:
    """What a function answers to a request, or a 502 where that is no answer."""
    spec = parse_arn(group)
    record, config, _ = lambda_svc._get_func_record_for_ref_in_scope(
        function, account_id=spec.account_id, region=spec.region
    )
    if not record or not config or not may_be_invoked(function, group):
        return _BAD_GATEWAY
    attributes = {held["Key"]: held["Value"] for held in alb._tg_attrs.get(group, [])}
    many = attributes.get("lambda.multi_value_headers.enabled") == "true"
    pairs = [pair.partition("=")[::2] for pair in (raw_query or urlencode(query, doseq=True)).split("&") if pair]
    named = {name.lower(): value for name, value in headers.items()}
    text, is_encoded = _body_of(named, body)
    event = {"requestContext": {"elb": {"targetGroupArn": group}}, "httpMethod": method, "path": path}
    if many:
        event["multiValueQueryStringParameters"] = {key: [v for k, v in pairs if k == key] for key, _ in pairs}
        event["multiValueHeaders"] = {name: [value] for name, value in named.items()}
    else:
        event["queryStringParameters"] = dict(pairs)
        event["headers"] = named
    event |= {"body": text, "isBase64Encoded": is_encoded}
    execution = lambda_svc._execution_record_for_config(record, config)
    result = await run_reentrant(
        lambda: lambda_svc._execute_function_with_config_scope(execution, event),
        thread_name="outrigger-balancer-invoke",
    )
    return _BAD_GATEWAY if result.get("error") or result.get("throttle") else _answered(result.get("body"), many)


def _body_of(headers: dict[str, str], body: bytes) -> tuple[str, bool]:
    """The body as text, or in Base64 where its type is not one of text or it is compressed."""
    kind = headers.get("content-type", "")
    if not body or ("content-encoding" not in headers and kind.startswith(_TEXT)):
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), True


def _answered(output: object, many: bool) -> tuple[int, dict, bytes]:
    if isinstance(output, str | bytes):
        try:
            output = json.loads(output)
        except ValueError:
            return _BAD_GATEWAY
    if not isinstance(output, dict):
        return _BAD_GATEWAY
    status, content = output.get("statusCode"), output.get("body") or ""
    if not str(status).isdigit() or not 100 <= int(status) <= 599 or not isinstance(content, str):
        return _BAD_GATEWAY
    headers = output.get("multiValueHeaders" if many else "headers") or {}
    try:
        body = base64.b64decode(content, validate=True) if output.get("isBase64Encoded") else content.encode()
    except ValueError:
        return _BAD_GATEWAY
    return int(status), dict(headers), body
