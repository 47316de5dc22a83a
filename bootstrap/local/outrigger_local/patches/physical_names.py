"""What CloudFormation names by itself has another name in every stack, in another region too.

AWS (CloudFormation User Guide, "Name type"): the name that CloudFormation makes is unique, which for roles, policies and
buckets means in the whole account. MiniStack makes it of the stack's and the resource's name alone, so that stacks of one name
in two regions take each other's roles.
"""

from __future__ import annotations

import hashlib

from ministack.core.responses import get_region
from ministack.services.cloudformation import provisioners

_SUFFIX_LENGTH = 13


def install() -> None:
    """Puts the region into the suffix."""
    name_of = provisioners._physical_name

    def physical_name(*arguments, **options) -> str:
        name = name_of(*arguments, **options)
        old = name[-_SUFFIX_LENGTH:]
        new = hashlib.sha256(f"{get_region()}:{old.upper()}".encode()).hexdigest()[:_SUFFIX_LENGTH]
        return name[:-_SUFFIX_LENGTH] + (new if options.get("lowercase") else new.upper())

    provisioners._physical_name = physical_name
