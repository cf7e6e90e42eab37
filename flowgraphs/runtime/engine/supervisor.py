"""Sees the blocks of a run through it: all ready, go, commands, the first failure, all ended."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
import zmq

from .... import errors
from ....errors import BlockError, Interrupted, RunError, SemcomError
from ..graph import BlockNode, Graph
from ..language.live_change import resolve_set, resolve_swap
from ..language.overrides import Swap
from .actor import Event
from .control import ControlServer
from .join import unanswered

__all__ = ["PROGRESS_EVERY_S", "Crew", "Supervisor"]

PROGRESS_EVERY_S = 0.5
STUCK_AFTER = 4  # looks at all blocks, half a second apart: what processes say of themselves is as old as that
ABORT_PATIENCE_S = 10.0  # for the `work` calls in progress; a thread cannot be ended from outside


class Crew(Protocol):
    """What runs the blocks: threads of this process (`Worker`), or processes (`ProcessCrew`)."""

    @property
    def pollable(self) -> Any:
        """Becomes readable when there are events."""

    def start(self) -> None:
        """Start the blocks."""

    def take_events(self) -> list[Event]:
        """What happened since the last call."""

    def go(self) -> None:
        """Let the blocks work."""

    def stop(self) -> None:
        """End gracefully."""

    def abort(self) -> None:
        """End now."""

    def set_params(self, ticket: str, node: BlockNode) -> None:
        """Exchange a block's parameters."""

    def swap(self, ticket: str, node: BlockNode) -> None:
        """Exchange a block."""

    def status(self) -> dict[str, Any]:
        """Counts of all blocks and edges."""

    def reports(self) -> dict[str, dict[str, Any]]:
        """What the blocks report at the end."""

    def close(self) -> None:
        """Give everything back."""


