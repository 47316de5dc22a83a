"""The local AWS: MiniStack in the same process, with the gaps closed and a real cloud's faults added.

Start it with ``python -m outrigger_local --directory DIR``; see README.md.
"""

MINISTACK_VERSION = "1.5.33"
