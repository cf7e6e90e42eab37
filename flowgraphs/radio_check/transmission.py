"""Runs the transmitting part of a flowgraph on one picture, up to where a radio would take its samples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from ...blocks.block import RunContext
from ...blocks.envelope import Annotation
from ...errors import UsageError
from ..runtime.engine.inline import InlineExecutor
from ..runtime.graph import BlockNode, Edge, Graph
from ..runtime.item import Item

__all__ = ["Emission", "Transmission", "downstream", "transmit"]

_END = "end of the transmitter"  # no name that a file can give
_TRANSPARENT = "radio/resample"
_START = "burst_start"


class Emission(NamedTuple):
    """Samples at one place of the transmitter.

    Attributes:
        samples: complex64 ``[n]``, all that came of one picture.
        rate_hz: Their sample rate.
        first: Where the burst starts in them.
        length: Samples of the burst.
    """

    samples: NDArray[np.complex64]
    rate_hz: float
    first: int
    length: int

    @property
    def burst(self) -> NDArray[np.complex64]:
        """The samples of the burst, complex64 ``[length]``."""
        return self.samples[self.first : self.first + self.length]


class Transmission(NamedTuple):
    """What a transmitter made of one picture.

    Attributes:
        waveform: The block that made samples of symbols.
        source_values: 3 H W of the picture; None where the flowgraph begins with something else.
        payload: complex64 ``[n]``, the symbols that the waveform was given.
        made: Where the waveform gave them out.
        sent: Where a radio takes them: behind a change of the sample rate, if there is one.
        device: The sink that takes them there; None where the flowgraph has a simulated channel.
        trace: What the waveform measured: ``channel_uses``, ``pilot_uses``, ``header_uses``, ``waveform_efficiency``.
    """

    waveform: BlockNode
    source_values: int | None
    payload: NDArray[np.complex64]
    made: Emission
    sent: Emission
    device: BlockNode | None
    trace: dict[str, float]


def transmit(graph: Graph) -> Transmission:
    """Run what makes samples, on one picture; no socket and no device is opened.

    Raises:
        UsageError: the flowgraph has no waveform, or several, or its transmitter begins with a radio.
        SemcomError: a block fails.
    """
    waveform = _waveform(graph)
    last, device = _last(graph, waveform)
    kept = _ancestors(graph, last)
    for node in (node for node in graph.blocks if node.name in kept):
        if node.use.startswith("radio/") and node.use != _TRANSPARENT:
            raise UsageError(
                f"{graph.file}: expected a transmitter that makes its own samples, got one that begins with "
                f"{node.use} (block {node.name!r}); check the flowgraph at its other end"
            )
    out = next(edge for edge in graph.outputs(last) if edge.port == "Samples")
    end = msgspec.structs.replace(out, target=_END, target_port="samples", feedback=None)
    part = msgspec.structs.replace(
        graph,
        blocks=(*(node for node in graph.blocks if node.name in kept), BlockNode(_END, "sinks/null", {})),
        edges=(*(edge for edge in graph.edges if edge.target in kept), end),
        places=(),
    )
    heard: dict[str, list[Item]] = {}
    InlineExecutor(part, RunContext(), 1, on_item=lambda edge, item: heard.setdefault(str(edge), []).append(item)).run()
    return _read(part, waveform, last, device, heard)


def _read(
    part: Graph, waveform: str, last: str, device: BlockNode | None, heard: dict[str, list[Item]]
) -> Transmission:
    """What of all that was heard says what was sent."""

    def of(edges: list[Edge], port: str) -> list[Item]:
        return next(heard.get(str(edge), []) for edge in edges if edge.port == port)

    made = of(part.outputs(waveform), "Samples")
    if not made:
        raise UsageError(f"{part.file}: expected samples from block {waveform!r} for one picture, got none")
    pictures = [item for edge in part.edges if edge.port == "Image" for item in heard.get(str(edge), [])]
    values = {name: value for frame in made[0].envelope.sent for name, value in frame.trace.values.items()}
    return Transmission(
        part.block(waveform),
        3 * int(np.prod(pictures[0].value.shape[:2])) if pictures else None,
        of(part.inputs(waveform), "Symbols")[0].value,
        _emission(made),
        _emission(of(part.outputs(last), "Samples")),
        device,
        values,
    )


def downstream(graph: Graph, name: str) -> Iterator[BlockNode]:
    """Blocks behind this one, as far as samples go, nearest first."""
    seen, wave = {name}, [name]
    while wave:
        edges = [edge for at in wave for edge in graph.outputs(at) if edge.port == "Samples" and edge.feedback is None]
        wave = list(dict.fromkeys(edge.target for edge in edges if edge.target not in seen))
        seen.update(wave)
        yield from (graph.block(at) for at in wave)


def _waveform(graph: Graph) -> str:
    """The block that makes samples of symbols."""
    takes = {edge.target for edge in graph.edges if edge.port == "Symbols"}
    gives = {edge.source for edge in graph.edges if edge.port == "Samples"}
    found = [node.name for node in graph.blocks if node.name in takes & gives]
    if len(found) == 1:
        return found[0]
    what = "a flowgraph that transmits: one block that makes samples of symbols, such as framing/burst"
    if found:
        raise UsageError(f"{graph.file}: expected {what}, got {len(found)}: {', '.join(found)}")
    receives = sorted(gives - takes & gives)
    got = (
        f"one that only takes samples (from {', '.join(receives)}); check the one at its other end"
        if receives
        else ("one whose channel carries no samples; `semcom run radio-loopback` has a waveform")
    )
    raise UsageError(f"{graph.file}: expected {what}, got {got}")


def _last(graph: Graph, name: str) -> tuple[str, BlockNode | None]:
    """The block whose output a radio takes, and the sink there."""
    while True:
        nodes = [graph.block(edge.target) for edge in graph.outputs(name) if edge.port == "Samples"]
        device = next((node for node in nodes if node.use.startswith("radio/") and not graph.outputs(node.name)), None)
        through = next((node.name for node in nodes if node.use == _TRANSPARENT), None)
        if device is not None or through is None:
            return name, device
        name = through


def _ancestors(graph: Graph, name: str) -> set[str]:
    """A block and all that it depends on; what comes back from a receiver is the loop's first value."""
    kept, wave = {name}, [name]
    while wave:
        wave = [e.source for at in wave for e in graph.inputs(at) if e.feedback is None and e.source not in kept]
        kept.update(wave)
    return kept


def _emission(items: list[Item]) -> Emission:
    samples = np.concatenate([item.value for item in items])
    streams = [item.envelope.stream for item in items if item.envelope.stream is not None]
    notes: list[Annotation] = [note for stream in streams for note in stream.annotations if note.key == _START]
    offset, rate_hz = (streams[0].offset, streams[0].sample_rate_hz) if streams else (0, 1.0)
    first, length = (notes[0].offset - offset, notes[0].length) if notes else (0, samples.size)
    return Emission(samples, rate_hz, first, length)
