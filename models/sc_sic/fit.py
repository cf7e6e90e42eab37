"""Whether a file of weights fits a network: key by key, and what the file seems to be if it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

__all__ = ["Fit", "Shape", "compare", "diagnose"]

Shape = tuple[int, ...]

SHOWN = 10  # keys of each kind in a message
_WIDTH_KEY = "down_blocks.1.0.channelwise.4.weight"  # of stage B, [width, 4 width]
_SIZES = {576: "size lite (700 M)", 640: "size large (1.5 B)"}
_PARTS = {"backbone.": "the semantic encoder", "vquantizer.": "stage A", "effnet_mapper.": "stage B"}
_STRANGERS = (  # starts of keys that give a file away, all of them, and what it is
    (
        ("model.diffusion_model.",),
        "It is a checkpoint for ComfyUI with several networks in one file; take the single files instead.",
    ),
    (
        ("clip_txt_mapper.",),
        "It is stage C, the prior that makes embeddings from text; this system needs stage B.",
    ),
    (("effnet_mappers.",), "It is the stage B of Würstchen v2; take that of Stable Cascade."),
    (
        ("channel_context_mapper.",),
        "It is a stage B of D-SIC, which is also told the channel's gain and SNR by channel_context_mapper; "
        "this network is not. To load the rest of it, say extra=channel_context.",
    ),
    (
        ("features.", "classifier."),
        "It is a classifier of torchvision: it has no head that makes embeddings; "
        "take effnet_encoder.safetensors of Stable Cascade.",
    ),
    (
        ("backbone.", "mapper.1.weight"),
        "It is the encoder of Würstchen v2: the shapes are the same, but the normalisation of its head has weights "
        "of its own, and its embeddings are others; take effnet_encoder.safetensors of Stable Cascade.",
    ),
)


class Fit(NamedTuple):
    """Where a file and a network differ.

    Attributes:
        wanted: How many tensors the network has.
        missing: Keys that the file lacks.
        extra: Keys that the network lacks.
        reshaped: Keys of both, with the shape in the network and the shape in the file.
    """

    wanted: int
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    reshaped: tuple[tuple[str, Shape, Shape], ...]

    @property
    def good(self) -> bool:
        """Whether nothing differs."""
        return not (self.missing or self.extra or self.reshaped)

    def report(self) -> str:
        """One line for each kind of difference, the first keys of each."""
        lines = []
        if self.missing:
            lines.append(f"missing, {len(self.missing)} of {self.wanted}: {_first(self.missing)}")
        if self.extra:
            lines.append(f"extra, {len(self.extra)}: {_first(self.extra)}")
        if self.reshaped:
            said = [f"{key} (expected {list(ours)}, got {list(theirs)})" for key, ours, theirs in self.reshaped]
            lines.append(f"of another shape, {len(self.reshaped)} of {self.wanted}: {_first(said)}")
        return "\n".join(f"  {line}" for line in lines)


def _first(said: Sequence[str]) -> str:
    return ", ".join(said[:SHOWN]) + (", ..." if len(said) > SHOWN else "")


def compare(network: Mapping[str, Shape], file: Mapping[str, Shape]) -> Fit:
    """Compare what a network has with what a file has.

    The counters of batches that normalisations keep may be missing: nothing reads them.

    Args:
        network: Shapes by key.
        file: Shapes by key, in the network's layout.
    """
    missing = [key for key in network if key not in file and not key.endswith("num_batches_tracked")]
    extra = [key for key in file if key not in network]
    both = [key for key in network if key in file and tuple(network[key]) != tuple(file[key])]
    reshaped = [(key, tuple(network[key]), tuple(file[key])) for key in both]
    return Fit(len(network), tuple(missing), tuple(extra), tuple(reshaped))


def diagnose(network: Mapping[str, Shape], file: Mapping[str, Shape]) -> str | None:
    """Say in a sentence what a file seems to be that does not fit; None: nothing known.

    Args:
        network: Shapes by key.
        file: Shapes by key, in either layout.
    """
    for signs, said in _STRANGERS:
        if all(_has(file, sign) for sign in signs):
            return said
    for start, name in _PARTS.items():
        if _has(file, start) and not _has(network, start):
            return f"It is {name}, another part of this system."
    ours, theirs = (shapes.get(_WIDTH_KEY, (0,))[0] for shapes in (network, file))
    if ours and theirs and ours != theirs:
        named = [_SIZES.get(width, f"width {width}") for width in (theirs, ours)]
        return f"It is stage B of {named[0]}, and the network is of {named[1]}: give the other file or variant."
    return None


def _has(shapes: Mapping[str, Shape], start: str) -> bool:
    return any(key.startswith(start) for key in shapes)
