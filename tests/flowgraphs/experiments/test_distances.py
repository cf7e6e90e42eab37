from __future__ import annotations

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from semcom.errors import MissingExtra, SignalError, WeightsError
from semcom.flowgraphs.experiments import distances
from semcom.flowgraphs.experiments.distances import check_distance, open_distance
from semcom.models.perceptual.squeezenet import SqueezeNetDistance
from semcom.sim.metrics.ms_ssim import ms_ssim


def flat(*levels: int, side: int = 8) -> list[np.ndarray]:
    return [np.full((side, side, 3), level, np.uint8) for level in levels]


def test_the_mean_squared_error_of_flat_pictures():
    got = open_distance("mse").of_pairs(flat(0, 10, 30))
    np.testing.assert_allclose(got * 255**2, [100, 900, 400])
    assert open_distance("mse").of(*flat(255, 0)) == 1


def test_similarities_count_from_one():
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 256, (2, 176, 180, 3), np.uint8)
    distance = open_distance("ms-ssim")
    assert distance.of(one, one) == pytest.approx(0, abs=1e-6)
    assert distance.of(one, other) == 1 - ms_ssim(one, other)
    assert open_distance("ssim").of(one, one) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("at_once", [1, 2 * 40 * 36, 100 * 40 * 36])
def test_pairs_by_a_network_are_what_the_network_says_of_each(at_once, tmp_path, monkeypatch):
    from semcom.models.perceptual.squeezenet import _FIRES

    rng = np.random.default_rng(0)
    arrays = {"conv1.weight": rng.normal(0, 0.001, (96, 3, 7, 7)), "conv1.bias": np.zeros(96)}
    for name, (channels, squeeze, expand) in _FIRES.items():
        for part, shape in {
            "conv1x1_1": (squeeze, channels, 1, 1),
            "conv1x1_2": (expand, squeeze, 1, 1),
            "conv3x3_2": (expand, squeeze, 3, 3),
        }.items():
            arrays[f"{name}.{part}.weight"] = rng.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape)
            arrays[f"{name}.{part}.bias"] = np.zeros(shape[0])
    np.savez(tmp_path / "w.npz", **{name: array.astype(np.float32) for name, array in arrays.items()})
    monkeypatch.setattr(distances, "PIXELS_AT_ONCE", at_once)
    pictures = list(rng.integers(0, 256, (4, 40, 36, 3), np.uint8))
    found = open_distance("squeezenet", str(tmp_path / "w.npz")).of_pairs(pictures)
    network = SqueezeNetDistance(tmp_path / "w.npz")
    values = [torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255 for picture in pictures]
    with torch.inference_mode():
        expected = [float(network(a, b)) for a, b in itertools.combinations(values, 2)]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert found.min() > 0


def test_what_cannot_be_compared_is_said():
    with pytest.raises(SignalError, match="distance ssim: expected at least 11 pixels in height and width, got 8 x 8"):
        open_distance("ssim").of(*flat(0, 1))
    with pytest.raises(SignalError, match="distance mse: expected pictures of one shape"):
        open_distance("mse").of_pairs([*flat(0), *flat(0, side=9)])
    assert open_distance("mse").of_pairs([]).size == 0


def test_weights_that_are_none_are_said_before_anything_runs(tmp_path, monkeypatch):
    with pytest.raises(WeightsError, match=r"absent\.npz: expected an npz file"):
        check_distance("squeezenet", tmp_path / "absent.npz")
    with pytest.raises(WeightsError, match=r"absent\.pth: expected a state dict"):
        check_distance("lpips-vgg", Path(tmp_path / "absent.pth"))
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match=r'--distance squeezenet needs torch: pip install "gr-semcom\[models\]"'):
        check_distance("squeezenet", tmp_path / "other.npz")
