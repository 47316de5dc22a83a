"""The patch of the Resource Groups Tagging API."""

from __future__ import annotations

import json

from support import GapTest, Server, code, make_role, unique
from test_data_services import instance, replication_group

REGION = "eu-west-1"


def make_one_of_each(server: Server, region: str, tag: dict) -> None:
    """One object of each kind that the product makes, with that tag."""
    ec2, rds, cache = (server.client(service, region) for service in ("ec2", "rds", "elasticache"))
    name, tags, flat = unique("t"), [tag], {tag["Key"]: tag["Value"]}

    def tagged(kind: str) -> dict:
        return {"TagSpecifications": [{"ResourceType": kind, "Tags": tags}]}

    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", **tagged("vpc"))["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"{region}{zone}", **tagged("subnet")
        )["Subnet"]["SubnetId"]
        for n, zone in enumerate("ab")
    ]
    ec2.create_internet_gateway(**tagged("internet-gateway"))
    ec2.create_route_table(VpcId=vpc, **tagged("route-table"))
    ec2.create_security_group(GroupName=name, Description="d", VpcId=vpc, **tagged("security-group"))
    of_group = {"DBSubnetGroupDescription": "d", "SubnetIds": subnets, "Tags": tags}
    rds.create_db_subnet_group(DBSubnetGroupName=name, **of_group)
    of_parameters = {"DBParameterGroupFamily": "postgres16", "Description": "d", "Tags": tags}
    rds.create_db_parameter_group(DBParameterGroupName=name, **of_parameters)
    rds.create_db_instance(**instance(name, DBSubnetGroupName=name, Tags=tags))
    of_cache = {"CacheSubnetGroupDescription": "d", "SubnetIds": subnets, "Tags": tags}
    cache.create_cache_subnet_group(CacheSubnetGroupName=name, **of_cache)
    cache.create_replication_group(**replication_group(name, CacheSubnetGroupName=name, Tags=tags))
    kinesis = server.client("kinesis", region)
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.add_tags_to_stream(StreamName=name, Tags=flat)
    server.client("secretsmanager", region).create_secret(Name=name, SecretString="s", Tags=tags)
    server.client("logs", region).create_log_group(logGroupName=f"/outrigger/{name}", tags=flat)
    server.client("cloudwatch", region).put_metric_alarm(
        AlarmName=name,
        ComparisonOperator="LessThanThreshold",
        EvaluationPeriods=1,
        Period=60,
        Threshold=1.0,
        Statistic="Sum",
        Namespace="n",
        MetricName="m",
        Tags=tags,
    )
    definition = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
    server.client("stepfunctions", region).create_state_machine(
        name=name,
        roleArn=make_role(server, "states"),
        definition=json.dumps(definition),
        tags=[{"key": tag["Key"], "value": tag["Value"]}],
    )


KINDS = [
    "cloudwatch:alarm", "ec2:internet-gateway", "ec2:route-table", "ec2:security-group", "ec2:subnet", "ec2:subnet",
    "ec2:vpc", "elasticache:cluster", "elasticache:cluster", "elasticache:replicationgroup", "elasticache:subnetgroup",
    "kinesis:stream", "logs:log-group", "rds:db", "rds:pg", "rds:subgrp", "secretsmanager:secret",
    "states:stateMachine",
]  # fmt: skip


class TaggedResourcesTest(GapTest):
    def test_pages(self) -> None:
        def observe(server: Server) -> list[object]:
            tag = {"Key": "stack", "Value": unique("s")}
            for region in (REGION, "eu-west-2"):
                make_one_of_each(server, region, tag)
            client = server.client("resourcegroupstaggingapi", REGION)
            filters = [{"Key": "stack", "Values": [tag["Value"], "other"]}]
            pages = list(client.get_paginator("get_resources").paginate(TagFilters=filters, ResourcesPerPage=5))
            sizes = [len(page["ResourceTagMappingList"]) for page in pages]
            found = [resource for page in pages for resource in page["ResourceTagMappingList"]]
            words = [resource["ResourceARN"].split(":") for resource in found]
            vpcs = client.get_resources(TagFilters=filters, ResourceTypeFilters=["ec2:vpc"])
            return [
                sizes,
                sorted(f"{word[2]}:{word[5].partition('/')[0]}" for word in words),
                {word[3] for word in words},
                all(tag in resource["Tags"] for resource in found),
                len(vpcs["ResourceTagMappingList"]),
                code(client.get_resources, ResourcesPerPage=101),
            ]

        self.check(observe, [[5, 5, 5, 3], KINDS, {REGION}, True, 1, "InvalidParameterException"])

    def test_the_deleted_are_gone(self) -> None:
        def observe(server: Server) -> list[int]:
            client, tag = server.client("resourcegroupstaggingapi", REGION), {"Key": "stack", "Value": unique("s")}
            ec2, name = server.client("ec2", REGION), unique("g")
            vpc = ec2.create_vpc(
                CidrBlock="10.0.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": [tag]}]
            )["Vpc"]["VpcId"]
            rds = server.client("rds", REGION)
            family = {"DBParameterGroupFamily": "postgres16", "Description": "d"}
            rds.create_db_parameter_group(DBParameterGroupName=name, Tags=[tag], **family)
            filters = [{"Key": "stack", "Values": [tag["Value"]]}]

            def count() -> int:
                return len(client.get_resources(TagFilters=filters)["ResourceTagMappingList"])

            before = count()
            ec2.delete_vpc(VpcId=vpc)
            rds.delete_db_parameter_group(DBParameterGroupName=name)
            return [before, count()]

        self.check(observe, [2, 0])
