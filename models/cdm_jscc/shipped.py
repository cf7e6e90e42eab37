"""Where the shipped weights are."""

from __future__ import annotations

from pathlib import Path

from ...errors import UsageError

__all__ = ["WEIGHTS", "weights_path"]

WEIGHTS = Path(__file__).parent / "weights"


def weights_path(variant: str) -> Path:
    """Path of the shipped weights of a variant.

    Raises:
        UsageError: there is no such variant.
    """
    path = WEIGHTS / f"{variant}.safetensors"
    if not path.is_file():
        have = ", ".join(sorted(file.stem for file in WEIGHTS.glob("*.safetensors"))) or "none"
        raise UsageError(f"cdm-jscc: no weights '{variant}' are shipped; expected one of: {have}")
    return path
