"""Published weights: loaded in every layout, and refused with a reason."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from semcom.errors import WeightsError
from semcom.models.sc_sic.config import StageAConfig, StageBConfig
from semcom.models.sc_sic.diagnose import diagnose
from semcom.models.sc_sic.efficientnet import EfficientNetEncoder
from semcom.models.sc_sic.pretrained import load_part
from semcom.models.sc_sic.published import PUBLICATION
from semcom.models.sc_sic.sizes import SIZES
from semcom.models.sc_sic.stage_a import StageA
from semcom.models.sc_sic.stage_b import StageB
from semcom.models.weights.fit import compare
from torch import Tensor, nn

Tensors = dict[str, Tensor]


def tiny(part: str, seed: int = 0, **changes: Any) -> nn.Module:
    sizes = SIZES["tiny"]
    torch.manual_seed(seed)
    module: nn.Module
    if part == "encoder":
        module = EfficientNetEncoder(width=0.1, depth=0.1)
    elif part == "stage_a":
        module = StageA(StageAConfig(**{**sizes.stage_a.model_dump(), **changes}))
    else:
        module = StageB(StageBConfig(**{**sizes.stage_b.model_dump(), **changes}), 4, 16, 32)
    with torch.no_grad():
        for key, value in module.state_dict().items():
            if value.is_floating_point():
                drawn = torch.randn_like(value) + 1
                value.copy_(drawn.abs() + 1 if key.endswith("running_var") else drawn)
    return module


def inner(module: nn.Module) -> nn.Module:
    return getattr(module, "vqgan", getattr(module, "unet", module))


def original_layout(part: str, tensors: Tensors) -> Tensors:
    """Stability AI's names, from diffusers' names: the reverse of what is tested."""
    out: Tensors = {}
    for key, value in tensors.items():
        renamed = key.replace("vquantizer.embedding.", "vquantizer.codebook.")
        renamed = renamed.replace("clip_txt_pooled_mapper.", "clip_mapper.")
        if ".attention." not in key:
            out[renamed] = value
        elif ".to_out.0." in key:
            out[renamed.replace("to_out.0.", "attn.out_proj.")] = value
        elif ".to_q." in key:
            parts = [tensors[key.replace(".to_q.", f".to_{name}.")] for name in "qkv"]
            out[renamed.replace("to_q.", "attn.in_proj_")] = torch.cat(parts)
    return out


def saved(path: Path, tensors: Tensors) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({key: value.contiguous().clone() for key, value in tensors.items()}, path)
    return path


# What there is to load


@pytest.mark.parametrize(
    ("size", "file_bytes", "item"),
    [("lite", 1_399_032_376, 2), ("lite", 2_797_995_764, 4), ("large", 3_126_069_112, 2)],
)
def test_full_sizes_are_those_of_the_published_files(size: Any, file_bytes: int, item: int) -> None:
    # the hub's sizes of stage_b_lite_bf16, stage_b_lite and stage_b_bf16; a header of some hundred bytes a key is left
    with torch.device("meta"):
        network = StageB(SIZES[size].stage_b, 4, 16, 32).unet
    ours = item * sum(value.numel() for value in network.state_dict().values())
    assert 0 < file_bytes - ours < 200 * len(network.state_dict())


def test_full_encoder_and_stage_a_are_of_the_published_sizes() -> None:
    with torch.device("meta"):
        encoder, stage_a = EfficientNetEncoder(), StageA(SIZES["lite"].stage_a).vqgan
    sizes = [sum(v.numel() * v.element_size() for v in one.state_dict().values()) for one in (encoder, stage_a)]
    assert 0 < 81_506_763 - sizes[0] < 200 * len(encoder.state_dict())
    assert 0 < 73.7e6 - sizes[1] < 0.1e6 + 200 * len(stage_a.state_dict())


def test_check_sums_and_sizes_are_complete() -> None:
    assert len({one.sha256 for one in PUBLICATION.files}) == len(PUBLICATION.files)
    assert all(len(one.sha256) == 64 and int(one.sha256, 16) for one in PUBLICATION.files)
    assert [one.name for one in PUBLICATION.fetched("lite")] == [
        "effnet_encoder.safetensors",
        "stage_a.safetensors",
        "stage_b_lite_bf16.safetensors",
    ]
    assert PUBLICATION.fetched("large")[2].name == "stage_b_bf16.safetensors"


# Loading


@pytest.mark.parametrize("part", ["encoder", "stage_a", "stage_b"])
@pytest.mark.parametrize("layout", ["diffusers", "original"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_file_in_every_layout_and_precision(part: Any, layout: str, dtype: torch.dtype, tmp_path: Path) -> None:
    theirs, ours = inner(tiny(part, 1)).to(dtype), tiny(part, 2)
    tensors = theirs.state_dict()
    path = saved(tmp_path / "x.safetensors", tensors if layout == "diffusers" else original_layout(part, tensors))
    load_part(part, path, ours)
    found = inner(ours).state_dict()
    assert {value.dtype for value in found.values()} <= {torch.float32, torch.int64}
    torch.testing.assert_close(
        found, {key: value.to(found[key].dtype) for key, value in tensors.items()}, rtol=0, atol=0
    )


def test_attention_computes_what_the_original_computes(tmp_path: Path) -> None:
    # the original's attention is torch's own MultiheadAttention
    stage_b = tiny("stage_b", 2).eval()
    file = original_layout("stage_b", {key: value / 8 for key, value in inner(tiny("stage_b", 1)).state_dict().items()})
    load_part("stage_b", saved(tmp_path / "x.safetensors", file), stage_b)
    start = next(key for key in file if key.endswith("attn.in_proj_weight")).removesuffix("attn.in_proj_weight")
    original = nn.MultiheadAttention(32, 2, batch_first=True)
    original.load_state_dict(
        {key.removeprefix(f"{start}attn."): v for key, v in file.items() if f"{start}attn." in key}
    )
    x, context = torch.randn(1, 32, 3, 4), torch.randn(1, 7, 32)
    rows = x.flatten(2).transpose(1, 2)
    expected = original(rows, context, context)[0].transpose(1, 2).reshape(x.shape)
    loaded = stage_b.get_submodule("unet." + start.removesuffix("."))
    torch.testing.assert_close(loaded(x, encoder_hidden_states=context), expected)


def test_a_network_without_memory_gets_its_own(tmp_path: Path) -> None:
    theirs = tiny("stage_b")
    path = saved(tmp_path / "x.safetensors", inner(theirs).bfloat16().state_dict())
    with torch.device("meta"):
        ours = StageB(SIZES["tiny"].stage_b, 4, 16, 32)
    load_part("stage_b", path, ours)
    found = inner(ours).state_dict()
    torch.testing.assert_close(found, {k: v.float() for k, v in inner(theirs).state_dict().items()}, rtol=0, atol=0)
    path.write_bytes(b"")  # nothing in use is mapped from the file
    assert all(bool(value.isfinite().all()) for value in found.values())


def test_an_encoder_without_memory_gets_its_constants(tmp_path: Path) -> None:
    theirs = tiny("encoder")
    with torch.device("meta"):
        ours = EfficientNetEncoder(width=0.1, depth=0.1)
    load_part("encoder", saved(tmp_path / "x.safetensors", theirs.state_dict()), ours)
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(ours(image), theirs(image), rtol=0, atol=0)


@pytest.mark.parametrize("part", ["encoder", "stage_a", "stage_b"])
def test_names_as_in_the_whole_network(part: Any, tmp_path: Path) -> None:
    theirs, ours = tiny(part, 1), tiny(part, 2)
    file = {f"{part}.{key}": value for key, value in theirs.state_dict().items()}
    load_part(part, saved(tmp_path / "x.safetensors", file), ours)
    torch.testing.assert_close(ours.state_dict(), theirs.state_dict(), rtol=0, atol=0)


def test_counters_of_normalisations_may_be_missing(tmp_path: Path) -> None:
    tensors = tiny("encoder", 1).state_dict()
    file = {key: value for key, value in tensors.items() if not key.endswith("num_batches_tracked")}
    ours = tiny("encoder", 2)
    load_part("encoder", saved(tmp_path / "x.safetensors", file), ours)
    torch.testing.assert_close(ours.state_dict()["mapper.1.running_var"], tensors["mapper.1.running_var"])


# A file that does not fit


def without(tensors: Tensors, *keys: str) -> Tensors:
    return {key: value for key, value in tensors.items() if key not in keys}


def test_each_difference_is_named(tmp_path: Path) -> None:
    ours = tiny("stage_a")
    before = {key: value.clone() for key, value in ours.state_dict().items()}
    file = without(inner(ours).state_dict(), "in_block.1.bias", "out_block.0.bias")
    file |= {f"more.{index}": torch.zeros(1) for index in range(12)} | {"in_block.1.weight": torch.zeros(8, 12, 1, 2)}
    path = saved(tmp_path / "x.safetensors", file)
    with pytest.raises(WeightsError) as caught:
        load_part("stage_a", path, ours)
    lines = str(caught.value).splitlines()
    total = len(inner(ours).state_dict())
    assert lines[0] == f"{path}: does not fit stage A:"
    assert lines[1] == f"  missing, 2 of {total}: in_block.1.bias, out_block.0.bias"
    assert lines[2].startswith("  extra, 12: more.0, more.1, ")
    assert lines[2].endswith(", ...")
    assert lines[2].count("more.") == 10
    assert (
        lines[3] == f"  of another shape, 1 of {total}: in_block.1.weight (expected [8, 12, 1, 1], got [8, 12, 1, 2])"
    )
    assert len(lines) == 4
    torch.testing.assert_close(ours.state_dict(), before, rtol=0, atol=0)  # nothing was loaded


def test_one_bad_key_of_each_kind_is_a_bad_fit() -> None:
    ours = {"a": (1, 2), "b": (3,)}
    assert compare(ours, ours).good
    assert compare(ours, {"a": (1, 2)}).missing == ("b",)
    assert compare(ours, {**ours, "c": (1,)}).extra == ("c",)
    assert compare(ours, {**ours, "b": (4,)}).reshaped == (("b", (3,), (4,)),)
    assert diagnose(ours, {"a": (1, 2)}) is None


def prior(tensors: Tensors) -> Tensors:
    return {**tensors, "clip_txt_mapper.weight": torch.zeros(4, 4)}


def comfy(tensors: Tensors) -> Tensors:
    return {f"model.diffusion_model.{key}": value for key, value in tensors.items()}


def d_sic(tensors: Tensors) -> Tensors:
    keys = ("0.weight", "0.bias", "2.weight", "2.bias")
    return original_layout("stage_b", tensors) | {f"channel_context_mapper.{key}": torch.zeros(1) for key in keys}


def wuerstchen_decoder(tensors: Tensors) -> Tensors:
    return {**tensors, "effnet_mappers.0.weight": torch.zeros(1)}


def wuerstchen_encoder(tensors: Tensors) -> Tensors:
    return {**tensors, "mapper.1.weight": torch.ones(16), "mapper.1.bias": torch.zeros(16)}


def classifier(tensors: Tensors) -> Tensors:
    features = {key.replace("backbone.", "features."): value for key, value in tensors.items() if "mapper" not in key}
    return {**features, "classifier.1.weight": torch.zeros(1000, 128), "classifier.1.bias": torch.zeros(1000)}


@pytest.mark.parametrize(
    ("part", "made", "said"),
    [
        ("stage_b", prior, "It is stage C, the prior that makes embeddings from text; this system needs stage B"),
        ("stage_b", comfy, "It is a checkpoint for ComfyUI with several networks in one file"),
        ("stage_b", d_sic, r"extra, 4: channel_context_mapper.*It is a stage B of D-SIC, .* extra=channel_context"),
        ("stage_b", wuerstchen_decoder, "It is the stage B of Würstchen v2; take that of Stable Cascade"),
        (
            "encoder",
            wuerstchen_encoder,
            r"extra, 2: mapper\.1\.bias.*It is the encoder of Würstchen v2: the shapes are",
        ),
        ("encoder", classifier, "It is a classifier of torchvision: it has no head that makes embeddings"),
    ],
)
def test_what_it_seems_to_be(part: Any, made: Callable[[Tensors], Tensors], said: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "x.safetensors", made(inner(tiny(part)).state_dict()))
    with pytest.raises(WeightsError, match="(?s)" + said):
        load_part(part, path, tiny(part))


@pytest.mark.parametrize(
    ("part", "other", "said"),
    [
        ("encoder", "stage_a", "It is stage A, another part"),
        ("stage_a", "stage_b", "It is stage B, another part"),
        ("stage_b", "encoder", "It is the semantic encoder, another part"),
    ],
)
def test_another_part_of_the_system(part: Any, other: str, said: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "x.safetensors", original_layout(other, inner(tiny(other)).state_dict()))
    with pytest.raises(WeightsError, match=said):
        load_part(part, path, tiny(part))


@pytest.mark.parametrize("other", ["original", "diffusers"])
def test_the_other_size_of_stage_b(other: str) -> None:
    def shapes(size: Any) -> dict[str, tuple[int, ...]]:
        with torch.device("meta"):
            network = StageB(SIZES[size].stage_b, 4, 16, 32).unet
        tensors = network.state_dict() if other == "diffusers" else original_layout("stage_b", network.state_dict())
        return {key: tuple(value.shape) for key, value in tensors.items()}

    lite, large = shapes("lite"), shapes("large")
    assert diagnose(lite, large) == (
        "It is stage B of size large (1.5 B), and the network is of size lite (700 M): give the other file or variant."
    )
    assert diagnose(large, lite) == (
        "It is stage B of size lite (700 M), and the network is of size large (1.5 B): give the other file or variant."
    )
    assert not compare(lite, large).good


def test_a_network_of_another_width_says_so(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.safetensors", inner(tiny("stage_b", widths=(16, 48))).state_dict())
    with pytest.raises(WeightsError, match=r"stage B of width 48, and the network is of width 32"):
        load_part("stage_b", path, tiny("stage_b"))


def test_the_rest_of_d_sic_is_loaded_when_asked_for_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    theirs, ours = inner(tiny("stage_b", 1)), tiny("stage_b", 2)
    path = saved(tmp_path / "generator.safetensors", d_sic(theirs.state_dict()))
    with caplog.at_level("WARNING", "semcom"):
        load_part("stage_b", path, ours, extra="channel_context")
    assert caplog.messages == [f"{path}: D-SIC's stage B; the part that is told the channel's gain and SNR is left out"]
    torch.testing.assert_close(inner(ours).state_dict(), theirs.state_dict(), rtol=0, atol=0)
    worse = saved(tmp_path / "x.safetensors", {**d_sic(theirs.state_dict()), "other": torch.zeros(1)})
    with pytest.raises(WeightsError, match="extra, 1: other"):
        load_part("stage_b", worse, ours, extra="channel_context")


@pytest.mark.parametrize("ending", [".pt", ".bin", ".ckpt", ".PTH"])
def test_a_pickle_is_refused_unread(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"x{ending}"
    path.write_bytes(b"cos\nsystem\n")
    with pytest.raises(WeightsError, match=r"a pickle can run code when it is read, .* expected a \.safetensors"):
        load_part("encoder", path, tiny("encoder"))


@pytest.mark.parametrize("keep", [0, 5, 300, -1])
def test_a_file_cut_short(keep: int, tmp_path: Path) -> None:
    path = saved(tmp_path / "x.safetensors", tiny("encoder").state_dict())
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(WeightsError, match=r"x\.safetensors: truncated or not a safetensors file"):
        load_part("encoder", path, tiny("encoder"))


def test_a_path_that_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no such file of weights for stage A"):
        load_part("stage_a", tmp_path / "x.safetensors", tiny("stage_a"))
