"""Published weights: found, fetched, loaded in every layout, and refused with a reason."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from semcom.errors import MissingExtra, UsageError, WeightsError
from semcom.models.sc_sic import fetch as fetching
from semcom.models.sc_sic import pretrained
from semcom.models.sc_sic.config import StageAConfig, StageBConfig
from semcom.models.sc_sic.efficientnet import EfficientNetEncoder
from semcom.models.sc_sic.fetch import download, fetch
from semcom.models.sc_sic.fit import compare, diagnose
from semcom.models.sc_sic.pretrained import load_part, locate, locate_parts, offline_by_environment
from semcom.models.sc_sic.sizes import SIZES
from semcom.models.sc_sic.sources import PUBLISHED, REPOSITORY, REVISION, fetched_files, file_names, published_as
from semcom.models.sc_sic.stage_a import StageA
from semcom.models.sc_sic.stage_b import StageB
from semcom.models.weights import sha256_of
from torch import Tensor, nn

Tensors = dict[str, Tensor]


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test may open a socket, and none sees this machine's cache of the hub or its environment."""
    import huggingface_hub.constants

    def refused(*given: object, **named: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refused)
    monkeypatch.setattr(socket, "create_connection", refused)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    for name in pretrained.OFFLINE:
        monkeypatch.delenv(name, raising=False)


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
    ("variant", "file_bytes", "item"),
    [("lite", 1_399_032_376, 2), ("lite", 2_797_995_764, 4), ("large", 3_126_069_112, 2)],
)
def test_full_sizes_are_those_of_the_published_files(variant: Any, file_bytes: int, item: int) -> None:
    # the hub's sizes of stage_b_lite_bf16, stage_b_lite and stage_b_bf16; a header of some hundred bytes a key is left
    with torch.device("meta"):
        network = StageB(SIZES[variant].stage_b, 4, 16, 32).unet
    ours = item * sum(value.numel() for value in network.state_dict().values())
    assert 0 < file_bytes - ours < 200 * len(network.state_dict())


def test_full_encoder_and_stage_a_are_of_the_published_sizes() -> None:
    with torch.device("meta"):
        encoder, stage_a = EfficientNetEncoder(), StageA(SIZES["lite"].stage_a).vqgan
    sizes = [sum(v.numel() * v.element_size() for v in one.state_dict().values()) for one in (encoder, stage_a)]
    assert 0 < 81_506_763 - sizes[0] < 200 * len(encoder.state_dict())
    assert 0 < 73.7e6 - sizes[1] < 0.1e6 + 200 * len(stage_a.state_dict())


def test_check_sums_and_sizes_are_complete() -> None:
    assert len({one.sha256 for one in PUBLISHED}) == len(PUBLISHED)
    assert all(len(one.sha256) == 64 and int(one.sha256, 16) for one in PUBLISHED)
    assert [one.name for one in fetched_files("lite")] == [
        "effnet_encoder.safetensors",
        "stage_a.safetensors",
        "stage_b_lite_bf16.safetensors",
    ]
    assert fetched_files("large")[2].name == "stage_b_bf16.safetensors"


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
def test_the_other_variant_of_stage_b(other: str) -> None:
    def shapes(variant: Any) -> dict[str, tuple[int, ...]]:
        with torch.device("meta"):
            network = StageB(SIZES[variant].stage_b, 4, 16, 32).unet
        tensors = network.state_dict() if other == "diffusers" else original_layout("stage_b", network.state_dict())
        return {key: tuple(value.shape) for key, value in tensors.items()}

    lite, large = shapes("lite"), shapes("large")
    assert diagnose(lite, large) == (
        "It is the variant large (1.5 B) of stage B, and the network is lite (700 M): give the other file or variant."
    )
    assert diagnose(large, lite) == (
        "It is the variant lite (700 M) of stage B, and the network is large (1.5 B): give the other file or variant."
    )
    assert not compare(lite, large).good


