"""A denoiser behind NTSCC: what goes out and what comes in stay NTSCC's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from semcom.errors import UsageError, WeightsError
from semcom.models.cdm_jscc.codec import Codec, Receiving, Sending
from semcom.models.cdm_jscc.cost import cost
from semcom.models.cdm_jscc.engine import TorchEngine, load
from semcom.models.cdm_jscc.export import Transmitter, export_cdm_jscc
from semcom.models.cdm_jscc.forward import pass_through
from semcom.models.cdm_jscc.network import part_of
from semcom.models.cdm_jscc.training import CdmJsccRun
from semcom.models.deepjscc.names import SHIPPED as DEEPJSCC
from semcom.models.model_card import ModelCard, card_path
from semcom.models.ntscc import codec as ntscc
from semcom.models.ntscc.config import NtsccConfig
from semcom.models.ntscc.cost import cost as ntscc_cost
from semcom.models.ntscc.engine import load as load_ntscc
from semcom.models.ntscc.names import SHIPPED as NTSCC
from semcom.models.onnx.engine import load as load_onnx
from semcom.models.onnx.export import export_codec
from semcom.models.patch_rates.rate_map import pack
from semcom.models.training.keep import validate_and_keep
from semcom.models.training.train import train
from semcom.sim.side_information.cdm_mode import CdmMode
from semcom.sim.side_information.rate_map import RateMap

MINI = ModelCard.read(card_path(NTSCC.path("mini")))
ON = {"phases": [{"name": "on", "until": 1, "trains": ["denoiser"], "crop": 32, "batch": 1}]}
FEW = {"steps": 2, "validation_pictures": 1, **ON}


@pytest.fixture(scope="module")
def upon(recipe: Callable[..., Any]) -> Callable[..., Any]:
    """A recipe of a tiny denoiser behind the shipped miniature."""

    def read(**changes: Any) -> Any:
        model = recipe(CdmJsccRun, "tiny-ntscc").model.model_dump()
        model["backbone"]["network"] = MINI.config
        return recipe(CdmJsccRun, "tiny-ntscc", **{**FEW, "start_from": "ntscc/mini", "model": model, **changes})

    return read


@pytest.fixture(scope="module")
def untrained(upon: Callable[..., Any], ready: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights before the first step."""
    (run, shown), out = ready(CdmJsccRun, upon()), tmp_path_factory.mktemp("untrained")
    validate_and_keep(run, run.config.phases[0], shown, out)
    return out / "best.safetensors"


@pytest.fixture(scope="module")
def trained(upon: Callable[..., Any], pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(CdmJsccRun, upon(), pictures, tmp_path_factory.mktemp("trained")).weights


@pytest.fixture(scope="module")
def alone() -> ntscc.Codec:
    """NTSCC itself; channels last as in CDM-JSCC, or sums would be rounded otherwise."""
    codec = load_ntscc("mini")
    codec.engine.network.to(memory_format=torch.channels_last)  # type: ignore[attr-defined]
    return codec


def picture(height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(5)
    return (np.cumsum(rng.normal(0, 9, (height, width, 3)), 1) + 120).clip(0, 255).astype(np.uint8)


def held_by(path: Path) -> set[str]:
    with safe_open(path, "pt") as file:
        return set(file.keys())


@pytest.mark.parametrize(("esn0_db", "cbr"), [(1, "1/12"), (15, "1/24")])
def test_before_training_it_is_ntscc(untrained: Path, alone: ntscc.Codec, esn0_db: float, cbr: str) -> None:
    """The same rates, the same frame, and from the same noisy symbols the same picture."""
    codec, image = load("d", untrained), picture(77, 112)
    frame = codec.encode(image, Sending(cbr=cbr, esn0_db=esn0_db))
    expected = alone.encode(image, ntscc.Sending(cbr=cbr, esn0_db=esn0_db))
    np.testing.assert_array_equal(frame.features, expected.features)
    heard, expected_heard = (one.heard(0.1).header for one in (frame, expected))
    assert heard.read(CdmMode) == expected_heard.read(CdmMode)
    np.testing.assert_array_equal(heard.read(RateMap).array(), expected_heard.read(RateMap).array())
    n0 = 10 ** (-esn0_db / 10)
    noise = np.random.default_rng(6).normal(0, np.sqrt(n0 * np.mean(frame.features**2)), frame.features.shape)
    received = (frame.features + noise).astype(np.float32)
    made = alone.decode(expected.heard(n0, received), ntscc.Receiving())
    for receiving in (Receiving(guidance=0), Receiving(steps=4, seed=3)):
        np.testing.assert_array_equal(codec.decode(frame.heard(n0, received), receiving), made)


def test_training_moves_the_denoiser_alone_and_its_file_holds_that_alone(untrained: Path, trained: Path) -> None:
    made, before = TorchEngine(trained), TorchEngine(untrained)
    assert made.about("d").tag == before.about("d").tag
    card, tensors = NTSCC.load(NTSCC.path("mini"))
    assert (made.card.base, made.card.base_sha256) == ("ntscc/mini.safetensors", card.sha256)
    assert {part_of(name) for name in held_by(trained)} == {"denoiser"}
    found = made.network.backbone.base.state_dict()
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], value) for name, value in tensors.items())
    moved = before.network.unet.state_dict()
    assert any(not torch.equal(value, moved[name]) for name, value in made.network.unet.state_dict().items())
    assert all(bool(value.isfinite().all()) for value in made.network.state_dict().values())


