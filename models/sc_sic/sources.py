"""The published weights of Stable Cascade: where they are, under which licence, and their check sums."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from ..weights import sha256_of
from .config import Part

__all__ = [
    "LICENCE",
    "LICENCE_URL",
    "PUBLISHED",
    "REPOSITORY",
    "REVISION",
    "Published",
    "Variant",
    "fetched_files",
    "file_names",
    "published_as",
]

Variant = Literal["lite", "large"]

REPOSITORY = "stabilityai/stable-cascade"  # on the Hugging Face hub
REVISION = "f2a84281d6f8db3c757195dd0c9a38dbdea90bb4"  # of 2024-02-13, which wrote the single files as they are today
LICENCE = "Stability AI Non-Commercial Research Community License"
LICENCE_URL = f"https://huggingface.co/{REPOSITORY}/blob/main/LICENSE"


class Published(NamedTuple):
    """One file of the repository.

    Attributes:
        part: What it holds the weights of.
        variant: Of stage B; None: the file serves both.
        name: Path in the repository.
        megabytes: Size, 10^6 bytes, as the repository's pages state it.
        sha256: Of the file; what the hub states of its large files.
    """

    part: Part
    variant: Variant | None
    name: str
    megabytes: float
    sha256: str


# Read from the repository's page of each file, and the same at copies elsewhere (fofr/comfyui); for
# stage_b_lite_bf16 from the copy alone.
PUBLISHED = (
    Published(
        "encoder",
        None,
        "effnet_encoder.safetensors",
        81.5,
        "e23c1fe17ba8cdd6c49a5b292d72502bd4cf729e7de9f2060bb4dcc26737c0a0",
    ),
    Published(
        "stage_a",
        None,
        "stage_a.safetensors",
        73.7,
        "0a3f5a0b618494f81964dc719dbaaa9bd52f207d464d5fbf45442d363e1c0b5a",
    ),
    Published(
        "stage_b",
        "lite",
        "stage_b_lite_bf16.safetensors",
        1400,
        "fe92687deefcfb33bb3ec181254b55fe4e434c5084ce9d38815eaa32487ad376",
    ),
    Published(
        "stage_b",
        "lite",
        "stage_b_lite.safetensors",
        2800,
        "a6c3d534a9be308e95d2c3224af94a854bebd9b503f620f1ae3c8e6ba4a341bf",
    ),
    Published(
        "stage_b",
        "large",
        "stage_b_bf16.safetensors",
        3130,
        "2c8d58b267678aecfa6705a0a0375c88613065a8a8d32ad3a4c3867f5461cb3a",
    ),
    Published(
        "stage_b",
        "large",
        "stage_b.safetensors",
        6250,
        "7b431ea7d0f10e72b3eaece353bf6bf2f6bc717b6f4207411be186b40dec1f43",
    ),
)

# diffusers' layout of the same weights, in folders
_FOLDERS: dict[tuple[Part, Variant | None], str] = {
    ("stage_a", None): "vqgan",
    ("stage_b", "lite"): "decoder_lite",
    ("stage_b", "large"): "decoder",
}


def _serves(part: Part, variant: Variant) -> list[Published]:
    return [one for one in PUBLISHED if one.part == part and one.variant in (None, variant)]


def file_names(part: Part, variant: Variant) -> tuple[str, ...]:
    """Names under which a folder may hold a part, the preferred one first: single files, then diffusers' folders.

    Args:
        part: Of the system.
        variant: Of stage B.
    """
    names = [one.name for one in _serves(part, variant)]
    folder = _FOLDERS.get((part, variant)) or _FOLDERS.get((part, None))
    if folder is not None:
        names += [f"{folder}/diffusion_pytorch_model{ending}.safetensors" for ending in (".bf16", "")]
    return tuple(names)


def fetched_files(variant: Variant) -> tuple[Published, ...]:
    """What is downloaded: one file for each part, stage B in bfloat16, the precision it was trained in."""
    return tuple(_serves(part, variant)[0] for part in ("encoder", "stage_a", "stage_b"))


def published_as(path: Path) -> Published | None:
    """Which published file this is, by its SHA-256; None: none of them."""
    digest = sha256_of(path)
    return next((one for one in PUBLISHED if one.sha256 == digest), None)
