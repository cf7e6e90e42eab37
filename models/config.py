"""What the configurations of networks and trainings are made of."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError

__all__ = ["Config", "first_mistake"]


class Config(BaseModel):
    """Frozen, closed, finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def first_mistake(error: ValidationError) -> str:
    """Return the first thing that is wrong, for a sentence: ``patch: Input should be greater than 0``."""
    first = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
