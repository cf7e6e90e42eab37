"""What an actor is told while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ....blocks.block import Block

__all__ = ["Abort", "Command", "Finished", "Go", "SetParams", "Stop", "SwapIn"]


@dataclass(frozen=True)
class Go:
    """Begin to work: every block of the run has started."""


@dataclass(frozen=True)
class Stop:
    """End gracefully: a source makes no further item."""


@dataclass(frozen=True)
class Abort:
    """End now: another block failed, or the user said so."""


@dataclass(frozen=True)
class SetParams:
    """Exchange the parameters between two items."""

    ticket: str
    params: dict[str, Any]


@dataclass(frozen=True)
class SwapIn:
    """Exchange the block between two items; it has started."""

    ticket: str
    block: Block
    use: str
    where: str


@dataclass(frozen=True)
class Finished:
    """An item got to an end point of this place: acknowledge it at once, so that a restart repeats little."""


Command = Go | Stop | Abort | SetParams | SwapIn | Finished
