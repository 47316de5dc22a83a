"""Domain names of APIs and what is mapped below them can be changed, have tags, and are refused as API Gateway refuses them.

AWS (API Gateway API Reference, CreateDomainName, UpdateDomainName, CreateBasePathMapping, UpdateBasePathMapping): a name that
is taken and a certificate of another region are refused, a mapping needs an API and its stage, a base path is mapped once, and
both can be updated; a mapping that is not there is not deleted. MiniStack takes every name and mapping, over what is there,
deletes what is not, and has no updates.
"""

from __future__ import annotations

import json
from urllib.parse import unquote

from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import get_region
from ministack.services import apigateway_v1 as api

_ROOT = "(none)"


def install() -> None:
    """Wraps the creations, and what finds the operation of a call."""
    create_domain, create_mapping = api._create_domain_name, api._create_base_path_mapping

    def create_domain_name(data: dict):
        if api._domain_names.get(data.get("domainName", "")):
            return api._v1_error("BadRequestException", "The domain name you provided already exists.", 400)
        wrong = _wrong_certificate(data.get("regionalCertificateArn", ""))
        if wrong:
            return wrong
        answer = create_domain(data)
        there = api._domain_names.get(data.get("domainName", ""))
        if there is not None:
            there["domainNameStatus"] = "AVAILABLE"
        return answer

    def create_base_path_mapping(domain: str, data: dict):
        wrong = _wrong_stage(data.get("restApiId", ""), data.get("stage", ""))
        if domain in api._domain_names and wrong:
            return wrong
        if data.get("basePath", _ROOT) in (api._base_path_mappings.get(domain) or {}):
            return api._v1_error("ConflictException", "Base path already exists for this domain name", 409)
        return create_mapping(domain, data)

    api._create_domain_name, api._create_base_path_mapping = create_domain_name, create_base_path_mapping
    delete_mapping = api._delete_base_path_mapping

    def delete_base_path_mapping(domain: str, base_path: str):
        if base_path not in (api._base_path_mappings.get(domain) or {}):
            return _no_mapping()
        return delete_mapping(domain, base_path)

    api._delete_base_path_mapping = delete_base_path_mapping
    handle = api.handle_request

    async def handle_request(method: str, path: str, headers: dict, body: bytes, query_params: dict):
        parts = path.strip("/").split("/")
        if method == "PATCH" and parts[:1] == ["domainnames"]:
            return _update(parts, body)
        return await handle(method, path, headers, body, query_params)

    api.handle_request = handle_request


def _update(parts: list[str], body: bytes):
    operations = json.loads(body or b"{}").get("patchOperations", [])
    domain = unquote(parts[1]) if len(parts) > 1 else ""
    held = api._domain_names.get(domain)
    if held is None:
        return api._v1_error("NotFoundException", "Invalid domain name identifier specified", 404)
    if len(parts) == 2:
        for operation in operations:
            wrong = operation["path"] == "/regionalCertificateArn" and _wrong_certificate(operation["value"])
            if wrong:
                return wrong
            held[operation["path"].lstrip("/")] = operation["value"]
        return api._v1_response(held)
    mapping = (api._base_path_mappings.get(domain) or {}).get(unquote(parts[3]) if len(parts) > 3 else "")
    if mapping is None:
        return _no_mapping()
    changed = dict(mapping)
    for operation in operations:
        name = {"restapiId": "restApiId"}.get(operation["path"].lstrip("/"), operation["path"].lstrip("/"))
        changed[name] = operation["value"]
    wrong = _wrong_stage(changed["restApiId"], changed["stage"])
    if wrong:
        return wrong
    mapping.update(changed)
    return api._v1_response(api._public_mapping(mapping))


def _no_mapping():
    return api._v1_error("NotFoundException", "Invalid base path mapping identifier specified", 404)


def _wrong_certificate(certificate: str):
    try:
        spec = parse_arn(certificate)
    except ArnParseError:
        spec = None
    if spec is None or spec.service != "acm" or spec.region != get_region():
        return api._v1_error("BadRequestException", "The provided certificate does not exist.", 400)
    return None


def _wrong_stage(rest_api: str, stage: str):
    if rest_api not in api._rest_apis:
        return api._v1_error("BadRequestException", "Invalid REST API identifier specified", 400)
    if stage and stage not in (api._stages_v1.get(rest_api) or {}):
        return api._v1_error("BadRequestException", "Invalid stage identifier specified", 400)
    return None
