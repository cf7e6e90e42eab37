"""What sinks measure of each item: one row of a table, the same in every sink."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...sim.bandwidth import Bandwidth
from ...sim.metrics import ms_ssim, psnr, ssim
from ..envelope import Header, Identity, Trace
from .files import Appended

__all__ = ["UNSENT", "Row", "Table", "load_metrics", "measure_item", "unsent_means"]

UNSENT = ("budget_bytes", "least_bytes", "least_cbr")
"""What an encoder says in the trace of a picture that it could not make small enough to be sent."""

_LOWEST_ESN0_DB = -60.0  # below it nothing is said about capacity


class Row(NamedTuple):
    """The measurements of one item; the fields are the columns, in order. ``None``: could not be measured.

    Attributes:
        seq: The item's number at its source.
        label: Where it came from.
        psnr_db: Peak 255, over R, G and B; infinite for equal pictures.
        ssim: Structural similarity; needs 11 pixels a side.
        ms_ssim: On five scales; needs 176 pixels a side.
        cbr: Channel bandwidth ratio: channel_uses / source_values.
        channel_uses: Complex channel uses: payload_uses + pilot_uses + side_information_uses.
        payload_uses: Complex symbols that crossed the channel.
        pilot_uses: Complex symbols sent as pilots; 0 where the channel says nothing of pilots.
        side_information_uses: Uses charged for the header: at half a bit each, rounded up, or as a waveform sent it.
        side_information_bits: Bits of the header, as packed.
        source_values: 3 H W.
        esn0_db: Measured Es/N0 in dB: energies of signal and noise at the channel.
        latency_s: Seconds from the source to this sink.
        failed: 1 where a coded link could not decode the picture, else 0; its mean is the picture failure rate.
        file_bytes: Of the coded picture, container included.
        container_bytes: Of them, those of the file format and not of the coded picture.
        papr_db: Peak-to-average power ratio at a transmitter's converter.
        cbr_at_capacity: CBR with the header charged at the capacity of the measured Es/N0: a bound, as papers count.
    """

    seq: int
    label: str
    psnr_db: float | None = None
    ssim: float | None = None
    ms_ssim: float | None = None
    cbr: float | None = None
    channel_uses: int | None = None
    payload_uses: int | None = None
    pilot_uses: int | None = None
    side_information_uses: int | None = None
    side_information_bits: int | None = None
    source_values: int | None = None
    esn0_db: float | None = None
    latency_s: float | None = None
    failed: int | None = None
    file_bytes: int | None = None
    container_bytes: int | None = None
    papr_db: float | None = None
    cbr_at_capacity: float | None = None

    @property
    def means(self) -> dict[str, float]:
        """What the run's record averages over the items; Es/N0 not in dB: over fades that mean would be too low."""
        names = ("psnr_db", "ssim", "ms_ssim", "cbr", "latency_s", "failed", "papr_db")
        means = {name: value for name in names if (value := getattr(self, name)) is not None}
        return means if self.esn0_db is None else {**means, "esn0": 10 ** (self.esn0_db / 10)}


def load_metrics() -> None:
    """Import what the metrics need, so that the first item's latency is not that of an import."""
    blank = np.zeros((ms_ssim.SMALLEST_SIDE, ms_ssim.SMALLEST_SIDE, 3), np.uint8)
    ssim.ssim(blank[:16, :16], blank[:16, :16])
    ms_ssim.ms_ssim(blank, blank)


