"""What a user should know and need not mend: said once on standard error, and the work goes on."""

from __future__ import annotations

import functools
import logging

from ..errors import printable

__all__ = ["note"]


@functools.lru_cache(maxsize=4096)
def note(text: str) -> None:
    """Tell the user, once a process for each text: a picture that is read again has nothing new to say."""
    logging.getLogger("semcom").warning("%s", printable(text))
