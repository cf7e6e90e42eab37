"""Joins the inputs of a block: items by identity, chunks of `Samples` by offset. Pure: no threads, no sockets."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

import msgspec
import numpy as np

from ....blocks.envelope import Envelope, Identity, Stream
from ....blocks.ports import PORT_TYPES
from ....errors import JoinError, at
from ..graph import BlockNode, Edge
from ..item import Item

__all__ = ["Join", "unanswered"]

Key = tuple[int, int]


class Join:
    """Gathers one item an input port and hands them out together.

    Items of one identity (seq, part) belong together. Every edge carries growing identities, so an edge that has moved
    past one proves that its item is missing: the others of that identity are dropped, and counted. Chunks of `Samples`
    on every input are cut to the samples that all of them have.

    What comes back over a feedback edge meets a later item: it brings its value alone, and neither identity, header,
    state nor trace. Where it may be waited for no longer than a while (`Feedback.wait_s`), an item that nothing came
    back for is handed out without it, and counted: when a later one has come back, or after `give_up`.

    All inputs are drained into one buffer, so that a slow branch does not stop a fast one; it is bounded in bytes.

    Args:
        edges: The edges that arrive at the block; at least one.
        max_bytes: Bound of the buffer.
        where: Where the flowgraph's author wrote the block: errors begin with it.
    """

    def __init__(self, edges: Sequence[Edge], max_bytes: int, where: str = "") -> None:
        self._edges = {edge.target_port: edge for edge in sorted(edges, key=lambda edge: edge.feedback is not None)}
        self._max_bytes, self._where = max_bytes, where
        self._streams = all(PORT_TYPES[edge.port].stream for edge in edges)
        self._waiting: dict[str, deque[tuple[Key, Item]]] = {port: deque() for port in self._edges}
        self._last: dict[str, Key | None] = dict.fromkeys(self._edges)
        self._ended: set[str] = set()
        self._patient = {
            port: edge.feedback.wait_s
            for port, edge in self._edges.items()
            if edge.feedback is not None and edge.feedback.wait_s is not None
        }
        self._given: Key = (-1, 0)  # the last one that was handed out
        self._given_up: Key | None = None
        self._bytes = 0
        self.edges = tuple(edges)
        self.missing = dict.fromkeys(self._edges, 0)
        for port, edge in self._edges.items():
            if edge.feedback is not None:
                self._fill_feedback(port, edge)

    @property
    def done(self) -> bool:
        """Every input but feedback has ended, and nothing of them waits for what still comes back."""
        return all(
            port in self._ended and not self._waiting[port]
            for port, edge in self._edges.items()
            if edge.feedback is None
        )

    @property
    def unanswered(self) -> str:
        """Feedback edges that bring nothing back for items that wait for nothing else; empty when none do."""
        if self.patience_s is not None:
            return ""
        empty = [self._edges[port] for port, queue in self._waiting.items() if not queue and port not in self._ended]
        waits = any(queue for port, queue in self._waiting.items() if self._edges[port].feedback is None)
        return " and ".join(map(str, empty)) if waits and all(edge.feedback is not None for edge in empty) else ""

    @property
    def patience_s(self) -> float | None:
        """How long to wait for what may not come back, where an item waits for nothing else; None where none does."""
        if not self._patient:
            return None
        empty = [port for port, queue in self._waiting.items() if not queue and port not in self._ended]
        waits = all(queue for port, queue in self._waiting.items() if self._edges[port].feedback is None)
        if not waits or not empty or not set(empty) <= set(self._patient):
            return None
        return max(self._patient[port] for port in empty)

    def give_up(self) -> None:
        """Let the item that waits go without what did not come back."""
        self._given_up = min(queue[0][0] for queue in self._waiting.values() if queue)

    def end(self, port: str) -> None:
        """Note the end of an input."""
        self._ended.add(port)

    def add(self, port: str, item: Item) -> None:
        """Take one item of an input.

        Raises:
            JoinError: the buffer would outgrow its bound; names the edge that is behind and the depth needed.
        """
        feedback = self._edges[port].feedback
        identity = item.envelope.identity
        key = (identity.seq, identity.part)
        if feedback is not None:
            key = (identity.seq + feedback.delay, identity.part)
            stream = item.envelope.stream
            if stream is not None:  # its initial chunks have one sample each
                stream = Stream(stream.offset + feedback.delay, stream.sample_rate_hz)
            item = Item(Envelope(identity=identity._replace(seq=key[0]), stream=stream), item.value)
            if port in self._patient and key <= self._given:
                return  # its item has gone without
        self._waiting[port].append((key, item))
        self._last[port] = key
        self._bytes += item.value.nbytes
        if self._bytes > self._max_bytes and len(self._edges) > 1 and not self._can_go_on():
            self._overflow()

    def _drop_rest(self) -> None:
        """Let go what came back and meets nothing any more: that is how a loop ends, and not a loss."""
        for queue in self._waiting.values():
            queue.clear()
        self._bytes = 0

    def ready(self) -> Iterator[Mapping[str, Item]]:
        """Hand out every complete set, in the order of identities."""
        if len(self._edges) == 1:
            yield from self._ready_single()
        elif self._streams:
            yield from self._ready_streams()
        else:
            yield from self._ready_sets()

    def _ready_single(self) -> Iterator[Mapping[str, Item]]:
        ((port, queue),) = self._waiting.items()
        while queue:
            _, item = queue.popleft()
            self._bytes -= item.value.nbytes
            yield {port: item}

    def _ready_sets(self) -> Iterator[Mapping[str, Item]]:
        """Hand out what all inputs have of one identity; drop what one of them has gone past, and count it there."""
        while not self.done:
            heads = {port: queue[0][0] for port, queue in self._waiting.items() if queue}
            if not heads:
                return
            key = min(heads.values())
            lacking = [port for port in self._edges if heads.get(port) != key]
            needed = [port for port in lacking if port not in self._patient]
            if not lacking:
                self._given = key
                yield {port: self._take(port) for port in self._edges}
            elif not needed and all(self._is_silent(port, key, heads) for port in lacking):
                self._given = key
                for port in lacking:
                    self.missing[port] += 1
                yield {port: self._take(port) for port in self._edges if port not in lacking}
            elif needed and all(port in heads or port in self._ended for port in needed):
                self._given = key
                for port in needed:
                    self.missing[port] += 1
                for port in [port for port, head in heads.items() if head == key]:
                    self._take(port)
            else:
                return
        self._drop_rest()

    def _is_silent(self, port: str, key: Key, heads: Mapping[str, Key]) -> bool:
        """Whether an item goes without this input: it may, and nothing will come back for it, or not in time."""
        return port in heads or port in self._ended or self._given_up == key

    def _take(self, port: str) -> Item:
        _, item = self._waiting[port].popleft()
        self._bytes -= item.value.nbytes
        return item

    def _can_go_on(self) -> bool:
        return all(self._waiting[port] or port in self._ended for port in self._edges)

    def _overflow(self) -> None:
        ahead = max(self._edges, key=lambda port: sum(item.value.nbytes for _, item in self._waiting[port]))
        behind = [str(self._edges[port]) for port in self._edges if not self._waiting[port]]
        held = len(self._waiting[ahead])
        message = (
            f"block '{self._edges[ahead].target}': edge '{self._edges[ahead]}' is {held} items ahead of "
            f"{' and '.join(repr(edge) for edge in behind)}: joining them needs a depth of at least {held} items "
            f"({self._bytes / 2**20:.1f} MiB), more than join_bytes = {self._max_bytes} allows; "
            f"raise join_bytes in the flowgraph file or shorten the slow branch"
        )
        raise JoinError(at(self._where, message))

    def _fill_feedback(self, port: str, edge: Edge) -> None:
        feedback = edge.feedback
        if feedback is None:
            return
        kind = PORT_TYPES[edge.port]
        axes = (1,) if kind.shape is None else tuple(axis if isinstance(axis, int) else 1 for axis in kind.shape)
        value = np.full(axes, feedback.initial, dtype=kind.dtype)
        value.setflags(write=False)
        for seq in range(feedback.delay):
            envelope = Envelope(identity=Identity(seq), stream=Stream(seq, 1.0) if kind.stream else None)
            self._waiting[port].append(((seq, 0), Item(envelope, value)))
            self._bytes += value.nbytes
            self._last[port] = (seq, 0)

    def _ready_streams(self) -> Iterator[Mapping[str, Item]]:
        """Cut the waiting chunks to what all inputs have: streams are joined sample by sample, at equal offsets."""
        while all(self._waiting.values()):
            offsets = {port: _offset(queue[0][1]) for port, queue in self._waiting.items()}
            start = max(offsets.values())
            if min(offsets.values()) == start:
                length = min(queue[0][1].value.size for queue in self._waiting.values())
                yield {port: self._cut(port, length) for port in self._edges}
                continue
            for port, offset in offsets.items():
                if offset < start:
                    self._cut(port, start - offset)  # its partners were dropped on the way
                else:
                    self.missing[port] += 1
        if self.done:
            self._drop_rest()
        short = [port for port in self._ended if not self._waiting[port]]
        for queue in self._waiting.values() if short else ():  # an input that ended: the rest of the others is alone
            for port in short:
                self.missing[port] += len(queue)
            self._bytes -= sum(item.value.nbytes for _, item in queue)
            queue.clear()

    def _cut(self, port: str, length: int) -> Item:
        """Take at most this many samples off the first chunk of an input."""
        key, item = self._waiting[port].popleft()
        head = item.value[:length]
        self._bytes -= head.nbytes
        if item.value.size <= length:
            return item
        first, rest = _split(item.envelope, length)
        self._waiting[port].appendleft((key, Item(rest, item.value[length:])))
        return Item(first, head)


def _split(envelope: Envelope, length: int) -> tuple[Envelope, Envelope]:
    """Share out what travels around a chunk between its first samples and the rest."""
    stream = envelope.stream or Stream()
    at = stream.offset + length
    notes = stream.annotations
    first = stream._replace(annotations=tuple(note for note in notes if note.offset < at))
    rest = Stream(at, stream.sample_rate_hz, 0, tuple(note for note in notes if note.offset >= at))
    sent = envelope.sent
    return (
        msgspec.structs.replace(envelope, stream=first, sent=tuple(frame for frame in sent if frame.offset < at)),
        msgspec.structs.replace(envelope, stream=rest, sent=tuple(frame for frame in sent if frame.offset >= at)),
    )


def unanswered(block: BlockNode, edges: str) -> JoinError:
    """Say that a loop holds back more items than its delay."""
    message = (
        f"block '{block.name}': items wait for what edge {edges} did not bring back: a block of the loop holds back "
        "more items than the delay of that edge; raise its feedback delay, or let the block hold back less"
    )
    return JoinError(at(block.where, message))


def _offset(item: Item) -> int:
    return item.envelope.stream.offset if item.envelope.stream is not None else 0
