"""`radio/sigmf_sink`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from ...sim.notes import note
from .._measuring.files import make_folder
from ..block import Block, RunContext
from ..envelope import Stream, Trace
from ..params import BlockParams
from ..ports import Samples
from ._sigmf_writer import SigmfWriter

__all__ = ["SigmfSink"]


class SigmfSink(Block):
    r"""Records a stream of samples as SigMF: a data file, and metadata beside it.

    .. math:: c = \mathrm{round}\frac{2^{b-1}}{A}\, x, \quad -2^{b-1} \le c \le 2^{b-1} - 1

    ``cf32_le`` keeps every bit. ``ci16_le`` and ``ci8`` keep in-phase and quadrature part as b-bit codes, within half a
    code, A / 2^b, of what came; A is ``full_scale``, which the metadata state as ``semcom:full_scale``. Samples beyond
    it are clipped and counted; samples that are not finite are written as zeros and counted.

    A gap in the stream is a new capture with its ``core:global_index``; annotations keep their places, with the key as
    label and the value as ``semcom:value``. The hash of the flowgraph, the run's seed and ``esn0_db`` stand in the
    namespace ``semcom``. A run that is killed leaves a recording of what was written so far, without a SHA-512.

    The run's record counts ``recorded_samples``, ``clipped_samples`` and ``non_finite_samples``.

    Input:   samples: complex64 ``[n]``, a chunk of a stream.
    Raises:  RunError: a file cannot be written, or another sink or run is writing it. SignalError: the sample rate
             changes within the recording.
    State:   the open recording; a sink that is swapped in with the same files goes on with it.
    Source:  SigMF, the Signal Metadata Format specification, version 1.2.6.
    Example: ``record: {use: radio/sigmf_sink, out: out/air, name: burst, datatype: ci16_le}``
    """

    class Params(BlockParams):
        """Parameters."""

        out: str = Field("out", min_length=1, description="Folder that receives the two files; made if missing.")
        name: str = Field(
            "recording", pattern=r"^[^/\\]+$", max_length=200, description="Name of both files without their ending."
        )
        datatype: Literal["cf32_le", "ci16_le", "ci8"] = Field(
            "cf32_le", description="Format of a sample: two floats, or two integers of 16 or 8 bits, little-endian."
        )
        full_scale: float = Field(
            4.0,
            gt=1e-30,
            le=1e30,
            description="ci16_le, ci8: A, of one part; 4 is 15 dB over its rms at unit mean power.",
        )
        frequency_hz: float | None = Field(
            None,
            ge=-1e12,
            le=1e12,
            description="Centre frequency in Hz, for the metadata; null: none is stated.",
        )
        esn0_db: float | None = Field(None, ge=-30, le=60, description="Es/N0 in dB, for the metadata; null: unknown.")
        description: str = Field("", max_length=4096, description="Text for the metadata.")

    params: Params

    _writer: SigmfWriter | None = None

    def start(self) -> None:
        """Make the folder, so that one that cannot be written fails the run before it begins."""
        make_folder(self.params.out)

    def work(self, samples: Samples, stream: Stream, trace: Trace) -> None:
        """Write this chunk."""
        written = self._opened().add(samples, stream, trace.born_s)
        self.count(
            recorded_samples=written.samples,
            clipped_samples=written.clipped,
            non_finite_samples=written.non_finite,
        )

    def finish(self, run: RunContext) -> Iterator[None] | None:
        """State the hash; a whole run without samples leaves an empty recording."""
        if self._writer is None and not run.complete:  # it may have failed since these files are another's
            return None
        writer = self._opened()
        versions = run.versions.get("gr-semcom", "")
        writer.close({"core:recorder": f"gr-semcom {versions}".strip(), "semcom:graph_sha256": run.graph_hash})
        if writer.clipped:
            note(f"{writer.paths[1]}: {writer.clipped} of {writer.samples} samples were clipped: raise full_scale")
        if writer.non_finite:
            note(f"{writer.paths[1]}: {writer.non_finite} samples were not finite and are written as zeros")
        return None

    def _opened(self) -> SigmfWriter:
        """Open on the first item and not before: a block that is built and never used must not empty files."""
        if self._writer is None:
            p = self.params
            base = make_folder(p.out) / p.name
            more = {} if p.frequency_hz is None else {"core:frequency": p.frequency_hz}
            left = self.heritage.get(str(base))
            if left is None:
                left = SigmfWriter(base, self._top(), more, p.full_scale, go_on=self.goes_on)
            else:
                left.reopen(self._top(), more, p.full_scale)
            self._writer = self.heritage[str(base)] = left
            for path in left.paths:
                self.wrote(path)
        return self._writer

    def _top(self) -> dict[str, Any]:
        """What the metadata say of the whole from the beginning."""
        p = self.params
        top: dict[str, Any] = {"core:datatype": p.datatype, "core:recorder": "gr-semcom", "semcom:seed": self.seed}
        if p.datatype != "cf32_le":
            top["semcom:full_scale"] = p.full_scale
        if p.description:
            top["core:description"] = p.description
        if p.esn0_db is not None:
            top["semcom:esn0_db"] = p.esn0_db
        return top
