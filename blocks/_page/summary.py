"""What a report knows of a whole run, in memory that hardly grows: sums, ends, and eight bytes an item."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...sim.metrics.esn0 import EsN0, esn0_from_energies
from .._measuring.rows import UNSENT, Row
from ..envelope import Header, State, Trace

__all__ = ["Spread", "Summary", "read_settings"]


@dataclass
class Spread:
    """Count, mean and ends of a measurement."""

    count: int = 0
    total: float = 0.0
    low: float = math.inf
    high: float = -math.inf

    def add(self, value: float | None) -> None:
        """Count one value; ``None`` is left out."""
        if value is None:
            return
        self.count += 1
        self.total += value
        self.low, self.high = min(self.low, value), max(self.high, value)

    @property
    def mean(self) -> float:
        """The mean; the caller sees to it that something was counted."""
        return self.total / self.count

    @property
    def constant(self) -> bool:
        """All values were equal."""
        return self.low == self.high


@dataclass
class Summary:
    """Sums over the items of a run.

    Attributes:
        rows: Items.
        spreads: By column of `Row`.
        psnrs_db: Of every item that has one, in order.
        field_bits: Mean bits of each header field; 0 for those that are not sent.
        rate_map_plain_bits: Of rate maps without their entropy coder.
        told_esn0_db: Es/N0 as the receiver was told or estimated it.
        csi: How the receiver knew the channel; every way that occurred.
        waveform_efficiency: As the channel or the waveform says it.
        header_sent: A waveform sent the header.
    """

    rows: int = 0
    spreads: dict[str, Spread] = field(default_factory=dict)
    psnrs_db: array[float] = field(default_factory=lambda: array("d"))
    field_bits: dict[str, Spread] = field(default_factory=dict)
    rate_map_plain_bits: Spread = field(default_factory=Spread)
    told_esn0_db: Spread = field(default_factory=Spread)
    csi: set[str] = field(default_factory=set)
    waveform_efficiency: Spread = field(default_factory=Spread)
    header_sent: bool = False
    _signal: float = 0.0
    _noise: float = 0.0
    _symbols: int = 0
    _fading: bool = False

    def add(self, row: Row, header: Header, state: State, trace: Trace) -> None:
        """Add one item."""
        self.rows += 1
        for name, value in row._asdict().items():
            if name not in ("seq", "label"):
                self.spread(name).add(value)
        for name in UNSENT:
            self.spread(name).add(trace.values.get(name))
        if row.psnr_db is not None:
            self.psnrs_db.append(row.psnr_db)
        for name, entry in header.items():
            self.field_bits.setdefault(name, Spread()).add(entry.bits if entry.sent else 0)
        self.rate_map_plain_bits.add(trace.values.get("rate_map_plain_bits"))
        self.told_esn0_db.add(state.esn0_db)
        self.header_sent |= "header_uses" in trace.values
        self.waveform_efficiency.add(trace.values.get("waveform_efficiency"))
        if state.csi is not None:
            self.csi.add(state.csi)
        if row.esn0_db is not None:
            symbols = row.payload_uses or int(trace.values.get("channel_uses", 0))
            self._signal += trace.values["signal_energy"] * symbols
            self._noise += trace.values["noise_energy"] * symbols
            self._symbols += symbols
            self._fading |= state.h is not None and not bool(np.all(state.h == 1))

    def spread(self, name: str) -> Spread:
        """The spread of a column of `Row`."""
        return self.spreads.setdefault(name, Spread())

    @property
    def esn0(self) -> EsN0 | None:
        """Es/N0 from the energies of all symbols; its interval ignores fading, so see `fading`."""
        if not (self._symbols and self._signal > 0 and self._noise > 0):
            return None
        return esn0_from_energies(self._signal, self._noise, self._symbols)

    @property
    def unsent(self) -> str:
        """Why pictures were not sent; empty where all were."""
        budget, least, cbr = (self.spread(name) for name in UNSENT)
        if not least.count:
            return ""
        return (
            f"{least.count:,} of them were not sent: the budget, {budget.mean:.0f} bytes, is below the coder's least "
            f"file, {least.mean:.0f} bytes; a CBR of some {cbr.mean:.2g} would do. "
        )

    @property
    def fading(self) -> bool:
        """The channel's gain varied: the interval of `esn0` does not hold."""
        return self._fading


def read_settings(resolved_yaml: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """What a report quotes of the flowgraph: its doc, each channel's Es/N0, and each block's csit, by block.

    Args:
        resolved_yaml: The flowgraph as it ran; a text that is no flowgraph gives nothing.
    """
    import yaml

    try:
        graph = yaml.safe_load(resolved_yaml)
    except yaml.YAMLError:
        graph = None
    graph = graph if isinstance(graph, dict) else {}
    blocks = graph.get("blocks")
    esn0s_db, csits = {}, {}
    for name, block in (blocks if isinstance(blocks, dict) else {}).items():
        if not isinstance(block, dict):
            continue
        if str(block.get("use")).startswith("channels/") and block.get("esn0_db") is not None:
            esn0s_db[str(name)] = block["esn0_db"]
        if "csit" in block:
            csits[str(name)] = block["csit"]
    return str(graph.get("doc") or ""), esn0s_db, csits
