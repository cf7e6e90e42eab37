"""The published weights of Stable Cascade."""

from __future__ import annotations

from ..weights.publication import Publication, PublishedFile
from .names import SHIPPED

__all__ = ["PUBLICATION"]


def _of_diffusers(folder: str) -> tuple[str, ...]:
    """Files of the same weights in diffusers' layout."""
    return tuple(f"{folder}/diffusion_pytorch_model{ending}.safetensors" for ending in (".bf16", ""))


PUBLICATION = Publication(
    system=SHIPPED.system,
    title="Stable Cascade",
    repository="stabilityai/stable-cascade",
    revision="f2a84281d6f8db3c757195dd0c9a38dbdea90bb4",  # of 2024-02-13, which wrote the files as they are today
    licence="Stability AI Non-Commercial Research Community License",
    terms="research and other non-commercial use alone",
    licence_url="https://huggingface.co/stabilityai/stable-cascade/blob/main/LICENSE",
    parts={"encoder": "the semantic encoder", "stage_a": "stage A", "stage_b": "stage B"},
    # Sizes and sums are read from the repository's page of each file, and the same at copies elsewhere (fofr/comfyui);
    # for stage_b_lite_bf16 from the copy alone. Of stage B first that in bfloat16, the precision it was trained in.
    files=(
        PublishedFile(
            "encoder",
            None,
            "effnet_encoder.safetensors",
            81.5,
            "e23c1fe17ba8cdd6c49a5b292d72502bd4cf729e7de9f2060bb4dcc26737c0a0",
        ),
        PublishedFile(
            "stage_a",
            None,
            "stage_a.safetensors",
            73.7,
            "0a3f5a0b618494f81964dc719dbaaa9bd52f207d464d5fbf45442d363e1c0b5a",
        ),
        PublishedFile(
            "stage_b",
            "lite",
            "stage_b_lite_bf16.safetensors",
            1400,
            "fe92687deefcfb33bb3ec181254b55fe4e434c5084ce9d38815eaa32487ad376",
        ),
        PublishedFile(
            "stage_b",
            "lite",
            "stage_b_lite.safetensors",
            2800,
            "a6c3d534a9be308e95d2c3224af94a854bebd9b503f620f1ae3c8e6ba4a341bf",
        ),
        PublishedFile(
            "stage_b",
            "large",
            "stage_b_bf16.safetensors",
            3130,
            "2c8d58b267678aecfa6705a0a0375c88613065a8a8d32ad3a4c3867f5461cb3a",
        ),
        PublishedFile(
            "stage_b",
            "large",
            "stage_b.safetensors",
            6250,
            "7b431ea7d0f10e72b3eaece353bf6bf2f6bc717b6f4207411be186b40dec1f43",
        ),
    ),
    other_names={
        ("stage_a", None): _of_diffusers("vqgan"),
        ("stage_b", "lite"): _of_diffusers("decoder_lite"),
        ("stage_b", "large"): _of_diffusers("decoder"),
    },
    folders=("", "models/"),  # the latter in khalidr4/DSIC
)
