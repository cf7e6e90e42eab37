"""`benchmarks/training_lease.py`: a training cut into leases, and taken up by the command."""

import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from semcom.cli import main
from semcom.models.deepjscc.training import DeepJsccRun
from semcom.models.training.shards import read_state
from semcom.models.training.train import train

SCRIPT = Path(__file__).resolve().parents[3] / "benchmarks" / "training_lease.py"
RECIPE = """
model: {network: adaptive, patch: 8, width: 8, encoder_blocks: 1, decoder_blocks: 1, condition_width: 4}
steps: 12
threads: 1
phases: [{until: 0.5, crop: 32, batch: 2}, {until: 1.0, crop: 64, batch: 1}]
fit_patches: 400
precision: float32
validation_pictures: 1
validation_crop: 64
"""


def test_two_leases_come_to_the_same_as_none(
    pictures: Path, tmp_path: Path, assert_same: Callable[[Path, Path], None]
) -> None:
    """The first ends wherever its time is over; a deadline in the past is one step that is not taken."""
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE.replace("steps: 12", "steps: 40"))
    config = DeepJsccRun.recipe.read(recipe)
    train(DeepJsccRun, config, pictures, tmp_path / "whole")
    assert train(DeepJsccRun, config, pictures, tmp_path / "cut", seconds=0).steps == 0
    train(DeepJsccRun, config, pictures, tmp_path / "cut", seconds=0.3)
    assert train(DeepJsccRun, config, pictures, tmp_path / "cut").steps == 40
    assert_same(tmp_path / "cut", tmp_path / "whole")


@pytest.mark.slow
def test_what_a_lease_leaves_is_taken_up_by_the_command(pictures: Path, tmp_path: Path) -> None:
    recipe, out = tmp_path / "recipe.yaml", tmp_path / "out"
    recipe.write_text(RECIPE)
    packing = [sys.executable, str(SCRIPT), f"deepjscc/{recipe}", str(pictures), "--pack", str(tmp_path / "lease.tar")]
    subprocess.run(packing, check=True, capture_output=True, timeout=110)
    with tarfile.open(tmp_path / "lease.tar") as tar:
        tar.extractall(tmp_path / "there", filter="data")
    script, data = tmp_path / "there" / "semcom" / "benchmarks" / SCRIPT.name, tmp_path / "there" / "data"
    command = [sys.executable, "-P", str(script), f"deepjscc/{recipe}", str(data), "--out", str(out), "--device", "cpu"]
    ended = subprocess.run([*command, "--trial-seconds", "0.2"], capture_output=True, text=True, timeout=110)
    assert ended.returncode == 0, ended.stderr
    assert "of floor" in ended.stdout
    assert "step 12, " in ended.stdout
    assert f"go on with it: semcom train deepjscc --config {recipe}" in ended.stdout
    recipe.write_text(RECIPE.replace("steps: 12", "steps: 15"))  # the budget may change
    (out / "best.safetensors").unlink()  # too large to travel, say
    arguments = ["train", "deepjscc", "--config", str(recipe), "--data", str(pictures), "--out", str(out), "--resume"]
    assert CliRunner().invoke(main, [*arguments, "--device", "cpu"]).exit_code == 0
    assert read_state(out / "last.pt")["step"] == 15
    assert (out / "best.safetensors").exists()
