"""`sinks/report`."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from .._measuring.files import make_folder, picture_name, write_atomic, write_png
from .._measuring.rows import Row, Table, load_metrics, measure_item, unsent_means
from .._page.charts import MOST_BARS
from .._page.page import Page, Shown, render
from .._page.thumbnails import Thumbnail, difference, thumbnail
from ..block import Block, RunContext
from ..envelope import Header, Identity, State, Trace
from ..params import BlockParams
from ..ports import Image, Symbols

__all__ = ["Report"]

_SWAPPED = "Another sink wrote the first rows of this table."


class Report(Block):
    r"""Writes the received pictures, their measurements, and one HTML page that shows the run.

    .. math:: d = \min(255,\, g\, |x - \hat x|), \quad g = \mathrm{difference\_gain}

    In ``out``: every received picture as ``label-seq.png``, ``metrics.csv`` with the columns of `sinks/metrics`, and
    ``report.html``: sent, received and difference side by side, PSNR per picture, the constellation before and after
    the channel, CBR with numerator and denominator, Es/N0 as labelled and as measured, what either end knew of the
    channel, the drawing of the flowgraph, its resolved YAML, seed and versions. Behind a receiver of bursts also what
    that saw: spectrum, channel, constellation before and after its equaliser, carrier, clock, phase and detection over
    time, bursts sent, detected and lost. The page loads nothing, so it can be
    mailed; a run that ended early says so on top. The run's record holds the means.

    Input:   received: uint8 sRGB ``[H, W, 3]``; sent: the same shape, optional; channel_input and channel_output:
             complex64 ``[n]``, optional, for the constellations and the count of channel uses.
    Raises:  SignalError: sent and received differ in shape. RunError: a file cannot be written; what was finished is
             kept.
    State:   thumbnails of the first max_pictures; sums and eight bytes an item of all; of bursts the last 2000.
    Example: ``report: {use: sinks/report, out: out/report}``
    """

    class Params(BlockParams):
        """Parameters."""

        out: str = Field(
            "out", min_length=1, description="Folder that receives pictures, table and page; made if missing."
        )
        max_pictures: int = Field(12, ge=0, le=200, description="Pictures shown on the page: the first of the run.")
        thumbnail_pixels: int = Field(
            512, ge=32, le=4096, description="Longest side of a picture on the page, in pixels."
        )
        difference_gain: float = Field(8.0, gt=0, le=255, description="Amplification of the difference shown.")

    params: Params

    _page: Page
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
        state: State,
        trace: Trace,
        identity: Identity,
        sent: Image | None = None,
        channel_input: Symbols | None = None,
        channel_output: Symbols | None = None,
    ) -> None:
        """Write one picture and its row, and keep what the page shows of it."""
        table = self._opened()
        row = measure_item(received, sent, channel_input, channel_output, header, trace, identity)
        path = write_png(make_folder(self.params.out), picture_name(trace.label, identity), received)
        self.wrote(path)
        table.add(row)
        self.measure(**row.means, **unsent_means(trace))
        self._page.summary.add(row, header, state, trace)
        self._page.constellation.add(channel_input=channel_input, channel_output=channel_output)
        if state.reception is not None:
            self._page.receiver.add(state.reception)
        if len(self._page.rows) < MOST_BARS:
            self._page.rows.append(row)
        if len(self._page.shown) < self.params.max_pictures:
            self._page.shown.append(self._shown(path.name, row, received, sent))

    def finish(self, run: RunContext) -> Iterator[None] | None:
        """Write the page."""
        if self._refused:
            return None
        table = self._opened()
        self.tabled(table.paths[0], table.rows)
        table.close()
        path = make_folder(self.params.out) / "report.html"
        write_atomic(path, render(self._page, run).encode())
        self.wrote(path)
        return None

    def _shown(self, file: str, row: Row, received: Image, sent: Image | None) -> Shown:
        side = self.params.thumbnail_pixels
        before: Thumbnail | None = None
        error: Thumbnail | None = None
        if sent is not None:
            before = thumbnail(sent, side)
            error = thumbnail(difference(sent, received, self.params.difference_gain), side)
        return Shown(file, row, thumbnail(received, side), before, error)

    def _opened(self) -> Table:
        """Open on the first item and not before: a block that is built and never used must not empty files."""
        if self._table is None:
            self._refused = True
            folder = make_folder(self.params.out)
            same = str(folder.resolve())  # whatever it is called
            swapped = same in self.heritage
            before = "This receiver was started again." if self.goes_on else _SWAPPED if swapped else ""
            self._page = self.heritage.get(same) or Page(self.params.difference_gain, before=before)
            self.heritage[same] = self._page
            self._table = Table(folder, go_on=self.goes_on or swapped)
            self._refused = False
            for path in self._table.paths:
                self.wrote(path)
        return self._table