def test_what_trains_on_leans_on_ntscc_and_on_nothing_between(
    upon: Callable[..., Any], trained: Path, pictures: Path, tmp_path: Path
) -> None:
    further = train(CdmJsccRun, upon(start_from=str(trained), seed=7), pictures, tmp_path / "further").weights
    card = ModelCard.read(card_path(further))
    assert (card.base, card.base_sha256) == ("ntscc/mini.safetensors", MINI.sha256)
    assert held_by(further) == held_by(trained)
    assert TorchEngine(further).about("p").tag == TorchEngine(trained).about("d").tag


def test_a_code_that_learnt_too_goes_with_what_trains_on(
    upon: Callable[..., Any], pictures: Path, tmp_path: Path
) -> None:
    phases = [{**ON["phases"][0], "trains": ["transform", "denoiser"], "learning_rate": 1e-2}]
    first = train(CdmJsccRun, upon(phases=phases), pictures, tmp_path / "first").weights
    assert {part_of(name) for name in held_by(first)} == {"transform", "denoiser"}
    then = train(CdmJsccRun, upon(start_from=str(first)), pictures, tmp_path / "then").weights
    assert held_by(then) == held_by(first)
    expected, found = (TorchEngine(path).network.backbone.state_dict() for path in (first, then))
    assert all(torch.equal(found[name], value) for name, value in expected.items())
    assert not torch.equal(
        found["base.synthesis.leave.weight"], NTSCC.load(NTSCC.path("mini"))[1]["synthesis.leave.weight"]
    )


def test_what_trains_on_goes_on_without_the_file_that_it_started_from(
    upon: Callable[..., Any], trained: Path, pictures: Path, tmp_path: Path
) -> None:
    start = tmp_path / "start.safetensors"
    for path in (start, card_path(start)):
        path.write_bytes(trained.with_suffix(path.suffix).read_bytes())
    config, out = upon(start_from=str(start), steps=4, checkpoint_minutes=1e-9), tmp_path / "further"
    train(CdmJsccRun, config.model_copy(update={"steps": 2}), pictures, out)
    start.unlink()
    card_path(start).unlink()
    further = train(CdmJsccRun, config, pictures, out)
    assert further.steps == 4
    assert ModelCard.read(card_path(further.weights)).base_sha256 == MINI.sha256
    assert held_by(further.weights) == held_by(trained)
    with pytest.raises(WeightsError, match=r"start\.json: no model card; expected one beside the weights"):
        train(CdmJsccRun, config, pictures, tmp_path / "anew")


def test_upon_a_file_of_ntscc_the_weights_are_whole(upon: Callable[..., Any], pictures: Path, tmp_path: Path) -> None:
    start_from = str(NTSCC.path("mini"))
    made = TorchEngine(train(CdmJsccRun, upon(start_from=start_from), pictures, tmp_path).weights)
    assert made.card.base is None
    expected = NTSCC.load(NTSCC.path("mini"))[1]
    assert all(torch.equal(made.network.backbone.base.state_dict()[name], value) for name, value in expected.items())


@pytest.mark.parametrize(
    ("start_from", "model", "error", "message"),
    [
        ("ntscc/zz", {}, UsageError, "ntscc: no weights 'zz' are shipped; expected one of: .*mini"),
        (
            "ntscc/midi",
            {},
            UsageError,
            "start_from: ntscc/midi: expected a backbone of kind ntscc with the sizes of these weights; give "
            "model.backbone.network what their card has as 'config'",
        ),
        (
            "ntscc/mini",
            {"backbone": {"kind": "deepjscc"}},
            UsageError,
            "expected a backbone of kind ntscc with the sizes",
        ),
        (str(DEEPJSCC.path("adaptive")), {}, WeightsError, "its card describes no network of cdm-jscc"),
        ("deepjscc", {}, UsageError, "start_from: deepjscc: expected a backbone of kind deepjscc with the shipped"),
        ("d", {}, UsageError, "start_from: d: is of another network than 'model' says"),
    ],
)
def test_other_weights_are_no_start(
    upon: Callable[..., Any],
    ready: Callable[..., Any],
    start_from: str,
    model: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    config = upon(start_from=start_from, model={**upon().model.model_dump(), **model})
    with pytest.raises(error, match=message):
        ready(CdmJsccRun, config)


def test_the_denoiser_is_given_what_the_receiver_knows_at_each_resolution(
    upon: Callable[..., Any], ready: Callable[..., Any]
) -> None:
    """And what it was given without the channel's noise is another."""
    model = ready(CdmJsccRun, upon())[0].model.eval()
    images = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(2))
    levels = (torch.tensor([3.0, 3.0]), torch.tensor([20.0, 20.0]))
    with torch.no_grad():
        noisy, clean = (
            pass_through(
                model, images, torch.tensor([0.1, 0.4]), db, ["none", "block"], torch.Generator().manual_seed(3)
            ).understood
            for db in levels
        )
    fine, middle, coarse = NtsccConfig.model_validate(MINI.config).widths
    assert [part.shape for part in noisy.context] == [(2, fine, 16, 24), (2, middle, 8, 12), (2, coarse, 4, 6)]
    assert all(not torch.equal(one, other) for one, other in zip(noisy.context, clean.context, strict=True))
    assert noisy.spread.shape == (2, 1, 4, 6)
    assert (noisy.spread > clean.spread).all()


