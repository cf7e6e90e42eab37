"""The scale between features and symbols, as a parameter of both ends."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import numpy as np
from pydantic import Field

__all__ = ["LARGEST", "Scale"]

LARGEST: Final = float(np.finfo(np.float16).max)
Scale = Literal["sent"] | Annotated[float, Field(ge=float(np.finfo(np.float16).smallest_subnormal), le=LARGEST)]
"""What a receiver multiplies by: told with each frame; or a number, of half precision, that both ends know."""
