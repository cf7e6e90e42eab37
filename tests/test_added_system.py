"""A system is one folder and two block files: DeepJSCC under another name, added to a copy of the package.

No shared file is edited. The copy trains, is exported, encodes and decodes, in torch and in onnxruntime.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
ADDED = {"models/twin", "blocks/encoders/twin.py", "blocks/decoders/twin.py"}
RECIPE = """\
model: {network: adaptive, patch: 8, width: 8, encoder_blocks: 1, decoder_blocks: 1, condition_width: 4}
steps: 2
phases: [{until: 1.0, crop: 32, batch: 2}]
fit_patches: 500
precision: float32
validation_crop: 64
validation_pictures: 1
"""
FLOWGRAPH = """\
semcom: 1
name: twin
blocks:
  photos:  {use: sources/images, path: "builtin:astronaut", size: [64, 96]}
  encoder: {use: encoders/twin, weights: run/best.safetensors}
  map:     {use: mappers/real_to_complex}
  channel: {use: channels/awgn, esn0_db: 20}
  unmap:   {use: mappers/complex_to_real}
  decoder: {use: decoders/twin, weights: run/best.safetensors}
  images:  {use: sinks/images, out: out/torch}
connect: [photos -> encoder -> map -> channel -> unmap -> decoder -> images]
"""


def package_files(root: Path) -> dict[str, bytes]:
    """All files of code and small data, by path."""
    floors = ("sim", "models", "blocks", "flowgraphs", "cli")
    files = [*root.glob("*.py"), *(path for floor in floors for path in (root / floor).rglob("*") if path.is_file())]
    shared = {path for path in files if path.suffix not in (".safetensors", ".pyc") and path.name != "setup.py"}
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in shared}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package, and in it what a system adds: one folder, and two block files."""
    copy = tmp_path_factory.mktemp("site") / "semcom"
    for name, text in package_files(ROOT).items():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes(text)
    for weights in ROOT.glob("models/*/weights/*.safetensors"):
        (copy / weights.relative_to(ROOT)).symlink_to(weights)
    twin = copy / "models" / "twin"
    shutil.copytree(copy / "models" / "deepjscc", twin)
    names = (twin / "names.py").read_text()
    (twin / "names.py").write_text(re.sub(r'(": )(\d+)([,}])', r"\g<1>20\2\3", names))  # its own numbers in ModelId
    for role in ("encoders", "decoders"):
        block = (copy / "blocks" / role / "deepjscc.py").read_text()
        block = block.replace("models.deepjscc", "models.twin").replace("coders/deepjscc", "coders/twin")
        (copy / "blocks" / role / "twin.py").write_text(block)
    return copy


def semcom(package: Path, *commands: tuple[str, ...]) -> str:
    """Run commands of the copy one after another, in one process; return what they print."""
    code = f"from semcom.cli import main\nfor words in {commands}:\n    main(words, standalone_mode=False)"
    environment = {**os.environ, "PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_copy_under_another_name_trains_exports_encodes_and_decodes(package: Path) -> None:
    Path("two.yaml").write_text(RECIPE)
    Path("twin.yaml").write_text(FLOWGRAPH)
    swaps = (f"--swap={role}={role}s/onnx:path=onnx/twin-adaptive-{role}.onnx" for role in ("encoder", "decoder"))
    printed = semcom(
        package,
        ("systems", "twin", "--json"),
        ("train", "twin", "--config", "two.yaml", "--data", "builtin:photos", "--out", "run"),
        ("export", "twin", "--weights", "run/best.safetensors", "--out", "onnx"),
        ("run", "twin.yaml", "--quiet"),
        ("run", "twin.yaml", "--quiet", "--out", "out/onnx", *swaps),
    )
    about = json.JSONDecoder().raw_decode(printed)[0]["twin"]
    assert Path(about["record"]) == package / "models" / "twin" / "system.py"
    assert about["broken"] == []
    assert {name: one["number"] for name, one in about["variants"].items()} == {
        "adaptive": 201,
        "linear": 202,
        "quantised": 203,
        "perceptual": 204,
        "gan": 205,
    }
    assert json.loads(Path("run/best.json").read_text())["training"]["steps"] == 2
    (torch,), (onnx,) = (sorted(Path("out").glob(f"{kind}/*.png")) for kind in ("torch", "onnx"))
    one, other = (np.asarray(Image.open(path)).astype(int) for path in (torch, onnx))
    assert one.shape == (64, 96, 3)
    assert np.abs(one - other).max() <= 1  # of rounding
    assert one.std() > 20  # a picture


def test_no_shared_file_was_edited(package: Path) -> None:
    """What `git diff --stat` would list: the added files alone."""
    before, after = package_files(ROOT), package_files(package)
    assert {name: text for name, text in after.items() if name in before} == before
    added = after.keys() - before.keys()
    assert {name for name in added if not name.startswith(tuple(ADDED))} == set()
    assert {where for where in ADDED if any(name.startswith(where) for name in added)} == ADDED
