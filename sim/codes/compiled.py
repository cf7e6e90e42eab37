"""How inner loops are compiled. Imported by these alone, so that numba stays optional."""

from __future__ import annotations

from typing import Any

import numba

__all__ = ["compiled"]


def compiled(function: Any) -> Any:
    """Compile; the machine code is kept beside this file or in the user's cache, where either can be written."""
    options = {"nogil": True, "error_model": "numpy", "boundscheck": False}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # neither can: an installation of another user, and no home
        return numba.njit(**options)(function)
