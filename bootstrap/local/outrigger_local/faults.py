"""The faults that are asked for: read from ``faults.json`` at the start, replaced whole with PUT /_outrigger/faults."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path

from outrigger_local.call import Call

FOR_EVER = -1
SLOW_KINDS = ("rds", "elasticache", "kinesis", "elasticloadbalancing", "globalaccelerator")
LATE_SERVICES = ("ec2",)
REPLICATING_SERVICES = ("dynamodb", "rds", "s3")


class FaultsError(Exception):
    """The configuration is not one; the text says where."""


@dataclass
class Rule:
    """A fault for the calls it matches, counted since the configuration was set."""

    service: str
    operation: str
    times: int
    every: int | None = None
    seconds: float = 0.0
    when: str = ""
    code: str = ""
    message: str = ""
    status: int = 400
    matched: int = field(default=0, init=False)

    def takes(self, call: Call) -> bool:
        """Counts a call that the rule is for, and says whether this one is hit."""
        if self.service not in ("*", call.service) or self.operation not in ("*", call.operation):
            return False
        self.matched += 1
        if self.every is not None:
            return self.matched % self.every == 0
        return self.times == FOR_EVER or self.matched <= self.times


# What each list of rules may hold: the key, its type, and its default; ``...`` marks one that must be given.
_SELECTOR = {"service": (str, ...), "operation": (str, ...), "times": (int, 1)}
_RULES: dict[str, dict[str, tuple[type, object]]] = {
    "throttle": {**_SELECTOR, "every": (int, None)},
    "lose_answers": _SELECTOR,
    "lose_requests": _SELECTOR,
    "fail": {**_SELECTOR, "every": (int, None), "code": (str, ...), "message": (str, ""), "status": (int, 400)},
    "hold": {**_SELECTOR, "seconds": (float, ...)},
    "kill": {**_SELECTOR, "when": (str, "after")},
}


class Faults:
    """The configuration in force."""

    def __init__(self) -> None:
        # Set once another configuration is in force; each has its own.
        self.replaced = asyncio.Event()
        self.replace({})

    @classmethod
    def load(cls, path: Path) -> Faults:
        """Reads the file, if there is one."""
        faults = cls()
        if path.exists():
            try:
                faults.replace(json.loads(path.read_text(encoding="utf-8")))
            except ValueError as error:
                raise FaultsError(f"{path} is not JSON: {error}") from error
        return faults

    def replace(self, configuration: object) -> None:
        """Puts a whole new configuration in force, counting from zero; an invalid one changes nothing."""
        if not isinstance(configuration, dict):
            raise FaultsError("the faults must be a JSON object")
        known = {"slow_provisioning", "late_visibility", "dead_regions", "stopped_replication", *_RULES}
        _refuse_unknown("the faults", configuration, known)
        slow_seconds, slow_kinds = _delay(configuration, "slow_provisioning", "kinds", SLOW_KINDS)
        late_seconds, late_services = _delay(configuration, "late_visibility", "services", LATE_SERVICES)
        dead_regions = configuration.get("dead_regions", [])
        if not isinstance(dead_regions, list) or not all(isinstance(region, str) for region in dead_regions):
            raise FaultsError("dead_regions must be a list of regions")
        stopped = configuration.get("stopped_replication", [])
        if not isinstance(stopped, list) or not all(service in REPLICATING_SERVICES for service in stopped):
            raise FaultsError(f"stopped_replication must be a list out of {', '.join(REPLICATING_SERVICES)}")
        rules = {name: _rules(name, configuration.get(name, []), keys) for name, keys in _RULES.items()}
        self.slow_seconds, self.slow_kinds = slow_seconds, slow_kinds
        self.late_seconds, self.late_services = late_seconds, late_services
        self.dead_regions = frozenset(dead_regions)
        self.stopped_replication = frozenset(stopped)
        self._rules = rules
        self.configuration = configuration
        self.replaced.set()
        self.replaced = asyncio.Event()

    def slow(self, kind: str) -> float:
        """How many seconds something of that kind takes to be created, changed or deleted."""
        return self.slow_seconds if kind in self.slow_kinds else 0.0

    def rule_for(self, name: str, call: Call) -> Rule | None:
        """The first rule of that list which hits the call; the others do not count it."""
        return next((rule for rule in self._rules[name] if rule.takes(call)), None)


def _delay(configuration: dict, name: str, list_name: str, known: tuple[str, ...]) -> tuple[float, tuple[str, ...]]:
    if name not in configuration:
        return 0.0, ()
    given = configuration[name]
    if not isinstance(given, dict):
        raise FaultsError(f"{name} must be an object")
    _refuse_unknown(name, given, {"seconds", list_name})
    seconds = _value(name, given, "seconds", float, ...)
    names = given.get(list_name, list(known))
    if not isinstance(names, list) or not set(names) <= set(known):
        raise FaultsError(f"{name}.{list_name} must be a list out of {', '.join(known)}")
    return seconds, tuple(names)


def _rules(name: str, given: object, keys: dict[str, tuple[type, object]]) -> list[Rule]:
    if not isinstance(given, list):
        raise FaultsError(f"{name} must be a list")
    rules = []
    for index, entry in enumerate(given):
        place = f"{name}[{index}]"
        if not isinstance(entry, dict):
            raise FaultsError(f"{place} must be an object")
        _refuse_unknown(place, entry, set(keys))
        rules.append(Rule(**{key: _value(place, entry, key, kind, default) for key, (kind, default) in keys.items()}))
    return rules


def _value(place: str, given: dict, key: str, kind: type, default: object):
    if key not in given:
        if default is ...:
            raise FaultsError(f"{place} needs {key}")
        return default
    value = given[key]
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise FaultsError(f"{place}.{key} must be a {'number' if kind in (int, float) else 'string'}")
    if key == "when" and value not in ("before", "after"):
        raise FaultsError(f"{place}.when must be before or after")
    if kind is not str and value < (FOR_EVER if key == "times" else 1 if key == "every" else 0):
        raise FaultsError(f"{place}.{key} is too small: {value}")
    return value


def _refuse_unknown(place: str, given: dict, known: set[str]) -> None:
    unknown = sorted(set(given) - known)
    if unknown:
        raise FaultsError(f"{place}: unknown key {', '.join(unknown)}; known are {', '.join(sorted(known))}")
