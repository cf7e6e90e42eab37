"""What every test gets: a working directory of its own, a place of its own for control sockets, and one thread."""

from __future__ import annotations

import fcntl
import gc
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from .traced_once import traced_once

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):  # pytest's workers have a core each: a second thread waits busily
    os.environ.setdefault(_name, "1")
os.environ.setdefault("SYMPY_CACHE_SIZE", "None")  # a tenth of a trace by torch; its default forgets too early
Keep = Callable[[], AbstractContextManager[None]]
gc.disable()  # until the first test: what imports and collection make stays


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with long tests first, in each worker's part: quick ones are left at the end, which share out evenly."""
    long = {item.path for item in items if item.get_closest_marker("slow")}
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    ends = [len(items) * number // workers for number in range(workers + 1)]
    parts = (sorted(items[one:other], key=lambda item: item.path not in long) for one, other in pairwise(ends))
    items[:] = [item for part in parts for item in part]


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Garbage is looked for in what tests make: looking through all that was imported takes a tenth of the time."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run in an empty folder: flowgraphs write to ``out/``, and tests run side by side.

    The folder of control sockets is elsewhere and short: the path of an ``ipc`` socket has at most 107 bytes.
    """
    monkeypatch.chdir(tmp_path)
    sockets = tempfile.mkdtemp(prefix="semcom-")
    monkeypatch.setenv("XDG_RUNTIME_DIR", sockets)
    yield
    shutil.rmtree(sockets, ignore_errors=True)


@pytest.fixture(scope="session")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that pytest's workers share, of what torch has traced."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "traces"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def keep_traces(traces: Path) -> Keep:
    """Within it, what exports trace is kept, or taken from what others kept."""

    @contextmanager
    def keep() -> Iterator[None]:
        from semcom.models.onnx import export

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(export, "_trace", traced_once(traces, export._trace))
            yield

    return keep


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory, traces: Path) -> Iterator[Path]:
    """A folder with a `semcom` that has imported already: most of the time of most commands goes there."""
    folder, script = tmp_path_factory.mktemp("bin"), Path(__file__).with_name("warm_semcom.py")
    with tempfile.TemporaryDirectory() as short:  # the path of a socket has at most 107 bytes
        address = f"{short}/semcom"
        command = folder / "semcom"
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -IS {script} run {address} "$@"\n')
        command.chmod(0o755)
        server = subprocess.Popen([sys.executable, "-P", str(script), "serve", address, str(traces)])
        while not Path(address).exists():
            assert server.poll() is None
            time.sleep(0.05)
        yield folder
        server.kill()
        server.wait()


@pytest.fixture
def warm_workers(warm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks that run as processes start in forks: for tests of what they say to each other, not of their start."""
    monkeypatch.setattr(sys, "executable", str(warm / "semcom"))


@pytest.fixture(scope="session")
def deepjscc_onnx(traces: Path, keep_traces: Keep) -> dict[str, Path]:
    """The ONNX files of the shipped DeepJSCC network, by role: made once, whoever of pytest's workers comes first."""
    from semcom.models.deepjscc.export import export_deepjscc

    return _exported_once(traces, keep_traces, "deepjscc-adaptive", export_deepjscc)


@pytest.fixture(scope="session")
def ntscc_onnx(traces: Path, keep_traces: Keep) -> dict[str, Path]:
    """Likewise of the shipped NTSCC network."""
    from semcom.models.ntscc.export import export_ntscc

    return _exported_once(traces, keep_traces, "ntscc-midi", export_ntscc)


@pytest.fixture(scope="session")
def latent_diffusion_onnx(traces: Path, keep_traces: Keep) -> dict[str, Path]:
    """Likewise of the shipped networks of latent diffusion."""
    from semcom.models.latent_diffusion.export import export_latent_diffusion

    return _exported_once(traces, keep_traces, "latent-diffusion-mini-96", export_latent_diffusion)


def _exported_once(traces: Path, keep: Keep, name: str, export: Callable[..., Iterable[Any]]) -> dict[str, Path]:
    folder = traces.with_name(f"{name}-onnx")
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock, keep():
        fcntl.flock(lock, fcntl.LOCK_EX)
        paths = {role: folder / f"{name}-{role}.onnx" for role in ("encoder", "decoder")}
        if not all(path.exists() for path in paths.values()):
            made = export(folder, sizes=[(32, 48)])
            assert {each.metadata.role: each.path for each in made} == paths
    return paths


@pytest.fixture(scope="session")
def tiny_cascade(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `semcom fetch sc-sic` leaves it, with random weights of the size tiny."""
    import safetensors.torch
    import torch
    from semcom.models.sc_sic.network import ScSic
    from semcom.models.sc_sic.sizes import SIZES

    folder = tmp_path_factory.mktemp("cascade")
    torch.manual_seed(1)
    network = ScSic(SIZES["tiny"]).eval()
    for name, part in (
        ("effnet_encoder", network.encoder),
        ("stage_a", network.stage_a.vqgan),
        ("stage_b_lite_bf16", network.stage_b.unet),
    ):
        tensors = {key: value.contiguous() for key, value in part.state_dict().items()}
        safetensors.torch.save_file(tensors, folder / f"{name}.safetensors")
    return folder


@pytest.fixture(scope="session")
def tiny_stable_diffusion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint as `semcom fetch latent-diffusion` leaves it, tiny and with random weights."""
    transformers = pytest.importorskip("transformers")
    import safetensors.torch
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel

    folder = tmp_path_factory.mktemp("stable-diffusion")
    torch.manual_seed(1)
    AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8, 8, 8, 8),
        norm_num_groups=4,
    ).save_pretrained(folder / "vae")
    UNet2DConditionModel(
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        block_out_channels=(8, 16),
        layers_per_block=1,
        cross_attention_dim=16,
        attention_head_dim=4,
        norm_num_groups=4,
    ).save_pretrained(folder / "unet")
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(STABLE_DIFFUSION_SCHEDULER))
    vocabulary = write_tokenizer(folder / "tokenizer")
    config = transformers.CLIPTextConfig(
        vocab_size=vocabulary, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2
    )
    text = transformers.CLIPTextModel(config)
    (folder / "text_encoder").mkdir()
    config.to_json_file(folder / "text_encoder" / "config.json")
    safetensors.torch.save_file(text.state_dict(), folder / "text_encoder" / "model.safetensors")
    return folder


STABLE_DIFFUSION_SCHEDULER = {  # scheduler/scheduler_config.json of Stable Diffusion 1.5
    **{"_class_name": "PNDMScheduler", "_diffusers_version": "0.6.0", "beta_end": 0.012},
    **{"beta_schedule": "scaled_linear", "beta_start": 0.00085, "num_train_timesteps": 1000},
    **{"set_alpha_to_one": False, "skip_prk_steps": True, "steps_offset": 1, "trained_betas": None},
    "clip_sample": False,
}


def write_tokenizer(folder: Path) -> int:
    """A tokenizer of CLIP's kind that knows bytes and one word; returns how many tokens it has."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    shown = [chr(byte) for byte in kept] + [chr(256 + index) for index in range(256 - len(kept))]
    tokens = [*shown, *(f"{one}</w>" for one in shown), "ca", "cat</w>", "<|startoftext|>", "<|endoftext|>"]
    ends = {"bos_token": tokens[-2], "eos_token": tokens[-1], "unk_token": tokens[-1], "pad_token": tokens[-1]}
    folder.mkdir()
    (folder / "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\nc a\nca t</w>\n")
    (folder / "special_tokens_map.json").write_text(json.dumps(ends))
    settings = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "do_lower_case": True, **ends}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return len(tokens)
