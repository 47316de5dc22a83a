"""The patches of API Gateway: imports, deployments, usage plans, tags, and records that reach Kinesis."""

from __future__ import annotations

import json
import unittest
import urllib.error
import urllib.request

from support import GapTest, Server, code, local, make_role, unique

MESSAGE = '{"message":"Data received"}'
MOCK = {
    "type": "mock",
    "passthroughBehavior": "never",
    "requestTemplates": {"application/json": '{"statusCode": 200}'},
    "responses": {"default": {"statusCode": "200", "responseTemplates": {"application/json": MESSAGE}}},
}


def document(integration: dict, key: bool = True, path: str = "/sensor-data") -> bytes:
    """An OpenAPI document with one route."""
    statuses = {answer["statusCode"] for answer in integration["responses"].values()}
    operation = {
        "responses": {status: {"description": status, "content": {"application/json": {}}} for status in statuses},
        "security": [{"api_key": []}] if key else [],
        "x-amazon-apigateway-integration": integration,
    }
    schemes = {"api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"}}
    return json.dumps(
        {
            "openapi": "3.0.1",
            "info": {"title": "imported", "description": "for a", "version": "1"},
            "paths": {path: {"post": operation}},
            "components": {"securitySchemes": schemes},
        }
    ).encode()


def to_kinesis(server: Server, stream: str, *statements: dict) -> dict:
    """An integration that puts records, as a role that may do what the statements say."""
    template = '{"StreamName": "%s", "Data": "$util.base64Encode($input.body)", "PartitionKey": "$context.requestId"}'
    answer = {"application/json": MESSAGE}
    return {
        "type": "aws",
        "httpMethod": "POST",
        "uri": "arn:aws:apigateway:us-east-1:kinesis:action/PutRecord",
        "credentials": make_role(server, "apigateway", *statements),
        "passthroughBehavior": "never",
        "requestParameters": {"integration.request.header.Content-Type": "'application/x-amz-json-1.1'"},
        "requestTemplates": {"application/json": template % stream},
        "responses": {
            "200": {"statusCode": "200", "responseTemplates": answer},
            "default": {"statusCode": "502", "responseTemplates": {"application/json": "{}"}},
        },
    }


def make(server: Server) -> tuple:
    """A client, and the id of a new API."""
    client = server.client("apigateway")
    return client, client.create_rest_api(name=unique("api"), tags={"own": "yes"})["id"]


def deploy(client, api: str, stage: str = "prod") -> str:
    """The id of a deployment at a new stage."""
    deployment = client.create_deployment(restApiId=api)["id"]
    client.create_stage(restApiId=api, stageName=stage, deploymentId=deployment)
    return deployment


def edited(server: Server, key: bool = False) -> tuple:
    """A client and an API with one route, made with the calls that MiniStack knows."""
    client, api = make(server)
    root = client.get_resources(restApiId=api)["items"][0]["id"]
    at = {"restApiId": api, "httpMethod": "POST"}
    at["resourceId"] = client.create_resource(restApiId=api, parentId=root, pathPart="sensor-data")["id"]
    client.put_method(**at, authorizationType="NONE", apiKeyRequired=key)
    client.put_method_response(**at, statusCode="200")
    client.put_integration(**at, type="MOCK", requestTemplates=MOCK["requestTemplates"])
    answer = {"application/json": MESSAGE}
    client.put_integration_response(**at, statusCode="200", responseTemplates=answer)
    return client, api, at


def post(server: Server, api: str, key: str = "", body: bytes = b"{}", content_type: str = "application/json") -> list:
    """The status and the body of a request to the stage."""
    url = f"{server.endpoint}/_aws/execute-api/{api}/prod/sensor-data"
    headers = {"content-type": content_type} | ({"x-api-key": key} if key else {})
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
            return [answer.status, answer.read().decode()]
    except urllib.error.HTTPError as error:
        with error:
            return [error.code, json.loads(error.read() or b"{}").get("message")]


