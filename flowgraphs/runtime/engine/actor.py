"""One block as an actor: a thread that takes items from its edges, calls the block and puts out what comes of it."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import zmq

from ....blocks.block import RunContext
from ....errors import BlockError, SemcomError, at
from ..counts import BlockReport
from ..edges.ends import END, EdgeEnd, Reader, Writer
from ..edges.place_ledger import PlaceLedger
from ..graph import BlockNode, Graph
from ..item import Item
from .commands import Abort, Command, Finished, Go, SetParams, Stop, SwapIn
from .join import Join
from .mailbox import Mailbox
from .running_block import NOTHING_YET, Emitted, RunningBlock, build_block

__all__ = ["Actor", "Event"]

TICK_MS = 50  # how often remote edges are looked after while nothing happens
Event = dict[str, Any]


class _Aborted(Exception):
    """The thread leaves whatever it is waiting for."""


class Actor(threading.Thread):
    """Runs one block until its inputs end, its source ends, or it is told to stop.

    Args:
        node: The block.
        graph: The graph it belongs to.
        readers, writers: Its ends of its edges; this thread owns them from now on and closes them.
        context: What the block may know of the run at its end.
        items: Items that a source makes at most.
        finished: Shared by the place: name of an end point of the place → number of its last finished item.
        watched: End points that an item of this block's readers has to reach before it counts as finished.
        post: Receives events: ``ready``, ``done``, ``failed``, ``reply``.

    Attributes:
        told: Actors that acknowledge to other places what this block has finished with.
        idle: It waits for its inputs, and has nothing to do.
    """

    told: Sequence[Actor] = ()
    idle = False

    def __init__(
        self,
        node: BlockNode,
        graph: Graph,
        readers: Sequence[Reader],
        writers: Sequence[Writer],
        context: RunContext,
        *,
        items: int | None,
        finished: dict[str, float],
        watched: Sequence[str],
        post: Callable[[Event], None],
    ) -> None:
        super().__init__(name=f"semcom:{node.name}", daemon=True)
        self.node = node
        self.readers, self.writers = tuple(readers), tuple(writers)
        self._open = list(readers)  # those that have not ended
        self.ends: tuple[EdgeEnd, ...] = (*readers, *writers)
        self.commands: Mailbox[Command] = Mailbox()
        self.report = BlockReport()
        self._graph = graph
        self._context = context
        self._items = items
        self._finished = finished
        self._watched = tuple(watched)
        self._post = post
        self._going = self._stopping = False
        self._running: RunningBlock | None = None
        self._join = Join([reader.edge for reader in readers], graph.join_bytes, node.where) if readers else None
        self._poller = zmq.Poller()
        self._remote = any(not end.settled for end in self.ends)
        self._produced: Iterator[Emitted] = iter(())

    @property
    def latency(self) -> tuple[int, float]:
        """Items of which a sink knows how late they were, and the sum of that in seconds; any thread may ask."""
        return self._running.block.measured.get("latency_s", (0, 0.0)) if self._running is not None else (0, 0.0)

    def run(self) -> None:
        """Run the block; every way out posts exactly one of ``done`` and ``failed``."""
        event: Event = {"event": "done"}
        try:
            self._poller.register(self.commands.fileno(), zmq.POLLIN)
            for end in self.ends:
                self._poller.register(end.socket, zmq.POLLIN)
            running = self._running = RunningBlock(
                build_block(self.node, self._graph.seed), self._graph.torch_threads, self._graph.edges, self.node.where
            )
            self._outputs = self._routes(running)
            running.start()
            self._post({"event": "ready", "block": self.node.name})
            while not self._going:
                self._wait(())
                self._obey()
            self._run_source(running) if self._join is None else self._run_inputs(running, self._join)
            for emitted in running.finish(self._context):
                self._emit(emitted)
            self._end_edges()
        except _Aborted:
            self._finish_early()
        except BaseException as error:  # whatever it is, it must not hang the run
            message = str(error)
            if not isinstance(error, SemcomError):  # a defect of the runtime itself
                message = at(self.node.where, f"block '{self.node.name}': {type(error).__name__}: {error}")
            exit_code = getattr(error, "exit_code", 1)
            event = {"event": "failed", "message": message, "exit_code": exit_code, "kind": type(error).__name__}
            self._finish_early()
        finally:
            self._produced = iter(())  # a source that was stopped lets go of what it holds open
            self._post_end(event)
            for end in self.ends:
                end.close()

    def tell(self, command: Command) -> None:
        """Give the thread a command; from any thread. A block that waits for a peer sees at once that the run ends."""
        self.commands.post(command)
        if isinstance(command, Stop | Abort) and self._running is not None:
            self._running.block.stopping = True

    def _routes(self, running: RunningBlock) -> list[tuple[int, Writer]]:
        ports = list(running.signature.outputs)
        return [(ports.index(writer.edge.source_port), writer) for writer in self.writers]

    def _run_source(self, running: RunningBlock) -> None:
        self._produced = running.produce()
        while not self._stopping and (self._items is None or self.report.items < self._items):
            began = time.perf_counter()
            emitted = next(self._produced, None)
            if emitted is None:
                return
            if emitted is NOTHING_YET:
                self._service()
            else:
                self.report.busy_s += time.perf_counter() - began
                self.report.items += 1
                self._emit(emitted)
            self._between_items(running, began)

    def _run_inputs(self, running: RunningBlock, join: Join) -> None:
        until = math.inf  # when it no longer waits for what may not come back
        while not join.done:
            took = False
            # The rest stays on its edges while an item waits for that alone: their sources must not run ahead
            readers = tuple(self._open) if join.patience_s is None else tuple(self._coming_back())
            for reader in readers:  # one item of each in turn: the join holds no more than it must
                took = self._take(reader, join) or took
            if took or time.monotonic() >= until:
                if not took:
                    join.give_up()
                self._work(running, join)
                until = math.inf
            else:
                patience_s = join.patience_s
                if patience_s is not None:
                    until = min(until, time.monotonic() + patience_s)
                self.idle = True
                self._wait(readers, until - time.monotonic())
                self.idle = False
                self._obey()

    @property
    def waits_for(self) -> str:
        """Feedback edges whose items it waits for, and for nothing else; empty when there are none."""
        return self._join.unanswered if self.idle and self._join is not None else ""

    def _take(self, reader: Reader, join: Join) -> bool:
        """Take one item of an input, or its end; False when there is nothing now."""
        item = reader.take()
        if item is END:
            join.end(reader.edge.target_port)
            self._open.remove(reader)
        elif isinstance(item, Item):
            join.add(reader.edge.target_port, item)
        return item is not None

    def _work(self, running: RunningBlock, join: Join) -> None:
        for inputs in join.ready():
            if self.report.items == 0 and isinstance(self._finished, PlaceLedger):
                running.block.goes_on = self._finished.goes_on
            began = time.perf_counter()
            emissions = running.step(inputs)
            emitted = next(emissions, None)
            while emitted is not None:
                self.report.busy_s += time.perf_counter() - began
                self._emit(emitted)
                began = time.perf_counter()
                emitted = next(emissions, None)
            self.report.busy_s += time.perf_counter() - began
            self.report.items += 1
            self._note_finished(inputs)
            self._between_items(running, began)
        for reader in self.readers:
            reader.count.missing = join.missing[reader.edge.target_port]

    def _note_finished(self, inputs: Mapping[str, Item]) -> None:
        if self.node.name in self._finished:
            identity = next(iter(inputs.values())).envelope.identity
            self._finished[self.node.name] = identity.seq if identity.last else identity.seq - 1
            self._tell_finished()
        if self._remote:
            self._acknowledge()

    def _tell_finished(self) -> None:
        # A socket belongs to one thread: the sink's thread may not acknowledge on the socket of another block's input.
        for actor in self.told:
            actor.commands.post(Finished())

    def _acknowledge(self) -> None:
        """Tell the senders of other places what this place has finished with.

        That is what its slowest end point has: a sender forgets what it is told, and could not send it again.
        """
        finished = min((self._finished[name] for name in self._watched), default=float("inf"))
        for reader in self.readers:
            reader.finished_upto(finished)
        for writer in self.writers:
            key = str(writer.edge)
            if key in self._finished:
                self._finished[key] = writer.acknowledged_seq

    def _between_items(self, running: RunningBlock, began: float) -> None:
        if self.commands:
            self._obey()
        while (rest_s := began + running.block.interval_s() - time.perf_counter()) > 0:
            if self._stopping and self._join is None:
                return
            self._poller.poll(int(1000 * rest_s)) if rest_s > 1e-3 else time.sleep(rest_s)
            self._service()
            self._obey()

    def _emit(self, emitted: Emitted) -> None:
        for index, writer in self._outputs:
            item = emitted[index]
            if item is None or writer.offer(item):
                continue
            while not writer.offer(item):
                # While this output is full its reader may be a block that waits to put something back to us.
                came_back = self._take_feedback()
                if not writer.prepare_wait() and not came_back:
                    self._poll()

    def _take_feedback(self) -> bool:
        """Empty the feedback edges while an output is full: the way out of a full loop is this block itself."""
        join = self._join
        if join is None:
            return False
        took = False
        for reader in self._coming_back():
            while reader in self._open and self._take(reader, join):
                took = True
        return took or any([reader.prepare_wait() for reader in self._coming_back()])

    def _coming_back(self) -> list[Reader]:
        return [reader for reader in self._open if reader.edge.feedback is not None]

    def _end_edges(self) -> None:
        """Pass the end of stream on, and stay until the loops are empty and every other place has all that it needs."""
        if self.node.name in self._finished:
            self._finished[self.node.name] = float("inf")
            self._tell_finished()
        for writer in self.writers:
            while not writer.end():
                self._poll()
        while True:
            for reader in self._coming_back():  # what comes back now meets nothing any more; its sender waits for that
                while reader in self._open and (item := reader.take()) is not None:
                    if item is END:
                        self._open.remove(reader)
            self._acknowledge()
            if not self._coming_back() and all(end.settled for end in self.ends):
                return
            if not any([reader.prepare_wait() for reader in self._coming_back()]):
                self._poll()

    def _finish_early(self) -> None:
        if self._running is not None and self._going:
            with contextlib.suppress(BlockError):  # the run has failed already; its first error is the one to report
                self._running.finish_early(self._context)

    def _wait(self, readers: Sequence[Reader], longest_s: float = math.inf) -> None:
        # A list, not a generator: every reader must announce that it waits, or its writer would not wake this thread.
        if self.commands or any([reader.prepare_wait() for reader in readers]):
            return
        self._poll(longest_s)

    def _poll(self, longest_s: float = math.inf) -> None:
        """Sleep until a socket or a command has something; an abort ends the thread here."""
        if not self._remote:
            self._poller.poll(None if longest_s == math.inf else max(int(1000 * longest_s) + 1, 1))
            self._service()
        else:
            for end in self.ends:
                self._poller.modify(end.socket, zmq.POLLIN | zmq.POLLOUT if end.wants_out else zmq.POLLIN)
            self._poller.poll(TICK_MS)
            self._service()
            self._acknowledge()
        self._look_for_abort()

    def _service(self) -> None:
        for end in self.ends:
            end.service()

    def _look_for_abort(self) -> None:
        waiting = self.commands.peek()
        if any(isinstance(command, Abort) for command in waiting):
            self._going = self._going or any(isinstance(command, Go) for command in waiting)
            raise _Aborted

    def _obey(self) -> None:
        while (command := self.commands.take()) is not None:
            match command:
                case Go():
                    self._going = True
                case Stop():
                    self._stopping = True
                    if self._running is not None:
                        self._running.block.stopping = True
                case Abort():
                    raise _Aborted
                case Finished():
                    self._acknowledge()
                case SetParams():
                    self._set(command)
                case SwapIn():
                    self._swap(command)

    def _set(self, command: SetParams) -> None:
        running = self._running
        if running is not None:
            running.block.params = type(running.block).Params.model_validate(command.params)
            self._changed(command.ticket, {"params": command.params})

    def _swap(self, command: SwapIn) -> None:
        running = self._running
        if running is None:
            return
        if self._going:
            for emitted in running.finish(self._context, going_on=True):
                self._emit(emitted)
        running.report_to(self.report)
        running.replace_block(command.block, command.where)
        self._outputs = self._routes(running)
        if self._join is None:
            self._produced = running.produce()
        self._changed(command.ticket, {"use": command.use})

    def _changed(self, ticket: str, change: dict[str, Any]) -> None:
        change = {"after_items": self.report.items, **change}
        self.report.changes.append(change)
        self._post({"event": "reply", "ticket": ticket, "block": self.node.name, "ok": True, **change})

    def _post_end(self, event: Event) -> None:
        if self._running is not None:
            self._running.report_to(self.report)
        self._post({**event, "block": self.node.name})
