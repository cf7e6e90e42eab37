"""Published weights: finding the files, and loading them into the networks whatever layout they have."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ...errors import MissingExtra, UsageError, WeightsError
from .config import Part
from .fit import compare, diagnose
from .sources import LICENCE, REPOSITORY, REVISION, Variant, fetched_files, file_names

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["load_part", "locate", "locate_parts", "offline_by_environment"]

_log = logging.getLogger("semcom")

NAMES: dict[Part, str] = {"encoder": "the semantic encoder", "stage_a": "stage A", "stage_b": "stage B"}
PICKLES = (".pt", ".pth", ".bin", ".ckpt", ".pkl")
OFFLINE = ("SEMCOM_OFFLINE", "HF_HUB_OFFLINE")
_CONTEXT = "channel_context_mapper."
_INNER = {"stage_a": "vqgan", "stage_b": "unet"}  # where our modules keep diffusers' networks


def offline_by_environment() -> bool:
    """Whether ``SEMCOM_OFFLINE`` or ``HF_HUB_OFFLINE`` forbid the network: set, and neither empty nor 0, no, false."""
    return any(os.environ.get(name, "").strip().lower() not in ("", "0", "no", "off", "false") for name in OFFLINE)


def locate(part: Part, source: Path | str | None = None, *, variant: Variant = "lite", offline: bool = True) -> Path:
    """Find the file of one part; see `locate_parts`."""
    return locate_parts((part,), source, variant=variant, offline=offline)[part]


def locate_parts(
    parts: Sequence[Part], source: Path | str | None = None, *, variant: Variant = "lite", offline: bool = True
) -> dict[Part, Path]:
    """Find the files of several parts, and name all that are missing at once.

    Args:
        parts: Of the system.
        source: A folder; a file, where one part is asked for; the name ``owner/name`` of a repository on the Hugging
            Face hub; None: the repository of Stable Cascade. Of a folder the folder ``models`` in it is searched too,
            as khalidr4/DSIC has it.
        variant: Of stage B.
        offline: A repository is looked up in the hub's cache on this machine alone. The network is touched only where
            this is False and the environment does not forbid it either (`offline_by_environment`).

    Returns:
        A path for each part.

    Raises:
        WeightsError: a file is missing, or cannot be downloaded.
        UsageError: a file was given for several parts.
        MissingExtra: huggingface_hub is not installed, and the network may be touched.
    """
    if source is not None and Path(source).is_file():
        if len(parts) > 1:
            raise UsageError(f"sc-sic: {source} is a file, and {len(parts)} parts are needed; give the folder it is in")
        return {parts[0]: _no_pickle(Path(source))}
    repository = REPOSITORY if source is None else str(source)
    folder = None if source is None or (_is_repository(source) and not Path(source).is_dir()) else Path(source)
    found: dict[Part, Path] = {}
    for part in parts:
        names = file_names(part, variant)
        path = _in_folder(folder, names) if folder is not None else _in_cache(repository, names)
        if path is None and folder is None and not offline and not offline_by_environment():
            path = _download(part, variant, repository)
        if path is not None:
            found[part] = path
    missing = [part for part in parts if part not in found]
    if missing:
        where = f"in {folder}" if folder is not None else f"of {repository} in the hub's cache on this machine"
        if folder is None and source is not None:
            where += f", and no folder {source}"
        raise WeightsError(_absent(missing, variant, where))
    return found


def _absent(missing: Sequence[Part], variant: Variant, where: str) -> str:
    expected = "; ".join(f"for {NAMES[part]} {' or '.join(file_names(part, variant))}" for part in missing)
    gigabytes = sum(one.megabytes for one in fetched_files(variant)) / 1000
    return (
        f"sc-sic: no weights {where}: expected {expected}; get them with `semcom fetch sc-sic --variant {variant} "
        f"--out FOLDER` ({REPOSITORY}, {gigabytes:.1f} GB, {LICENCE}), or give a folder that holds them"
    )


def _is_repository(source: Path | str) -> bool:
    return isinstance(source, str) and re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", source) is not None


def _in_folder(folder: Path, names: Sequence[str]) -> Path | None:
    paths = (folder / top / name for name in names for top in ("", "models"))
    return next((path for path in paths if path.is_file()), None)


def _in_cache(repository: str, names: Sequence[str]) -> Path | None:
    """What an earlier download left, by whatever tool; without the hub's package there is no cache to speak of."""
    try:
        from huggingface_hub import try_to_load_from_cache
        from huggingface_hub.errors import HFValidationError
    except ImportError:
        return None
    for revision in (REVISION, "main") if repository == REPOSITORY else ("main",):
        for name in (top + name for name in names for top in ("", "models/")):
            try:
                path = try_to_load_from_cache(repository, name, revision=revision)
            except HFValidationError:
                return None
            if isinstance(path, str):
                return Path(path)
    return None


