"""The folder of a system that is not installed, as a parameter of a block."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, ValidationInfo

from ...errors import UnknownSystem
from ...models.lookup import find_system

__all__ = ["SystemFolder"]


def _found(name: str, info: ValidationInfo) -> str:
    """Return the whole path of a folder, or the name of what is installed."""
    try:
        system = find_system(name, (info.context or {}).get("base"))
    except UnknownSystem as error:
        raise ValueError(str(error)) from None
    return system.name if name == system.name else str(system.folder)


SystemFolder = Annotated[str, AfterValidator(_found)]
"""``./toy``, from the folder of the flowgraph's file; from the working directory where a swap says it."""
