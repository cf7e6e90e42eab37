"""Runs `semcom run` beside a flowgraph of GNU Radio, and joins the two by GNU Radio's ZeroMQ blocks.

`semcom grc --install` copies this file beside the block descriptions that use it. GNU Radio's own Python runs it, which
needs nothing of semcom: only GNU Radio and numpy.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import threading
import time

import numpy as np
import pmt
from gnuradio import blocks, gr, zeromq

__all__ = ["Bridge"]

End = tuple[str, dict[str, object]]  # name of a block of the flowgraph, and its parameters
OTHER_END = {"push": "pull", "pub": "sub", "rep": "req", "pull": "push", "sub": "pub", "req": "rep"}
POLL_MS = 100  # longest wait of one call of a ZeroMQ block
DONE = -1  # GNU Radio's word for it
EMPTY_S = 0.01  # a gate that finds no sample looks again after so long
LAST_S = 1.0  # when semcom has ended, what is still on its way comes within this time


class Bridge(gr.hier_block2):  # type: ignore[misc]  # GNU Radio has no types
    """A `semcom run` whose samples come out of this block, or whose samples go into it, or both.

    The run starts with the flowgraph. It ends when the samples that go in do, once it has done with them, or when
    nobody takes its own any more; and when it ends, so does this block.

    Args:
        title: What messages call this block.
        command: The command `semcom`, as words.
        flowgraph: A file, or the name of a shipped flowgraph.
        variables: Variable of the flowgraph → value.
        parameters: ``block.parameter`` → value.
        options: Further options of `semcom run`, as in a shell.
        tx: Name and parameters of the block `radio/zmq_sink` in the flowgraph; None if it sends nothing.
        rx: Name and parameters of the block `radio/zmq_source`; None if it takes nothing.
    """

    def __init__(
        self,
        title: str,
        command: tuple[str, ...],
        flowgraph: str,
        variables: dict[str, object],
        parameters: dict[str, object],
        options: str,
        tx: End | None = None,
        rx: End | None = None,
    ) -> None:
        signatures = [gr.io_signature(int(end is not None), int(end is not None), 8) for end in (rx, tx)]
        gr.hier_block2.__init__(self, title, *signatures)
        words = ["run", flowgraph, *_assignments("--var", variables)]
        for end, attach in ((tx, "bind"), (rx, "connect")):
            if end is not None:
                words += _assignments("--set", {f"{end[0]}.{name}": value for name, value in end[1].items()})
                words += _assignments("--set", {f"{end[0]}.attach": attach})
        self._run = _Run(title, _found(title, command), [*words, *shlex.split(options)], dict(parameters), rx)
        if rx is not None:
            self._entry, self._sink = _Gate(self._run, starts=True), _sink(rx[1])
            self.connect(self, self._entry, self._sink)
        if tx is not None:
            self._source = _source(tx[1])
            self._exit = _Gate(self._run, starts=rx is None, source=self._source)
            self.connect(self._source, self._exit, self)

    def set_parameters(self, parameters: dict[str, object]) -> None:
        """Change parameters of the running flowgraph: those whose value is another now."""
        self._run.change(dict(parameters))


class _Gate(gr.basic_block):  # type: ignore[misc]
    """Passes samples on; starts a run when the flowgraph starts, ends it when its samples do, and ends when it has.

    Args:
        run: The run.
        starts: Whether this gate starts it; of two gates only one does.
        source: Where samples come from that leave the run; None at the gate through which they go in.
    """

    def __init__(self, run: _Run, *, starts: bool, source: gr.basic_block | None = None) -> None:
        gr.basic_block.__init__(self, "semcom_gate", [np.complex64], [np.complex64])
        self._run, self._starts, self._source = run, starts, source
        self._empty_since: float | None = None

    def start(self) -> bool:
        """GNU Radio's: before the first sample."""
        if self._starts:
            self._run.start()
        return True

    def stop(self) -> bool:
        """GNU Radio's: after the last sample."""
        self._run.end(patiently=self._source is None)
        if self._source is not None:  # a source that waits for samples does not see that nobody takes them any more
            self._source.to_basic_block()._post(pmt.intern("system"), pmt.cons(pmt.intern("done"), pmt.from_long(1)))
        return True

    def forecast(self, noutput_items: int, ninputs: int) -> list[int]:
        """GNU Radio's: behind a run it is called without samples too, and sees that the run is over."""
        return [int(self._source is None)] * ninputs

    def general_work(self, input_items: list[np.ndarray], output_items: list[np.ndarray]) -> int:
        """GNU Radio's: pass on what there is."""
        if self._source is None and self._run.over:
            return DONE
        count = min(len(input_items[0]), len(output_items[0]))
        if count:
            self._empty_since = None
            output_items[0][:count] = input_items[0][:count]
            self.consume(0, count)
            return count
        now = time.monotonic()
        self._empty_since = self._empty_since or now
        if self._run.over and now - max(self._empty_since, self._run.over) > LAST_S:
            return DONE
        time.sleep(EMPTY_S)
        return 0