@dataclass
class Supervisor:
    """Sees a crew through its run: all ready, go, commands, first failure, all ended."""

    graph: Graph
    crew: Crew
    control: ControlServer
    progress: Callable[[dict[str, Any]], None]
    wait_s: float | None = None
    failure: SemcomError | None = None
    stopped: bool = False
    duration_s: float = 0.0
    _ready: set[str] = field(default_factory=set)
    _ended: set[str] = field(default_factory=set)
    _tickets: dict[str, tuple[bytes, BlockNode]] = field(default_factory=dict)
    _later: list[tuple[bytes, dict[str, Any]]] = field(default_factory=list)  # changes of a block that is changing
    _going: bool = False
    _began: float = 0.0
    _last_progress: float = 0.0
    _abort_by: float = float("inf")
    _names: set[str] = field(default_factory=set)
    _still: tuple[int, list[int]] = (0, [])  # how often in a row nothing had moved, and what the blocks had done

    def run(self) -> None:
        """Run until every block has ended."""
        self.crew.start()
        self._names = set(getattr(self.crew, "actors", None) or (node.name for node in self.graph.blocks))
        self._began = time.monotonic()
        poller = zmq.Poller()
        poller.register(self.control.socket, zmq.POLLIN)
        poller.register(self.crew.pollable, zmq.POLLIN)
        while self._ended < self._names and time.monotonic() < self._abort_by:
            poller.poll(int(1000 * PROGRESS_EVERY_S / 2))
            for event in self.crew.take_events():
                self._on_event(event)
            while (received := self.control.receive()) is not None:
                self._on_command(*received)
            now = time.monotonic()
            if self._going and now - self._last_progress >= PROGRESS_EVERY_S:
                self._last_progress = now
                status = self.crew.status()
                self.progress({"elapsed_s": now - self._began, **status})
                self._look_for_peers(status, now - self._began)
                self._look_for_stuck_loops(status)
        self.duration_s = time.monotonic() - self._began
        self._say_ended()

    def _look_for_peers(self, status: dict[str, Any], elapsed_s: float) -> None:
        """Fail where the other end of an edge was not met in the time that the user gave."""
        unmet = status.get("unmet") or []
        if unmet and self.wait_s is not None and elapsed_s >= self.wait_s:
            self._fail(
                RunError(
                    f"flowgraph '{self.graph.name}': nobody came to the other end of {', '.join(unmet)} within "
                    f"{self.wait_s:g} s; start the other place, check its address, or give it longer with --wait"
                )
            )

    def _look_for_stuck_loops(self, status: dict[str, Any]) -> None:
        """Fail where every block waits and one of them for what a feedback edge does not bring back.

        Nothing else can move them: the loop holds back more items than its delay, and would wait for ever.
        """
        live = {name: block for name, block in status["blocks"].items() if name not in self._ended}
        stuck = {name: block["waits_for"] for name, block in live.items() if block.get("waits_for")}
        counts = [block["items"] for block in status["blocks"].values()]
        moving = any(edge["into"] > edge["out"] + edge["dropped"] for edge in status["edges"].values())
        if (
            not stuck
            or moving
            or len(self._names) < len(self.graph.blocks)
            or not all(b["idle"] for b in live.values())
        ):
            self._still = (0, counts)
            return
        times, before = self._still
        self._still = (times + 1, counts) if counts == before else (1, counts)
        if self._still[0] >= STUCK_AFTER:
            name, edges = next(iter(stuck.items()))
            self._fail(unanswered(self.graph.block(name), edges))

    def interrupt(self) -> None:
        """Ctrl-C: stop as after an error; a second one stops waiting."""
        self._fail(Interrupted("interrupted; what was finished is kept"))
        with contextlib.suppress(KeyboardInterrupt):
            while self._ended < self._names and time.monotonic() < self._abort_by:
                time.sleep(0.01)
                for event in self.crew.take_events():
                    self._on_event(event)
        self.duration_s = time.monotonic() - self._began
        self._say_ended()

    def _on_event(self, event: Event) -> None:
        block = event["block"]
        match event["event"]:
            case "ready":
                self._ready.add(block)
                if self._ready >= self._names and not self._going:
                    self._going = True
                    self._began = time.monotonic()
                    self.crew.go()
            case "done":
                self._note_end(block)
            case "failed":
                self._note_end(block)
                error = _revive(event)
                if not self._going and isinstance(self.failure, BlockError) and isinstance(error, BlockError):
                    self.failure.args = (f"{self.failure}\n{error}",)  # the user mends all that fails to start at once
                self._fail(error)
            case "reply":
                self._on_reply(event)

    def _on_reply(self, event: Event) -> None:
        if event["ticket"] not in self._tickets:  # the block ended first, and its client knows
            return
        client, node = self._tickets.pop(event["ticket"])
        if event["ok"]:
            blocks = tuple(node if block.name == node.name else block for block in self.graph.blocks)
            self.graph = msgspec.structs.replace(self.graph, blocks=blocks)
        self.control.answer(client, {key: value for key, value in event.items() if key not in ("event", "ticket")})
        self._take_up_later()

    def _note_end(self, block: str) -> None:
        self._ended.add(block)
        for ticket, (client, node) in list(self._tickets.items()):
            if node.name == block:
                del self._tickets[ticket]
                self.control.answer(client, {"ok": False, "message": f"block '{block}' has ended"})
        self._take_up_later()

    def _take_up_later(self) -> None:
        later, self._later = self._later, []
        for client, command in later:
            self._on_command(client, command)

    def _say_ended(self) -> None:
        """Answer everybody who still waits: nothing will change any more."""
        waiting = [client for client, _ in [*self._tickets.values(), *self._later]]
        while (received := self.control.receive()) is not None:
            waiting.append(received[0])
        for client in waiting:
            self.control.answer(client, {"ok": False, "message": f"flowgraph '{self.graph.name}' has ended"})

    def _on_command(self, client: bytes, command: dict[str, Any]) -> None:
        try:
            answer = self._command(client, command)
        except SemcomError as error:
            answer = {"ok": False, "message": str(error)}
        except (KeyError, TypeError, ValueError) as error:
            answer = {"ok": False, "message": f"a command lacks or misuses {error}"}
        if answer is not None:
            self.control.answer(client, answer)

    def _command(self, client: bytes, command: dict[str, Any]) -> dict[str, Any] | None:
        if any(node.name == command.get("block") for _, node in self._tickets.values()):
            self._later.append((client, command))  # it builds on what the change in progress makes of the block
            return None
        match command.get("do"):
            case "status":
                return {
                    "ok": True,
                    "name": self.graph.name,
                    "pid": os.getpid(),
                    "elapsed_s": time.monotonic() - self._began,
                    "running": self._going,
                    **self.crew.status(),
                }
            case "stop":
                self.stopped = True
                self.crew.stop()
                return {"ok": True}
            case "set":
                node = resolve_set(self.graph, command["block"], command["param"], command["value"])
                return self._change(client, node, self.crew.set_params)
            case "swap":
                spec = Swap(str(command["use"]), dict(command.get("params") or {}))
                return self._change(client, resolve_swap(self.graph, command["block"], spec), self.crew.swap)
        return {"ok": False, "message": f"expected do: status, set, swap or stop, got {command.get('do')!r}"}

    def _change(
        self, client: bytes, node: BlockNode, exchange: Callable[[str, BlockNode], None]
    ) -> dict[str, Any] | None:
        if node.name not in self._names:
            return {"ok": False, "message": f"block '{node.name}' runs in another place"}
        if node.name in self._ended:
            return {"ok": False, "message": f"block '{node.name}' has ended"}
        ticket = f"{len(self._tickets)}-{time.monotonic_ns()}"
        self._tickets[ticket] = (client, node)
        exchange(ticket, node)
        return None

    def _fail(self, error: SemcomError) -> None:
        if self.failure is None:
            self.failure = error
            self._abort_by = time.monotonic() + ABORT_PATIENCE_S
            self.crew.abort()


def _revive(event: Event) -> SemcomError:
    """Make the error again that a block's thread or process described."""
    kind = getattr(errors, str(event.get("kind")), RunError)
    error = SemcomError.__new__(kind if isinstance(kind, type) and issubclass(kind, SemcomError) else RunError)
    Exception.__init__(error, event["message"])
    error.exit_code = event["exit_code"]
    return error
