"""What every training recipe says, and reading one from a YAML file."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self, get_args

from pydantic import BaseModel, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from ...errors import UsageError, suggestion
from ..config import Config
from ..perceptual.build import PerceptualLoss

__all__ = ["LearningPhase", "Recipe", "Stretch"]


class Stretch(Config):
    """A part of the training with crops of one size."""

    until: float = Field(gt=0, le=1, description="Share of the budget at which it ends.")
    crop: int = Field(ge=8, description="Side of the crops in pixels. One crop is one frame of unit power.")
    batch: int = Field(ge=1)
    accumulate: int = Field(default=1, ge=1, description="The batch comes in so many pieces, one after another.")
    name: str = Field(default="", description="Stretches of one name share a table and the best weights.")


class LearningPhase(Stretch):
    """A stretch with a name and a learning rate of its own."""

    name: str = Field(min_length=1)
    learning_rate: float = Field(default=1e-4, gt=0, description="At the beginning of the phase.")
    final_share: float = Field(
        default=0.05, gt=0, le=1, description="Of the learning rate, at its end (half a cosine)."
    )


class Recipe(Config):
    """Budget, channel, optimiser, pictures and validation.

    A system's own recipe adds ``model``, the sizes of its network; ``variant``, the name of the weights that come out;
    and what its loss needs.
    """

    phases: tuple[Stretch, ...]
    seed: int = Field(default=1, ge=0)
    steps: int | None = Field(default=None, ge=1, description="Budget in steps.")
    minutes: float | None = Field(default=None, gt=0, description="Budget in minutes of training, over all restarts.")
    esn0_db: tuple[float, float] = Field(
        default=(0.0, 20.0), description="Range of Es/N0 in dB, drawn evenly per frame."
    )
    fading_share: float = Field(
        default=0.3, ge=0, le=1, description="Share of frames over Rayleigh: half block, half fast."
    )
    perceptual: PerceptualLoss = Field(default="none", description="A loss in the features of another network.")
    perceptual_scale: float = Field(default=1.0, gt=0, description="Of the perceptual loss, before its weight.")
    warmup_steps: int = Field(default=200, ge=0)
    optimizer: Literal["adamw", "muon"] = Field(
        default="adamw", description="AdamW for all; or Muon for matrices and convolutions, and AdamW for the rest."
    )
    weight_decay: float = Field(default=1e-4, ge=0)
    clip_norm: float = Field(default=1.0, gt=0)
    ema_decay: float = Field(default=0.999, ge=0, lt=1)
    precision: Literal["float32", "bfloat16"] = Field(default="bfloat16", description="In training only.")
    threads: int = Field(default=2, ge=1, description="CPU threads of torch.")
    picture_weights: dict[str, float] = Field(default_factory=dict, description="How often a file is drawn, by prefix.")
    halve: tuple[str, ...] = Field(default=(), description="Prefixes whose pictures are halved first (lossy files).")
    split_like: dict[str, str] = Field(
        default_factory=dict, description="prefix: other prefix; same number, same picture, same side of the split."
    )
    checkpoint_minutes: float = Field(default=2.0, gt=0)
    validate_minutes: float = Field(default=5.0, gt=0)
    validation_crop: int = Field(default=256, ge=8)
    validation_pictures: int = Field(default=48, ge=1)

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        if (self.steps is None) == (self.minutes is None):
            raise ValueError("expected one of 'steps' and 'minutes'")
        ends = [phase.until for phase in self.phases]
        if not ends or ends[-1] != 1 or any(a >= b for a, b in itertools.pairwise(ends)):
            raise ValueError("phases: expected 'until' to rise up to 1")
        return self

    def phase_at(self, progress: float) -> tuple[Any, float]:
        """The phase that is on at this share of the budget, and the share of the phase that is done."""
        begin = 0.0
        for phase in self.phases:
            if progress < phase.until:
                return phase, (progress - begin) / (phase.until - begin)
            begin = phase.until
        return self.phases[-1], 1.0

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a YAML file.

        Raises:  UsageError: the file cannot be read, or says something that is not a recipe.
        """
        import yaml

        try:
            text = path.read_text(encoding="utf-8")
            found, tree = yaml.safe_load(text), yaml.compose(text, yaml.SafeLoader)
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise UsageError(f"{path}: expected a YAML file of a training recipe: {error}") from error
        try:
            return cls.model_validate(found)
        except ValidationError as error:
            lines = (f"{path}:{_line(tree, e['loc'])}: {_mistake(cls, e)}" for e in error.errors())
            raise UsageError("\n".join(lines)) from error


def _line(tree: Any, keys: Sequence[int | str]) -> int:
    """Line of a value in a composed YAML document, or of what should hold it; names of kinds are no keys."""
    line = tree.start_mark.line if tree else 0
    for key in keys:
        kind = getattr(tree, "id", "")
        if kind == "mapping":
            for name, value in tree.value:
                if name.value == key:
                    line, tree = name.start_mark.line, value
        elif kind == "sequence" and isinstance(key, int) and key < len(tree.value):
            tree = tree.value[key]
            line = tree.start_mark.line
    return line + 1


def _mistake(recipe: type[BaseModel], error: ErrorDetails) -> str:
    where = ".".join(map(str, error["loc"])) or "the file"
    if error["type"] != "extra_forbidden":
        return f"{where}: {error['msg']}"
    *parents, name = error["loc"]
    holder: Any = recipe
    for parent in parents:
        if isinstance(parent, int):
            holder = next(iter(get_args(holder)), None)
        else:
            holder = getattr(getattr(holder, "model_fields", {}).get(parent), "annotation", None)
    return f"{where}: no such key{suggestion(str(name), getattr(holder, 'model_fields', ()))}"
