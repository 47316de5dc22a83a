"""Conditions of a template know the pseudo parameters.

AWS (CloudFormation Template Reference, "Pseudo parameters reference"): ``AWS::Region`` and ``AWS::AccountId`` are like
parameters, in conditions too. MiniStack compares with their names there.
"""

from __future__ import annotations

import sys

from ministack.core.responses import get_account_id, get_region
from ministack.services.cloudformation import engine


def install() -> None:
    """Wraps the evaluation of conditions, wherever it was imported to."""
    evaluate = engine._evaluate_conditions

    def evaluate_conditions(template: dict, params: dict) -> dict:
        pseudo = {"AWS::Region": get_region(), "AWS::AccountId": get_account_id(), "AWS::Partition": "aws"}
        return evaluate(template, {**{name: {"Value": value} for name, value in pseudo.items()}, **params})

    for name, module in list(sys.modules.items()):
        if name.startswith("ministack.services.cloudformation") and hasattr(module, "_evaluate_conditions"):
            module._evaluate_conditions = evaluate_conditions