class _Run:
    """One `semcom run`.

    Attributes:
        over: When it had ended, by the monotonic clock; 0 before.
    """

    def __init__(
        self, title: str, program: list[str], words: list[str], parameters: dict[str, object], rx: End | None
    ) -> None:
        self.over = 0.0
        self._title, self._program, self._words, self._rx = title, program, words, rx
        self._parameters = self._wanted = parameters
        self._process: subprocess.Popen[bytes] | None = None
        self._ending = self._changing = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start it; one that still ends is waited for."""
        if self._process is not None:
            self._process.wait()
        self.over, self._ending = 0.0, False
        words = [*self._program, *self._words, *_assignments("--set", self._parameters)]
        # A session of its own: Ctrl-C is for GNU Radio, which then ends this in order.
        self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True)
        threading.Thread(target=self._watch, args=(self._process,), daemon=True).start()

    def end(self, *, patiently: bool) -> None:
        """Have it end in order: at once, or when it has done with the samples that it was sent.

        The thread keeps Python from ending before it.
        """
        self._ending = True
        if self._process is not None and self._process.poll() is None:
            when = ["--when-idle", self._rx[0]] if patiently and self._rx is not None else []
            threading.Thread(target=self._end, args=(self._process, when)).start()

    def change(self, parameters: dict[str, object]) -> None:
        """Change parameters, in a thread: of many changes in a row the last one counts."""
        with self._lock:
            self._wanted = parameters
            if self._process is None or self._process.poll() is not None:
                self._parameters = parameters
            elif not self._changing:
                self._changing = True
                threading.Thread(target=self._change, args=(self._process,), daemon=True).start()

    def _change(self, process: subprocess.Popen[bytes]) -> None:
        while True:
            with self._lock:
                changed = {name: value for name, value in self._wanted.items() if self._parameters.get(name) != value}
                self._parameters = self._wanted
                if not changed:
                    self._changing = False
                    return
            for pair in _assignments("", changed):
                subprocess.run(self._to(process, "set", pair), stdout=subprocess.DEVNULL, check=False)

    def _end(self, process: subprocess.Popen[bytes], when: list[str]) -> None:
        stop = self._to(process, "stop", *when)
        while process.poll() is None and subprocess.run(stop, capture_output=True, check=False).returncode:
            time.sleep(POLL_MS / 1000)  # it is only starting, and does not listen yet
        process.wait()

    def _to(self, process: subprocess.Popen[bytes], *words: str) -> list[str]:
        return [*self._program, *words, "--run", str(process.pid)]

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        code = process.wait()
        self.over = time.monotonic()
        if code:
            said = shlex.join(self._words[:2])
            note = f"{self._title}: `semcom {said}` ended with exit code {code}, and no more samples pass here"
            print(note, file=sys.stderr, flush=True)
        if self._rx is not None and not self._ending:
            threading.Thread(target=_drain, args=(self._rx[1],)).start()


def _drain(end: dict[str, object]) -> None:
    """Take what is still on its way to a run that has ended: GNU Radio's sink waits for a receiver for ever."""
    top = gr.top_block()
    top.connect(_source({**end, "pattern": OTHER_END[str(end["pattern"])]}), blocks.null_sink(gr.sizeof_gr_complex))
    top.start()
    time.sleep(LAST_S)
    top.stop()
    top.wait()


def _source(end: dict[str, object]) -> gr.basic_block:
    """GNU Radio's end of a sink of semcom."""
    pattern = OTHER_END[str(end["pattern"])]
    key = [end["key"]] if pattern == "sub" else []
    return getattr(zeromq, f"{pattern}_source")(*_common(end), *key)


def _sink(end: dict[str, object]) -> gr.basic_block:
    """GNU Radio's end of a source of semcom."""
    pattern = OTHER_END[str(end["pattern"])]
    key = [end["key"], False] if pattern == "pub" else []  # False: it waits for a subscriber that is slow
    return getattr(zeromq, f"{pattern}_sink")(*_common(end), *key)


def _common(end: dict[str, object]) -> list[object]:
    return [gr.sizeof_gr_complex, 1, end["address"], POLL_MS, end["pass_tags"], end["hwm"]]


def _assignments(option: str, values: dict[str, object]) -> list[str]:
    """``--set tx.hwm=64``, for each; values as JSON, which is YAML. numpy's numbers are numbers."""
    pairs = [f"{name}={json.dumps(value, default=float)}" for name, value in values.items()]
    return [word for pair in pairs for word in ([option, pair] if option else [pair])]


def _found(title: str, command: tuple[str, ...]) -> list[str]:
    """The command that wrote these blocks, or else the one on the PATH."""
    if shutil.which(command[0]):
        return list(command)
    other = shutil.which("semcom")
    if other:
        return [other]
    raise RuntimeError(
        f"{title}: expected the command semcom at {command[0]} or on the PATH, found it at neither "
        f"({os.environ.get('PATH', '')}); install gr-semcom, and run `semcom grc --install` again"
    )
