"""What holds for the trainings of all systems."""

import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from semcom.models.cdm_jscc.network import part_of as cdm_part_of
from semcom.models.cdm_jscc.training import CdmJsccRun
from semcom.models.deepjscc.training import DeepJsccRun
from semcom.models.sc_sic.network import part_of as sc_part_of
from semcom.models.sc_sic.training import ScSicRun
from semcom.models.training.step import take_step
from semcom.models.training.train import train

EIGHT = {"steps": 8, "validation_pictures": 1, "checkpoint_minutes": 1e-9, "validate_minutes": 1e9}
FEW: dict[Any, dict[str, object]] = {
    DeepJsccRun: {**EIGHT, "fit_patches": 400},
    CdmJsccRun: {**EIGHT, "fit_crops": 8},
    ScSicRun: {**EIGHT, "fit_crops": 16, "validation_esn0_db": (10.0,)},
}


@pytest.fixture(scope="module")
def undisturbed(
    recipe: Callable[..., Any], pictures: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Any], Path]:
    """A run of eight steps of a tiny recipe that nothing disturbed."""

    @functools.cache
    def run(training: Any) -> Path:
        out = tmp_path_factory.mktemp("whole")
        train(training, recipe(training, **FEW[training]), pictures, out)
        return out

    return run


@pytest.mark.parametrize("step", [2, 5])
@pytest.mark.parametrize("training", FEW, ids=lambda training: training.system.name)
def test_cut_off_and_resumed_is_the_same_as_never_cut_off(
    undisturbed: Callable[[Any], Path],
    training: Any,
    step: int,
    recipe: Callable[..., Any],
    pictures: Path,
    tmp_path: Path,
    cut_and_resume: Callable[..., None],
    assert_same: Callable[[Path, Path], None],
) -> None:
    """In a phase and between two, before and after what has a closed form is taken, dropout included."""
    cut_and_resume(training, step, recipe(training, **FEW[training]), pictures, tmp_path)
    assert_same(tmp_path, undisturbed(training))


def test_a_network_of_another_system_within_resumes_as_well(
    recipe: Callable[..., Any],
    pictures: Path,
    tmp_path: Path,
    cut_and_resume: Callable[..., None],
    assert_same: Callable[[Path, Path], None],
) -> None:
    config = recipe(CdmJsccRun, "tiny-ntscc", **FEW[CdmJsccRun])
    train(CdmJsccRun, config, pictures, tmp_path / "whole")
    cut_and_resume(CdmJsccRun, 5, config, pictures, tmp_path / "cut")
    assert_same(tmp_path / "cut", tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("training", "name", "figure", "part_of"),
    [
        (CdmJsccRun, "tiny", "loss", cdm_part_of),
        (CdmJsccRun, "tiny-ntc", "loss", cdm_part_of),
        (CdmJsccRun, "tiny-ntscc", "loss", cdm_part_of),
        (ScSicRun, "tiny", "error", sc_part_of),
    ],
)
def test_each_phase_moves_its_own_parts_and_lowers_its_loss(
    training: Any,
    name: str,
    figure: str,
    part_of: Callable[[str], str],
    recipe: Callable[..., Any],
    ready: Callable[..., Any],
) -> None:
    """The same batch with the same noise, again and again."""
    config = recipe(training, name, warmup_steps=0, **({"end_share": 0.5} if training is CdmJsccRun else {}))
    run, shown = ready(training, config)
    begin = 0.0
    for phase in config.phases:
        middle, begin = (begin + phase.until) / 2, phase.until
        run.prepare(phase, shown)
        before = {key: value.clone() for key, value in run.model.state_dict().items()}
        found = []
        for _ in range(12):
            run.step = 0
            found.append(float(take_step(run, shown, middle)[figure]))
        assert found[-1] < found[0], phase.name
        moved = {key for key, value in run.model.state_dict().items() if not torch.equal(value, before[key])}
        assert {part_of(key) for key in moved} == set(phase.trains), phase.name
        assert not any("vquantizer" in key for key in moved)


@pytest.mark.slow
def test_killed_and_resumed_is_the_same_as_never_killed(
    undisturbed: Callable[[Any], Path],
    recipe: Callable[..., Any],
    pictures: Path,
    tmp_path: Path,
    assert_same: Callable[[Path, Path], None],
) -> None:
    program = tmp_path / "run.py"
    program.write_text(
        "import sys, time\n"
        "from pathlib import Path\n"
        "from semcom.models.cdm_jscc.training import CdmJsccRun\n"
        "from semcom.models.training.train import train\n"
        "class Slow(CdmJsccRun):\n"
        "    def losses(self, batch):\n"
        "        time.sleep(30 if self.step == 4 else 0)\n"
        "        return super().losses(batch)\n"
        "config = Slow.recipe.model_validate_json(Path(sys.argv[3]).read_text())\n"
        "train(Slow, config, Path(sys.argv[1]), Path(sys.argv[2]))\n"
    )
    config, out = recipe(CdmJsccRun, **FEW[CdmJsccRun]), tmp_path / "out"
    (tmp_path / "recipe.json").write_text(config.model_dump_json())
    process = subprocess.Popen([sys.executable, program, pictures, out, tmp_path / "recipe.json"])
    try:
        end = time.monotonic() + 100
        while not (out / "last.pt").exists() or torch.load(out / "last.pt", weights_only=True)["step"] < 4:
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.1)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    train(CdmJsccRun, config, pictures, out)
    assert_same(out, undisturbed(CdmJsccRun))


@pytest.mark.slow
def test_two_processes_share_the_batch_and_agree(recipe: Callable[..., Any], pictures: Path, tmp_path: Path) -> None:
    """Their checkpoint is one run's: gradients and running levels were averaged, so both hold the same."""
    program = tmp_path / "run.py"
    program.write_text(
        "import sys, hashlib\n"
        "from pathlib import Path\n"
        "from semcom.models.deepjscc.training import DeepJsccRun\n"
        "from semcom.models.training import train as module\n"
        "real = module.run_through\n"
        "def through(run, *rest, **more):\n"
        "    real(run, *rest, **more)\n"
        "    raw = b''.join(p.detach().numpy().tobytes() for p in [*run.model.parameters(), run.level])\n"
        "    (Path(sys.argv[2]) / f'rank{run.team.rank}').write_text(f'{run.step} {hashlib.sha256(raw).hexdigest()}')\n"
        "module.run_through = through\n"
        "config = DeepJsccRun.recipe.model_validate_json(Path(sys.argv[3]).read_text())\n"
        "module.train(DeepJsccRun, config, Path(sys.argv[1]), Path(sys.argv[2]))\n"
    )
    phases = [{"until": 0.5, "crop": 16, "batch": 4}, {"until": 1, "crop": 32, "batch": 2}]
    config = recipe(DeepJsccRun, **{**FEW[DeepJsccRun], "steps": 3, "phases": phases})
    path = tmp_path / "recipe.json"
    path.write_text(config.model_dump_json())
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run([*launcher, str(program), str(pictures), str(tmp_path), str(path)], check=True, capture_output=True)
    first, second = ((tmp_path / f"rank{rank}").read_text() for rank in (0, 1))
    assert first == second
    assert first.startswith("3 ")
