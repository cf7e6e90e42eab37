"""What a file of weights seems to be that does not fit."""

from __future__ import annotations

from collections.abc import Mapping

from ..weights.fit import Shape

__all__ = ["diagnose"]

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
