import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import semcom.models.deepjscc
import torch
from PIL import Image
from semcom.errors import InputError, UsageError, WeightsError
from semcom.models.deepjscc.codec import DeepJsccCodec
from semcom.models.deepjscc.config import TrainConfig
from semcom.models.deepjscc.train import learning_rate_share, train
from semcom.models.training.pictures import crops, read_pictures, split_by_file

CONFIGS = Path(semcom.models.deepjscc.__file__).parent / "configs"
TINY = {
    "model": {"patch": 8, "width": 8, "encoder_blocks": 1, "decoder_blocks": 1, "condition_width": 4},
    "steps": 6,
    "phases": [{"until": 0.5, "crop": 16, "batch": 4}, {"until": 1, "crop": 32, "batch": 2}],
    "warmup_steps": 1,
    "fit_patches": 400,
    "precision": "float32",
    "validation_pictures": 2,
    "validation_crop": 32,
    "checkpoint_minutes": 1e-9,  # after every step
    "threads": 1,
}
FIVE_LAYER = {"network": "five-layer", "variant": "gdn", "filters": [4, 4, 4, 4], "rate": "1/12"}


def config(**changes: object) -> TrainConfig:
    model = {"network": "adaptive", **TINY["model"]}  # type: ignore[dict-item]
    return TrainConfig.model_validate({**TINY, "model": model, **changes})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for n in range(20):
        smooth = np.cumsum(rng.normal(0, 6, (40, 48, 3)), axis=1) + rng.uniform(60, 200)
        Image.fromarray(smooth.clip(0, 255).astype(np.uint8)).save(folder / f"walk_{n:03d}.png")
    return folder


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    state = torch.load(folder / "last.pt", weights_only=True)
    return {**state["model"], **{f"ema.{k}": v for k, v in state["ema"].items()}, "level": state["level"]}


def test_cut_off_and_resumed_is_the_same_as_never_cut_off(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(config(), data, tmp_path / "whole")
    assert whole.steps == 6
    module = __import__("semcom.models.deepjscc.train", fromlist=["take_step"])
    real = module.take_step

    def killed(run, *rest):  # type: ignore[no-untyped-def]
        if run.step == 4:
            raise KeyboardInterrupt
        return real(run, *rest)

    monkeypatch.setattr(module, "take_step", killed)
    with pytest.raises(KeyboardInterrupt):
        train(config(), data, tmp_path / "cut")
    monkeypatch.undo()
    resumed = train(config(), data, tmp_path / "cut")
    assert resumed.steps == 6
    expected, found = tensors(tmp_path / "whole"), tensors(tmp_path / "cut")
    assert expected.keys() == found.keys()
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], rtol=0, atol=0, msg=name)


