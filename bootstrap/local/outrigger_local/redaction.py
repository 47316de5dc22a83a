"""Takes secrets out of a call's parameters before they are written anywhere."""

from __future__ import annotations

import re

from outrigger_local.call import Call

REDACTED = "<redacted>"
# Longer values (code, templates, compressed plans) are cut: the log is for assertions on calls, not a copy of them.
LENGTH_MAX = 4096

_SECRET_NAME = re.compile(r"password|secret|token|credential|privatekey", re.IGNORECASE)
_SECRET_NAMES = frozenset(
    {"authtoken", "zipfile", "payload", "body", "plaintext", "data", "blob", "ciphertextblob", "userdata", "privatekey"}
)
# Their names have a word of a secret's in them, their values are none.
_PUBLIC_NAMES = frozenset(
    {
        "clientrequesttoken",
        "clienttoken",
        "nexttoken",
        "secretid",
        "secretarn",
        "secretidlist",
        "managemasteruserpassword",
        "mastersecretkmskeyid",
        "masterusersecretkmskeyid",
        "forceoverwritereplicasecret",
        "authtokenupdatestrategy",
        "idempotencytoken",
        "passwordlength",
        "excludecharacters",
    }
)


def redacted_parameters(call: Call) -> dict:
    """The parameters of ``call`` without any secret value, and without what would bloat a log."""
    parameters = dict(call.parameters)
    if call.service == "ssm" and parameters.get("Type") not in ("String", "StringList"):
        parameters = {name: REDACTED if name == "Value" else value for name, value in parameters.items()}
    if call.service == "apigateway" and call.path.startswith("/apikeys"):
        parameters = {name: REDACTED if name == "value" else value for name, value in parameters.items()}
    if call.service == "rds-data":
        parameters = {
            name: REDACTED if name in ("parameters", "parameterSets") or _SECRET_NAME.search(str(value)) else value
            for name, value in parameters.items()
            if name != "secretArn"
        }
    return {name: _redacted(name, value) for name, value in parameters.items()}


def _redacted(name: str, value: object) -> object:
    if _is_secret(name) and not _is_harmless(value):
        return REDACTED
    if isinstance(value, dict):
        return {str(key): _redacted(str(key), item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redacted("", item) for item in value]
    if isinstance(value, (bytes, bytearray)):
        return f"<{len(value)} bytes>"
    if isinstance(value, str) and len(value) > LENGTH_MAX:
        return f"{value[:256]}... ({len(value)} characters)"
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def _is_secret(name: str) -> bool:
    """Whether a parameter of that name holds a secret; a query protocol's name is judged by its last words."""
    words = [
        word for word in re.split(r"[.:#/ -]", name) if word and not word.isdigit() and word not in ("member", "entry")
    ]
    last = (words[-1] if words else "").lower().replace("_", "")
    if last in _PUBLIC_NAMES:
        return False
    return last in _SECRET_NAMES or bool(_SECRET_NAME.search(last))


def _is_harmless(value: object) -> bool:
    """Numbers and booleans under a secret's name: a fencing token, a length."""
    if isinstance(value, (bool, int, float, type(None))):
        return True
    return isinstance(value, dict) and bool(value) and set(value) <= {"N", "BOOL", "NULL"}
