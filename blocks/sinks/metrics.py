"""`sinks/metrics`."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from .._measuring.files import make_folder
from .._measuring.rows import Table, load_metrics, measure_item, unsent_means
from ..block import Block, RunContext
from ..envelope import Header, Identity, Trace
from ..params import BlockParams
from ..ports import Image, Symbols

__all__ = ["Metrics"]


class Metrics(Block):
    r"""Measures every picture and writes one row an item to ``metrics.csv`` and ``metrics.jsonl``.

    .. math:: \mathrm{PSNR} = 10 \log_{10} \frac{255^2}{\mathrm{MSE}}, \quad
        \mathrm{CBR} = \frac{\text{channel uses, side information included}}{3 H W}

    Columns: seq, label; psnr_db, ssim and ms_ssim (with ``sent``; SSIM needs 11 pixels a side, MS-SSIM 176); cbr with
    its numerator (channel_uses = payload_uses + pilot_uses + side_information_uses, the header's packed bits charged
    at 0.5 bit a use) and denominator (source_values = 3 H W); side_information_bits; esn0_db, measured from the
    energies that the channel saw; latency_s since the source; of coded links failed (1: not decoded; its mean is the
    picture failure rate), file_bytes and container_bytes; papr_db where a converter measured it; cbr_at_capacity, with
    the header charged at the capacity of the measured Es/N0. What could not be measured is empty in the CSV and null in
    the JSONL; an infinite PSNR is ``inf`` in the CSV and ``"inf"`` in the JSONL. The run's record holds the means.

    Input:   received: uint8 sRGB ``[H, W, 3]``; sent: the same shape, optional; channel_input and channel_output:
             complex64 ``[n]``, optional: either makes the count of channel uses exact.
    Raises:  SignalError: sent and received differ in shape. RunError: a file cannot be written; the rows before are
             kept.
    State:   the open files; every row is on disk before the next item.
    Example: ``metrics: {use: sinks/metrics, out: out/metrics}``
    """

    class Params(BlockParams):
        """Parameters."""

        out: str = Field("out", min_length=1, description="Folder that receives the two files; made if missing.")

    params: Params

    _table: Table | None = None
    _refused = False  # the files are another sink's: once that has ended, they would let themselves be emptied

    def start(self) -> None:
        """Load the metrics, and make the folder, so that one that cannot be written fails the run before it begins."""
        make_folder(self.params.out)
        load_metrics()

    def work(
        self,
        received: Image,
        header: Header,
        trace: Trace,
        identity: Identity,
        sent: Image | None = None,
        channel_input: Symbols | None = None,
        channel_output: Symbols | None = None,
    ) -> None:
        """Measure one item and write its row."""
        row = measure_item(received, sent, channel_input, channel_output, header, trace, identity)
        self._opened().add(row)
        self.measure(**row.means, **unsent_means(trace))

    def finish(self, run: RunContext) -> Iterator[None] | None:
        """Close the files; a run without items leaves the column names."""
        if self._refused:
            return None
        table = self._opened()
        self.tabled(table.paths[0], table.rows)
        table.close()
        return None

    def _opened(self) -> Table:
        """Open on the first item and not before: a block that is built and never used must not empty files."""
        if self._table is None:
            self._refused = True
            folder = make_folder(self.params.out)
            self._table = Table(folder, jsonl=True, go_on=self.goes_on or str(folder.resolve()) in self.heritage)
            self._refused = False
            self.heritage.setdefault(str(folder.resolve()), None)
            for path in self._table.paths:
                self.wrote(path)
        return self._table
