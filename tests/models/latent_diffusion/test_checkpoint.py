"""Checkpoints that are none of Stable Diffusion's layout, or not whole."""

import json
import shutil
import sys
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from semcom.errors import MissingExtra, UsageError, WeightsError
from semcom.models.latent_diffusion.engine import load
from semcom.models.latent_diffusion.export import export_latent_diffusion
from semcom.models.latent_diffusion.published import PUBLICATION

transformers = pytest.importorskip("transformers")
UNET, VAE, TEXT = (f"{folder}/config.json" for folder in ("unet", "vae", "text_encoder"))
SCHEDULE = "scheduler/scheduler_config.json"


@pytest.fixture
def folder(tiny_stable_diffusion: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_stable_diffusion, tmp_path / "changed"))


@pytest.fixture(autouse=True)
def no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


def refusal(place: Any, variant: Any = "sd", kind: type[Exception] = WeightsError) -> str:
    with pytest.raises(kind) as caught:
        load(variant, place)
    return str(caught.value)


@pytest.mark.parametrize(
    ("file", "changes", "message"),
    [
        (UNET, {"addition_embed_type": "text_time"}, "addition_embed_type: expected None, got 'text_time'; SDXL's is"),
        (UNET, {"_class_name": "UNet2DModel"}, "_class_name: expected 'UNet2DConditionModel', got 'UNet2DModel'"),
        (UNET, {"in_channels": 9}, "in_channels: expected 4, got 9; one for inpainting"),
        (UNET, {"cross_attention_dim": 768}, "cross_attention_dim: expected 16, got 768; the text encoder makes that"),
        (VAE, {"block_out_channels": [8] * 5}, "block_out_channels: expected 4 scales, .*, of one for 16 x 16 pixels"),
        (VAE, {"_class_name": "VQModel"}, "_class_name: expected 'AutoencoderKL', got 'VQModel'"),
        (SCHEDULE, {"beta_schedule": "linear"}, "beta_schedule: expected 'scaled_linear', got 'linear'; steps and"),
        (SCHEDULE, {"beta_end": 0.02}, "beta_end: expected 0.012, got 0.02; steps and levels are those of its betas"),
        (SCHEDULE, {"trained_betas": [0.1]}, "trained_betas: expected none, got .*; steps and levels are those of oth"),
        (SCHEDULE, {"rescale_betas_zero_snr": True}, "rescale_betas_zero_snr: expected none, got True"),
        (SCHEDULE, {"prediction_type": "sample"}, "prediction_type: expected epsilon or v_prediction, got 'sample'"),
    ],
)
def test_another_layout(folder: Path, file: str, changes: dict[str, Any], message: str) -> None:
    config = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps({**config, **changes}))
    with pytest.raises(WeightsError, match=f"{folder / file}: {message}.*"):
        load("sd", folder)


def test_what_is_missing_is_named_with_all_its_names(folder: Path) -> None:
    shutil.rmtree(folder / "text_encoder")
    said = refusal(folder)
    assert said.startswith(
        f"latent-diffusion: no weights in {folder}: expected for the text encoder text_encoder/model.fp16.safetensors "
        "or text_encoder/model.safetensors; for its sizes text_encoder/config.json; get them with `semcom fetch "
        "latent-diffusion --variant sd-1.5 --out FOLDER` (stable-diffusion-v1-5/stable-diffusion-v1-5, 2.1 GB, "
        "CreativeML Open RAIL-M)"
    )


def test_a_repository_in_the_hubs_cache(tiny_stable_diffusion: Path, tmp_path: Path) -> None:
    repository, revision = tmp_path / "hub" / "models--someone--fine-tuned", "0" * 40
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(revision)
    shutil.copytree(tiny_stable_diffusion, repository / "snapshots" / revision)
    assert load("sd", "someone/fine-tuned").model == load("sd", tiny_stable_diffusion).model
    assert "no weights of no/one in the hub's cache on this machine, and no folder no/one" in refusal("no/one")


