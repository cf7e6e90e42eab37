"""A block: the arithmetic of one stage. Sockets, clocks, threads and files of the run belong to the runtime."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ..sim.side_information.field import HeaderField
from .envelope import Identity
from .params import BlockParams

__all__ = ["Block", "RunContext"]

_NAMED_AT_MOST = 1000


@dataclass(frozen=True)
class RunContext:
    """What a block's `finish` may know of the run; made of plain values, so that it crosses to worker processes.

    Attributes:
        name: The flowgraph's name.
        resolved_yaml: The flowgraph as it ran, overrides and defaults included.
        graph_svg: Its drawing, one `<svg>` element.
        graph_hash: SHA-256 of the flowgraph as it ran.
        seed: The run's seed.
        versions: Names and versions of the software that ran.
        complete: False when the run ended early.
    """

    name: str = ""
    resolved_yaml: str = ""
    graph_svg: str = ""
    seed: int = 0
    versions: dict[str, str] = field(default_factory=dict)
    complete: bool = True
    graph_hash: str = ""


class Block:
    """Base of every block: subclass it, name the ports in `work`, list the parameters in `Params`.

    `work` gets one item per input port as a read-only numpy array and returns one item, ``None`` (nothing yet) or an
    iterator of several. Arguments annotated `Header`, `State`, `Trace`, `Identity` or `Stream` are filled from the
    item's envelope. A source has no input ports and yields; a sink returns ``None``.

    A source that waits for a peer yields ``None`` (nothing yet) twenty times a second, so that `semcom stop` and `set`
    get through; a sink that waits for one looks at `stopping` as often.

    Args:
        params: The block's parameters; defaults where omitted.
        name: Its name in the flowgraph; part of the key of its random stream.
        seed: The run's seed.

    State: whatever `work` keeps in ``self``; `start` makes it, `finish` flushes it.
    """

    Params: ClassVar[type[BlockParams]] = BlockParams
    reads_header: ClassVar[tuple[type[HeaderField], ...]] = ()
    """Header fields that `work` reads: the check of a flowgraph sees to it that a block upstream writes them."""
    writes_header: ClassVar[tuple[type[HeaderField], ...]] = ()
    """Header fields that `work` adds."""
    may_read_header: ClassVar[tuple[type[HeaderField], ...]] = ()
    """Header fields that `work` reads for some of the files it is given; tests give it a file that needs the first."""
    may_write_header: ClassVar[tuple[type[HeaderField], ...]] = ()
    """Header fields that `work` adds for some files or parameters it is given; the check takes them as written.

    `HeaderField` itself stands for fields that the block's author cannot know.
    """

    params: BlockParams
    work: Any

    def __init__(self, params: BlockParams | None = None, *, name: str = "block", seed: int = 0) -> None:
        self.params = self.Params() if params is None else params
        self.name = name
        self.seed = seed
        self.files: dict[Path, None] = {}  # in the order of writing
        self.goes_on = False
        """The runtime's word to sinks: an earlier start of this place wrote the first items; add, do not begin anew."""
        self.measured: dict[str, tuple[int, float]] = {}
        self.heritage: dict[str, Any] = {}
        """What blocks before this one left, in the same place of a running flowgraph: a swap hands it on, by folder."""
        self.tables: dict[str, int] = {}
        self.counted: dict[str, int] = {}
        self.named: dict[str, list[int]] = {}
        self.stopping = False
        """The runtime's word to blocks that wait for a peer: the run is to end. Set from another thread."""

    def start(self) -> None:
        """Load what is heavy (networks, files). Called once, before the first item.

        A block that is swapped in starts while the old one still works, so `start` may run in a thread of its own.
        """

    def finish(self, run: RunContext) -> Iterator[Any] | None:
        """Flush: called once after the last item. May yield further items; a sink writes its files here."""
        return None

    def interval_s(self) -> float:
        """Least time between two items of this block, kept by the runtime; 0 for as fast as it goes."""
        return 0.0

    def rng(self, identity: Identity = Identity()) -> np.random.Generator:  # noqa: B008 - an immutable tuple
        """Return this item's own generator.

        It depends on the run's seed, the block's name and the item alone: neither threads, drops, restarts, swaps nor
        sharding change what it draws.
        """
        return np.random.Generator(np.random.Philox(key=self._key(f"{identity.seq}/{identity.part}")))

    def stream_key(self) -> int:
        """Return the 128-bit key of this block's counter-based stream (`sim.noise`), for blocks on `Samples`."""
        return self._key("stream")

    def wrote(self, path: Path) -> None:
        """Sinks: name a file that was written, for the run's record."""
        self.files[path] = None

    def tabled(self, path: Path, rows: int) -> None:
        """Sinks: say how many items a table on disk has; the run's record holds that against what arrived."""
        self.tables[str(path.resolve())] = rows

    def count(self, **events: int) -> None:
        """Add to the run's record what happened how often; a run with counts that begin with ``lost_`` is lossy."""
        for name, number in events.items():
            if number:
                self.counted[name] = self.counted.get(name, 0) + int(number)

    def count_items(self, **events: int) -> None:
        """As `count`, once each, and name the item that it happened to: the record lists the first 1000 numbers."""
        for name, seq in events.items():
            self.count(**{name: 1})
            named = self.named.setdefault(name, [])
            if len(named) < _NAMED_AT_MOST:
                named.append(seq)

    def measure(self, **values: float) -> None:
        """Sinks: add one item's measurements; the run's record holds their means over the items."""
        for name, value in values.items():
            count, total = self.measured.get(name, (0, 0.0))
            self.measured[name] = (count + 1, total + float(value))

    def _key(self, what: str) -> int:
        digest = hashlib.sha256(f"{self.seed}/{self.name}/{what}".encode()).digest()
        return int.from_bytes(digest[:16], "little")