def with_key(client, api: str, **throttle) -> tuple[str, str, str]:
    """The ids of a usage plan of the stage and of a key in it, and the key's value."""
    stages = [{"apiId": api, "stage": "prod"}]
    plan = client.create_usage_plan(name=unique("plan"), apiStages=stages, throttle=throttle)["id"]
    key = client.create_api_key(name=unique("key"), enabled=True)
    client.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
    return plan, key["id"], key["value"]


class ImportsTest(GapTest):
    def test_a_definition_is_replaced(self) -> None:
        def observe(server: Server) -> list[object]:
            client, api = make(server)
            put = lambda body: client.put_rest_api(restApiId=api, mode="overwrite", body=body)  # noqa: E731
            seen = [code(put, document(MOCK)), code(put, document(MOCK, key=False, path="/a/b"))]
            shown = client.get_resources(restApiId=api, embed=["methods"])["items"]
            methods = [(one["path"], sorted(one.get("resourceMethods", {}))) for one in shown]
            method = next((one["resourceMethods"]["POST"] for one in shown if one["path"] == "/a/b"), {})
            integration = method.get("methodIntegration", {})
            answer = integration.get("integrationResponses", {}).get("200", {})
            return [
                *seen,
                sorted(methods),
                (method.get("apiKeyRequired"), integration.get("type"), integration.get("passthroughBehavior")),
                (answer.get("selectionPattern"), answer.get("responseTemplates")),
                (client.get_rest_api(restApiId=api)["name"], client.get_rest_api(restApiId=api)["tags"]),
                code(put, b"no document"),
            ]

        self.check(
            observe,
            [
                "ok",
                "ok",
                [("/", []), ("/a", []), ("/a/b", ["POST"])],
                (False, "MOCK", "NEVER"),
                (None, {"application/json": MESSAGE}),
                ("imported", {"own": "yes"}),
                "BadRequestException",
            ],
        )


class DeploymentsTest(GapTest):
    def test_a_stage_answers_with_what_was_deployed(self) -> None:
        def observe(server: Server) -> list[object]:
            client, api, at = edited(server)
            empty = client.create_rest_api(name=unique("empty"))["id"]
            first = deploy(client, api)
            answer = {"application/json": '{"message":"later"}'}
            client.put_integration_response(**at, statusCode="200", responseTemplates=answer)
            before = post(server, api)
            second = client.create_deployment(restApiId=api)["id"]
            move = [{"op": "replace", "path": "/deploymentId", "value": second}]
            held = code(client.delete_deployment, restApiId=api, deploymentId=first)
            client.update_stage(restApiId=api, stageName="prod", patchOperations=move)
            return [
                code(client.create_deployment, restApiId=empty),
                code(client.create_stage, restApiId=api, stageName="prod", deploymentId=second),
                code(client.create_stage, restApiId=api, stageName="other", deploymentId="absent"),
                (before, post(server, api)),
                (held, code(client.delete_deployment, restApiId=api, deploymentId=first)),
            ]

        self.check(
            observe,
            [
                "BadRequestException",
                "ConflictException",
                "BadRequestException",
                ([200, MESSAGE], [200, '{"message":"later"}']),
                ("BadRequestException", "ok"),
            ],
        )


