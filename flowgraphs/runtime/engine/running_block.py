"""One block at work: calls `work`, and keeps what plain blocks never see: identities, envelopes, types, errors.

Both executors run their blocks through a `RunningBlock`, so that what a block does to an item is written once.
"""

from __future__ import annotations

import inspect
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from ....blocks.block import Block, RunContext
from ....blocks.call import arguments, checked, written
from ....blocks.envelope import Envelope, Header, Identity, Out, Stream, Trace
from ....blocks.lookup import load_block
from ....blocks.ports import PORT_TYPES
from ....blocks.signature import read_signature
from ....errors import BlockError, SemcomError, SignalError
from ..counts import BlockReport
from ..graph import BlockNode, Edge
from ..item import Item
from .stream_door import NOTHING_SAID, StreamDoor

__all__ = ["NOTHING_YET", "Emitted", "RunningBlock", "build_block", "merge_envelopes"]

# Blocks start in threads of their own, and to start is to import. Python lets threads that import modules of one
# package in opposite orders see them half made rather than wait for ever, and SciPy or Torch fails. One at a time.
_IMPORTING = threading.RLock()

HELD_AT_MOST = 4096  # envelopes kept for a block that returns None; beyond it, such items count as dropped by the block
_NO_MORE: Any = object()  # what an iterator of a block gives at its end: it may not yield None
_NO_HEADER, _NO_STATE = Envelope().header, Envelope().state
Emitted = tuple[Item | None, ...]  # one entry an output port, in the order of the signature
NOTHING_YET: Emitted = ()  # of a source that waits for a peer: the runtime looks at its commands, and asks again


def build_block(node: BlockNode, seed: int) -> Block:
    """Import a block's class and make the object.

    Raises:
        UnknownBlock: its file does not load.
        BlockError: its parameters or constructor raise.
    """
    with _IMPORTING:
        cls = load_block(node.use)
    try:
        return cls(cls.Params.model_validate(node.params), name=node.name, seed=seed)
    except BaseException as error:
        if _is_ctrl_c(error):
            raise
        raise _block_error(node.name, cls, None, error, node.where) from error


