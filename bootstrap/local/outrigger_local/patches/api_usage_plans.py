"""Usage plans know which stages and keys there are, and the value of a key is told only to who asks for it.

AWS (API Gateway API Reference, CreateUsagePlan, UpdateUsagePlan, DeleteUsagePlan, CreateUsagePlanKey, GetApiKey;
Developer Guide, "Patch operations"): a plan's stage must exist, ``/apiStages`` takes ``<API>:<stage>``, limits are
numbers, a plan with stages is not deleted, a key is once in a plan, and ``value`` is left out without ``includeValue``.
MiniStack checks nothing, takes ``/apiStages`` for a text, and tells every value.
"""

from __future__ import annotations

import json

from ministack.services import apigateway_v1 as api

_NUMBERS = {"/throttle/rateLimit": float, "/throttle/burstLimit": int, "/quota/limit": int, "/quota/offset": int}


def install() -> None:
    """Wraps the operations."""
    create, update, delete = api._create_usage_plan, api._update_usage_plan, api._delete_usage_plan
    create_key, delete_key, handle = api._create_usage_plan_key, api._delete_usage_plan_key, api.handle_request

    def create_usage_plan(data: dict):
        for stage in data.get("apiStages") or []:
            if not _exists(stage.get("apiId"), stage.get("stage")):
                return _no_stage(stage.get("apiId"), stage.get("stage"))
        return create(data)

    def update_usage_plan(plan_id: str, data: dict):
        plan, rest = api._usage_plans.get(plan_id), []
        if not plan:
            return update(plan_id, data)
        stages = list(plan["apiStages"])
        for operation in data.get("patchOperations", []):
            path, value = operation.get("path"), operation.get("value")
            if path != "/apiStages":
                rest.append({**operation, "value": _NUMBERS.get(path, str)(value)})
                continue
            api_id, _, stage = value.partition(":")
            entry = {"apiId": api_id, "stage": stage}
            if operation.get("op") == "remove":
                stages = [held for held in stages if (held["apiId"], held["stage"]) != (api_id, stage)]
            elif not _exists(api_id, stage):
                return _no_stage(api_id, stage)
            else:
                stages.append(entry)
        plan["apiStages"] = stages
        return update(plan_id, {"patchOperations": rest})

    def delete_usage_plan(plan_id: str):
        if (api._usage_plans.get(plan_id) or {}).get("apiStages"):
            message = f"Cannot delete Usage Plan {plan_id} because it is associated with API stages"
            return api._v1_error("BadRequestException", message, 400)
        return delete(plan_id)

    def create_usage_plan_key(plan_id: str, data: dict):
        key_id = data.get("keyId", "")
        if plan_id in api._usage_plans and key_id not in api._api_keys:
            return api._v1_error("NotFoundException", "Invalid API Key identifier specified", 404)
        if key_id in api._usage_plan_keys.get(plan_id, {}):
            message = f"Usage Plan {plan_id} cannot be added because API Key is already in it"
            return api._v1_error("ConflictException", message, 409)
        return create_key(plan_id, data)

    def delete_usage_plan_key(plan_id: str, key_id: str):
        if plan_id in api._usage_plans and key_id not in api._usage_plan_keys.get(plan_id, {}):
            return api._v1_error("NotFoundException", "Invalid Usage Plan Key identifier specified", 404)
        return delete_key(plan_id, key_id)

    async def handle_request(method: str, path: str, headers: dict, body: bytes, query: dict):
        answer = await handle(method, path, headers, body, query)
        parts = [part for part in path.split("/") if part]
        asked = api._qp(query, "includeValue") or api._qp(query, "includeValues")
        if method == "POST" or parts[:1] != ["apikeys"] or answer[0] >= 300 or asked == "true" or not answer[2]:
            return answer
        content = json.loads(answer[2])
        for key in content.get("item", [content]):
            key.pop("value", None)
        return answer[0], answer[1], json.dumps(content).encode()

    api._create_usage_plan, api._update_usage_plan = create_usage_plan, update_usage_plan
    api._delete_usage_plan, api.handle_request = delete_usage_plan, handle_request
    api._create_usage_plan_key, api._delete_usage_plan_key = create_usage_plan_key, delete_usage_plan_key


def _exists(api_id: str | None, stage: str | None) -> bool:
    return stage in (api._stages_v1.get(api_id) or {})


def _no_stage(api_id: str | None, stage: str | None):
    return api._v1_error("NotFoundException", f"API Stage not found: {api_id}:{stage}", 404)