class UsagePlansTest(GapTest):
    def test_stages_and_keys_of_a_plan(self) -> None:
        def observe(server: Server) -> list[object]:
            client, api, _ = edited(server, key=True)
            deploy(client, api)
            plan, key, value = with_key(client, api, rateLimit=10, burstLimit=10)
            other, _, _ = with_key(client, api)
            deletion = code(client.delete_usage_plan, usagePlanId=other)
            again = code(client.create_usage_plan_key, usagePlanId=plan, keyId=key, keyType="API_KEY")
            operations = [
                {"op": "replace", "path": "/throttle/rateLimit", "value": "20"},
                {"op": "remove", "path": "/apiStages", "value": f"{api}:prod"},
            ]
            before = post(server, api, value)
            code(client.update_usage_plan, usagePlanId=plan, patchOperations=operations)
            shown = client.get_usage_plan(usagePlanId=plan)
            return [
                (deletion, again),
                (before, post(server, api, value), post(server, api)),
                (shown["throttle"], shown.get("apiStages")),
                code(client.create_usage_plan, name="p", apiStages=[{"apiId": api, "stage": "absent"}]),
                ["value" in key for key in (client.get_api_keys(limit=500)["items"] or [{}])[:1]],
                client.get_api_key(apiKey=key, includeValue=True)["value"] == value,
                "value" in client.get_api_key(apiKey=key),
                code(client.delete_usage_plan, usagePlanId=plan),
            ]

        self.check(
            observe,
            [
                ("BadRequestException", "ConflictException"),
                ([200, MESSAGE], [403, "Forbidden"], [403, "Forbidden"]),
                ({"burstLimit": 10, "rateLimit": 20.0}, []),
                "NotFoundException",
                [False],
                True,
                False,
                "ok",
            ],
        )


class UpdatesTest(GapTest):
    def test_a_value_has_the_type_of_its_property(self) -> None:
        def observe(server: Server) -> object:
            client, _, at = edited(server, key=True)
            answered = []
            # boto3 takes the text for a boolean; other SDKs do not.
            client.meta.events.register("before-parse", lambda response_dict, **_: answered.append(response_dict["body"]))
            operation = {"op": "replace", "path": "/apiKeyRequired", "value": "false"}
            client.update_method(**at, patchOperations=[operation])
            return json.loads(answered[-1])["apiKeyRequired"]

        self.check(observe, False)


class TagsTest(GapTest):
    def test_tags_are_shown_however_they_were_set(self) -> None:
        def observe(server: Server) -> object:
            client, api = make(server)
            arn = f"arn:aws:apigateway:us-east-1::/restapis/{api}"
            client.tag_resource(resourceArn=arn, tags={"later": "yes"})
            client.untag_resource(resourceArn=arn, tagKeys=["own"])
            listed = client.get_rest_apis(limit=500)["items"]
            return [client.get_rest_api(restApiId=api)["tags"]] + [one["tags"] for one in listed if one["id"] == api]

        self.check(observe, [{"later": "yes"}] * 2)


class RecordsTest(unittest.TestCase):
    def test_records_reach_the_stream_as_their_role_may(self) -> None:
        server = local()
        kinesis, stream = server.client("kinesis"), unique("stream")
        kinesis.create_stream(StreamName=stream, ShardCount=1)
        arn = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["StreamARN"]
        may = {"Effect": "Allow", "Action": "kinesis:PutRecord", "Resource": arn}
        seen = []
        for statements in ([may], []):
            client, api = make(server)
            client.put_rest_api(
                restApiId=api, mode="overwrite", body=document(to_kinesis(server, stream, *statements))
            )
            deploy(client, api)
            _, _, value = with_key(client, api, rateLimit=10, burstLimit=10)
            body = json.dumps({"celsius": 21.5, "place": "küche"}).encode()
            seen.append([post(server, api, value, body)[0], post(server, api, value, b"x", "text/plain")[0]])
        self.assertEqual([[200, 415], [502, 415]], seen)
        iterator = kinesis.get_shard_iterator(
            StreamName=stream, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
        )
        records = kinesis.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
        self.assertEqual([{"celsius": 21.5, "place": "küche"}], [json.loads(record["Data"]) for record in records])

    def test_a_record_needs_the_patch(self) -> None:
        from support import unpatched

        client, api, at = edited(unpatched())
        client.put_integration(
            **at, type="AWS", integrationHttpMethod="POST", uri="arn:aws:apigateway:us-east-1:kinesis:action/PutRecord"
        )
        client.put_integration_response(**at, statusCode="200")
        deploy(client, api)
        self.assertNotEqual(200, post(unpatched(), api)[0], "ministack does this by itself now: the patch can go")


if __name__ == "__main__":
    unittest.main()
