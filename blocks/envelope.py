"""What travels around an item: identity, header, receiver state and trace. Plain blocks never see it.

A block asks for a part of it by the annotation of a further `work` argument (`Header`, `State`, `Trace`, `Identity`,
`Stream`) and writes by returning `Out`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..errors import SignalError, printable
from ..sim.bandwidth import robust_uses
from ..sim.side_information.field import HeaderField, Unsent
from ..sim.waveform.reception import Reception

__all__ = [
    "Annotation",
    "Envelope",
    "Header",
    "HeaderEntry",
    "Identity",
    "Out",
    "SentFrame",
    "State",
    "Stream",
    "Trace",
]

T = TypeVar("T")
F = TypeVar("F", bound="HeaderField")


class Identity(NamedTuple):
    """Which item this is: its number at the source, and its part where one item became several."""

    seq: int = 0
    part: int = 0
    last: bool = True


class Annotation(NamedTuple):
    """What a block says of one place in a stream: where a burst starts, what a radio tagged.

    Attributes:
        offset: Of the sample in its stream; where a block writes one, from the first sample of its chunk.
        key: What it says: ``burst_start``.
        value: Of it, if there is one.
        length: Samples that it holds for; 0 for a single place.
    """

    offset: int
    key: str
    value: float | int | str | bool | None = None
    length: int = 0


class Stream(NamedTuple):
    """Where a chunk of `Samples` stands in its stream.

    Attributes:
        offset: Number of its first sample.
        sample_rate_hz: Of the stream.
        gap_samples: Samples that were lost right before it: an overflow of a radio, an edge that dropped.
        annotations: Those that lie in it, by rising offset.
    """

    offset: int = 0
    sample_rate_hz: float = 1.0
    gap_samples: int = 0
    annotations: tuple[Annotation, ...] = ()


class HeaderEntry(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, repr_omit_defaults=True):
    """One field of a header as it travels, packed: blocks that pass it on need not know its class.

    Attributes:
        bits: How many.
        packed: The bits, eight a byte, the first in the highest place; zeros fill the last byte.
        sent: They go on the air, and are charged.
    """

    bits: int
    packed: bytes
    sent: bool = True


class Header(Mapping[str, HeaderEntry]):
    """The fields that came with an item, by class name; `read` unpacks one."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Mapping[str, HeaderEntry] | None = None) -> None:
        self._entries = dict(entries or {})

    def __getitem__(self, name: str) -> HeaderEntry:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"Header({self._entries!r})"

    @property
    def bits(self) -> int:
        """Bits of all that is sent: what is charged to the bandwidth."""
        return sum(entry.bits for entry in self._entries.values() if entry.sent)

    @property
    def uses(self) -> int:
        """Channel uses charged for the whole header, rounded up."""
        return robust_uses(self.bits)

    def read(self, field: type[F], /) -> F:
        """Return the field of this class.

        Raises:
            SignalError: no block upstream wrote it, or what came is no such field.
        """
        entry = self._entries.get(field.__name__)
        if entry is None:
            have = ", ".join(self._entries) or "nothing"
            raise SignalError(f"header: expected {field.__name__}, got {have}; connect a block that writes it")
        return field.unpack(np.unpackbits(np.frombuffer(entry.packed, np.uint8), count=entry.bits), self)

    def with_fields(self, *fields: HeaderField | Unsent) -> Header:
        """Return a header with these fields added; a field of the same class is replaced.

        Raises:
            SignalError: an attribute is out of the range that its bits hold.
        """
        new = {}
        for given in fields:
            field = given.field if isinstance(given, Unsent) else given
            bits = field.pack()
            new[type(field).__name__] = HeaderEntry(bits.size, np.packbits(bits).tobytes(), field is given)
        return Header({**self._entries, **new})

    def merged(self, other: Header) -> Header:
        """Return the union of two headers that met at a block with several inputs.

        Raises:
            SignalError: both carry the same field with different values.
        """
        for name in self._entries.keys() & other._entries.keys():
            if self._entries[name] != other._entries[name]:
                one, two = (entry.packed.hex() for entry in (self._entries[name], other._entries[name]))
                raise SignalError(f"header: two inputs disagree on {name}: {one} and {two} (hexadecimal)")
        return Header({**self._entries, **other._entries})


