"""What every test gets: a working directory of its own, and a place of its own for control sockets."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


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
def deepjscc_onnx(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The ONNX files of the shipped DeepJSCC network, by role: made once, whoever of pytest's workers comes first."""
    from semcom.models.deepjscc.export import export_deepjscc

    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "deepjscc-onnx"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        paths = {role: folder / f"deepjscc-adaptive-{role}.onnx" for role in ("encoder", "decoder")}
        if not all(path.exists() for path in paths.values()):
            made = export_deepjscc(folder, sizes=[(32, 48)])
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