def test_the_estimate_costs_what_ntscc_does(trained: Path) -> None:
    height, width = 64, 96
    found = cost(trained, height=height, width=width)
    own = ntscc_cost(NtsccConfig.model_validate(MINI.config), height=height, width=width)
    assert found.estimate_flops == pytest.approx(2000 * height * width * own.decode_kmac_per_pixel)
    assert found.encode_flops == pytest.approx(2000 * height * width * own.encode_kmac_per_pixel)
    engine = TorchEngine(trained)
    assert found.parameters == own.parameters + sum(value.numel() for value in engine.network.unet.parameters())


def test_features_are_adapted_as_ntscc_adapts_them(trained: Path, alone: ntscc.Codec) -> None:
    image = picture(48, 64)
    ours = load("d", trained).encode(image, Sending(cbr="1/12", adaptation_steps=3))
    theirs = alone.encode(image, ntscc.Sending(cbr="1/12", adaptation_steps=3))
    np.testing.assert_array_equal(ours.features, theirs.features)
    assert ours.trace["adaptation_gain_db"] == theirs.trace["adaptation_gain_db"] > 0


def test_what_an_exported_transmitter_computes_is_what_is_sent(trained: Path) -> None:
    """Its two outputs, before any tracing."""
    codec, image, esn0_db = load("d", trained), picture(48, 64), np.array([7], np.float32)
    frame = codec.encode(image, Sending(eta=0.3, esn0_db=7))
    header = frame.heard(0.1).header
    levels = header.read(RateMap).array().astype(np.int64)
    inputs = (image, levels, np.array([header.read(CdmMode).eta_index]), esn0_db)
    transmitter = Transmitter(codec.engine.network)  # type: ignore[attr-defined]
    with torch.inference_mode():
        patch_bits, features = (made.numpy() for made in transmitter(*map(torch.from_numpy, inputs)))
    np.testing.assert_allclose(patch_bits, codec.entropy_bits(image, 7), rtol=1e-5)
    np.testing.assert_allclose(pack(features, levels.astype(np.uint8)), frame.features, atol=1e-6)


def test_half_the_digits_are_enough_for_the_receiver(trained: Path) -> None:
    codec, reduced, image = load("d", trained), load("d", trained, precision="bfloat16"), picture(48, 64)
    frame, again = (one.encode(image, Sending(eta=0.3)) for one in (codec, reduced))
    np.testing.assert_array_equal(frame.features, again.features)
    outs = [one.decode(frame.heard(0.1), Receiving(steps=4, seed=1)).astype(int) for one in (codec, reduced)]
    assert 0 < np.square(outs[0] - outs[1]).mean() < 255**2 / 10**4.5  # 45 dB


def test_its_twin_learns_by_regression(upon: Callable[..., Any], pictures: Path, tmp_path: Path) -> None:
    model = {**upon().model.model_dump(), "objective": "regression", "start_noise": 0}
    codec: Codec = load("d", train(CdmJsccRun, upon(model=model), pictures, tmp_path).weights)
    frame = codec.encode(picture(32, 48), Sending(eta=0.2))
    one, other = (codec.decode(frame.heard(0.1), Receiving(seed=seed)) for seed in (1, 2))
    np.testing.assert_array_equal(one, other)
    with pytest.raises(UsageError, match="steps: expected 1, since these weights learnt by regression, got 4"):
        codec.decode(frame.heard(0.1), Receiving(steps=4))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_exported_receiver_makes_the_same_picture(
    recipe: Callable[..., Any], pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a network that learnt in every phase. Its transmitter computes what NTSCC's does, of which a file is made."""
    config = recipe(CdmJsccRun, "tiny-ntscc", steps=8, fit_crops=8, validation_pictures=1)
    weights = train(CdmJsccRun, config, pictures, tmp_path / "run").weights

    def receiver_alone(codec: Any, out: Path, transmitter: Any, receiver: Any) -> Any:
        return export_codec(codec, out, receiver)

    monkeypatch.setattr("semcom.models.cdm_jscc.export.export_codec", receiver_alone)
    (made,) = export_cdm_jscc(tmp_path, weights=weights, sizes=((32, 48),))  # and compared with torch
    codec, file = load("d", weights), load_onnx("a test", made.path, role="decoder")
    frame = codec.encode(picture(49, 70), Sending(cbr="1/12"))
    own, exported = (one.decode(frame.heard(0.1), Receiving(steps=4, seed=3)) for one in (codec, file))
    assert np.abs(own.astype(int) - exported).max() <= 1
    assert (own != exported).mean() < 0.01