def _download(part: Part, variant: Variant, repository: str) -> Path:
    from .fetch import download  # here, since fetch is of no use to most callers

    one = next(one for one in fetched_files(variant) if one.part == part)
    if repository == REPOSITORY:
        return download(one)
    unchecked = one._replace(sha256="")
    try:
        return download(unchecked, repository=repository)
    except WeightsError:
        return download(unchecked._replace(name=f"models/{one.name}"), repository=repository)


def _no_pickle(path: Path) -> Path:
    if path.suffix.lower() in PICKLES:
        raise WeightsError(
            f"{path}: a pickle can run code when it is read, so none is; expected a .safetensors file of the weights"
        )
    return path


def load_part(
    part: Part, path: Path, module: nn.Module, *, extra: Literal["refuse", "channel_context"] = "refuse"
) -> None:
    """Load a file of weights into a network, in the original layout or in that of diffusers, in any precision.

    Args:
        part: What the file should hold.
        path: A safetensors file.
        module: `EfficientNetEncoder`, `StageA` or `StageB`, or diffusers' network inside the latter two. Its tensors
            keep their type and device; those on the device meta are made on the CPU.
        extra: ``refuse`` keys that the network lacks; ``channel_context``: those are let go by which D-SIC tells its
            stage B the channel's gain and SNR.

    Raises:
        WeightsError: the file is missing, truncated, a pickle, or does not fit: then the message says key by key where,
            and what the file seems to be.
        MissingExtra: safetensors or diffusers is not installed.
    """
    try:
        import safetensors
        import safetensors.torch
        import torch

        from .efficientnet import EfficientNetEncoder
    except ImportError as error:
        raise MissingExtra("loading weights", error.name or "safetensors", "models") from None
    _no_pickle(path)
    if not path.is_file():
        raise WeightsError(f"{path}: no such file of weights for {NAMES[part]}")
    try:
        read = safetensors.torch.load_file(path)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror}; check that you may read it") from None
    except (safetensors.SafetensorError, ValueError) as error:
        raise WeightsError(f"{path}: truncated or not a safetensors file ({error}); copy or fetch it again") from None
    target: nn.Module = getattr(module, _INNER.get(part, ""), module)
    tensors = _diffusers_layout(part, read)
    if extra == "channel_context" and any(key.startswith(_CONTEXT) for key in tensors):
        _log.warning("%s: D-SIC's stage B; the part that is told the channel's gain and SNR is left out", path)
        tensors = {key: value for key, value in tensors.items() if not key.startswith(_CONTEXT)}
    wanted = target.state_dict()
    shapes = {key: tuple(value.shape) for key, value in wanted.items()}
    fit = compare(shapes, {key: tuple(value.shape) for key, value in tensors.items()})
    if not fit.good:
        seems = diagnose(shapes, {key: tuple(value.shape) for key, value in {**tensors, **read}.items()})
        lines = [f"{path}: does not fit {NAMES[part]}:", fit.report(), *([f"  {seems}"] if seems else [])]
        raise WeightsError("\n".join(lines))
    counters = [key for key in wanted if key not in tensors]
    if any(value.is_meta for value in wanted.values()):
        # copies: what was read is mapped from the file
        made = {key: value.to(dtype=wanted[key].dtype, copy=True) for key, value in tensors.items()}
        zeros = {key: torch.zeros(wanted[key].shape, dtype=wanted[key].dtype) for key in counters}
        target.load_state_dict({**made, **zeros}, assign=True)
        if isinstance(target, EfficientNetEncoder):
            target.set_constants()
    else:
        target.load_state_dict({**tensors, **{key: wanted[key] for key in counters}})


def _diffusers_layout(part: Part, tensors: dict[str, Tensor]) -> Mapping[str, Tensor]:
    """The names that diffusers' networks have, from the names in Stability AI's, D-SIC's and our own files."""
    own = f"{part}.{_INNER[part]}." if part in _INNER else f"{part}."
    if all(key.startswith(own) for key in tensors):
        return {key.removeprefix(own): value for key, value in tensors.items()}
    if part == "stage_a":
        return {key.replace("vquantizer.codebook.", "vquantizer.embedding."): value for key, value in tensors.items()}
    if part == "encoder" or not any(key.endswith("in_proj_weight") or key == "clip_mapper.weight" for key in tensors):
        return tensors
    try:
        from diffusers.loaders.single_file_utils import convert_stable_cascade_unet_single_file_to_diffusers
    except ImportError as error:
        raise MissingExtra("stage B", error.name or "diffusers", "models") from None
    converted: dict[str, Tensor] = convert_stable_cascade_unet_single_file_to_diffusers(tensors)  # type: ignore[no-untyped-call]
    return converted
