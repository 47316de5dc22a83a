"""Error answers, each in the protocol that its request was in, and the code found in an answer."""

from __future__ import annotations

import json
import re
import uuid
from xml.sax.saxutils import escape

from outrigger_local.call import Answer, Call

_XML_CODE = re.compile(rb"<Code>([^<]*)</Code>")


def error(call: Call, code: str, message: str, status: int) -> Answer:
    """The error that the service would answer to ``call``."""
    request_id = str(uuid.uuid4())
    headers = [(b"x-amzn-requestid", request_id.encode())]
    protocol = call.protocol
    if protocol in ("json", "rest-json"):
        headers.append((b"content-type", b"application/x-amz-json-1.1" if protocol == "json" else b"application/json"))
        headers.append((b"x-amzn-errortype", code.encode()))
        body = json.dumps({"__type": code, "message": message}).encode()
    elif protocol == "cbor":
        import cbor2

        headers.append((b"content-type", b"application/cbor"))
        headers.append((b"smithy-protocol", b"rpc-v2-cbor"))
        if call.service in ("cloudwatch", "monitoring"):
            headers.append((b"x-amzn-query-error", f"{code};{'Sender' if status < 500 else 'Receiver'}".encode()))
        body = cbor2.dumps({"__type": code, "message": message})
    else:
        headers.append((b"content-type", b"text/xml"))
        # Of the services that speak REST in XML, S3 alone has errors of its own shape.
        shape = "query" if protocol == "rest-xml" and call.service != "s3" else protocol
        body = _xml(shape, escape(code), escape(message), status, request_id).encode()
    return Answer(status, headers, body)


def _xml(shape: str, code: str, message: str, status: int, request_id: str) -> str:
    detail = f"<Code>{code}</Code><Message>{message}</Message>"
    if shape == "ec2":
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error>{detail}</Error></Errors>'
            f"<RequestID>{request_id}</RequestID></Response>"
        )
    if shape == "rest-xml":
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{detail}<RequestId>{request_id}</RequestId></Error>'
    sender = "Sender" if status < 500 else "Receiver"
    fault = f"<Error><Type>{sender}</Type>{detail}</Error>"
    return f"<ErrorResponse>{fault}<RequestId>{request_id}</RequestId></ErrorResponse>"


def code_of(answer: Answer) -> str | None:
    """The error code in an answer, ``None`` in one that succeeded."""
    if answer.status < 400:
        return None
    named = answer.header("x-amzn-errortype")
    if named:
        return named.split(":")[0].rpartition("#")[2]
    if "cbor" in (answer.header("content-type") or ""):
        import cbor2

        try:
            content = cbor2.loads(answer.body)
        except (cbor2.CBORDecodeError, ValueError):
            content = None
    else:
        found = _XML_CODE.search(answer.body)
        if found:
            return found[1].decode("utf-8", "replace")
        try:
            content = json.loads(answer.body)
        except ValueError:
            content = None
    if isinstance(content, dict):
        return str(content.get("__type") or content.get("Type") or "").rpartition("#")[2] or str(answer.status)
    return str(answer.status)
