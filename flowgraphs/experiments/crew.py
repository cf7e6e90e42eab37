"""Who does a sweep's tasks: this process, processes of this machine, or a dask cluster anywhere."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import signal
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import msgspec

from ...errors import MissingExtra, RunError, UsageError
from .task import Done, Task, run_task

__all__ = ["Crew", "Ended", "open_crew"]

CONNECT_S = 10.0
TRIES = 3  # of a task whose worker raised what no block raises
CLOSE_S = 3.0


class Ended(NamedTuple):
    """A task that came back, by the number it was given; `lost` says why nothing was done."""

    number: int
    done: Done | None
    lost: str = ""


class Crew(Protocol):
    """Takes tasks and gives back what came of them, in any order."""

    @property
    def workers(self) -> int:
        """Tasks that are worked on at a time."""
        ...

    def submit(self, number: int, task: Task) -> None:
        """Hand over a task."""
        ...

    def next_ended(self, patience_s: float) -> Ended | None:
        """Return a task that has ended; None if none has for so long."""
        ...


@contextlib.contextmanager
def open_crew(workers: int, scheduler: str | None) -> Iterator[Crew]:
    """Start workers, or connect to some; at the end none that were started here is left.

    Args:
        workers: Processes of this machine, one thread each; 0 works in this process, without dask.
        scheduler: Address of a dask scheduler, ``tcp://host:8786``; its workers do the tasks.

    Raises:
        MissingExtra: dask is needed and not installed.
        UsageError: no scheduler answers there.
    """
    if workers == 0 and scheduler is None:
        yield _Here()
        return
    try:
        import distributed
    except ImportError as error:
        raise MissingExtra("semcom sweep", error.name or "distributed", "sweep") from None
    with contextlib.ExitStack() as stack:
        stack.enter_context(_quiet_logs())
        if scheduler is None:
            cluster = stack.enter_context(_local(distributed, workers))
            address: Any = cluster
        else:
            address = scheduler
        yield stack.enter_context(_connected(distributed, address, scheduler))


class _Here:
    """The calling process: one task at a time, as results are asked for."""

    workers = 1

    def __init__(self) -> None:
        self._waiting: list[tuple[int, Task]] = []

    def submit(self, number: int, task: Task) -> None:
        self._waiting.append((number, task))

    def next_ended(self, patience_s: float) -> Ended | None:
        if not self._waiting:
            return None
        number, task = self._waiting.pop(0)
        return Ended(number, msgspec.msgpack.decode(run_task(msgspec.msgpack.encode(task)), type=Done))


class _Dask:
    """Workers of a dask cluster. One that dies costs the tasks that it had: the scheduler gives them to others."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._threads = 0
        self._futures: dict[int, Any] = {}
        self._ended: queue.SimpleQueue[int] = queue.SimpleQueue()

    @property
    def workers(self) -> int:
        """Threads that work at the moment."""
        with contextlib.suppress(OSError, TimeoutError):  # a scheduler that is gone is found out by `next_ended`
            self._threads = sum(self._client.nthreads().values())
        return self._threads

    def submit(self, number: int, task: Task) -> None:
        future = self._client.submit(run_task, msgspec.msgpack.encode(task), pure=False, retries=TRIES - 1)
        self._futures[number] = future
        future.add_done_callback(lambda _: self._ended.put(number))

    def next_ended(self, patience_s: float) -> Ended | None:
        try:
            number = self._ended.get(timeout=patience_s)
        except queue.Empty:
            if self._client.status not in ("running", "connecting"):
                raise RunError(
                    "the scheduler is gone; what was finished is kept: give the same command again"
                ) from None
            return None
        future = self._futures.pop(number)
        if future.status == "finished":
            return Ended(number, msgspec.msgpack.decode(future.result(), type=Done))
        if future.status == "error":
            error = future.exception()
            return Ended(number, None, f"{type(error).__name__}: {' '.join(str(error).split())}")
        return Ended(number, None, f"the scheduler says: {future.status}")

    def cancel(self) -> None:
        """Give up what has not ended."""
        if self._futures:
            self._client.cancel(list(self._futures.values()), force=True)


@contextlib.contextmanager
def _connected(distributed: Any, address: Any, scheduler: str | None) -> Iterator[_Dask]:
    try:
        client = distributed.Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UsageError(f"--scheduler {scheduler}: no dask scheduler answers there: {reason:.200}") from None
    crew = _Dask(client)
    try:
        yield crew
    finally:
        with _deaf_to_ctrl_c(), contextlib.suppress(Exception):
            if scheduler is not None:  # workers of others: give them back; our own end anyway
                crew.cancel()
            client.close(timeout=CLOSE_S)


@contextlib.contextmanager
def _local(distributed: Any, workers: int) -> Iterator[Any]:
    import dask

    with dask.config.set({"distributed.worker.daemon": True, "distributed.admin.tick.limit": "1h"}):
        cluster = distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",  # None would be port 8787, with a warning where another sweep has it
            scheduler_kwargs={"dashboard": False},
            silence_logs=logging.CRITICAL,
        )
    try:
        yield cluster
    finally:
        with _deaf_to_ctrl_c(), contextlib.suppress(Exception):
            for pid in _pids(cluster):  # a task in progress is nobody's any more: do not wait for it
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGTERM)
            cluster.close(timeout=CLOSE_S)


def _pids(cluster: Any) -> list[int]:
    return [nanny.pid for nanny in cluster.workers.values() if getattr(nanny, "pid", None)]


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Leave the closing of the workers whole: a second Ctrl-C would orphan them."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _quiet_logs() -> Iterator[None]:
    """Keep dask's own words about workers that come and go off the terminal."""
    log = logging.getLogger("distributed")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)
