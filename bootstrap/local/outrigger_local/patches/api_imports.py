"""PutRestApi, from an OpenAPI document with API Gateway's extensions.

AWS (API Gateway API Reference, PutRestApi; Developer Guide, "x-amazon-apigateway-integration object"): ``overwrite``
replaces all resources and methods of an API by those of the document, and its name and description by the document's;
``merge`` adds them. MiniStack knows no PutRestApi, and imports integrations without templates and responses.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from ministack.services import apigateway_v1 as api

_METHODS = ("get", "post", "put", "patch", "delete", "head", "options")


class _WrongError(Exception):
    """What is wrong with a document."""


def install() -> None:
    """Adds the operation."""
    handle = api.handle_request

    async def handle_request(method: str, path: str, headers: dict, body: bytes, query: dict):
        parts = [part for part in path.split("/") if part]
        if method != "PUT" or len(parts) != 2 or parts[0] != "restapis":
            return await handle(method, path, headers, body, query)
        return _put(parts[1], body, api._qp(query, "mode", "merge"))

    api.handle_request = handle_request


def _put(api_id: str, body: bytes, mode: str):
    held = api._rest_apis.get(api_id)
    if not held:
        return api._v1_error("NotFoundException", "Invalid API identifier specified", 404)
    if mode not in ("merge", "overwrite"):
        return api._v1_error("BadRequestException", "Invalid mode specified", 400)
    try:
        document = json.loads(body)
        info, schemes = document["info"], _key_schemes(document)
        operations = list(_operations(document, schemes))
    except (ValueError, KeyError, TypeError, AttributeError, _WrongError) as wrong:
        return api._v1_error("BadRequestException", f"Invalid OpenAPI input: {wrong}", 400)
    if mode == "overwrite":
        root = next(one for one in api._resources[api_id].values() if one["path"] == "/")
        api._resources[api_id] = {root["id"]: {**root, "resourceMethods": {}}}
    for path, method, made in operations:
        _resource(api_id, path)["resourceMethods"][method] = made
    held["name"], held["description"] = info["title"], info.get("description", "")
    held["version"] = info.get("version", "")
    return api._v1_response(api._rest_api_view(held))


def _key_schemes(document: dict) -> set[str]:
    """The names of the schemes that ask for an API key; others there are none."""
    schemes = document.get("components", {}).get("securitySchemes", {})
    for name, scheme in schemes.items():
        if scheme.get("type") != "apiKey" or scheme.get("name") != "x-api-key":
            raise _WrongError(f"the scheme {name} is no API key")
    return set(schemes)


def _operations(document: dict, schemes: set[str]) -> Iterator[tuple[str, str, dict]]:
    if not str(document.get("openapi", "")).startswith("3.0"):
        raise _WrongError("it is not of version 3.0")
    for path, item in document["paths"].items():
        for name, operation in item.items():
            if name not in _METHODS:
                raise _WrongError(f"{name} is no method")
            required = [scheme for entry in operation.get("security", []) for scheme in entry]
            if not schemes.issuperset(required):
                raise _WrongError(f"{required} are not defined")
            yield path, name.upper(), _method(name.upper(), bool(required), operation)


def _method(name: str, key: bool, operation: dict) -> dict:
    statuses = operation["responses"]
    method = {
        "httpMethod": name,
        "authorizationType": "NONE",
        "apiKeyRequired": key,
        "methodResponses": {
            status: {"statusCode": status, "responseModels": {kind: "Empty" for kind in of.get("content", {})}}
            for status, of in statuses.items()
        },
    }
    if "x-amazon-apigateway-integration" in operation:
        method["methodIntegration"] = _integration(operation["x-amazon-apigateway-integration"], set(statuses))
    return method


def _integration(given: dict, statuses: set[str]) -> dict:
    made = {
        "type": given["type"].upper(),
        "passthroughBehavior": given.get("passthroughBehavior", "when_no_match").upper(),
        "requestTemplates": given.get("requestTemplates", {}),
        "requestParameters": given.get("requestParameters", {}),
        "timeoutInMillis": 29000,
        "integrationResponses": {},
    }
    made |= {name: given[name] for name in ("uri", "httpMethod", "credentials") if name in given}
    for pattern, answer in given.get("responses", {}).items():
        status = answer["statusCode"]
        if status not in statuses:
            raise _WrongError(f"no response of the method has the status {status}")
        made["integrationResponses"][status] = {
            "statusCode": status,
            "responseTemplates": answer.get("responseTemplates", {}),
            "responseParameters": answer.get("responseParameters", {}),
            **({} if pattern == "default" else {"selectionPattern": pattern}),
        }
    return made


def _resource(api_id: str, path: str) -> dict:
    """The resource of that path, made with those above it where there is none."""
    held = api._resources[api_id]
    found = next(one for one in held.values() if one["path"] == "/")
    for part in filter(None, path.split("/")):
        child = next((one for one in held.values() if one["parentId"] == found["id"] and one["pathPart"] == part), None)
        if child is None:
            status, _, body = api._create_resource(api_id, found["id"], {"pathPart": part})
            child = held[json.loads(body)["id"]]
        found = child
    return found
