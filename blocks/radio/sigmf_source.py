"""`radio/sigmf_source`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from ...errors import InputError
from ...sim.notes import note
from ...sim.sigmf.read import Recording, open_recording
from ..block import Block
from ..envelope import Annotation, Out
from ..params import BlockParams
from ..ports import Samples

__all__ = ["SigmfSource"]


class SigmfSource(Block):
    r"""Replays a SigMF recording: its samples, its gaps and its annotations.

    .. math:: x = \frac{A}{2^{b-1}} \left( c - c_0 \right)

    All complex formats of SigMF are read, of both byte orders: floating point as it is; integers c of b bits by a full
    scale A, which ``semcom:full_scale`` states and which is 1 where nothing does, with c_0 = 2^(b-1) for unsigned ones
    and 0 for the others. Files of other people that hold more than samples are read by ``core:dataset``,
    ``core:header_bytes`` and ``core:trailing_bytes``. The stream begins at 0 with the recording's first sample. A
    capture whose ``core:global_index`` shows that samples were lost begins after a gap; annotations keep their places:
    the label is the key, and ``semcom:value``, else the comment, the value. Samples that are not finite become zeros.
    The run's record counts these, ``non_finite_samples``, and the gaps, ``lost_samples``: such a run is lossy.

    What is odd but no error is noted: no hash, data that end early, bytes of less than a sample, annotations that lie
    on no sample.

    Output:  complex64 ``[chunk]``; a chunk before a gap and the last one may be shorter.
    Raises:  MissingExtra: the package sigmf is not installed. InputError: a file is missing or is not SigMF, its
             samples are real, its SHA-512 or sample rate is another, it has no such channel.
    State:   none: what is read at a time is a chunk.
    Source:  SigMF, the Signal Metadata Format specification, version 1.2.6.
    Example: ``air: {use: radio/sigmf_source, path: air.sigmf-meta, sample_rate_hz: 1e6}``
    """

    class Params(BlockParams):
        """Parameters."""

        path: str = Field(min_length=1, description="The recording: one of its two files, or their common name.")
        sample_rate_hz: float | None = Field(
            None, gt=0, le=1e12, description="Sample rate in Hz that it must have; null takes the one that it states."
        )
        channel: int = Field(0, ge=0, description="Which of several interleaved channels, from 0.")
        chunk: int = Field(65536, ge=1, le=1 << 24, description="Samples an item.")
        verify: Literal["sha512", "none"] = Field(
            "sha512", description="sha512: read it once to compare its hash, where it has one; none: trust it."
        )

    params: Params

    _recording: Recording

    def start(self) -> None:
        """Check the recording."""
        p = self.params
        self._recording = opened = open_recording(p.path, p.verify)
        if p.channel >= opened.channels:
            raise InputError(
                f"{p.path}: expected a channel below {opened.channels}, as many as it has, got {p.channel}"
            )
        if p.sample_rate_hz is None and opened.sample_rate_hz is None:
            raise InputError(f"{p.path}: no sample rate is stated: say it as sample_rate_hz")
        if None not in (p.sample_rate_hz, opened.sample_rate_hz) and p.sample_rate_hz != opened.sample_rate_hz:
            raise InputError(
                f"{p.path}: expected a sample rate of {p.sample_rate_hz:g} Hz, as sample_rate_hz says, got "
                f"{opened.sample_rate_hz:g} Hz: resample it, or leave sample_rate_hz out"
            )

    def work(self) -> Iterator[Out[Samples]]:
        """Yield the chunks."""
        recording, expected = self._recording, 0
        rate = self.params.sample_rate_hz or recording.sample_rate_hz
        for part in recording.chunks(self.params.chunk, self.params.channel):
            self.count(lost_samples=part.offset - expected, non_finite_samples=part.zeroed)
            expected = part.offset + part.samples.size
            notes = tuple(Annotation(*mark._replace(offset=mark.offset - part.offset)) for mark in part.marks)
            yield Out(part.samples, sample_rate_hz=rate, offset=part.offset, annotations=notes)
        if zeroed := self.counted.get("non_finite_samples"):
            note(f"{recording.data}: {zeroed} samples were not finite and are zeros now")
