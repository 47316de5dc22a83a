"""EC2 creates with a ClientToken are idempotent.

AWS (EC2 Developer Guide, "Ensuring idempotency"): a repeated request with the same token and parameters returns the
result of the first, with other parameters IdempotentParameterMismatch. MiniStack ignores the token and creates again.
"""

from __future__ import annotations

from ministack.core.responses import get_account_id, get_region

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import ANY, Hooks

_NOT_COMPARED = ("ClientToken", "AWSAccessKeyId", "Signature", "SignatureMethod", "Timestamp")
_MISMATCH = "Arguments on this idempotent request are inconsistent with arguments used in previous request(s)."


class ClientTokens:
    """The answers to the calls that had a token, for as long as the process runs."""

    def __init__(self) -> None:
        self._answers: dict[tuple, tuple[dict, Answer]] = {}

    async def hook(self, call: Call, proceed: Proceed) -> Answer:
        """Answers a repeated call as the first one."""
        token = call.parameters.get("ClientToken")
        if not token:
            return await proceed(call)
        key = (get_account_id(), get_region(), call.operation, token)
        parameters = {name: value for name, value in call.parameters.items() if name not in _NOT_COMPARED}
        if key in self._answers:
            first, answer = self._answers[key]
            if first != parameters:
                return error(call, "IdempotentParameterMismatch", _MISMATCH, 400)
            return Answer(answer.status, list(answer.headers), answer.body)
        answer = await proceed(call)
        if answer.status < 300:
            self._answers[key] = (parameters, Answer(answer.status, list(answer.headers), answer.body))
        return answer


def install(hooks: Hooks) -> None:
    """Puts it around all of EC2: the parameter says where it applies."""
    hooks.around("ec2", ANY)(ClientTokens().hook)
