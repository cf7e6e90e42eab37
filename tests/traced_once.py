"""What torch traces is kept, for pytest's workers and for the commands of the pages: most of an export is its trace.

What is compared, written and refused is done anew each time.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


def traced_once(folder: Path, trace: Callable[[Any, list[str]], Any]) -> Callable[[Any, list[str]], Any]:
    """In the place of `semcom.models.onnx.export._trace`: the same network with the same inputs is traced once."""

    def once(graph: Any, outputs: list[str]) -> Any:
        import onnx

        path = folder / f"{_key(graph, outputs)}.onnx"
        with path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                made = trace(graph, outputs).SerializeToString()
                path.with_suffix(".part").write_bytes(made)
                os.replace(path.with_suffix(".part"), path)
        return onnx.load_from_string(path.read_bytes())

    return once


def _key(graph: Any, outputs: list[str]) -> str:
    cls = type(graph.network)
    found = hashlib.sha256(f"{cls.__module__} {cls.__qualname__} {graph.network} {graph.dynamic} {outputs}".encode())
    for name, value in sorted(graph.example.items()):
        found.update(f"{name} {value.dtype} {value.shape}".encode())
    for name, value in graph.network.state_dict().items():
        found.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        found.update(value.detach().contiguous().cpu().numpy().tobytes())
    return found.hexdigest()[:16]