def test_rows_after_the_checkpoint_are_dropped_on_resuming(data: Path, tmp_path: Path) -> None:
    train(config(steps=2), data, tmp_path)
    with (tmp_path / "curve.csv").open("a") as file:
        file.write("5,9,99\n")
    train(config(steps=3), data, tmp_path)
    with (tmp_path / "curve.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["0", "2", "3"]


def test_training_makes_the_error_smaller_and_leaves_weights_that_load(data: Path, tmp_path: Path) -> None:
    result = train(config(model=FIVE_LAYER, steps=60, learning_rate=1e-2, checkpoint_minutes=9), data, tmp_path)
    with (tmp_path / "curve.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert float(rows[-1]["psnr_db"]) > float(rows[0]["psnr_db"]) + 0.1
    assert result.best_psnr_db == pytest.approx(float(rows[-1]["psnr_db"]), abs=1e-3)
    codec = DeepJsccCodec(result.weights)
    assert codec.card.training.steps == 60
    assert not list(tmp_path.glob("*.part"))


def test_another_recipe_is_not_resumed(data: Path, tmp_path: Path) -> None:
    train(config(steps=1), data, tmp_path)
    with pytest.raises(UsageError, match="is of another recipe; give another folder"):
        train(config(seed=9), data, tmp_path)
    with pytest.raises(UsageError, match="a run is there already"):
        train(config(steps=1), data, tmp_path, resume=False)


def test_a_truncated_checkpoint_says_so(data: Path, tmp_path: Path) -> None:
    train(config(steps=1), data, tmp_path)
    last = tmp_path / "last.pt"
    last.write_bytes(last.read_bytes()[:1000])
    with pytest.raises(WeightsError, match=r"last\.pt: not a whole checkpoint; remove it to start afresh"):
        train(config(steps=2), data, tmp_path)


def test_the_five_layer_network_trains_by_the_same_recipe(data: Path, tmp_path: Path) -> None:
    result = train(config(model=FIVE_LAYER, steps=3), data, tmp_path)
    codec = DeepJsccCodec(result.weights)
    assert codec.rates == ("1/12",)
    image = np.zeros((9, 10, 3), np.uint8)
    features = codec.encode(image, rate="1/12", esn0_db=10)
    assert codec.decode(features, 0.1, rate="1/12", esn0_db=10, height=9, width=10).shape == (9, 10, 3)


def test_the_linear_code_is_fitted_and_not_trained(data: Path, tmp_path: Path) -> None:
    model = {"network": "linear", "patch": 8}
    result = train(config(model=model, steps=2, linear_learning_rate=0), data, tmp_path)
    codec = DeepJsccCodec(result.weights)
    state = torch.load(tmp_path / "last.pt", weights_only=True)["model"]
    torch.testing.assert_close(state["klt.analysis"], state["klt.synthesis"], rtol=0, atol=0)
    image = np.full((8, 8, 3), 99, np.uint8)
    features = codec.encode(image, rate="1/6", esn0_db=20)
    out = codec.decode(features, 0.001, rate="1/6", esn0_db=20, height=8, width=8)
    assert abs(out.astype(int) - 99).max() <= 2


def test_every_tenth_file_is_held_out_and_the_same_picture_stays_together() -> None:
    names = [f"{prefix}_{n:03d}.webp" for prefix in ("clic", "clicfull", "bsds") for n in range(26)]
    train_names, held = split_by_file(names[1:], {"clicfull": "clic"})  # clic_000 is missing: numbers count, not places
    assert sorted(train_names + held) == sorted(names[1:])
    assert [n for n in held if n.startswith("bsds")] == ["bsds_009.webp", "bsds_019.webp"]
    numbers = {p: {n[-8:-5] for n in held if n.startswith(p + "_")} for p in ("clic", "clicfull")}
    assert numbers["clic"] == numbers["clicfull"] == {"009", "019"}


def test_crops_come_from_the_pictures_by_their_weights(data: Path) -> None:
    pictures, held = read_pictures(data, config(picture_weights={"walk": 2.0}))
    assert (len(pictures.names), len(held.names)) == (18, 2)
    out = crops(pictures, 5, 16, np.random.default_rng(1))
    again = crops(pictures, 5, 16, np.random.default_rng(1))
    np.testing.assert_array_equal(out, again)
    assert out.shape == (5, 3, 16, 16)


def test_halved_pictures_are_half_and_small_ones_are_mirrored(data: Path) -> None:
    whole, _ = read_pictures(data, config())
    halved, held = read_pictures(data, config(halve=["walk"]))
    assert whole.pixels[0].shape == (40, 48, 3)
    assert halved.pixels[0].shape == (32, 32, 3)  # 20 x 24 mirrored up to the crop
    assert held.pixels[0].shape == (20, 24, 3)
    np.testing.assert_array_equal(halved.pixels[0][20], halved.pixels[0][19])


def test_bad_data_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected a folder of training pictures, found none"):
        train(config(), tmp_path / "none", tmp_path / "out")
    with pytest.raises(UsageError, match="expected ten pictures of one prefix or more"):
        train(config(), tmp_path, tmp_path / "out")
    for n in range(10):
        (tmp_path / f"a_{n}.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"a_0\.png: cannot be read as a picture"):
        train(config(), tmp_path, tmp_path / "out")


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_recipes_are_valid(path: Path) -> None:
    TrainConfig.read(path)


def test_mistakes_in_a_recipe_are_named(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("model: {network: adaptive, widht: 3}\nsteps: 0\n")
    with pytest.raises(UsageError) as caught:
        TrainConfig.read(path)
    assert "model.adaptive.widht: Extra inputs are not permitted" in str(caught.value)
    assert "steps: Input should be greater than or equal to 1" in str(caught.value)
    path.write_text("model: {network: adaptive}\n")
    with pytest.raises(UsageError, match="expected one of 'steps' and 'minutes'"):
        TrainConfig.read(path)
    path.write_text("a: [")
    with pytest.raises(UsageError, match="expected a YAML file of a training recipe"):
        TrainConfig.read(path)


def test_learning_rate_warms_up_and_ends_at_a_hundredth() -> None:
    assert learning_rate_share(0, 0.0, 9) == pytest.approx(0.1)
    assert learning_rate_share(100, 0.5, 9) == pytest.approx(0.505)
    assert learning_rate_share(100, 1.0, 9) == pytest.approx(0.01)


@pytest.mark.slow
def test_two_processes_share_the_batch_and_agree(data: Path, tmp_path: Path) -> None:
    """Their checkpoint is one run's: each step's gradients were averaged, so both hold the same weights."""
    program = tmp_path / "run.py"
    program.write_text(
        "import sys, hashlib\n"
        "from pathlib import Path\n"
        "from semcom.models.deepjscc import train as module\n"
        "from semcom.models.deepjscc.config import TrainConfig\n"
        "real = module._loop\n"
        "def loop(run, *rest):\n"
        "    real(run, *rest)\n"
        "    raw = b''.join(p.detach().numpy().tobytes() for p in run.model.parameters())\n"
        "    (Path(sys.argv[2]) / f'rank{run.team.rank}').write_text(f'{run.step} {hashlib.sha256(raw).hexdigest()}')\n"
        "module._loop = loop\n"
        "config = TrainConfig.model_validate_json(Path(sys.argv[3]).read_text())\n"
        "module.train(config, Path(sys.argv[1]), Path(sys.argv[2]))\n"
    )
    recipe = tmp_path / "recipe.json"
    recipe.write_text(config(steps=3).model_dump_json())
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run([*launcher, str(program), str(data), str(tmp_path), str(recipe)], check=True, capture_output=True)
    first, second = ((tmp_path / f"rank{rank}").read_text() for rank in (0, 1))
    assert first == second
    assert first.startswith("3 ")


def test_training_on_constellations_starts_from_shipped_weights_and_makes_the_error_smaller(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = train(config(model=FIVE_LAYER, steps=1), data, tmp_path / "start")
    module = __import__("semcom.models.deepjscc.train", fromlist=["SHIPPED"])
    monkeypatch.setitem(module.SHIPPED, "adaptive", start.weights)
    recipe = {"start_from": "adaptive", "bits_per_symbol": [2, 8], "model": FIVE_LAYER, "checkpoint_minutes": 9}
    result = train(config(steps=80, learning_rate=1e-2, **recipe), data, tmp_path / "q")
    with (tmp_path / "q" / "curve.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert set(rows[0]) == {"step", "minutes", "psnr_db", "1/12 10dB 4-QAM", "1/12 10dB 256-QAM"}
    assert float(rows[-1]["psnr_db"]) > float(rows[0]["psnr_db"]) + 0.1
    card = DeepJsccCodec(result.weights).card
    assert card.name == "deepjscc-quantised"
    assert "DeepJSCC-Q" in card.paper
    assert card.training.recipe["bits_per_symbol"] == [2, 8]


def test_weights_of_another_size_are_no_start(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"start_from: adaptive\.safetensors is of another network than 'model' says"):
        train(config(start_from="adaptive"), data, tmp_path)
