"""What type an output gives where it may be one of several: the type that comes in, however far back it is said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ....blocks.ports import PortType
from ....blocks.signature import Signature

__all__ = ["Wired", "output_types"]


class Wired(NamedTuple):
    """Two ports that are connected."""

    source: str
    source_port: str
    target: str
    target_port: str


def output_types(signatures: Mapping[str, Signature], wired: Iterable[Wired]) -> dict[tuple[str, str], PortType]:
    """Return the type of every output, by block and port.

    Args:
        signatures: Of the blocks that are known.
        wired: What is connected; ports of other blocks are passed over.
    """
    types = {(name, port): kind for name, block in signatures.items() for port, kind in block.outputs.items()}
    open_ends = [
        wire
        for wire in wired
        if (wire.source, wire.source_port) in types
        and wire.target in signatures
        and wire.target_port in signatures[wire.target].inputs
        and signatures[wire.target].inputs[wire.target_port].type.either
    ]
    for _ in signatures:  # each round settles at least one block more of a chain
        came = {wire.target: types[wire.source, wire.source_port] for wire in open_ends}
        settled = {at: came.get(at[0], kind) if kind.either else kind for at, kind in types.items()}
        if settled == types:
            break
        types = settled
    return types