class RunningBlock:
    """A block with its ports, called item by item.

    Args:
        block: The block; `start` is the caller's to call, through `RunningBlock.start`.
        torch_threads: Threads of torch calls in the calling thread.
        edges: Those at the block: where a port takes one of several types, they say which it is.
        where: Where the flowgraph's author wrote the block: errors begin with it.

    Attributes:
        door: Of a block with streams: where its samples lie.
        withheld: Items that went in and never came out, known at the end.

    State: numbers of the items and samples that it has emitted, and the envelopes of items that the block holds back.
    """

    def __init__(self, block: Block, torch_threads: int, edges: Sequence[Edge] = (), where: str = "") -> None:
        self.torch_threads, self.where = torch_threads, where
        self.door = StreamDoor()
        self.withheld = 0
        self._edges = tuple(edges)
        self._count = 0  # items emitted where this block numbers them itself
        self._seen = -1  # the highest seq that came in, or was made
        self._part = (-1, 0)  # seq, next part of it
        self._held: dict[tuple[int, int], Envelope] = {}
        self._take(block)

    def _take(self, block: Block) -> None:
        self.block = block
        self.signature = read_signature(type(block))
        takes, gives = self.signature.resolved(
            {edge.target_port: PORT_TYPES[edge.port] for edge in self._edges if edge.target == block.name},
            {edge.source_port: PORT_TYPES[edge.port] for edge in self._edges if edge.source == block.name},
        )
        self._ports = tuple(gives.items())
        self._nothing = (None,) * len(self._ports)
        self._where = tuple(f"output '{name}'" for name, _ in self._ports)
        self._streams_in = tuple(name for name, port in takes.items() if port.stream)
        self._stream_in = bool(self._streams_in)
        self._stream_out = any(port.stream for port in gives.values())
        self._finds = self._stream_in and not all(port.stream for port in gives.values())
        self._asks = bool(self.signature.injected)
        self._asks_stream = "stream" in self.signature.injected.values()
        self._default_rate_hz = getattr(block.params, "sample_rate_hz", 1.0)
        self.door.open([name for name, port in self._ports if port.stream])
        self._torch_settled = False
        self._finish_due = False

    def start(self) -> None:
        """Start the block. Raises BlockError."""
        with _IMPORTING:
            self._guard(None, self.block.start)
        self._finish_due = True
        self.settle_torch()

    def settle_torch(self) -> None:
        """Fix the number of torch's threads in this thread, once torch is there; results depend on it."""
        set_num_threads = getattr(sys.modules.get("torch"), "set_num_threads", None)
        if not self._torch_settled and set_num_threads is not None:  # None while another thread is importing torch
            set_num_threads(self.torch_threads)
            self._torch_settled = True

    def replace_block(self, block: Block, where: str = "") -> None:
        """Put another block, which has started, in this one's place; numbers of items and samples go on."""
        block.heritage, block.stopping = self.block.heritage, self.block.stopping
        self._take(block)
        self.where = where
        self._finish_due = True
        self._held.clear()
        self.settle_torch()

    def produce(self) -> Iterator[Emitted]:
        """Run a source: every item that it yields, as emitted; `NOTHING_YET` while it waits. Raises BlockError."""
        iterator = self._guard(None, self.block.work)
        while True:
            result = self._guard(self._count, next, iterator, _NO_MORE)
            if result is _NO_MORE:
                return
            if result is None:
                yield NOTHING_YET
                continue
            self.settle_torch()
            if isinstance(result, Out) and result.identity is not None:
                self._count = self._own_number(result.identity)
            self._seen = self._count
            envelope = Envelope(identity=Identity(self._count), trace=Trace(born_s=time.time()))
            if not self._stream_out:
                self._count += 1
            yield self._emit(result, envelope)

    def _own_number(self, identity: Identity) -> int:
        """Let a source number its items itself, upward: a part of a longer list keeps the numbers of the whole."""
        if identity.seq < self._count or identity != Identity(identity.seq):
            raise self._wrong(
                self._count, f"expected an item of number {self._count} or above, in one part, got {identity}"
            )
        return identity.seq

    def step(self, inputs: Mapping[str, Item]) -> Iterator[Emitted]:
        """Call `work` on one item an input port. Raises BlockError."""
        envelopes = [item.envelope for item in inputs.values()]
        merged = envelopes[0]
        if len(envelopes) > 1:
            merged = self._guard(merged.identity.seq, merge_envelopes, envelopes)
        seq = merged.identity.seq
        self._seen = max(self._seen, seq)
        values = {name: item.value for name, item in inputs.items()}
        stream = None
        if self._stream_in:
            stream = self.door.arrive(
                merged, next((values[name].size for name in self._streams_in if name in values), 0)
            )
        elif self._stream_out:
            self.door.send(merged.identity, merged.trace)
            stream = self._next_stream() if self._asks_stream else None
        if self._asks:
            values = arguments(self.signature, values, merged, stream)
        result = self._guard(seq, self.block.work, **values)
        if not self._torch_settled:
            self.settle_torch()
        if result is None:
            if self._ports:
                self._hold(merged)
        elif isinstance(result, Iterator):
            self._hold(merged)
            yield from self._several(result, merged)
        else:
            yield self._one(result, merged)

    def _one(self, result: Any, envelope: Envelope) -> Emitted:
        """Emit one item; of several outputs that are all left empty, the block has held it back."""
        if isinstance(result, Out) and result.identity is not None:
            self._hold(envelope)
        emitted = self._emit(result, envelope)
        if self.signature.named_outputs and not self._stream_in and emitted == self._nothing:
            self._hold(envelope)
        return emitted

    def _next_stream(self) -> Stream:
        """Where the samples that a block makes of an item will lie."""
        return Stream(self.door.next_offset, self._default_rate_hz)

    def finish(self, run: RunContext, *, going_on: bool = False) -> Iterator[Emitted]:
        """Flush the block. Raises BlockError.

        What it yields without an identity counts as one further item, in parts; where another block takes its place
        (``going_on``), as further parts of the last item that came in.
        """
        self._finish_due = False
        rest = self._guard(None, self.block.finish, run)
        if rest is not None:
            seq = max(self._seen, 0) if going_on else self._seen + 1
            yield from self._several(iter(rest), Envelope(identity=Identity(seq)))
        self.withheld += 0 if self._stream_in else len(self._held)
        self._held.clear()

    def report_to(self, report: BlockReport) -> None:
        """Add what the block measured and wrote; after a swap, and at the end."""
        for name, (count, total) in self.block.measured.items():
            old_count, old_total = report.measured.get(name, (0, 0.0))
            report.measured[name] = (old_count + count, old_total + total)
        report.files += [str(path) for path in self.block.files if str(path) not in report.files]
        report.tables |= self.block.tables
        for name, number in self.block.counted.items():
            report.counted[name] = report.counted.get(name, 0) + number
        for name, seqs in self.block.named.items():
            report.named[name] = report.named.get(name, []) + seqs
        report.doubled, report.late, report.withheld = self.door.doubled, self.door.late, self.withheld

    def finish_early(self, run: RunContext) -> None:
        """Let a sink of a run that failed keep what it has: pictures, rows, a report that says it is not whole.

        Does nothing where the block has not started, or has been told to finish already. Raises BlockError.
        """
        self.block.stopping = True
        if self.signature.is_sink and self._finish_due:
            for _ in self.finish(replace(run, complete=False)):
                pass

    def _several(self, results: Iterator[Any], envelope: Envelope) -> Iterator[Emitted]:
        """Emit what an iterator yields as parts of one item; the last one is known by looking one ahead."""
        seq = envelope.identity.seq
        own = False
        ahead = self._guard(seq, next, results, _NO_MORE)
        while ahead is not _NO_MORE:
            result, ahead = ahead, self._guard(seq, next, results, _NO_MORE)
            own = own or not isinstance(result, Out) or result.identity in (None, envelope.identity)
            yield self._emit(result, envelope, part_of=envelope.identity, last=ahead is _NO_MORE)
        if own and self._held.get((seq, envelope.identity.part)) is envelope:  # it became these parts
            del self._held[seq, envelope.identity.part]

    def _emit(self, result: Any, envelope: Envelope, part_of: Identity | None = None, *, last: bool = True) -> Emitted:
        value, out = result, NOTHING_SAID
        if isinstance(result, Out):
            value, out = result.value, result
            if self._stream_in:
                envelope = written(envelope, out)
            else:
                envelope, part_of = self._written(out, envelope, part_of)
                self.door.amend(envelope.identity, envelope.trace)
        values = value if self.signature.named_outputs else (value,)
        if result is None or not isinstance(values, tuple) or len(values) != len(self._ports):
            raise self._wrong_output(value, envelope)
        if self._finds:
            found = self._found(out, envelope)
            if found is None:
                return self._nothing
            envelope = found
        elif part_of is not None and not self._stream_in:
            seq, part = self._part
            part = part if seq == part_of.seq else 0
            self._part = (part_of.seq, part + 1)
            envelope = msgspec.structs.replace(envelope, identity=Identity(part_of.seq, part, part_of.last and last))
        elif self._part[0] < envelope.identity.seq:
            self._part = (envelope.identity.seq, 1)
        emitted = tuple(
            None if array is None else self._item(index, array, envelope, out) for index, array in enumerate(values)
        )
        if (self._stream_in or self._stream_out) and any(item is not None for item in emitted):
            self._count += 1
        return emitted

    def _found(self, out: Out[Any], envelope: Envelope) -> Envelope | None:
        """Number what comes out of a block behind a stream: by the frame's own number, where the block read one.

        None: that number has come before, and a join has gone past it.
        """
        if out.identity is None:
            return msgspec.structs.replace(envelope, identity=Identity(self._count), stream=None, sent=())
        trace = self._guard(self._count, self.door.find, out.identity)
        if trace is None:
            return None
        trace = trace.updated(out.label, out.trace)
        return msgspec.structs.replace(envelope, identity=out.identity, stream=None, sent=(), trace=trace)

    def _item(self, index: int, array: Any, envelope: Envelope, out: Out[Any]) -> Item:
        name, port = self._ports[index]
        try:
            array = checked(port, array, self._where[index])
            if not port.stream:
                return Item(envelope, array)
            stream, sent = self.door.leave(name, array.size, out, self._default_rate_hz)
        except SignalError as error:
            raise self._described(envelope.identity.seq, error) from None
        trace = Trace(born_s=envelope.trace.born_s)
        return Item(Envelope(Identity(self._count), stream, _NO_HEADER, _NO_STATE, trace, sent), array)

    def _written(self, out: Out[Any], envelope: Envelope, part_of: Identity | None) -> tuple[Envelope, Identity | None]:
        """Apply what a block wrote beside its value, to the envelope of the item that it names."""
        if out.identity is not None:
            key = (out.identity.seq, out.identity.part)
            held = self._held.get(key, envelope if out.identity == envelope.identity else None)
            if held is None:
                raise self._wrong(
                    envelope.identity.seq,
                    f"returned Out with identity {out.identity.seq}, an item it does not hold back",
                )
            if held is not envelope or part_of is None:
                self._held.pop(key, None)
                envelope, part_of = held, None
        return written(envelope, out), part_of

    def _hold(self, envelope: Envelope) -> None:
        self._held[envelope.identity.seq, envelope.identity.part] = envelope
        if len(self._held) > HELD_AT_MOST:
            del self._held[next(iter(self._held))]

    def _wrong_output(self, value: object, envelope: Envelope) -> BlockError:
        ports = ", ".join(f"{name}: {port}" for name, port in self._ports)
        expected = f"a NamedTuple ({ports})" if self.signature.named_outputs else ports or "nothing, it has no output"
        return self._wrong(envelope.identity.seq, f"expected {expected}, got {type(value).__name__}")

    def _wrong(self, seq: int, reason: str) -> BlockError:
        return self._described(seq, SignalError(reason))

    def _described(self, seq: int | None, error: BaseException) -> BlockError:
        return _block_error(self.block.name, type(self.block), seq, error, self.where)

    def _guard(self, seq: int | None, call: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return call(*args, **kwargs)
        except BlockError:
            raise
        except BaseException as error:  # whatever it raises becomes one error: block, item and line
            if _is_ctrl_c(error):
                raise
            raise self._described(seq, error) from error


def merge_envelopes(envelopes: list[Envelope]) -> Envelope:
    """Merge what came with the inputs of one item: headers united, states and traces laid over in their order.

    Raises:
        SignalError: two headers disagree.
    """
    first = envelopes[0]
    header, state, trace = first.header, first.state, first.trace
    for other in envelopes[1:]:
        header = _merge_headers(header, other.header)
        state = state.updated(other.state)
        born_s = min((born for born in (trace.born_s, other.trace.born_s) if born), default=0.0)
        trace = Trace(
            label=trace.label or other.trace.label, born_s=born_s, values={**trace.values, **other.trace.values}
        )
    stream, sent = first.stream, first.sent
    if stream is not None and len(envelopes) > 1:  # chunks of the same samples: what was said of them is united
        notes = {note: None for envelope in envelopes if envelope.stream for note in envelope.stream.annotations}
        stream = stream._replace(annotations=tuple(sorted(notes, key=lambda note: note.offset)))
        frames = {(frame.seq, frame.part): frame for envelope in envelopes for frame in envelope.sent}
        sent = tuple(sorted(frames.values(), key=lambda frame: frame.offset))
    return Envelope(identity=first.identity, stream=stream, header=header, state=state, trace=trace, sent=sent)


def _merge_headers(one: Header, other: Header) -> Header:
    if one is other or not other:
        return one
    return other if not one else one.merged(other)


def _is_ctrl_c(error: BaseException) -> bool:
    """Whether the user interrupts: Python tells the main thread alone. In another thread the block raised it."""
    return isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread()


def _block_error(name: str, cls: type[Block], seq: int | None, error: BaseException, where: str) -> BlockError:
    """Describe an exception by the block's own file and line: where the traceback passes through it, else `work`."""
    file = inspect.getsourcefile(cls) or "?"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    line = lines[-1] if lines else cls.work.__code__.co_firstlineno
    reason = str(error) if isinstance(error, SemcomError) else f"{type(error).__name__}: {error}"
    described = BlockError(name, f"{file}:{line}", seq, " ".join(reason.split()), where)
    described.exit_code = getattr(error, "exit_code", 1)
    return described
