"""`radio/zmq_sink`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final, Literal

import numpy as np
from pydantic import Field, model_validator

from ...errors import SignalError
from ...sim.radio_formats.stream_message import Tag, pack_stream
from ..block import Block, RunContext
from ..envelope import Stream
from ..params import BlockParams
from ..ports import Samples
from ._senders import SendPattern, open_sender
from ._socket import WAIT_MS, Attach

__all__ = ["ZmqSink"]

GRACE_S: Final = 0.2  # for what is still to be sent when the run is told to stop


class ZmqSink(Block):
    r"""Gives samples to a ZeroMQ source of GNU Radio.

    .. math:: m[i] = x[n_0 + i], \quad \text{number in the header of message } m = n_0

    The other end is a SUB, PULL or REQ source of type complex. With ``pass_tags`` at both ends annotations become tags
    (without their lengths) and each message says where it lies, so that a gap in the stream is one for the receiver.

    Input:   samples: complex64 ``[n]``. What is not a number or infinite is sent as 0.
    Raises:  RunError: the address cannot be bound or connected to. SignalError: the stream has another sample rate.
    State:   counts: ``sent_samples``, ``lost_samples`` (nobody took them), ``nonfinite_samples``.
    Source:  GNU Radio 3.10, gr-zeromq, ``tag_headers.cc`` and ``rep_sink_impl.cc``.
    Example: ``tx: {use: radio/zmq_sink, address: "ipc://tx", pattern: pub, when_full: drop, sample_rate_hz: 1e6}``
    """

    class Params(BlockParams):
        """Parameters."""

        address: str = Field(
            "tcp://127.0.0.1:5556", pattern=r"^(tcp|ipc)://.+", description="tcp://host:port or ipc://path."
        )
        pattern: SendPattern = Field(
            "push", description="The end played here: pub for sub, push for pull, rep for req."
        )
        attach: Attach = Field(
            "bind", description="Bind an address for the receiver to connect to, or connect to its own."
        )
        key: str = Field("", max_length=255, description="Of pub: what a subscriber asks for; empty for none.")
        pass_tags: bool = Field(default=False, description="Pass tags; both ends must say the same.")
        hwm: int = Field(64, ge=1, le=1 << 16, description="Messages of up to 65536 samples that wait here at most.")
        when_full: Literal["block", "drop"] = Field(
            "block", description="Wait for a receiver that is slow or not there yet, or drop samples and count them."
        )
        sample_rate_hz: float | None = Field(
            None, gt=0, description="The receiver's sample rate in Hz; null for that of the stream."
        )

        @model_validator(mode="after")
        def _fits(self) -> ZmqSink.Params:
            if self.key and self.pattern != "pub":
                raise ValueError(f"expected a key with pattern pub alone, got key {self.key!r} with {self.pattern}")
            return self

    params: Params

    def start(self) -> None:
        """Open the socket."""
        p = self.params
        self._sender = open_sender(
            p.pattern, p.address, p.attach, key=p.key.encode(), high_water=p.hwm, counted=self.counted
        )
        self._patience_ms = WAIT_MS if p.when_full == "block" else 0
        self._next = 0  # number of the sample that follows what came
        self._over_at_s: float | None = None

    def work(self, samples: Samples, stream: Stream) -> None:
        """Send one chunk, in as many messages as the receiver asks for."""
        self._check_rate(stream.sample_rate_hz)
        samples = self._finite(samples)
        self._next = stream.offset + samples.size
        at = 0
        while at < samples.size:
            room = self._sender.room(self._patience_ms)
            piece = samples[at : at + (room or 0)]
            if room is not None and self._sender.send(self._packed(piece, stream, at)):
                at += piece.size
            elif self.params.when_full == "drop" or self._is_over():
                break
        self.count(sent_samples=at, lost_samples=samples.size - at)

    def finish(self, run: RunContext) -> Iterator[None] | None:
        """Give the socket back, once what was sent has gone."""
        last = pack_stream(np.empty(0, np.complex64), self._next if self.params.pass_tags else None)
        self._sender.close(last, lambda: not self._is_over())
        return None

    def _packed(self, piece: Samples, stream: Stream, at: int) -> bytes:
        if not self.params.pass_tags:
            return pack_stream(piece)
        first = stream.offset + at
        tags = [
            Tag(note.offset, note.key, note.value)
            for note in stream.annotations
            if 0 <= note.offset - first < piece.size
        ]
        return pack_stream(piece, first, tags)

    def _is_over(self) -> bool:
        """Whether the run was told to stop, and the moment that remains for the receiver has passed."""
        if self.stopping and self._over_at_s is None:
            self._over_at_s = time.monotonic() + GRACE_S
        return self._over_at_s is not None and time.monotonic() >= self._over_at_s

    def _check_rate(self, rate_hz: float) -> None:
        expected = self.params.sample_rate_hz
        if expected is not None and not np.isclose(rate_hz, expected, rtol=1e-6, atol=0):
            raise SignalError(
                f"expected samples at {expected:g} Hz, the receiver's rate, got {rate_hz:g} Hz; run both at one rate"
            )

    def _finite(self, samples: Samples) -> Samples:
        if np.isfinite(samples.view(np.float32)).all():
            return samples
        good = np.isfinite(samples)
        self.count(nonfinite_samples=samples.size - int(good.sum()))
        return np.where(good, samples, np.complex64(0))
