"""An update of API Gateway sets what it changes in its own type.

AWS (API Gateway API Reference, PatchOperation): the value of an operation is a text, whatever the property is. MiniStack
keeps the text, which the SDKs cannot read as a boolean.
"""

from __future__ import annotations

from ministack.services import apigateway_v1 as api


def install() -> None:
    """Wraps what applies the operations of every update."""
    apply = api._apply_patch

    def apply_patch(held: dict, operations: list[dict]) -> dict:
        typed = []
        for operation in operations:
            name, value = operation.get("path", "").lstrip("/"), operation.get("value")
            if isinstance(held.get(name), bool) and isinstance(value, str):
                operation = {**operation, "value": value.lower() == "true"}
            typed.append(operation)
        return apply(held, typed)

    api._apply_patch = apply_patch
