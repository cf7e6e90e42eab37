"""The published weights of Stable Diffusion 1.5, and the names that any checkpoint of its layout has."""

from __future__ import annotations

from ..weights.publication import Publication, PublishedFile
from .names import SHIPPED

__all__ = ["PUBLICATION", "SD_15"]

SD_15 = "sd-1.5"


def _small(part: str, name: str, kilobytes: float, sha256: str) -> PublishedFile:
    return PublishedFile(part, SD_15, name, kilobytes / 1000, sha256)


PUBLICATION = Publication(
    system=SHIPPED.system,
    title="Stable Diffusion",
    repository="stable-diffusion-v1-5/stable-diffusion-v1-5",
    revision="451f4fe16113bff5a5d2269ed5ad43b0592e9a14",
    licence="CreativeML Open RAIL-M",
    terms="use of any kind, commercial too, but for what its attachment A forbids",
    licence_url="https://huggingface.co/spaces/CompVis/stable-diffusion-license",
    parts={
        "autoencoder": "the autoencoder",
        "autoencoder_config": "its sizes",
        "denoiser": "the denoiser",
        "denoiser_config": "its sizes",
        "text_encoder": "the text encoder",
        "text_encoder_config": "its sizes",
        "vocabulary": "the tokenizer's vocabulary",
        "merges": "its merges",
        "tokenizer_config": "its settings",
        "special_tokens": "its special tokens",
        "schedule": "the noise schedule",
    },
    # Sums of networks are those that the hub states of its large files. Those of small files are of contents whose sums
    # by git are the hub's. Networks in half precision come first: half the download, and no picture shows it.
    files=(
        PublishedFile(
            "autoencoder",
            SD_15,
            "vae/diffusion_pytorch_model.fp16.safetensors",
            167.3,
            "4fbcf0ebe55a0984f5a5e00d8c4521d52359af7229bb4d81890039d2aa16dd7c",
        ),
        PublishedFile(
            "autoencoder",
            SD_15,
            "vae/diffusion_pytorch_model.safetensors",
            334.6,
            "a2b5134f4dbc140d9c11f11cba3233099e00af40f262f136c691fb7d38d2194c",
        ),
        _small(
            "autoencoder_config",
            "vae/config.json",
            0.547,
            "786a7d21647ddea6a04b9675c03d3cb45e90a2f3c6da5fbda2c54ade040036de",
        ),
        PublishedFile(
            "denoiser",
            SD_15,
            "unet/diffusion_pytorch_model.fp16.safetensors",
            1719.1,
            "c83908253f9a64d08c25fc90874c9c8aef9a329ce1ca5fb909d73b0c83d1ea21",
        ),
        PublishedFile(
            "denoiser",
            SD_15,
            "unet/diffusion_pytorch_model.safetensors",
            3438.2,
            "19da7aaa4b880e59d56843f1fcb4dd9b599c28a1d9d9af7c1143057c8ffae9f1",
        ),
        _small(
            "denoiser_config",
            "unet/config.json",
            0.743,
            "78f474de6bab3d893868f37be97b636ae65c0df3073ed3256ca458ff599b5f96",
        ),
        PublishedFile(
            "text_encoder",
            SD_15,
            "text_encoder/model.fp16.safetensors",
            246.1,
            "77795e2023adcf39bc29a884661950380bd093cf0750a966d473d1718dc9ef4e",
        ),
        PublishedFile(
            "text_encoder",
            SD_15,
            "text_encoder/model.safetensors",
            492.3,
            "d008943c017f0092921106440254dbbe00b6a285f7883ec8ba160c3faad88334",
        ),
        _small(
            "text_encoder_config",
            "text_encoder/config.json",
            0.617,
            "845df614cb9327ae7bbea027316246fae917827407da6df13572e41b5f93b4cc",
        ),
        _small(
            "vocabulary",
            "tokenizer/vocab.json",
            1060,
            "e089ad92ba36837a0d31433e555c8f45fe601ab5c221d4f607ded32d9f7a4349",
        ),
        _small(
            "merges", "tokenizer/merges.txt", 524.6, "9fd691f7c8039210e0fced15865466c65820d09b63988b0174bfe25de299051a"
        ),
        _small(
            "tokenizer_config",
            "tokenizer/tokenizer_config.json",
            0.806,
            "00439066fcba73de57644cf41e4e3b9f2dbb09d7f3fc2005898ba52399045882",
        ),
        _small(
            "special_tokens",
            "tokenizer/special_tokens_map.json",
            0.472,
            "c4864a9376a8401918425bed71fc14fc0e81f9b59ec45c1cf96cccb2df508eac",
        ),
        _small(
            "schedule",
            "scheduler/scheduler_config.json",
            0.308,
            "699cce92eb7c122e2eb7dfdea78e6187fda76a5ed4a8e42319b85610e620e091",
        ),
    ),
    # one file holds both where transformers 5 wrote the tokenizer, and special tokens are among its settings
    other_names={
        ("vocabulary", None): ("tokenizer/tokenizer.json",),
        ("merges", None): ("tokenizer/tokenizer.json",),
        ("special_tokens", None): ("tokenizer/tokenizer_config.json",),
    },
)
