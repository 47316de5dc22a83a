"""Two servers for the whole run, the local AWS and a MiniStack without patches, and one way to compare them."""

from __future__ import annotations

import atexit
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
import uuid
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

PACKAGE = Path(__file__).resolve().parent.parent
_START_SECONDS = 30


class Server:
    """A process that serves AWS below a directory of its own."""

    def __init__(self, *arguments: str, module: str = "outrigger_local", directory: Path | None = None) -> None:
        self.directory = directory or Path(tempfile.mkdtemp(prefix="outrigger-local-"))
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PACKAGE), str(PACKAGE / "tests")])}
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, "--directory", str(self.directory), "--exit-with-parent", *arguments],
            cwd="/",
            env=environment,
        )
        atexit.register(self.stop)
        announced = self.directory / "endpoint.json"
        deadline = time.monotonic() + _START_SECONDS
        while not announced.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{module} did not start")
            time.sleep(0.02)
        self.announcement = json.loads(announced.read_text())
        self.endpoint = self.announcement["endpoint"]

    def stop(self) -> None:
        """Ends the process and removes its directory."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=10)
        shutil.rmtree(self.directory, ignore_errors=True)

    def client(self, service: str, region: str = "us-east-1"):
        """A client as root, without retries and without checks of its own."""
        return _client(self.endpoint, service, region)

    def faults(self, **configuration) -> dict:
        """Puts a fault configuration in force."""
        request = urllib.request.Request(
            f"{self.endpoint}/_outrigger/faults", json.dumps(configuration).encode(), method="PUT"
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return {"status": error.code, **json.load(error)}

    def calls(self, operation: str = "") -> list[dict]:
        """The log's lines, of one operation where given."""
        lines = (self.directory / "calls.jsonl").read_text().splitlines()
        return [entry for entry in map(json.loads, lines) if operation in ("", entry["operation"])]


@cache
def _client(endpoint: str, service: str, region: str):
    configuration = Config(retries={"total_max_attempts": 1}, parameter_validation=False, read_timeout=30)
    session = boto3.Session("test", "test", region_name=region)
    return session.client(service, endpoint_url=endpoint, config=configuration)


@cache
def local() -> Server:
    """The local AWS."""
    return Server()


@cache
def unpatched() -> Server:
    """MiniStack as it is."""
    return Server(module="unpatched")


def unique(prefix: str) -> str:
    """A name that nothing else has."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def code(call: Callable, *arguments, **options) -> str:
    """The error code that a call ends with, ``ok`` if it succeeds."""
    try:
        call(*arguments, **options)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "ok"


def eventually(observe: Callable, wanted: Callable[[object], bool], seconds: float = 30) -> object:
    """What ``observe`` returns, as soon as it is as wanted; the last of it after that time."""
    deadline = time.monotonic() + seconds
    while True:
        seen = observe()
        if wanted(seen) or time.monotonic() > deadline:
            return seen
        time.sleep(0.03)


class GapTest(unittest.TestCase):
    """Compares what AWS does with what is seen locally, with the patches and without them."""

    maxDiff = None

    def check(self, observe: Callable[[Server], object], expected: object) -> None:
        """``observe`` must see ``expected`` here, and something else on an unpatched MiniStack."""
        servers = (local(), unpatched())
        with ThreadPoolExecutor() as both:
            here, seen = both.map(observe, servers)
        self.assertEqual(expected, here)
        self.assertNotEqual(expected, seen, "ministack does this by itself now: the patch can go")


BOOTSTRAP = """#!{python}
# A function for provided.al2023: does what its event says.
import json, os, sys, time, urllib.request
import boto3
runtime = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(runtime + "next") as answer:
        identifier, event = answer.headers["Lambda-Runtime-Aws-Request-Id"], json.load(answer)
    print("event " + json.dumps(event), flush=True)
    time.sleep(event.get("sleep", 0))
    kind, output = "response", event
    if "fail" in event:
        kind, output = "error", dict(errorType=event["fail"], errorMessage="as asked")
    elif "process" in event:
        output = os.getpid()
    elif "service" in event:
        try:
            client = boto3.client(event["service"], region_name=event.get("region"))
            getattr(client, event["operation"])(**event["arguments"])
            output = "ok"
        except Exception as error:
            output = getattr(error, "response", dict(Error=dict(Code=str(error))))["Error"]["Code"]
    result = urllib.request.Request(runtime + identifier + "/" + kind, json.dumps(output).encode())
    urllib.request.urlopen(result).close()
"""


def function_zip(script: str = "") -> bytes:
    """The deployment package of ``BOOTSTRAP``, or of a shell script."""
    bootstrap = f"#!/bin/sh\n{script}\n" if script else BOOTSTRAP.format(python=sys.executable)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, bootstrap)
    return content.getvalue()


def make_role(server: Server, service: str, *statements: dict) -> str:
    """The ARN of a new role with these statements."""
    iam, name = server.client("iam"), unique("role")
    trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))["Role"]["Arn"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="statements", PolicyDocument=_policy(*statements))
    return arn


def _policy(*statements: dict) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def make_function(server: Server, *statements: dict) -> str:
    """The ARN of a new function whose role has these statements."""
    return server.client("lambda").create_function(
        FunctionName=unique("function"),
        Runtime="provided.al2023",
        Handler="bootstrap",
        Role=make_role(server, "lambda", *statements),
        Code={"ZipFile": function_zip()},
        Timeout=20,
    )["FunctionArn"]


def invoke(server: Server, function: str, **event) -> object:
    """What the function returns."""
    answer = server.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    return json.loads(answer["Payload"].read())
