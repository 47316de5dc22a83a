"""A gate behind an application load balancer behind a network load balancer, as a stack has it in each region."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request

from support import Server, function_zip, make_role, unique

# A function for provided.al2023 that answers as its variables say, with the event as its body.
_SCRIPT = """exec {python} -c "$(cat <<'END'
import json, os, urllib.request
runtime = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(runtime + "next") as answer:
        identifier, event = answer.headers["Lambda-Runtime-Aws-Request-Id"], json.load(answer)
    output = dict(statusCode=int(os.environ["STATUS"]), headers={{"x-gate": "here"}}, body=json.dumps(event))
    if os.environ["STATUS"] == "0":
        output = dict(body="no status")
    result = urllib.request.Request(runtime + identifier + "/response", json.dumps(output).encode())
    urllib.request.urlopen(result).close()
END
)"
"""


def network(server: Server, region: str = "us-east-1") -> dict:
    """A VPC with an internet gateway and two subnets in two zones."""
    ec2 = server.client("ec2", region)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{region}{zone}")
        for number, zone in enumerate("ab")
    ]
    identifiers = [made["Subnet"]["SubnetId"] for made in subnets]
    elb = server.client("elbv2", region)
    return {"ec2": ec2, "elb": elb, "vpc": vpc, "gateway": gateway, "subnets": identifiers, "region": region}


def balancer(made: dict, **given) -> dict:
    """A new internal application load balancer in the network, or what is given."""
    given = {"Name": unique("b"), "Subnets": made["subnets"], "Scheme": "internal"} | given
    return made["elb"].create_load_balancer(**given)["LoadBalancers"][0]


def group(made: dict, **given) -> str:
    """The ARN of a new target group for HTTP, or what is given."""
    of_addresses = {"Protocol": "HTTP", "Port": 80, "VpcId": made["vpc"], "TargetType": "ip"}
    given = {"Name": unique("t")} | (given or of_addresses)
    return made["elb"].create_target_group(**given)["TargetGroups"][0]["TargetGroupArn"]


def forward(target_group: str) -> list[dict]:
    """The action that forwards to a group."""
    return [{"Type": "forward", "TargetGroupArn": target_group}]


def gate(server: Server, region: str, status: int) -> str:
    """The ARN of a new function that answers with that status."""
    return server.client("lambda", region).create_function(
        FunctionName=unique("gate"),
        Runtime="provided.al2023",
        Handler="bootstrap",
        Role=make_role(server, "lambda"),
        Code={"ZipFile": function_zip(_SCRIPT.format(python=sys.executable))},
        Environment={"Variables": {"STATUS": str(status)}},
        Timeout=10,
    )["FunctionArn"]


def let_invoke(server: Server, function: str, target_group: str) -> None:
    """Lets Elastic Load Balancing invoke a function for a target group."""
    server.client("lambda", function.split(":")[3]).add_permission(
        FunctionName=function,
        StatementId=unique("balancer"),
        Action="lambda:InvokeFunction",
        Principal="elasticloadbalancing.amazonaws.com",
        SourceArn=target_group,
    )


def set_status(server: Server, function: str, status: int) -> None:
    """Lets the function answer with another status."""
    server.client("lambda", function.split(":")[3]).update_function_configuration(
        FunctionName=function, Environment={"Variables": {"STATUS": str(status)}}
    )


def chain(server: Server, region: str = "us-east-1", status: int = 200) -> dict:
    """The function, the load balancers, and the target groups between them."""
    made = network(server, region)
    function = gate(server, region, status)
    of_function = group(
        made,
        TargetType="lambda",
        HealthCheckEnabled=True,
        HealthCheckPath="/active",
        HealthyThresholdCount=2,
        UnhealthyThresholdCount=2,
    )
    let_invoke(server, function, of_function)
    elb = made["elb"]
    elb.register_targets(TargetGroupArn=of_function, Targets=[{"Id": function}])
    application = balancer(made)
    elb.create_listener(
        LoadBalancerArn=application["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=forward(of_function)
    )
    of_application = group(
        made,
        TargetType="alb",
        Protocol="TCP",
        Port=80,
        VpcId=made["vpc"],
        HealthCheckPath="/active",
        HealthyThresholdCount=2,
        UnhealthyThresholdCount=2,
    )
    elb.register_targets(TargetGroupArn=of_application, Targets=[{"Id": application["LoadBalancerArn"]}])
    outer = balancer(made, Type="network", Scheme="internet-facing")
    elb.create_listener(
        LoadBalancerArn=outer["LoadBalancerArn"], Protocol="TCP", Port=443, DefaultActions=forward(of_application)
    )
    made |= {"function": function, "groups": {"lambda": of_function, "alb": of_application}}
    return made | {"application": application, "network": outer}


def states(made: dict, kind: str) -> list[str]:
    """The states of the targets of one of the groups."""
    described = made["elb"].describe_target_health(TargetGroupArn=made["groups"][kind])
    return [target["TargetHealth"]["State"] for target in described["TargetHealthDescriptions"]]


def fetch(server: Server, host: str, path: str = "/active") -> tuple[int, str, str]:
    """The status, the header of the gate, and the body that a request to that name is answered with."""
    request = urllib.request.Request(f"{server.endpoint}{path}", headers={"Host": host})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers.get("x-gate", ""), answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("x-gate", ""), error.read().decode()
