"""What is known of one file of weights: a record that lies beside it as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import WeightsError

__all__ = ["ModelCard", "Training", "card_path"]


class Training(BaseModel):
    """How the weights came about."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str = Field(description="The pictures, and which of them were held out.")
    command: str = Field(description="What was run.")
    seed: int
    steps: int
    minutes: float = Field(description="Wall-clock minutes of training and validation, over all restarts.")
    machine: str = Field(description="What it ran on: the cost together with the minutes.")
    curve: str = Field(description="File name of the validation curve, CSV, beside the card.")
    recipe: dict[str, Any] = Field(description="The configuration as it ran.")


class ModelCard(BaseModel):
    """One record per set of weights; nothing else repeats what it says.

    Attributes:
        name: Of the weights.
        cls: Import path of the network's class.
        config: Sizes the class is built with.
        file: File name of the weights, beside the card.
        sha256: Of that file.
        licence: Of the weights.
        paper: What the network follows.
        base: File of the weights that hold the tensors which these leave out, beside them or shipped, with another
            system where it is ``SYSTEM/FILE``; None: they are whole.
        base_sha256: Of that file.
        training: How the weights came about.
        metrics: What they were measured to do; each name says on what and in which unit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    cls: str
    config: dict[str, Any]
    file: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    licence: str
    paper: str
    base: str | None = Field(default=None, pattern=r"^([^/]+/)?[^/]+\.safetensors$")
    base_sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    training: Training
    metrics: dict[str, float]

    @classmethod
    def read(cls, path: Path) -> ModelCard:
        """Read the card at ``path``.

        Raises:  WeightsError: there is none, or it is not one.
        """
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise WeightsError(
                f"{path}: no model card; expected one beside the weights, with the same name and the ending .json"
            ) from None
        except (OSError, UnicodeDecodeError, ValidationError) as error:
            first = str(error).splitlines()[0]
            raise WeightsError(f"{path}: not a model card ({first}); take the one that came with the weights") from None


def card_path(weights: Path) -> Path:
    """Where the card of a file of weights lies: beside it, ending in ``.json``."""
    return weights.with_suffix(".json")
