"""A block that ends the process would take the run with it, without a word: in a thread of ours it becomes an error."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["exits_as_errors"]


@contextmanager
def exits_as_errors() -> Iterator[None]:
    """Let ``os._exit`` raise SystemExit in this process, which a block's guard turns into an error with file and line.

    A thread of the block's own would end alone by SystemExit, and the block wait for it: there the process ends, with a
    word on standard error. Processes that are forked off meanwhile end as they would have.
    """
    end, pid, within = os._exit, os.getpid(), threading.current_thread()

    def raise_instead(status: int) -> Any:
        thread = threading.current_thread()
        if os.getpid() != pid or (thread is not within and not thread.name.startswith("semcom:")):
            if os.getpid() == pid:
                os.write(2, f"thread '{thread.name}' called os._exit({status}), which ends the whole run\n".encode())
            end(status)
        raise SystemExit(f"it called os._exit({status}), which ends the whole run")

    os._exit = raise_instead
    try:
        yield
    finally:
        os._exit = end
