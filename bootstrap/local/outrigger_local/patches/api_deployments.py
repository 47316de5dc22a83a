"""A stage answers with what was deployed, not with what is edited; and stages and deployments hold on to one another.

AWS (API Gateway API Reference, CreateDeployment, CreateStage, DeleteDeployment; Developer Guide, "Deploy REST APIs"): a
deployment is a snapshot of the API's resources, without methods there is nothing to deploy, a stage's name is unique and
its deployment must exist, and a deployment is not deleted while a stage points to it. MiniStack answers with the API as
it is now, and knows none of these checks.
"""

from __future__ import annotations

import contextvars
import copy
import json

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import apigateway_v1 as api

# API -> deployment -> resources
_deployed = AccountRegionScopedDict()
_stage: contextvars.ContextVar[str] = contextvars.ContextVar("outrigger_api_stage", default="")


def install() -> None:
    """Wraps what makes and deletes deployments and stages, and what a request is matched against."""
    create, delete, create_stage = api._create_deployment, api._delete_deployment, api._create_stage
    update_stage, execute, authorization = api._update_stage, api._execute_in_scope, api.method_authorization_type
    match, fall_back = api._match_resource_tree, api._match_greedy_fallback

    def create_deployment(api_id: str, data: dict):
        resources = api._resources.get(api_id, {})
        if api_id in api._rest_apis and not any(one.get("resourceMethods") for one in resources.values()):
            return _bad("The REST API doesn't contain any methods")
        answer = create(api_id, data)
        if answer[0] < 300:
            _deployed.setdefault(api_id, {})[json.loads(answer[2])["id"]] = copy.deepcopy(resources)
        return answer

    def delete_deployment(api_id: str, deployment_id: str):
        stages = api._stages_v1.get(api_id, {}).values()
        if any(stage["deploymentId"] == deployment_id for stage in stages):
            return _bad("Active stages pointing to this deployment must be moved or deleted")
        return delete(api_id, deployment_id)

    def create_stage_once(api_id: str, data: dict):
        if data.get("stageName") in api._stages_v1.get(api_id, {}):
            return api._v1_error("ConflictException", "Stage already exists", 409)
        if api_id in api._rest_apis and data.get("deploymentId") not in api._deployments_v1.get(api_id, {}):
            return _bad("Invalid deployment identifier specified")
        return create_stage(api_id, data)

    def update_existing(api_id: str, stage_name: str, data: dict):
        for operation in data.get("patchOperations", []):
            wanted = operation.get("value")
            if operation.get("path") == "/deploymentId" and wanted not in api._deployments_v1.get(api_id, {}):
                return _bad("Invalid deployment identifier specified")
        return update_stage(api_id, stage_name, data)

    async def execute_deployed(request: dict, api_id: str, stage_name: str, *arguments):
        token = _stage.set(stage_name)
        try:
            return await execute(request, api_id, stage_name, *arguments)
        finally:
            _stage.reset(token)

    def authorization_deployed(api_id: str, stage_name: str, *arguments):
        token = _stage.set(stage_name)
        try:
            return authorization(api_id, stage_name, *arguments)
        finally:
            _stage.reset(token)

    def matched(find):
        def match_deployed(api_id: str, *arguments):
            stage = api._stages_v1.get(api_id, {}).get(_stage.get())
            resources = _deployed.get(api_id, {}).get(stage["deploymentId"]) if stage else None
            if resources is None:
                return find(api_id, *arguments)
            # The original looks its resources up by the API's id.
            live = api._resources
            api._resources = {api_id: resources}
            try:
                return find(api_id, *arguments)
            finally:
                api._resources = live

        return match_deployed

    api._create_deployment, api._delete_deployment = create_deployment, delete_deployment
    api._create_stage, api._update_stage = create_stage_once, update_existing
    api._execute_in_scope, api.method_authorization_type = execute_deployed, authorization_deployed
    api._match_resource_tree, api._match_greedy_fallback = matched(match), matched(fall_back)


def _bad(message: str):
    return api._v1_error("BadRequestException", message, 400)
