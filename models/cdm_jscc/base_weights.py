"""What the weights of a CDM-JSCC run may leave out, because weights that are shipped hold it."""

from __future__ import annotations

from pathlib import Path

from ..model_card import ModelCard, card_path
from ..ntscc.names import SHIPPED as NTSCC_SHIPPED
from ..ntscc.network import Ntscc
from ..weights.file import read_tensors
from .config import CdmConfig, Part, TrainConfig
from .names import SHIPPED
from .network import part_of

__all__ = ["base_of", "ntscc_weights", "of_one_size"]


def ntscc_weights(start_from: str | None) -> Path | None:
    """File of the weights of an NTSCC network, where a recipe starts from one."""
    system, _, name = (start_from or "").rpartition("/")
    if name.endswith(".safetensors"):
        path = Path(system, name)
        return path if ModelCard.read(card_path(path)).cls == f"{Ntscc.__module__}:{Ntscc.__name__}" else None
    return NTSCC_SHIPPED.path(name) if system == NTSCC_SHIPPED.system else None


def base_of(config: TrainConfig) -> tuple[ModelCard | None, set[Part]]:
    """Card of the shipped weights that hold what a run leaves as it was, and the parts that they lack from the first.

    Weights upon an NTSCC network lean on that one alone, however many trainings lie between.
    """
    name = config.start_from
    if name is None or name == "deepjscc":
        return None, set()
    if ntscc_weights(name) is not None:
        return _of_ntscc(NTSCC_SHIPPED.base(name.rpartition("/")[2])), {"denoiser"}
    weights = SHIPPED.find(name)
    card = ModelCard.read(card_path(weights))
    system, _, file = (card.base or "").rpartition("/")
    if system in SHIPPED.within:
        own = {part_of(tensor) for tensor in read_tensors(weights, memory="mapped")}
        return _of_ntscc(ModelCard.read(card_path(NTSCC_SHIPPED.folder / file))), own
    base = SHIPPED.base(name)
    if base is None or not of_one_size(config.model, CdmConfig.model_validate(base.config)):
        return None, set()  # of a network that has grown it would not hold the rest
    return base, set()


def _of_ntscc(card: ModelCard | None) -> ModelCard | None:
    return card and card.model_copy(update={"file": f"{NTSCC_SHIPPED.system}/{card.file}"})


def of_one_size(model: CdmConfig, start: CdmConfig) -> bool:
    """Whether two networks have the same tensors."""
    told = {"start_noise": model.start_noise, "objective": model.objective}  # no tensor hangs on these
    return model == start.model_copy(update=told)
