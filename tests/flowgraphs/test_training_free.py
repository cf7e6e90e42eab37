"""`training-free` with a tiny checkpoint, and without any."""

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from semcom.cli import main
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.overrides import Overrides
from semcom.flowgraphs.runtime.run import RunOptions, run

SIDE_BITS = 32 + 24 + 7 + 16  # ImageShape, ModelId, LatentMode, PowerScale


def metrics(folder: Path, **said: object) -> dict[str, float]:
    torch.set_num_threads(1)
    given = {"variant": "sd", "weights": folder, "sent_steps": 2, "further_steps": 1, "steps": 3, **said}
    sets = ["photos.size=[64, 64]"]
    if "prompt_is" in given:
        sets += [f"encoder.prompt_is={given.pop('prompt_is')}"]
    overrides = Overrides.parse(vars=[f"{name}={value}" for name, value in given.items()], sets=sets)
    return dict(run(load_graph("training-free", overrides), RunOptions("inline", items=1)).metrics)


def test_a_checkpoint_from_a_folder(tiny_stable_diffusion: Path) -> None:
    found = metrics(tiny_stable_diffusion)
    assert 3 < found["psnr_db"] < 45
    assert found["cbr"] * 3 * 64 * 64 == pytest.approx(4 * 8 * 8 / 2 + 2 * SIDE_BITS)  # half a bit a use


def test_words_that_are_sent_are_charged(tiny_stable_diffusion: Path) -> None:
    shared, sent = (
        metrics(tiny_stable_diffusion, prompt="a cat", guidance=6, prompt_is=how) for how in ("shared", "sent")
    )
    assert shared["psnr_db"] == sent["psnr_db"]
    assert (sent["cbr"] - shared["cbr"]) * 3 * 64 * 64 == pytest.approx(2 * (10 + 8 * 5))


@pytest.mark.parametrize("what", [("--var", "weights={}"), ("--set", "decoder.weights={}")])
def test_absent_weights_are_one_sentence_that_says_how_to_get_them(
    what: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    done = CliRunner().invoke(main, ["run", "training-free", "--quiet", what[0], what[1].format(tmp_path / "nothing")])
    assert done.exit_code == 1
    assert done.stdout == ""
    for line, block in zip(done.stderr.splitlines(), ("encoder", "decoder"), strict=True):
        assert f": block '{block}': latent-diffusion: no weights" in line
        assert "/training-free.yaml:" in line.partition(": block ")[0]
        assert "get them with `semcom fetch latent-diffusion --variant sd-1.5 --out FOLDER`" in line
        assert "or give a folder that holds them" in line
