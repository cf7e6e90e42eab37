"""`radio/zmq_sink`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pydantic import Field, model_validator

from ...sim.level import drive, finite
from ...sim.radio_formats.stream_message import Tag, pack_stream
from ..block import Block, RunContext
from ..envelope import Stream
from ..params import BlockParams, Live
from ..ports import Samples
from ._delivery import Grace, WhenFull, check_rate, deliver
from ._senders import SendPattern, open_sender
from ._socket import Address, Attach

__all__ = ["ZmqSink"]


class ZmqSink(Block):
    r"""Gives samples to a ZeroMQ source of GNU Radio.

    .. math:: m[i] = x[n_0 + i], \quad \text{number in the header of message } m = n_0

    The other end is a SUB, PULL or REQ source of type complex. With ``pass_tags`` at both ends annotations become tags
    (without their lengths) and each message says where it lies, so that a gap in the stream is one for the receiver.

    Input:   samples: complex64 ``[n]``. What is not a number or infinite is sent as 0.
    Raises:  RunError: the address cannot be bound or connected to. SignalError: the stream has another sample rate.
    State:   counts: ``sent_samples``, ``lost_samples`` (nobody took them), ``clipped_samples``, ``non_finite_samples``,
             ``refused_requests``.
    Source:  GNU Radio 3.10, gr-zeromq, ``tag_headers.cc`` and ``rep_sink_impl.cc``.
    Example: ``tx: {use: radio/zmq_sink, address: "ipc://tx", pattern: pub, when_full: drop, headroom_db: 0}``
    """

    class Params(BlockParams):
        """Parameters."""

        address: Address = Field("tcp://127.0.0.1:5556", description="tcp://host:port or ipc://path.")
        pattern: SendPattern = Field(
            "push", description="The end played here: pub for sub, push for pull, rep for req."
        )
        attach: Attach = Field(
            "bind", description="Bind an address for the receiver to connect to, or connect to its own."
        )
        key: str = Field("", max_length=255, description="Of pub: what a subscriber asks for; empty for none.")
        pass_tags: bool = Field(default=False, description="Pass tags; both ends must say the same.")
        hwm: int = Field(64, ge=1, le=1 << 16, description="Messages of up to 65536 samples that wait here at most.")
        when_full: WhenFull = Field(
            "block", description="Wait for a receiver that is slow or not there yet, or drop samples and count them."
        )
        sample_rate_hz: float | None = Field(
            None, gt=0, description="The receiver's sample rate in Hz; null for that of the stream."
        )
        scale_db: Live[float] = Field(0.0, ge=-200, le=200, description="Gain before sending, in dB.")
        headroom_db: float | None = Field(
            None, ge=0, le=100, description="I and Q are clipped so far below 1, in dB, and counted; null for never."
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
        self._grace = Grace()
        self._next = 0  # number of the sample that follows what came

    def work(self, samples: Samples, stream: Stream) -> None:
        """Send one chunk, in as many messages as the receiver asks for."""
        p = self.params
        check_rate(stream.sample_rate_hz, p.sample_rate_hz)
        samples, nonfinite = finite(samples)
        samples, clipped = drive(samples, p.scale_db, p.headroom_db)
        self._next = stream.offset + samples.size

        def pack(piece: Samples, at: int) -> bytes:
            return pack_stream(piece, *self._said(stream, stream.offset + at, piece.size))

        wait_ms = self._grace.wait_ms(p.when_full, stopping=self.stopping)
        sent = deliver(self._sender, samples, pack, self._gives_up, wait_ms)
        self.count(
            sent_samples=sent,
            lost_samples=samples.size - sent,
            clipped_samples=clipped,
            non_finite_samples=nonfinite,
        )

    def finish(self, run: RunContext) -> Iterator[None] | None:
        """Give the socket back, once what was sent has gone."""
        last = pack_stream(np.empty(0, np.complex64), self._next if self.params.pass_tags else None)
        self._sender.close(last, lambda: not self._grace.over(stopping=self.stopping))
        return None

    def _said(self, stream: Stream, first: int, count: int) -> tuple[int | None, list[Tag]]:
        """What the header of a message says: the number of its first sample, and tags."""
        if not self.params.pass_tags:
            return None, []
        notes = [note for note in stream.annotations if 0 <= note.offset - first < count]
        return first, [Tag(note.offset, note.key, note.value) for note in notes]

    def _gives_up(self) -> bool:
        return self.params.when_full == "drop" or self._grace.over(stopping=self.stopping)
