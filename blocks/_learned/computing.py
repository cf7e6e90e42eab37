"""Where and how a network computes: types of the parameters that blocks with networks share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

__all__ = ["Compile", "Device", "Graphs", "Precision"]

Device = Annotated[Literal["cpu", "cuda"], Field(description="Where the network runs.")]
Precision = Annotated[
    Literal["float32", "bfloat16"],
    Field(description="bfloat16 is faster on a GPU, and on a CPU that has instructions for it."),
]
Compile = Annotated[
    Literal["off", "on", "tuned"],
    Field(description="Compile the network, once for each size of picture; tuned: also look for the fastest way."),
]
Graphs = Annotated[
    Literal["off", "on"],
    Field(description="On a GPU, record a step once for each size of picture, and replay it."),
]
