"""The training of GESCO on drawn scenes, and the codec of what comes out."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from semcom.errors import SignalError, UsageError, WeightsError
from semcom.models.gesco.codec import Codec, Receiving, sender
from semcom.models.gesco.engine import load
from semcom.models.gesco.export import export_gesco
from semcom.models.gesco.scenes import read_scenes
from semcom.models.gesco.step import _divergence, losses_of, noisy, received_maps, split
from semcom.models.gesco.training import GescoRun
from semcom.models.onnx.engine import load as load_onnx
from semcom.models.training.batch import Batch
from semcom.models.training.train import train
from semcom.sim.label_maps.fast_denoising import pooled
from semcom.sim.label_maps.one_hot import one_hot
from semcom.sim.label_maps.scenes import TRAINING, draw_scene
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.side_information.label_classes import LabelClasses
from torch.distributions import Normal, kl_divergence

SCENES = Path("builtin:scenes")
LABELS = draw_scene(2, 20, 28).labels


@pytest.fixture(scope="module")
def weights(recipe: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run of four steps."""
    out = tmp_path_factory.mktemp("run")
    found = train(GescoRun, recipe(GescoRun), SCENES, out)
    assert found.steps == 4
    return found.weights


@pytest.fixture(scope="module")
def receiver(weights: Path) -> Codec:
    torch.set_num_threads(1)
    return load(weights=weights)


@pytest.fixture(scope="module")
def transmitter(weights: Path) -> Codec:
    return sender("mini", str(weights))


def test_a_run_leaves_weights_with_their_card(weights: Path) -> None:
    card = json.loads(weights.with_suffix(".json").read_text())
    assert card["config"]["classes"] == 7
    assert "Grassucci" in card["paper"]
    assert "scenes" in card["training"]["data"]
    assert all("error in dB" in name for name in card["metrics"])


def test_no_scene_that_users_draw_was_trained_on(recipe: Callable[..., Any]) -> None:
    shown, held = read_scenes(SCENES, recipe(GescoRun))
    numbers, others = ([int(name.split("-")[1]) for name in one.names] for one in (shown, held))
    assert min(numbers) == TRAINING
    assert max(others) < TRAINING
    assert len(shown.pixels) == 10
    scene = draw_scene(TRAINING, 16, 16)
    np.testing.assert_array_equal(shown.pixels[0], np.concatenate([scene.picture, scene.labels], 2))


