"""Late visibility: what EC2 has created is not found for a while.

EC2 is eventually consistent: "an eventual consistency model means that the result of an API command you run might not
be immediately visible to all subsequent commands" (EC2 Developer Guide, "Ensuring idempotency and eventual
consistency"). New objects are taken out of MiniStack's stores and put back when their time has come, so that every
list lacks them and every reference to them gets the service's own NotFound error. What is unique by itself (a CIDR
within a VPC, a group's name) still clashes at once, as it does in AWS.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from ministack.services import ec2

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.faults import Faults
from outrigger_local.hooks import ANY, Hooks

_CREATING = ("Create", "Allocate", "Import")
# The store in which a create looks for what it would clash with.
_CLASHES = {"CreateSubnet": "_subnets", "CreateSecurityGroup": "_security_groups"}


@dataclass
class _Hidden:
    due: float
    store: str
    key: tuple
    record: object


class LateVisibility:
    """What is hidden at the moment."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._hidden: list[_Hidden] = []

    async def middleware(self, call: Call, proceed: Proceed) -> Answer:
        """Hides what the call creates; EC2's handlers never wait, so that no other call comes in between."""
        self._show(lambda hidden: hidden.due <= time.monotonic())
        late = self._faults.late_seconds if "ec2" in self._faults.late_services else 0
        if not call.operation.startswith(_CREATING) or call.operation == "CreateTags":
            return await proceed(call)
        clashing = self._show(lambda hidden: hidden.store == _CLASHES.get(call.operation))
        before = {name: set(store._data) for name, store in _stores().items()}
        answer = await proceed(call)
        for hidden in clashing:
            self._hide(hidden)
        if late > 0:
            due = time.monotonic() + late
            for name, store in _stores().items():
                for key in set(store._data) - before[name] - {(hidden.key) for hidden in clashing}:
                    self._hide(_Hidden(due, name, key, store._data[key]))
        return answer

    def _show(self, wanted) -> list[_Hidden]:
        shown = [hidden for hidden in self._hidden if wanted(hidden)]
        self._hidden = [hidden for hidden in self._hidden if hidden not in shown]
        for hidden in shown:
            _stores()[hidden.store]._data[hidden.key] = hidden.record
        return shown

    def _hide(self, hidden: _Hidden) -> None:
        _stores()[hidden.store]._data.pop(hidden.key, None)
        self._hidden.append(hidden)


def _stores() -> dict:
    return {name: store for name, store in vars(ec2).items() if name.startswith("_") and hasattr(store, "all_items")}


def install(hooks: Hooks, faults: Faults) -> None:
    """Puts it around all of EC2."""
    hooks.around("ec2", ANY)(LateVisibility(faults).middleware)
