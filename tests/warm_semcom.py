"""The command `semcom`, forked from a process that has imported torch: new ones spend most of their time on that.

As `python` would, it also runs a module, ``-m MODULE``, for the processes that blocks run in, and a text, ``-c TEXT``.

``python warm_semcom.py serve ADDRESS TRACES`` waits at a unix socket; ``... run ADDRESS WORDS`` has a command run
there, with its own working directory, environment and standard streams, passes signals on to it, and ends as it ends.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import NoReturn


def run(address: str, words: list[str]) -> int:
    """Have a command run; return its exit code."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        about = json.dumps({"words": words, "folder": os.getcwd(), "environment": dict(os.environ)}).encode()
        socket.send_fds(server, [len(about).to_bytes(4)], [0, 1, 2])
        server.sendall(about)
        pid = int.from_bytes(server.recv(4))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda caught, _: os.kill(pid, caught))
        code = server.recv(1)
        return code[0] if code else 1


def serve(address: str, traces: str) -> None:
    """Import what commands import, and fork for each that comes; a fork returns, and is the command.

    What exports trace is kept in the folder of traces, or taken from there.
    """
    import av  # noqa: F401
    import numba  # noqa: F401
    import PIL.Image
    import scipy.ndimage
    import scipy.signal  # noqa: F401
    import semcom.cli
    import semcom.flowgraphs.runtime.run
    import torch  # noqa: F401
    from diffusers import AutoencoderKL, UNet2DModel  # noqa: F401
    from semcom.blocks.lookup import list_blocks, load_block
    from semcom.models.onnx import export

    PIL.Image.init()
    for block in list_blocks():
        load_block(block.use)
    for engine in Path(export.__file__).parents[1].glob("*/engine.py"):
        importlib.import_module(f"semcom.models.{engine.parent.name}.engine")

    traced_once = runpy.run_path(str(Path(__file__).with_name("traced_once.py")))["traced_once"]
    export._trace = traced_once(Path(traces), export._trace)

    gc.freeze()  # else each command ends with a search through all that was imported: more than most of them take
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of a shell are born deaf to it
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that watch
        while True:
            client, _ = server.accept()
            if os.fork() == 0:
                server.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _watch(client)
                break
            client.close()
    if sys.argv[1:2] in (["-m"], ["-c"]):
        sys.path.insert(0, os.getcwd())
        warnings.simplefilter("ignore", RuntimeWarning)  # that it was imported before
    if sys.argv[1:2] == ["-m"]:
        _to_the_end(lambda: runpy.run_module(sys.argv[2], run_name="__main__"))
    elif sys.argv[1:2] == ["-c"]:
        main = sys.modules["__main__"] = ModuleType("__main__")
        code = compile(sys.argv[2], "<string>", "exec")
        sys.argv[:3] = ["-c"]
        _to_the_end(lambda: exec(code, main.__dict__))
    else:
        _to_the_end(semcom.cli.main)


def _to_the_end(run: Callable[[], object]) -> NoReturn:
    """Run, and end as Python does, but without taking apart all that was imported: that takes as long as many commands.

    Threads are awaited, garbage is finished, what was registered for the end is called, and all that was said is out.
    """
    code: object = 0
    try:
        run()
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    gc.collect()
    atexit._run_exitfuncs()
    if not isinstance(code, int):
        print(code, file=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code & 0xFF if isinstance(code, int) else 1)


def _watch(client: socket.socket) -> None:
    """Fork the command, and tell how it ended; it is killed when its client is gone. Returns in the command itself."""
    size, files, _, _ = socket.recv_fds(client, 4, 3)
    about = json.loads(client.recv(int.from_bytes(size), socket.MSG_WAITALL))
    pid = os.fork()
    if pid == 0:
        client.close()
        for target, file in enumerate(files):
            os.dup2(file, target)
            os.close(file)
        os.chdir(about["folder"])
        os.environ.clear()
        os.environ.update(about["environment"])
        sys.argv = ["semcom", *about["words"]]
        return
    for file in files:
        os.close(file)
    client.sendall(pid.to_bytes(4))
    while (ended := os.waitpid(pid, os.WNOHANG))[0] == 0:
        if select.select([client], [], [], 0.01)[0]:
            os.kill(pid, signal.SIGKILL)
            os._exit(0)
    code = os.waitstatus_to_exitcode(ended[1])
    client.sendall(bytes([code if code >= 0 else 128 - code]))
    os._exit(0)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2], sys.argv[3])
    else:
        sys.exit(run(sys.argv[2], sys.argv[3:]))