def test_other_data_are_refused(recipe: Callable[..., Any], tmp_path: Path) -> None:
    config = recipe(GescoRun)
    with pytest.raises(UsageError, match="expected builtin:scenes, or a folder with the folders labels and pictures"):
        read_scenes(tmp_path, config)
    other = config.model_copy(update={"model": config.model.model_copy(update={"classes": 5})})
    with pytest.raises(UsageError, match=r"model\.classes: expected 7 for builtin:scenes, got 5"):
        read_scenes(SCENES, other)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve scenes of 20 x 28 pixels in files."""
    for number in range(12):
        scene = draw_scene(number, 20, 28)
        for kind, pixels in (("labels", scene.labels[..., 0]), ("pictures", scene.picture)):
            (tmp_path / kind).mkdir(exist_ok=True)
            Image.fromarray(np.ascontiguousarray(pixels)).save(tmp_path / kind / f"{number}.png")
    return tmp_path


def test_scenes_of_a_folder(recipe: Callable[..., Any], folder: Path) -> None:
    shown, held = read_scenes(folder, recipe(GescoRun))
    assert held.names == ["9"]
    assert shown.names == [str(number) for number in range(12) if number != 9]
    scene = draw_scene(9, 20, 28)
    np.testing.assert_array_equal(held.pixels[0][..., :3], scene.picture)
    np.testing.assert_array_equal(held.pixels[0][..., 3], scene.labels[..., 0])
    small, _ = read_scenes(folder, recipe(GescoRun, size=(16, 16)))
    assert small.pixels[0].shape == (16, 16, 5)


def test_a_folder_that_does_not_do(recipe: Callable[..., Any], folder: Path) -> None:
    with pytest.raises(
        UsageError, match=r"0\.png: expected at least 16 pixels a side, the crop of the recipe, got less"
    ):
        read_scenes(folder, recipe(GescoRun, size=(8, 32)))
    with pytest.raises(UsageError, match=r"model\.classes: expected 35 for the legend cityscapes, got 7"):
        read_scenes(folder, recipe(GescoRun, legend="cityscapes"))
    (folder / "pictures" / "3.png").unlink()
    with pytest.raises(UsageError, match="and as many pictures and instances, got 12, 11 and 12"):
        read_scenes(folder, recipe(GescoRun))


def test_a_step_lowers_the_loss(recipe: Callable[..., Any]) -> None:
    torch.set_num_threads(1)
    config = recipe(GescoRun)
    run = GescoRun(config, torch.device("cpu"))
    shown, _ = read_scenes(SCENES, config)
    optimizer, found = torch.optim.Adam(run.model.parameters(), 1e-2), []
    for _ in range(12):
        batch = Batch(shown, config.phases[0], 0.0, size=4, seed=[1], device=run.device)
        losses = losses_of(run.model, config, batch)
        optimizer.zero_grad()
        losses["loss"].backward()
        optimizer.step()
        found.append(losses["error"].item())
    assert found[-1] < 0.9 * found[0]
    assert math.isfinite(losses["divergence"].item())


def test_a_new_network_estimates_no_noise(recipe: Callable[..., Any]) -> None:
    config = recipe(GescoRun)
    run = GescoRun(config, torch.device("cpu"))
    shown, _ = read_scenes(SCENES, config)
    batch = Batch(shown, config.phases[0], 0.0, size=64, seed=[5], device=run.device)
    assert losses_of(run.model, config, batch)["error"].item() == pytest.approx(1, abs=0.02)


def test_the_divergence_is_that_of_normal_distributions() -> None:
    """Ho et al., eq. 7, for both ends, and Nichol & Dhariwal, eq. 15, for the variance; level 0 counts nothing."""
    torch.manual_seed(1)
    beta = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
    share = (1 - beta).cumprod(0)
    pictures, noise, off = torch.rand(3, 3, 4, 5) * 2 - 1, torch.randn(3, 3, 4, 5), 0.3 * torch.randn(3, 3, 4, 5)
    variance, levels = torch.rand(3, 3, 4, 5) * 2 - 1, torch.tensor([700, 3, 0])
    seen, found = noisy(pictures, noise, levels), noise + off
    nats = []
    for index, t in enumerate((700, 3)):
        x0, xt, v = (one[index].double() for one in (pictures, seen, (variance + 1) / 2))
        guess = ((xt - (1 - share[t]).sqrt() * found[index]) / share[t].sqrt()).clamp(-1, 1)
        least = (1 - share[t - 1]) / (1 - share[t]) * beta[t]
        of_clean = share[t - 1].sqrt() * beta[t] / (1 - share[t])
        of_noisy = (1 - beta[t]).sqrt() * (1 - share[t - 1]) / (1 - share[t])
        true = Normal(of_clean * x0 + of_noisy * xt, least.sqrt())
        ours = Normal(of_clean * guess + of_noisy * xt, (v * beta[t].log() + (1 - v) * least.log()).exp().sqrt())
        nats.append(kl_divergence(true, ours).mean())
    expected = float(sum(nats)) / 3 / math.log(2)
    assert float(_divergence(pictures, seen, found, variance, levels)) == pytest.approx(expected, rel=1e-3)


def test_pictures_at_a_level_have_its_power() -> None:
    pictures, noise = torch.zeros(2, 3, 64, 64), torch.randn(2, 3, 64, 64)
    found = noisy(pictures, noise, torch.tensor([0, 999]))
    assert float(found[0].std()) == pytest.approx(0.01, rel=0.05)
    assert float(found[1].std()) == pytest.approx(1, rel=0.05)


def test_maps_of_a_channel_without_noise_are_pooled_one_hot_maps(recipe: Callable[..., Any]) -> None:
    config = recipe(GescoRun).model
    labels = torch.from_numpy(LABELS.transpose(2, 0, 1)[None].copy())
    found = received_maps(labels, config, torch.tensor([math.inf]), ["none"], torch.Generator())
    np.testing.assert_allclose(found[0], pooled(one_hot(LABELS, 7, edges=True)), atol=1e-6)


def test_maps_that_are_not_sent_stay_zero(recipe: Callable[..., Any]) -> None:
    config = recipe(GescoRun).model
    labels = torch.zeros(1, 2, 8, 8, dtype=torch.uint8)
    labels[:, 0, 4:] = 1
    found = received_maps(labels, config, torch.tensor([0.0]), ["none"], torch.Generator().manual_seed(1))
    assert not found[0, 2:7].any()
    assert found[0, [0, 1, 7]].abs().amin(0).max() > 0


def test_scenes_come_apart() -> None:
    scene = draw_scene(3, 8, 8)
    both = torch.from_numpy(np.concatenate([scene.picture, scene.labels], 2).transpose(2, 0, 1)[None].copy())
    pictures, labels = split(both.float() / 255)
    np.testing.assert_array_equal(labels[0], scene.labels.transpose(2, 0, 1))
    np.testing.assert_allclose(pictures[0], scene.picture.transpose(2, 0, 1) / 127.5 - 1, atol=1e-6)


def test_a_frame_has_a_map_of_each_class_that_is_there_and_of_the_edges(transmitter: Codec) -> None:
    frame = transmitter.encode(LABELS, transmitter.sending())
    shape, model, classes = frame.header
    there = np.unique(LABELS[..., 0])
    assert shape == ImageShape(20, 28)
    assert isinstance(classes, LabelClasses)
    assert np.flatnonzero(classes.sent).tolist() == there.tolist()
    maps = frame.features.reshape(-1, 20, 28)
    assert len(maps) == len(there) + 1
    np.testing.assert_array_equal(maps[:-1].argmax(0), np.searchsorted(there, LABELS[..., 0]))
    np.testing.assert_array_equal(maps[-1], LABELS[..., 1])
    assert model.bits() + classes.bits() == 24 + 8 + 7  # type: ignore[union-attr]


def test_what_arrives_without_noise_is_what_was_sent(transmitter: Codec, receiver: Codec) -> None:
    heard = transmitter.encode(LABELS, transmitter.sending()).heard(0.0)
    sent = one_hot(LABELS, 7, edges=True)
    np.testing.assert_array_equal(receiver.maps(heard, Receiving(denoising="none")), sent)
    np.testing.assert_array_equal(receiver.maps(heard, Receiving(denoising="decided")), sent)
    np.testing.assert_allclose(receiver.maps(heard, Receiving()), pooled(sent), atol=1e-6)


def test_a_receiver_that_is_aware_of_fading_counts_what_is_reliable(transmitter: Codec, receiver: Codec) -> None:
    frame = transmitter.encode(LABELS, transmitter.sending())
    rng = np.random.default_rng(1)
    n0 = np.where(rng.uniform(size=frame.features.size) < 0.2, 40.0, 0.05).astype(np.float32)
    came = frame.features + 0.3 * np.sqrt(n0) * rng.standard_normal(frame.features.size).astype(np.float32)
    heard, clean = frame.heard(n0, came), pooled(one_hot(LABELS, 7, edges=True))
    errors = {
        aware: float(np.abs(receiver.maps(heard, Receiving(fading_aware=aware)) - clean).mean())  # type: ignore[arg-type]
        for aware in ("on", "off")
    }
    assert errors["on"] < 0.5 * errors["off"]


@pytest.mark.parametrize("sampler", ["ddim", "ddpm"])
def test_the_same_generator_gives_the_same_picture(transmitter: Codec, receiver: Codec, sampler: Any) -> None:
    frame, pictures = transmitter.encode(LABELS, transmitter.sending()), []
    for seed in (1, 1, 2):
        heard = frame.heard(0.1, rng=np.random.default_rng(seed))
        pictures.append(receiver.decode(heard, Receiving(sampler=sampler, sampling_steps=3)))
    assert pictures[0].shape == (20, 28, 3)
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], pictures[2])


def test_a_class_that_the_network_has_not_is_refused_with_its_place(transmitter: Codec) -> None:
    labels = LABELS.copy()
    labels[4, 9, 0] = 12
    with pytest.raises(SignalError) as caught:
        transmitter.encode(labels, transmitter.sending())
    assert str(caught.value) == (
        "gesco: expected classes 0 to 6, which mini has, got 12 at row 4, column 9; give the map's source the legend "
        "of these classes, or another variant"
    )


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.zeros((4, 4, 3), np.uint8), r"expected a label map, uint8 \[H, W, 2\], got uint8 \[4, 4, 3\]"),
        (np.zeros((4, 4, 2), np.int64), r"expected a label map, uint8 \[H, W, 2\], got int64 \[4, 4, 2\]"),
        (np.zeros((0, 4, 2), np.uint8), r"expected sides of 1 to 65535 pixels, got \[0, 4\]"),
    ],
)
def test_what_is_no_label_map_is_refused(transmitter: Codec, labels: np.ndarray, words: str) -> None:
    with pytest.raises(SignalError, match=f"gesco: {words}"):
        transmitter.encode(labels, transmitter.sending())


def test_a_frame_of_other_classes_is_refused(receiver: Codec) -> None:
    frame = sender("cityscapes").encode(LABELS, Codec.sending())
    with pytest.raises(
        SignalError, match="expected maps of 7 classes, got a header of 35; give encoder and decoder the"
    ):
        receiver.decode(frame.heard(0.1), Receiving())


def test_a_variant_without_weights_and_a_card_of_another_network(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="gesco: no weights 'cityscapes' are shipped; expected one of: mini"):
        load("cityscapes")
    with pytest.raises(WeightsError, match=r"none\.json: no model card"):
        sender("mini", str(tmp_path / "none.safetensors"))
    card = json.loads(weights.with_suffix(".json").read_text())
    other = tmp_path / "other.safetensors"
    other.with_suffix(".json").write_text(json.dumps({**card, "config": {"patch": 4, "features": 8}}))
    with pytest.raises(WeightsError, match=r"other\.safetensors: its card describes no network of gesco"):
        sender("mini", str(other))


def test_a_transmitter_needs_no_torch() -> None:
    code = (
        "import sys\nfrom semcom.blocks.encoders.gesco import Gesco\n"
        "from semcom.sim.label_maps.scenes import draw_scene\n"
        "block = Gesco(Gesco.Params(variant='cityscapes'))\nblock.start()\n"
        "print(block.work(draw_scene(0, 16, 16).labels).value.size)\nassert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert int(done.stdout) % (16 * 16) == 0


def test_the_exported_receiver_draws_what_the_network_draws(
    weights: Path, transmitter: Codec, receiver: Codec, tmp_path: Path
) -> None:
    (written,) = export_gesco(tmp_path, weights=weights, sizes=((20, 28),))
    assert written.path.name == "gesco-mini-decoder.onnx"
    assert all(parity.relative < 1e-4 for parity in written.parity)
    exported = load_onnx("test", written.path, role="decoder")
    frame = transmitter.encode(LABELS, transmitter.sending())
    one, other = (
        codec.decode(frame.heard(0.1, rng=np.random.default_rng(1)), Receiving(sampling_steps=3))
        for codec in (receiver, exported)
    )
    assert np.abs(one.astype(int) - other).max() <= 1