def test_no_weights_at_all(tmp_path: Path) -> None:
    said = refusal(None, "sd-1.5")
    assert "no weights of stable-diffusion-v1-5/stable-diffusion-v1-5 in the hub's cache on this machine" in said
    assert refusal(None, kind=UsageError) == (
        "latent-diffusion: variant sd: expected weights, since it is any checkpoint of Stable Diffusion's layout, "
        "got none; give its folder or its repository, or take variant sd-1.5"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "no JSON (Expecting property name"), ("[1]", "expected settings by name, got list; copy or fetch it again")],
)
def test_a_configuration_that_is_none(folder: Path, text: str, message: str) -> None:
    (folder / UNET).write_text(text)
    assert f"{folder / UNET}: {message}" in refusal(folder)


@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("unet/diffusion_pytorch_model", "the denoiser"),
        ("vae/diffusion_pytorch_model", "the autoencoder"),
        ("text_encoder/model", "the text encoder"),
    ],
)
def test_weights_of_other_sizes(folder: Path, file: str, part: str) -> None:
    path = folder / f"{file}.safetensors"
    first, *rest = load_file(path).items()
    save_file({first[0]: torch.zeros(1), "more": torch.zeros(1), **dict(rest[1:])}, path)
    lines = refusal(folder).splitlines()
    assert lines[0] == f"{path}: does not fit {part}:"
    assert [line.split(",")[0].strip() for line in lines[1:]] == ["missing", "extra", "of another shape"]


def test_a_tokenizer_that_is_none(folder: Path) -> None:
    (folder / "tokenizer" / "tokenizer_config.json").write_text("{")
    assert refusal(folder).startswith(f"{folder / 'tokenizer'}: no tokenizer of CLIP (")


def test_without_transformers_it_says_how_to_get_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    said = refusal(folder, kind=MissingExtra)
    assert said == 'latent-diffusion: Stable Diffusion needs transformers: pip install "gr-semcom[text]"'


def test_no_file_is_made_of_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected a variant that is told no text, got sd-1\.5: no file is made"):
        list(export_latent_diffusion(tmp_path, variant="sd-1.5"))


# What is published


def file_bytes(network: torch.nn.Module, name: Callable[[str], str] = str, **more: int) -> int:
    """Of a safetensors file in half precision, by its format: 8 bytes, a header of multiples of 8, the numbers.

    Args:
        network: Of no memory.
        name: Of a tensor in the file.
        more: Tensors of so many whole numbers of 8 bytes, by name with underscores for dots; they stand first.
    """
    tensors = {key.replace("__", "."): ("I64", (1, count), 8 * count) for key, count in more.items()}
    found = {name(key): tuple(value.shape) for key, value in network.state_dict().items()}
    tensors |= {key: ("F16", shape, 2 * prod(shape)) for key, shape in sorted(found.items())}
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for key, (kind, shape, size) in tensors.items():
        header[key] = {"dtype": kind, "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header, separators=(",", ":"))
    return 8 + -(-len(text) // 8) * 8 + end


def test_names_and_shapes_make_files_of_the_published_sizes() -> None:
    """To the byte, with the sizes that the hub states."""
    sizes = {"act_fn": "silu", "layers_per_block": 2, "norm_num_groups": 32}
    with torch.device("meta"):
        unet = UNet2DConditionModel(
            **sizes, block_out_channels=(320, 640, 1280, 1280), cross_attention_dim=768, attention_head_dim=8
        )
        vae = AutoencoderKL(
            **sizes,
            block_out_channels=(128, 256, 512, 512),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
        )
        text = transformers.CLIPTextModel(
            transformers.CLIPTextConfig(
                hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12
            )
        )
    assert file_bytes(unet) == 1_719_125_304
    assert file_bytes(vae) == 167_335_342
    positions = {"text_model__embeddings__position_ids": 77}
    assert file_bytes(text, lambda key: f"text_model.{key.removeprefix('text_model.')}", **positions) == 246_144_864


def test_check_sums_and_sizes_are_complete() -> None:
    files, fetched = PUBLICATION.files, [one.name for one in PUBLICATION.fetched("sd-1.5")]
    assert len({one.sha256 for one in files}) == len(files)
    assert all(len(one.sha256) == 64 and int(one.sha256, 16) for one in files)
    assert {one.part for one in files} == set(PUBLICATION.parts)
    assert len(fetched) == len(PUBLICATION.parts)
    assert "unet/diffusion_pytorch_model.fp16.safetensors" in fetched
