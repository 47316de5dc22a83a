"""An integration with Kinesis puts the record, with the rights of its role.

AWS (API Gateway Developer Guide, "Tutorial: Create a REST API as an Amazon Kinesis proxy", "Mapping template and access
logging variable reference"): an AWS integration with ``kinesis:action/PutRecord`` sends what its template makes of the
request, as the role of its credentials; ``$util.base64Encode`` and ``$context.requestId`` are among the variables.
MiniStack takes the target for a Lambda function, and knows neither variable.
"""

from __future__ import annotations

import base64
import contextvars
import json

from ministack.core.responses import get_account_id, request_scope
from ministack.services import apigateway_v1 as api
from ministack.services import kinesis

from outrigger_local import roles

_request_id: contextvars.ContextVar[str] = contextvars.ContextVar("outrigger_api_request", default="")


def install() -> None:
    """Wraps the integrations that MiniStack takes for functions, and the variables of templates."""
    invoke, util, execute = api._invoke_lambda_custom_v1, api._vtl_util, api._execute_in_scope

    async def invoke_service(integration: dict, *arguments, **options):
        target = api._parse_service_integration_uri(integration.get("uri", ""))
        if not target or target[1:3] != ("kinesis", "action"):
            return await invoke(integration, *arguments, **options)
        return await _invoke_kinesis(integration, target, *arguments)

    def vtl_util(steps: list, state: dict):
        name, arguments = steps[0] if steps else ("", None)
        if name != "base64Encode" or arguments is None:
            return util(steps, state)
        given = api._vtl_split_args(arguments)
        text = api._vtl_str(api._vtl_value(given[0], state)) if given else ""
        return base64.b64encode(text.encode()).decode()

    async def execute_known(request: dict, *arguments):
        token = _request_id.set(request["request_id"])
        try:
            return await execute(request, *arguments)
        finally:
            _request_id.reset(token)

    api._invoke_lambda_custom_v1, api._vtl_util, api._execute_in_scope = invoke_service, vtl_util, execute_known


async def _invoke_kinesis(
    integration: dict, target: tuple, api_id: str, stage_name: str, stage: dict, resource: dict, path: str,
    method: str, headers: dict, body: bytes, query: dict, path_parameters: dict,
):  # fmt: skip
    region, _, _, action = target
    content_type = (api._header_ci(headers, "content-type") or "application/json").partition(";")[0].strip().lower()
    text = body.decode("utf-8", "replace") if body else ""
    context = {"requestId": _request_id.get(), "stage": stage_name, "apiId": api_id}
    template = (integration.get("requestTemplates") or {}).get(content_type)
    given = text if template is None else api._render_request_template_v1(template, text, {}, context)
    content_type = (integration.get("requestParameters") or {}).get("integration.request.header.Content-Type", "")
    if content_type.strip("'") != "application/x-amz-json-1.1":
        # Kinesis reads no other.
        status, answer = 404, b'{"__type":"UnknownOperationException"}'
    elif not _may(integration.get("credentials") or "", region, action, given):
        status, answer = 400, b'{"__type":"AccessDeniedException"}'
    else:
        from ministack.app import SERVICE_HANDLERS

        with request_scope(get_account_id(), region):
            call = {"x-amz-target": f"Kinesis_20131202.{action}", "content-type": "application/x-amz-json-1.1"}
            status, _, answer = await SERVICE_HANDLERS["kinesis"]("POST", "/", call, given.encode(), {})
    answer = answer.decode() if isinstance(answer, bytes) else answer
    return api._service_integration_response(integration, status, answer, "application/json", {}, context)


def _may(role: str, region: str, action: str, given: str) -> bool:
    try:
        stream = json.loads(given).get("StreamName", "")
    except (ValueError, AttributeError):
        # Kinesis says what is wrong with it.
        return True
    with request_scope(get_account_id(), region):
        held = kinesis._streams.get(stream) or {}
        arn = held.get("StreamARN") or f"arn:aws:kinesis:{region}:{get_account_id()}:stream/{stream}"
        return roles.allows(role, "api-gateway", f"kinesis:{action}", arn)