def measure_item(
    received: NDArray[np.uint8],
    sent: NDArray[np.uint8] | None,
    channel_input: NDArray[np.complex64] | None,
    channel_output: NDArray[np.complex64] | None,
    header: Header,
    trace: Trace,
    identity: Identity,
) -> Row:
    """Measure one item.

    Channel uses are counted at the channel's input or output, whichever is connected; else the channel's own count in
    the trace is taken; without any of them there is no CBR. The header is charged as side information, with the uses
    that a waveform took for it, if one did.

    Args:
        received: The picture at the receiver, uint8 ``[H, W, 3]``.
        sent: The picture at the transmitter, if connected.
        channel_input: The symbols before the channel, if connected.
        channel_output: The symbols after it, if connected.
        header: What the transmitter told the receiver.
        trace: Measurements of the channel, label and age.
        identity: The item's number.

    Raises:
        SignalError: sent and received differ in shape.
    """
    row = Row(
        seq=identity.seq,
        label=trace.label,
        side_information_bits=header.bits,
        esn0_db=_esn0_db(trace),
        latency_s=trace.age_s if trace.age_s > 0 else None,
        failed=_count(trace, "failed"),
        file_bytes=_count(trace, "file_bytes"),
        container_bytes=_count(trace, "container_bytes"),
        papr_db=trace.values.get("papr_db"),
    )
    if sent is not None:
        row = row._replace(**_quality(sent, received, zero=bool(trace.values.get("counts_as_zero"))))  # type: ignore[arg-type]
    symbols = channel_output if channel_input is None else channel_input
    uses = trace.values.get("channel_uses") if symbols is None else symbols.size
    if uses is None:
        return row
    height, width = (received if sent is None else sent).shape[:2]
    pilots = _count(trace, "pilot_uses") or 0
    bandwidth = Bandwidth(
        height,
        width,
        payload_uses=int(uses),
        side_bits=header.bits,
        pilot_uses=pilots,
        header_uses=_count(trace, "header_uses"),
    )
    level = row.esn0_db
    return row._replace(
        cbr=bandwidth.cbr,
        channel_uses=bandwidth.uses,
        payload_uses=bandwidth.payload_uses,
        pilot_uses=bandwidth.pilot_uses,
        side_information_uses=bandwidth.side_uses,
        source_values=bandwidth.source_values,
        cbr_at_capacity=None if level is None or level < _LOWEST_ESN0_DB else bandwidth.cbr_at_capacity(level),
    )


def _quality(sent: NDArray[np.uint8], received: NDArray[np.uint8], *, zero: bool) -> dict[str, float | None]:
    """Compare two pictures; ``zero``: what can be measured counts as 0."""
    side = min(sent.shape[:2])
    found = {
        "psnr_db": psnr.psnr_db(sent, received),
        "ssim": ssim.ssim(sent, received) if side >= ssim.SMALLEST_SIDE else None,
        "ms_ssim": ms_ssim.ms_ssim(sent, received) if side >= ms_ssim.SMALLEST_SIDE else None,
    }
    return {name: 0.0 if zero and value is not None else value for name, value in found.items()}


def unsent_means(trace: Trace) -> dict[str, float]:
    """What the run's record averages besides the columns: of coded links the share of pictures not sent, and why."""
    if "failed" not in trace.values:
        return {}
    missed = {name: trace.values[name] for name in UNSENT if name in trace.values}
    return {"unsent": float(bool(missed)), **missed}


class Table:
    """Rows as ``metrics.csv`` and, if asked for, ``metrics.jsonl``; each row is on disk when `add` returns.

    In the CSV what could not be measured is empty; in the JSONL it is null, and an infinite PSNR the text ``"inf"``,
    since JSON has no such number.

    Args:
        folder: Where to.
        jsonl: Write the second file too.
        go_on: Add to the rows of an earlier start.

    Raises:
        RunError: a file cannot be written.
    """

    def __init__(self, folder: Path, *, jsonl: bool = False, go_on: bool = False) -> None:
        self._csv = Appended(folder / "metrics.csv", go_on=go_on)
        if self._csv.empty:
            self._csv.append(_csv_line(Row._fields))
        self._jsonl = Appended(folder / "metrics.jsonl", go_on=go_on) if jsonl else None

    @property
    def paths(self) -> list[Path]:
        """The files."""
        return [self._csv.path] if self._jsonl is None else [self._csv.path, self._jsonl.path]

    def add(self, row: Row) -> None:
        """Write one row.

        Raises:
            RunError: it cannot be written; the rows before it are whole.
        """
        self._csv.append(_csv_line("" if v is None else f"{v:.9g}" if isinstance(v, float) else v for v in row))
        if self._jsonl is not None:
            values = {k: "inf" if v == math.inf else v for k, v in row._asdict().items()}
            self._jsonl.append(json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n")

    @property
    def rows(self) -> int:
        """Items that are in the table on disk, those of an earlier start included."""
        return self._csv.lines - 1

    def close(self) -> None:
        """Close the files."""
        self._csv.close()
        if self._jsonl is not None:
            self._jsonl.close()


def _esn0_db(trace: Trace) -> float | None:
    signal, noise = (trace.values.get(name, 0.0) for name in ("signal_energy", "noise_energy"))
    return 10 * math.log10(signal / noise) if signal > 0 and noise > 0 else None


def _count(trace: Trace, name: str) -> int | None:
    value = trace.values.get(name)
    return None if value is None else int(value)


def _csv_line(values: object) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(values)  # type: ignore[arg-type]
    return buffer.getvalue()
