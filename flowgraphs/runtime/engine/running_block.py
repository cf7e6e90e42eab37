"""One block at work: calls `work`, and keeps what plain blocks never see: identities, envelopes, types, errors.

Both executors run their blocks through a `RunningBlock`, so that what a block does to an item is written once.
"""

from __future__ import annotations

import inspect
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from ....blocks.block import Block, RunContext
from ....blocks.envelope import Envelope, Header, Identity, Out, Stream, Trace
from ....blocks.lookup import load_block
from ....blocks.signature import read_signature
from ....errors import BlockError, SemcomError, SignalError
from ..graph import BlockNode
from ..item import Item

__all__ = ["Emitted", "RunningBlock", "build_block", "merge_envelopes"]

# Blocks start in threads of their own, and to start is to import. Python lets threads that import modules of one
# package in opposite orders see them half made rather than wait for ever, and SciPy or Torch fails. One at a time.
_IMPORTING = threading.RLock()

HELD_AT_MOST = 4096  # envelopes kept for a block that returns None; beyond it, such items count as dropped by the block


_NO_MORE: Any = object()  # what an iterator of a block gives at its end: it may not yield None
Emitted = tuple[Item | None, ...]  # one entry an output port, in the order of the signature


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
    except (Exception, SystemExit) as error:
        raise _block_error(node.name, cls, None, error) from error


