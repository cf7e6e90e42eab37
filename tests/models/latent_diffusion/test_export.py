"""Both ends as ONNX files: the same pictures, by the same codec, without torch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from semcom.models.latent_diffusion.codec import Receiving, Sending
from semcom.models.latent_diffusion.engine import load
from semcom.models.latent_diffusion.export import export_latent_diffusion
from semcom.models.latent_diffusion.training import LatentDiffusionRun
from semcom.models.onnx.engine import load as load_onnx
from semcom.models.training.train import train


@pytest.fixture(scope="module")
def weights(recipe: Callable[..., Any], pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    return train(LatentDiffusionRun, recipe(LatentDiffusionRun, validation_pictures=1), pictures, out).weights


def test_exported_ends_do_what_the_network_does(weights: Path, tmp_path: Path) -> None:
    written = list(export_latent_diffusion(tmp_path, weights=weights, sizes=((40, 72),)))
    names = [f"latent-diffusion-mini-96-{end}.onnx" for end in ("encoder", "decoder")]
    assert [one.path.name for one in written] == names
    assert all(parity.relative < 1e-4 for one in written for parity in one.parity)
    torch.set_num_threads(1)
    ours = load(weights=weights)
    encoder, decoder = (load_onnx("test", one.path, role=one.metadata.role) for one in written)
    picture = np.random.default_rng(1).integers(0, 256, (35, 70, 3), dtype=np.uint8)
    frame, theirs = ours.encode(picture, Sending()), encoder.encode(picture, Sending())
    assert theirs.header == frame.header
    assert np.allclose(theirs.features, frame.features, atol=1e-4)
    expected, found = (codec.decode(frame.heard(0.1), Receiving()) for codec in (ours, decoder))
    assert np.abs(expected.astype(int) - found).max() <= 1