def test_a_network_of_another_width_says_so(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.safetensors", inner(tiny("stage_b", widths=(16, 48))).state_dict())
    with pytest.raises(WeightsError, match=r"variant of width 48 of stage B, and the network is of width 32"):
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
    for act in (lambda: load_part("encoder", path, tiny("encoder")), lambda: locate("encoder", path)):
        with pytest.raises(WeightsError, match=r"a pickle can run code when it is read, .* expected a \.safetensors"):
            act()


@pytest.mark.parametrize("keep", [0, 5, 300, -1])
def test_a_file_cut_short(keep: int, tmp_path: Path) -> None:
    path = saved(tmp_path / "x.safetensors", tiny("encoder").state_dict())
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(WeightsError, match=r"x\.safetensors: truncated or not a safetensors file"):
        load_part("encoder", path, tiny("encoder"))


def test_a_path_that_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no such file of weights for stage A"):
        load_part("stage_a", tmp_path / "x.safetensors", tiny("stage_a"))


# Finding


@pytest.mark.parametrize(
    ("part", "variant", "names"),
    [
        ("encoder", "lite", ["effnet_encoder.safetensors", "models/effnet_encoder.safetensors"]),
        ("stage_a", "lite", ["stage_a.safetensors", "vqgan/diffusion_pytorch_model.safetensors"]),
        ("stage_b", "lite", ["stage_b_lite.safetensors", "decoder_lite/diffusion_pytorch_model.bf16.safetensors"]),
        ("stage_b", "large", ["stage_b_bf16.safetensors", "decoder/diffusion_pytorch_model.safetensors"]),
    ],
)
def test_every_name_in_a_folder(part: Any, variant: Any, names: list[str], tmp_path: Path) -> None:
    for index, name in enumerate(names):
        file = tmp_path / str(index) / name
        file.parent.mkdir(parents=True)
        file.touch()
        assert locate(part, tmp_path / str(index), variant=variant) == file
        assert locate(part, str(tmp_path / str(index)), variant=variant) == file
        assert locate(part, file, variant=variant) == file


def test_the_file_to_be_fetched_comes_first(tmp_path: Path) -> None:
    for name in file_names("stage_b", "lite"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert locate("stage_b", tmp_path).name == "stage_b_lite_bf16.safetensors"


def test_all_that_is_missing_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "stage_a.safetensors").touch()
    with pytest.raises(WeightsError) as caught:
        locate_parts(("encoder", "stage_a", "stage_b"), tmp_path)
    said = str(caught.value)
    assert said.startswith(f"sc-sic: no weights in {tmp_path}: expected for the semantic encoder effnet_encoder.saf")
    assert "; for stage B stage_b_lite_bf16.safetensors or stage_b_lite.safetensors or decoder_lite/" in said
    assert "stage A" not in said
    assert "`semcom fetch sc-sic --variant lite --out FOLDER`" in said
    assert f"({REPOSITORY}, 1.6 GB, Stability AI Non-Commercial Research Community License), or give a folder" in said
    assert "\n" not in said
    with pytest.raises(WeightsError, match=r"--variant large .* 3\.3 GB"):
        locate_parts(("encoder", "stage_b"), tmp_path, variant="large")


def test_a_file_cannot_be_several_parts(tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    file.touch()
    with pytest.raises(UsageError, match=r"is a file, and 2 parts are needed; give the folder it is in"):
        locate_parts(("stage_a", "stage_b"), file)


def cached(cache: Path, repository: str, revision: str, name: str) -> Path:
    """A file as the hub's tools keep it: snapshots by revision, and refs that name one."""
    top = cache / ("models--" + repository.replace("/", "--"))
    file = top / "snapshots" / revision / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    (top / "refs").mkdir(exist_ok=True)
    (top / "refs" / "main").write_text(revision)
    return file


def test_the_hubs_cache_is_used_without_the_network(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=rf"no weights of {REPOSITORY} in the hub's cache on this machine"):
        locate("stage_a")
    file = cached(tmp_path / "hub", REPOSITORY, "0" * 40, "stage_a.safetensors")
    assert locate("stage_a") == locate("stage_a", REPOSITORY) == file
    newer = cached(tmp_path / "hub", REPOSITORY, REVISION, "stage_a.safetensors")
    assert locate("stage_a") == newer
    d_sic_file = cached(tmp_path / "hub", "khalidr4/DSIC", "1" * 40, "models/stage_a.safetensors")
    assert locate("stage_a", "khalidr4/DSIC") == d_sic_file
    with pytest.raises(
        WeightsError, match="no weights of some/thing in the hub's cache on this machine, and no folder some/thing: exp"
    ):
        locate("stage_a", "some/thing")


def test_offline_by_default_and_by_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(fetching, "download", lambda one, **named: asked.append(one.name) or Path(one.name))
    with pytest.raises(WeightsError, match="semcom fetch sc-sic"):
        locate("encoder")
    for name in ("SEMCOM_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.setenv(name, "1")
        assert offline_by_environment()
        with pytest.raises(WeightsError, match="semcom fetch sc-sic"):
            locate("encoder", offline=False)
        monkeypatch.setenv(name, "0")
    assert not offline_by_environment()
    assert not asked
    assert locate("encoder", offline=False) == Path("effnet_encoder.safetensors")
    assert asked == ["effnet_encoder.safetensors"]


# Fetching: against a stand-in for the hub, since tests have no network


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """What the hub has; asking for anything else fails as the hub's package does."""
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    has: dict[str, bytes] = {}

    def hf_hub_download(repository: str, name: str, *, revision: str | None, local_dir: Path) -> str:
        if repository == REPOSITORY:
            assert revision == REVISION
        if name not in has:
            raise LocalEntryNotFoundError("An error happened while trying to locate the file on the Hub\nand more")
        path = Path(local_dir) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(has[name])
        return str(path)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", hf_hub_download)
    return has


def test_the_licence_comes_before_any_download(tmp_path: Path) -> None:
    lines: list[str] = []
    with pytest.raises(UsageError, match="nothing was downloaded; read the licence, and say --accept-licence"):
        fetch(tmp_path / "out", variant="large", licence="unread", echo=lines.append)
    assert not (tmp_path / "out").exists()
    said = "\n".join(lines)
    assert "stage_b_bf16.safetensors, 3130 MB, SHA-256 2c8d58b267678aec..." in said
    assert "Licence: Stability AI Non-Commercial Research Community License" in said
    assert "https://huggingface.co/stabilityai/stable-cascade/blob/main/LICENSE" in said


def test_fetched_whole_and_only_once(hub: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = {one.name: one.name.encode() for one in fetched_files("lite")}
    sums = {}
    for name, content in contents.items():
        (tmp_path / "x").write_bytes(content)
        sums[name] = sha256_of(tmp_path / "x")
    files = tuple(one._replace(sha256=sums[one.name]) for one in fetched_files("lite"))
    monkeypatch.setattr(fetching, "fetched_files", lambda variant: files)
    hub |= contents
    lines: list[str] = []
    out = tmp_path / "a" / "b"
    paths = fetch(out, licence="accepted", echo=lines.append)
    assert paths == [out / name for name in contents]
    assert [line for line in lines if line.endswith(": downloaded")] == [f"{path}: downloaded" for path in paths]
    assert locate_parts(("encoder", "stage_a", "stage_b"), out) == dict(
        zip(("encoder", "stage_a", "stage_b"), paths, strict=True)
    )
    del hub["stage_a.safetensors"]  # there already
    paths[2].write_bytes(b"cut")
    lines.clear()
    fetch(out, licence="accepted", echo=lines.append)
    assert [line.rpartition(": ")[2] for line in lines[-3:]] == ["there already", "there already", "downloaded"]


def test_another_file_than_the_published_is_deleted(hub: dict[str, bytes], tmp_path: Path) -> None:
    hub["effnet_encoder.safetensors"] = b"another"
    with pytest.raises(WeightsError, match=r"expected SHA-256 e23c1fe17ba8cdd6\.\.\., got .* it is deleted, fetch it"):
        fetch(tmp_path, licence="accepted", echo=lambda line: None)
    assert not (tmp_path / "effnet_encoder.safetensors").exists()


def test_a_hub_that_does_not_answer(hub: dict[str, bytes], tmp_path: Path) -> None:
    said = r"effnet_encoder.safetensors of .* cannot be downloaded: An error happened .* on the Hub; try again, or"
    with pytest.raises(WeightsError, match=said) as caught:
        fetch(tmp_path, licence="accepted", echo=lambda line: None)
    assert "\n" not in str(caught.value)


def test_another_repository_has_its_files_in_a_folder(hub: dict[str, bytes], tmp_path: Path) -> None:
    hub["models/stage_a.safetensors"] = b"any"
    one = fetched_files("lite")[1]._replace(sha256="")
    with pytest.raises(WeightsError, match=r"stage_a\.safetensors of a/b cannot be downloaded"):
        download(one, repository="a/b", out=tmp_path)
    found = download(one._replace(name="models/stage_a.safetensors"), repository="a/b", out=tmp_path)
    assert found.read_bytes() == b"any"


def test_the_environment_forbids_a_download(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEMCOM_OFFLINE", "yes")
    with pytest.raises(UsageError, match="would have to be downloaded, and SEMCOM_OFFLINE or HF_HUB_OFFLINE forbids"):
        fetch(tmp_path, licence="accepted", echo=lambda line: None)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="expected a folder to write to"):
        fetch(tmp_path / "file", licence="accepted", echo=lambda line: None)


def test_without_the_hubs_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(
        MissingExtra, match=r'downloading weights needs huggingface_hub: pip install "gr-semcom\[models'
    ):
        download(PUBLISHED[0], out=tmp_path)
    with pytest.raises(WeightsError, match="semcom fetch sc-sic"):  # nothing to find, and no reason to complain
        locate("encoder")


def test_a_published_file_is_recognised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(np.arange(9, dtype=np.uint8).tobytes())
    assert published_as(path) is None
    monkeypatch.setattr("semcom.models.sc_sic.sources.sha256_of", lambda path: PUBLISHED[1].sha256)
    found = published_as(path)
    assert found is not None
    assert found.name == "stage_a.safetensors"
