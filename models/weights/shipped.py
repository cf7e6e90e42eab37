"""Weights of this project's own training: by name or path, and whole, whatever files leave out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import UsageError, WeightsError
from ..model_card import ModelCard, card_path
from ..system_name import system_name
from .file import load_weights

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ShippedWeights"]


@dataclass
class ShippedWeights:
    """The weights that are shipped with a system.

    Args:
        home: The system's folder; they lie in its ``weights``.
        within: What stands before the names of another system's tensors where its network is a part of this one's.
    """

    home: Path
    within: Mapping[str, str] = field(default_factory=dict)

    @property
    def system(self) -> str:
        """The system's name, for messages."""
        return system_name(self.home)

    @property
    def folder(self) -> Path:
        """Where they lie."""
        return self.home / "weights"

    def path(self, name: str) -> Path:
        """Path of shipped weights.

        Raises:
            UsageError: none of that name are shipped.
        """
        path = self.folder / f"{name}.safetensors"
        if not path.is_file():
            have = ", ".join(sorted(file.stem for file in self.folder.glob("*.safetensors"))) or "none"
            raise UsageError(
                f"{self.system}: no weights '{name}' are shipped; expected one of: {have}, or a file of your own"
            )
        return path

    def find(self, source: str) -> Path:
        """Path of weights given as a file, which ends in ``.safetensors``, or as the name of shipped ones."""
        return Path(source) if source.endswith(".safetensors") else self.path(source)

    def base(self, source: str | None) -> ModelCard | None:
        """Card of shipped weights of which a run that starts from them may leave out what it leaves as it was.

        None where it starts from nothing, from a file, or from weights that leave out something themselves.
        """
        if source is None or source.endswith(".safetensors"):
            return None
        path = self.path(source)
        card = ModelCard.read(card_path(path)).model_copy(update={"file": path.name})
        return card if card.base is None else None

    def load(self, path: Path, part_of: Callable[[str], str] = str) -> tuple[ModelCard, dict[str, Tensor]]:
        """Load weights whole: parts that they leave out come from the file that their card names.

        That file lies beside them, or is shipped; it may lean on others itself. ``SYSTEM/FILE`` is shipped with
        another system.

        Args:
            path: See `load_weights`.
            part_of: Part of the network that a tensor belongs to. Of a part they have anything of they have all: one
                that became smaller would leave tensors of the other's without a place.

        Returns:
            The card, and the tensors by name.

        Raises:
            WeightsError: see `load_weights`, or the file that the card names is another than they were trained upon, or
                of a system whose network is no part of this one's.
        """
        card, tensors = load_weights(path)
        if card.base is None:
            return card, tensors
        system, _, file = card.base.rpartition("/")
        if system and system not in self.within:
            raise WeightsError(
                f"{path}: its card names weights of {system}, which is no part of {self.system}; take the card that "
                "came with the weights"
            )
        others = ShippedWeights(self.home.with_name(system)) if system else self
        beside = path.with_name(file)
        base = beside if not system and beside.is_file() and beside != path else others.folder / file
        if not base.is_file():
            raise WeightsError(
                f"{path}: its card names {card.base} for what these weights leave out, and there is no {base}; take "
                "both from the same place"
            )
        base_card, base_tensors = others.load(base, part_of)
        if system:
            base_tensors = {self.within[system] + name: value for name, value in base_tensors.items()}
        if card.base_sha256 not in (None, base_card.sha256):
            raise WeightsError(
                f"{path}: was trained upon weights of SHA-256 {str(card.base_sha256)[:16]}..., and {base} has "
                f"{base_card.sha256[:16]}...; take both from the same place"
            )
        own = {part_of(name) for name in tensors}
        return card, {**{name: value for name, value in base_tensors.items() if part_of(name) not in own}, **tensors}
