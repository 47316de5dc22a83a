"""The loopback counts as TLS.

AWS (IAM User Guide, "aws:SecureTransport"): true for calls over TLS, as all calls of the product are; policies that
refuse others stand in its template. Here the same calls come over the loopback without TLS, and MiniStack says false.
"""

from __future__ import annotations

from ministack.core import iam_evaluator


def install() -> None:
    """Replaces what the evaluator knows of the key."""
    resolve = iam_evaluator._resolve_condition_key

    def _resolve_condition_key(key: str, context: iam_evaluator.EvalContext) -> object:
        return "true" if key.lower() == "aws:securetransport" else resolve(key, context)

    iam_evaluator._resolve_condition_key = _resolve_condition_key