class State(msgspec.Struct, frozen=True, kw_only=True, eq=False, gc=False):
    """What the receiver itself knows: free of charge, made by channels, equalisers and synchronisation.

    Attributes:
        n0: Effective noise variance per complex symbol after equalisation: one number or float32 ``[n]``.
        h: Channel coefficient per symbol, complex64 ``[n]``.
        esn0_db: Estimated mean Es/N0 in dB.
        csi: How the channel state became known.
        crc_ok: Every check sum of the frame held: what the decoder of a channel code found.
        reception: What a receiver saw of the burst, for whoever looks at the receiver: no decoder reads it.
    """

    n0: float | NDArray[np.float32] | None = None
    h: NDArray[np.complex64] | None = None
    esn0_db: float | None = None
    csi: Literal["perfect", "pilots"] | None = None
    crc_ok: bool | None = None
    reception: Reception | None = None

    def updated(self, new: State) -> State:
        """Return this state with every field that ``new`` has set."""
        return State(**{name: _or(getattr(new, name), getattr(self, name)) for name in self.__struct_fields__})


class Trace(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The truth, for measurements alone; no decoder may read it.

    Attributes:
        label: Where the item came from: a picture's file name without its ending.
        born_s: When the source made it, seconds of the host's clock; 0 when unknown.
        age_s: Seconds since then, filled in on delivery; never stored.
        values: Named measurements of blocks. Of channels ``signal_energy`` and ``noise_energy`` (means per payload
            symbol, where the noise is added), ``channel_uses`` (payload), ``pilot_uses``, ``header_uses``,
            ``channel_estimate_mse`` (mean of ``|h_estimated - h|^2``), ``waveform_efficiency`` (channel uses over all
            that the waveform takes: cyclic prefix, preamble, elements left empty), ``erased`` (share of the symbols),
            ``papr_db``; of coded links
            ``blocks``, ``block_errors``, ``file_bytes``, ``container_bytes``, ``failed`` (1: the picture could not be
            decoded), ``counts_as_zero`` (1: its PSNR and SSIM count as 0); of pictures that were not sent
            ``budget_bytes``, ``least_bytes`` of the smallest file, and ``least_cbr``, at which it would fit.
    """

    label: str = ""
    born_s: float = 0.0
    age_s: float = 0.0
    values: dict[str, float] = msgspec.field(default_factory=dict)

    def updated(self, label: str | None, values: Mapping[str, float]) -> Trace:
        """Return this trace with a label (if there is one) and values added."""
        new = self.label if label is None else label
        return Trace(label=new, born_s=self.born_s, age_s=self.age_s, values={**self.values, **values})


class SentFrame(NamedTuple):
    """The truth of a frame that became samples: it travels beside the stream, for measurements alone.

    Attributes:
        offset: Of the frame's first sample.
        seq, part: Its identity when it was an item.
        trace: What was known of it then. Whoever finds the frame and reads its number gives it its trace back.
    """

    offset: int
    seq: int
    part: int
    trace: Trace


class Envelope(msgspec.Struct, frozen=True, gc=False):  # one an item: none of them ever holds a cycle
    """All that travels around one item; ``sent`` around chunks of `Samples` alone."""

    identity: Identity = Identity()
    stream: Stream | None = None
    header: Header = Header()
    state: State = State()
    trace: Trace = Trace()
    sent: tuple[SentFrame, ...] = ()


class Out(Generic[T]):
    """What `work` returns when it writes more than a value.

    Args:
        value: The item, or the `NamedTuple` of a block with several outputs.
        header: Fields to add to the header.
        state: What the receiver learnt; fields that are ``None`` leave what is there.
        label: A name for the item (sources); `printable`.
        trace: Measurements, by name.
        identity: Of an earlier item that `work` held back (it returned ``None`` then): the output carries that item's
            envelope on, not the present one's. Of a source: the item's number, where it numbers its items itself. Of a
            block that finds frames in `Samples`: the number that it read in the frame; it has its trace back, and a
            join pairs it with the item that was sent.
        sample_rate_hz: Sample rate of a chunk of `Samples`, where it differs from the input's (or there is none).
        offset: Number of the chunk's first sample, where samples before it were lost (of sources: an overflow).
        annotations: Of a chunk of `Samples`; their offsets count from its first sample.
    """

    __slots__ = ("annotations", "header", "identity", "label", "offset", "sample_rate_hz", "state", "trace", "value")

    def __init__(
        self,
        value: T,
        *,
        header: HeaderField | tuple[HeaderField | Unsent, ...] = (),
        state: State | None = None,
        label: str | None = None,
        trace: Mapping[str, float] | None = None,
        identity: Identity | None = None,
        sample_rate_hz: float | None = None,
        offset: int | None = None,
        annotations: tuple[Annotation, ...] = (),
    ) -> None:
        self.value = value
        self.header = header if isinstance(header, tuple) else (header,)
        self.state = state
        self.label = None if label is None else printable(label)
        self.trace = dict(trace or {})
        self.identity = identity
        self.sample_rate_hz = sample_rate_hz
        self.offset = offset
        self.annotations = annotations


def _or(new: Any, old: Any) -> Any:
    return old if new is None else new
