"""The inline executor: one thread calls the blocks in order, without sockets. For sweeps, tests and debugging."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping

from ....blocks.block import Block, RunContext
from ....errors import BlockError
from ..counts import BlockReport, EdgeCount
from ..graph import Edge, Graph
from ..item import Item
from .join import Join, unanswered
from .running_block import NOTHING_YET, Emitted, RunningBlock, build_block

__all__ = ["InlineExecutor"]


class InlineExecutor:
    """Runs a graph in the calling thread: each source's item goes all the way before the next is made.

    Args:
        graph: The resolved graph.
        context: What blocks may know of the run at its end.
        items: Items that each source makes at most.
        started: Blocks by name that have been started already: used as they are, whatever the graph says of them.
        on_item: Called with each item that goes over an edge.
    """

    def __init__(
        self,
        graph: Graph,
        context: RunContext,
        items: int | None = None,
        started: Mapping[str, Block] | None = None,
        on_item: Callable[[Edge, Item], None] = lambda edge, item: None,
    ) -> None:
        self._context = context
        self._on_item = on_item
        self._items = items
        self._started = dict(started or {})
        self._running = {
            node.name: RunningBlock(
                self._started.get(node.name) or build_block(node, graph.seed),
                graph.torch_threads,
                graph.edges,
                node.where,
            )
            for node in graph.blocks
        }
        self._out: dict[str, list[tuple[int, Edge]]] = {}
        for name, running in self._running.items():
            ports = list(running.signature.outputs)
            self._out[name] = [(ports.index(edge.source_port), edge) for edge in graph.outputs(name)]
        self._graph = graph
        self._joins = {
            node.name: Join(graph.inputs(node.name), graph.join_bytes, node.where)
            for node in graph.blocks
            if graph.inputs(node.name)
        }
        self._open = {name: len([edge for edge in graph.inputs(name) if not edge.feedback]) for name in self._joins}
        self.edges = {str(edge): EdgeCount() for edge in graph.edges}
        self.blocks = {name: BlockReport() for name in self._running}

    @property
    def started(self) -> dict[str, Block]:
        """Every block that has been started, by name."""
        return dict(self._started)

    def run(self, on_progress: Callable[[], None] = lambda: None) -> None:
        """Run to the end of every source.

        Raises:
            BlockError: a block raised; the sinks are finished first, so that what was done is kept.
            JoinError: a block with several inputs needs more memory than its bound, or a loop brings nothing back.
        """
        self._start()
        try:
            sources = {name: self._timed_source(name) for name in self._running if name not in self._joins}
            while sources:
                for name in list(sources):
                    emitted = next(sources[name], None)
                    if emitted is None:
                        del sources[name]
                        self._end(name)
                    elif emitted is not NOTHING_YET:
                        self._deliver(name, emitted)
                        self._answer_silence()
                on_progress()
        except BaseException:
            self._finish_sinks()
            raise
        finally:
            for name, running in self._running.items():
                running.report_to(self.blocks[name])
            for join in self._joins.values():
                for edge in join.edges:
                    self.edges[str(edge)].missing = join.missing[edge.target_port]

    def _start(self) -> None:
        failed = []
        for name, running in self._running.items():
            if name in self._started:
                running.settle_torch()
                continue
            try:
                running.start()
                self._started[name] = running.block
            except BlockError as error:
                failed.append(error)
        if failed:  # the user mends them all at once
            failed[0].args = ("\n".join(map(str, failed)),)
            raise failed[0]

    def _timed_source(self, name: str) -> Iterator[Emitted]:
        running, report = self._running[name], self.blocks[name]
        produced = running.produce()
        while self._items is None or report.items < self._items:
            began = time.perf_counter()
            emitted = next(produced, None)
            if emitted is None:
                return
            if emitted is NOTHING_YET:
                yield emitted
                continue
            report.busy_s += time.perf_counter() - began
            report.items += 1
            yield emitted
            self._keep_pace(running, began)

    def _deliver(self, name: str, emitted: Emitted) -> None:
        for index, edge in self._out[name]:
            item = emitted[index]
            if item is not None:
                self._put(edge, item)

    def _put(self, edge: Edge, item: Item) -> None:
        self._on_item(edge, item)
        count = self.edges[str(edge)]
        count.into += 1
        count.out += 1
        self._joins[edge.target].add(edge.target_port, item)
        self._work(edge.target)

    def _work(self, name: str) -> None:
        join, running, report = self._joins[name], self._running[name], self.blocks[name]
        for inputs in join.ready():
            began = time.perf_counter()
            emissions = list(running.step(inputs))
            report.items += 1
            report.busy_s += time.perf_counter() - began
            for emitted in emissions:
                self._deliver(name, emitted)
            self._keep_pace(running, began)

    def _answer_silence(self) -> None:
        """Let items go on that wait for what does not come back: all that was sent before has had its effect."""
        for name, join in self._joins.items():
            while join.patience_s is not None:
                join.give_up()
                self._work(name)

    def _end(self, name: str) -> None:
        """Pass the end of stream on: a block finishes when all its inputs have ended."""
        for emitted in self._running[name].finish(self._context):
            self._deliver(name, emitted)
        for _, edge in self._out[name]:
            if edge.feedback is None:
                self._joins[edge.target].end(edge.target_port)
                self._open[edge.target] -= 1
                if not self._open[edge.target]:
                    self._drain(edge.target)
                    self._end(edge.target)

    def _drain(self, name: str) -> None:
        for inputs in self._joins[name].ready():
            for emitted in self._running[name].step(inputs):
                self._deliver(name, emitted)
            self.blocks[name].items += 1
        if edges := self._joins[name].unanswered:
            raise unanswered(self._graph.block(name), edges)

    def _finish_sinks(self) -> None:
        for running in self._running.values():
            with contextlib.suppress(BlockError):  # the first error is the one that is reported
                running.finish_early(self._context)

    @staticmethod
    def _keep_pace(running: RunningBlock, began: float) -> None:
        rest_s = running.block.interval_s() - (time.perf_counter() - began)
        if rest_s > 0:
            time.sleep(rest_s)
