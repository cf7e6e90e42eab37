"""A transmitter without torch: an environment with the core alone sends to a receiver that has all."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
from semcom.flowgraphs.runtime.language.shipped import shipped_flowgraphs

ROOT = Path(__file__).resolve().parents[1]
CODE = ["blocks", "cli", "flowgraphs", "models", "sim"]
FILES = ["pyproject.toml", "README.md", "LICENSE", "py.typed"]


@pytest.fixture(scope="module")
def core_python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The Python of a new environment that has gr-semcom as `pip install` brings it, without extras."""
    folder = tmp_path_factory.mktemp("core")
    tree = folder / "gr-semcom"  # a copy, so that no build touches the checkout
    tree.mkdir()
    for path in [*ROOT.glob("*.py"), *(ROOT / name for name in FILES)]:
        shutil.copy(path, tree)
    for name in CODE:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for weights in tree.rglob("*.safetensors"):  # a hundred megabytes that would be compressed, and none is read here
        weights.write_bytes(b"")
    venv.create(folder / "environment", with_pip=False)
    python = folder / "environment" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wheels = folder / "wheels"
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(wheels), str(tree)], check=True, timeout=120
    )
    (wheel,) = wheels.glob("*.whl")
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # pip would find semcom there
    install = [*pip, "--python", str(python), "install", "--no-compile", str(wheel)]
    subprocess.run(install, check=True, timeout=400, env=alone)
    yield python
    shutil.rmtree(folder)


def placed(to: Path) -> Path:
    """`two-places` on three free ports in a row."""
    for _ in range(50):
        sockets = [socket.socket() for _ in range(3)]
        try:
            sockets[0].bind(("127.0.0.1", 0))
            first = sockets[0].getsockname()[1]
            for offset, other in enumerate(sockets[1:], 1):
                other.bind(("127.0.0.1", first + offset))
            break
        except OSError:
            continue
        finally:
            for one in sockets:
                one.close()
    to.write_text(shipped_flowgraphs()["two-places"].read_text().replace("5611", str(first)))
    return to


def start(python: Path | str, *args: str) -> subprocess.Popen[str]:
    """Start `semcom run` in a folder where the checkout is not importable."""
    return subprocess.Popen(
        [str(python), "-m", "semcom", "run", *args], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


@pytest.fixture(params=["deepjscc", "ntscc", "latent-diffusion"])
def system(request: pytest.FixtureRequest) -> tuple[Path, list[str], list[str]]:
    """An exported encoder; what all places say; what those with torch say beside it."""
    if request.param == "deepjscc":
        files: dict[str, Path] = request.getfixturevalue("deepjscc_onnx")
        return files["encoder"], ["--set", "encoder.rate=1/6"], []
    if request.param == "ntscc":
        swaps = [word for end in ("decoder", "encoder") for word in ("--swap", f"{end}={end}s/ntscc")]
        return request.getfixturevalue("ntscc_onnx")["encoder"], [], swaps
    swaps = [word for end in ("decoder", "encoder") for word in ("--swap", f"{end}={end}s/latent_diffusion")]
    return request.getfixturevalue("latent_diffusion_onnx")["encoder"], [], swaps


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_transmitter_without_torch(
    core_python: Path, system: tuple[Path, list[str], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported, common, torch = system
    absent = subprocess.run([str(core_python), "-c", "import torch"], capture_output=True, text=True, timeout=60)
    assert absent.returncode == 1
    assert "No module named 'torch'" in absent.stderr

    file = str(placed(tmp_path / "placed.yaml"))
    options = ("--items", "2", "--set", "photos.size=[64, 96]", *common, "--json")
    swap = ("--swap", f"encoder=encoders/onnx:path={exported}")
    expected, _ = start(sys.executable, file, *options, *torch, "--executor", "inline", "--out", "torch").communicate(
        timeout=90
    )
    receiver = start(sys.executable, file, *options, *torch, "--place", "rx", "--out", "rx")
    monkeypatch.delenv("PYTHONPATH", raising=False)  # the gate's own copy of the package
    sender = start(core_python, file, *options, *torch[:2], *swap, "--place", "tx", "--out", "tx")
    _, sender_err = sender.communicate(timeout=90)
    if sender.returncode != 0:
        receiver.kill()
    found, receiver_err = receiver.communicate(timeout=90)
    assert sender.returncode == 0, sender_err
    assert receiver.returncode == 0, receiver_err

    one, other = (json.loads(text.splitlines()[-1])["metrics"] for text in (expected, found))
    assert abs(one["psnr_db"] - other["psnr_db"]) < 0.05
    assert one["cbr"] == other["cbr"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_torch_encoder_names_the_extra_there(core_python: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    done = start(core_python, "deepjscc-awgn", "--items", "1", "--executor", "inline", "--quiet")
    _, err = done.communicate(timeout=60)
    assert done.returncode == 2, err
    assert 'encoders/deepjscc needs torch: pip install "gr-semcom[models]"' in err
