"""What MiniStack must find in its environment before it is imported: it reads its settings at import."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# With AUTH=true, MiniStack takes the key pair in its own environment as that of the account's root user.
ACCESS_KEY_ID = "test"
SECRET_ACCESS_KEY = "test"
DEFAULT_REGION = "us-east-1"

# Left over from the operator's shell, these would change who is root, or where the SDKs of the functions look.
_FOREIGN_PREFIXES = ("AWS_", "MINISTACK_", "LOCALSTACK_", "LAMBDA_")


def prepare(directory: Path, port: int, iam: bool) -> None:
    """Sets the environment for a MiniStack on ``127.0.0.1:port`` that keeps its files below ``directory``."""
    for name in list(os.environ):
        if name.startswith(_FOREIGN_PREFIXES):
            del os.environ[name]
    temporary = directory / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "AWS_DEFAULT_REGION": DEFAULT_REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AUTH": "true" if iam else "false",
            # listeners of their own
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            # no docker: with a socket that does not exist MiniStack never asks for a daemon
            "DOCKER_HOST": f"unix://{directory}/no-docker.sock",
            "LAMBDA_EXECUTOR": "local",
            # AWS waits a minute before it repeats an asynchronous invocation: a hundredth of it, as in Step Functions
            "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.6",
            # files
            "TMPDIR": str(temporary),
            "S3_DATA_DIR": str(directory / "s3"),
            "STATE_DIR": str(directory / "state"),
            "PERSIST_STATE": "0",
        }
    )
    os.environ.setdefault("REDIS_HOST", "localhost")
    os.environ.setdefault("SFN_WAIT_SCALE", "0.01")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    tempfile.tempdir = str(temporary)