class RunningBlock:
    """A block with its ports, called item by item.

    Args:
        block: The block; `start` is the caller's to call, through `RunningBlock.start`.
        torch_threads: Threads of torch calls in the calling thread.

    State: numbers of the items and samples that it has emitted, and the envelopes of items that the block holds back.
    """

    def __init__(self, block: Block, torch_threads: int) -> None:
        self.torch_threads = torch_threads
        self._offsets: dict[str, int] = {}  # output → samples emitted
        self._count = 0  # items emitted where this block numbers them itself
        self._seen = -1  # the highest seq that came in, or was made
        self._part = (-1, 0)  # seq, next part of it
        self._held: dict[tuple[int, int], Envelope] = {}
        self._take(block)

    def _take(self, block: Block) -> None:
        self.block = block
        self.signature = read_signature(type(block))
        self._ports = tuple(self.signature.outputs.items())
        self._where = tuple(f"output '{name}'" for name, _ in self._ports)
        self._injected = tuple(self.signature.injected.items())
        self._stream_in = any(port.type.stream for port in self.signature.inputs.values())
        self._stream_out = any(port.stream for port in self.signature.outputs.values())
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

    def replace_block(self, block: Block) -> None:
        """Put another block, which has started, in this one's place; numbers of items and samples go on."""
        self._take(block)
        self._finish_due = True
        self._held.clear()
        self.settle_torch()

    def produce(self) -> Iterator[Emitted]:
        """Run a source: every item that it yields, as emitted. Raises BlockError."""
        iterator = self._guard(None, self.block.work)
        while True:
            result = self._guard(self._count, next, iterator, _NO_MORE)
            if result is _NO_MORE:
                return
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
            reason = SignalError(f"expected an item of number {self._count} or above, in one part, got {identity}")
            raise _block_error(self.block.name, type(self.block), self._count, reason)
        return identity.seq

    def step(self, inputs: Mapping[str, Item]) -> Iterator[Emitted]:
        """Call `work` on one item an input port. Raises BlockError."""
        arguments: dict[str, Any] = {name: item.value for name, item in inputs.items()}
        envelopes = [item.envelope for item in inputs.values()]
        merged = envelopes[0]
        if len(envelopes) > 1:
            merged = self._guard(merged.identity.seq, merge_envelopes, envelopes)
        for name, attribute in self._injected:
            arguments[name] = self._injection(attribute, merged)
        seq = merged.identity.seq
        self._seen = max(self._seen, seq)
        result = self._guard(seq, self.block.work, **arguments)
        if not self._torch_settled:
            self.settle_torch()
        if result is None:
            if self._ports:
                self._hold(merged)
        elif isinstance(result, Iterator):
            self._hold(merged)
            yield from self._several(result, merged)
        else:
            if isinstance(result, Out) and result.identity is not None:
                self._hold(merged)
            yield self._emit(result, merged)

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
        self._held.clear()

    def finish_early(self, run: RunContext) -> None:
        """Let a sink of a run that failed keep what it has: pictures, rows, a report that says it is not whole.

        Does nothing where the block has not started, or has been told to finish already. Raises BlockError.
        """
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
        value = result
        if isinstance(result, Out):
            value = result.value
            envelope, part_of = self._written(result, envelope, part_of)
        if part_of is not None:
            seq, part = self._part
            part = part if seq == part_of.seq else 0
            self._part = (part_of.seq, part + 1)
            envelope = msgspec.structs.replace(envelope, identity=Identity(part_of.seq, part, part_of.last and last))
        elif self._part[0] < envelope.identity.seq:
            self._part = (envelope.identity.seq, 1)
        values = value if self.signature.named_outputs else (value,)
        if result is None or not isinstance(values, tuple) or len(values) != len(self._ports):
            raise self._wrong_output(value, envelope)
        emitted = tuple(
            None if array is None else self._item(index, array, envelope, result) for index, array in enumerate(values)
        )
        if (self._stream_in or self._stream_out) and any(item is not None for item in emitted):
            self._count += 1
        return emitted

    def _wrong_output(self, value: object, envelope: Envelope) -> BlockError:
        ports = ", ".join(f"{name}: {port}" for name, port in self._ports)
        expected = f"a NamedTuple ({ports})" if self.signature.named_outputs else ports or "nothing, it has no output"
        reason = SignalError(f"expected {expected}, got {type(value).__name__}")
        return _block_error(self.block.name, type(self.block), envelope.identity.seq, reason)

    def _item(self, index: int, array: Any, envelope: Envelope, result: Any) -> Item:
        name, port = self._ports[index]
        try:
            array = port.check(array, self._where[index])
        except SignalError as error:
            raise _block_error(self.block.name, type(self.block), envelope.identity.seq, error) from None
        if array.flags.writeable:
            array.setflags(write=False)
        if port.stream:
            rate = result.sample_rate_hz if isinstance(result, Out) else None
            if rate is None:
                before = envelope.stream
                rate = before.sample_rate_hz if before else getattr(self.block.params, "sample_rate_hz", 1.0)
            offset = self._offsets.get(name, 0)
            stream = Stream(offset, rate)
            self._offsets[name] = offset + array.size
            identity = Identity(self._count)
            return Item(Envelope(identity=identity, stream=stream, trace=Trace(born_s=envelope.trace.born_s)), array)
        if self._stream_in:  # frames found in a stream are numbered by who finds them
            envelope = msgspec.structs.replace(envelope, identity=Identity(self._count), stream=None)
        return Item(envelope, array)

    def _written(self, out: Out[Any], envelope: Envelope, part_of: Identity | None) -> tuple[Envelope, Identity | None]:
        """Apply what a block wrote beside its value."""
        if out.identity is not None:
            key = (out.identity.seq, out.identity.part)
            held = self._held.get(key, envelope if out.identity == envelope.identity else None)
            if held is None:
                reason = SignalError(f"returned Out with identity {out.identity.seq}, an item it does not hold back")
                raise _block_error(self.block.name, type(self.block), envelope.identity.seq, reason)
            if held is not envelope or part_of is None:
                self._held.pop(key, None)
                envelope, part_of = held, None
        return msgspec.structs.replace(
            envelope,
            header=envelope.header.with_fields(*out.header) if out.header else envelope.header,
            state=envelope.state.updated(out.state) if out.state else envelope.state,
            trace=envelope.trace.updated(out.label, out.trace) if out.trace or out.label else envelope.trace,
        ), part_of

    def _hold(self, envelope: Envelope) -> None:
        self._held[envelope.identity.seq, envelope.identity.part] = envelope
        if len(self._held) > HELD_AT_MOST:
            del self._held[next(iter(self._held))]

    def _injection(self, attribute: str, envelope: Envelope) -> Any:
        if attribute == "trace":
            trace = envelope.trace
            return msgspec.structs.replace(trace, age_s=time.time() - trace.born_s if trace.born_s else 0.0)
        if attribute == "stream":
            offset = max(self._offsets.values(), default=0)
            return envelope.stream or Stream(offset, getattr(self.block.params, "sample_rate_hz", 1.0))
        return getattr(envelope, attribute)

    def _guard(self, seq: int | None, call: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return call(*args, **kwargs)
        except BlockError:
            raise
        except (Exception, SystemExit) as error:  # whatever it raises becomes one error: block, item and line
            raise _block_error(self.block.name, type(self.block), seq, error) from error


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
    return Envelope(identity=first.identity, stream=first.stream, header=header, state=state, trace=trace)


def _merge_headers(one: Header, other: Header) -> Header:
    if one is other or not other:
        return one
    return other if not one else one.merged(other)


def _block_error(name: str, cls: type[Block], seq: int | None, error: BaseException) -> BlockError:
    """Describe an exception by the block's own file and line: where the traceback passes through it, else `work`."""
    file = inspect.getsourcefile(cls) or "?"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    line = lines[-1] if lines else cls.work.__code__.co_firstlineno
    reason = str(error) if isinstance(error, SemcomError) else f"{type(error).__name__}: {error}"
    described = BlockError(name, f"{file}:{line}", seq, " ".join(reason.split()))
    described.exit_code = getattr(error, "exit_code", 1)
    return described
