"""`radio/zmq_source`."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field, model_validator

from ...errors import SignalError
from ...sim.level import finite
from ...sim.radio_formats.pmt import pmt_text
from ...sim.radio_formats.requests import MAX_CREDIT, pack_credit
from ...sim.radio_formats.stream_message import StreamMessage, Tag, unpack_stream
from ..block import Block
from ..envelope import Annotation, Out
from ..params import BlockParams
from ..ports import Samples
from ._position import Position
from ._receivers import ReceivePattern, Receiver, listen
from ._socket import Address, Attach

__all__ = ["ZmqSource"]

RATE_TAG = "rx_rate"  # what hardware sources of GNU Radio say when they start, and when their rate changes
RATE_TOLERANCE = 1e-6


class ZmqSource(Block):
    r"""Takes samples from a ZeroMQ sink of GNU Radio.

    .. math:: x[n_0 + i] = m[i], \quad n_0 = \text{number in the header of message } m

    The other end is a PUB, PUSH or REP sink of type complex. With ``pass_tags`` at both ends tags become annotations,
    and the numbers in the headers prove what was lost on the way: such a gap is told to the blocks behind. A sender
    that is started again is picked up; the first sample of the new start has the annotation ``sender_restart``.

    Output:  complex64 ``[n]``, one message each. What is not a number or infinite becomes 0.
    Raises:  RunError: the address cannot be bound or connected to. SignalError: the sender has another sample rate.
    State:   the sender's numbers, and counts: ``lost_samples``, ``restarts``, ``refused_messages``,
             ``non_finite_samples``, ``asked_again``, ``unplaced_tags``, ``joined_at_sample``.
    Source:  GNU Radio 3.10, gr-zeromq, ``tag_headers.cc`` and ``req_source_impl.cc``.
    Example: ``rx: {use: radio/zmq_source, address: "tcp://127.0.0.1:5556", pass_tags: true, sample_rate_hz: 1e6}``
    """

    class Params(BlockParams):
        """Parameters."""

        address: Address = Field("tcp://127.0.0.1:5555", description="tcp://host:port or ipc://path.")
        pattern: ReceivePattern = Field(
            "pull", description="The end played here: sub for pub, pull for push, req for rep."
        )
        attach: Attach = Field("connect", description="Connect to an address, or bind it for the sender to connect to.")
        key: str = Field("", max_length=255, description="Of sub: the sender's key, or how it begins; empty for none.")
        pass_tags: bool = Field(default=False, description="The sender passes tags; both ends must say the same.")
        hwm: int = Field(64, ge=1, le=1 << 16, description="Messages that wait here at most.")
        credit: int = Field(1 << 16, ge=1, le=MAX_CREDIT, description="Of req: samples asked for at a time.")
        sample_rate_hz: float = Field(1e6, gt=0, description="The sender's sample rate in Hz.")

        @model_validator(mode="after")
        def _fits(self) -> ZmqSource.Params:
            if self.key and self.pattern != "sub":
                raise ValueError(f"expected a key with pattern sub alone, got key {self.key!r} with {self.pattern}")
            return self

    params: Params

    def start(self) -> None:
        """Open the socket."""
        p = self.params
        self._receiver = Receiver(
            p.pattern,
            p.address,
            p.attach,
            key=p.key.encode(),
            request=pack_credit(p.credit),
            high_water=p.hwm,
            counted=self.counted,
        )

    def work(self) -> Iterator[Out[Samples] | None]:
        """Yield one chunk a message; None where none comes."""
        self._position: Position = self.heritage.setdefault("position", Position())  # a swap leaves no hole
        yield from listen(self, self._receiver, self._read)

    def _read(self, data: memoryview) -> Out[Samples] | None:
        message = unpack_stream(data, pass_tags=self.params.pass_tags)
        return self._placed(message) if message.items.size else None

    def _placed(self, message: StreamMessage) -> Out[Samples]:
        items, position = message.items, self._position
        lost, first = position.lost, position.joined_at is None
        start, restarted = position.place(message.offset, items.size)
        if first and position.joined_at is not None:
            self.count(joined_at_sample=position.joined_at)
        self.count(lost_samples=position.lost - lost, restarts=int(restarted))
        notes = [Annotation(0, "sender_restart")] if restarted else []
        if message.tags and message.offset is not None:
            notes += self._annotations(message.tags, message.offset, items.size)
        items, nonfinite = finite(items)
        self.count(non_finite_samples=nonfinite)
        return Out(items, offset=start, annotations=tuple(notes), sample_rate_hz=self.params.sample_rate_hz)

    def _annotations(self, tags: tuple[Tag, ...], offset: int, count: int) -> list[Annotation]:
        notes = []
        for tag in tags:
            if not 0 <= tag.offset - offset < count:
                self.count(unplaced_tags=1)
                continue
            if tag.key == RATE_TAG:
                self._check_rate(tag.value)
            plain = tag.value is None or isinstance(tag.value, bool | int | float | str)
            notes.append(Annotation(tag.offset - offset, _text(tag.key), tag.value if plain else pmt_text(tag.value)))
        return sorted(notes, key=lambda noted: noted.offset)

    def _check_rate(self, rate_hz: object) -> None:
        expected = self.params.sample_rate_hz
        if isinstance(rate_hz, float | int) and abs(rate_hz - expected) > RATE_TOLERANCE * expected:
            raise SignalError(
                f"expected a sender at {expected:g} Hz, got {rate_hz:g} Hz (its tag {RATE_TAG}); set "
                "sample_rate_hz to it, and put radio/resample behind for another rate"
            )


def _text(key: object) -> str:
    return key if isinstance(key, str) else pmt_text(key)
