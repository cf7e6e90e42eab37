"""Both ends as ONNX files: the same pictures, by the same codec, without torch."""

from pathlib import Path

import numpy as np
import pytest
import torch
from semcom.errors import WeightsError
from semcom.models.deepjscc.names import SHIPPED as OTHERS
from semcom.models.latent_diffusion.codec import Receiving, Sending
from semcom.models.latent_diffusion.engine import load
from semcom.models.latent_diffusion.export import export_latent_diffusion
from semcom.models.onnx.engine import load as load_onnx


def test_exported_ends_do_what_the_network_does(latent_diffusion_onnx: dict[str, Path]) -> None:
    torch.set_num_threads(1)
    ours = load()
    encoder, decoder = (load_onnx("test", path, role=role) for role, path in latent_diffusion_onnx.items())
    picture = np.random.default_rng(1).integers(0, 256, (35, 70, 3), dtype=np.uint8)
    frame, theirs = ours.encode(picture, Sending()), encoder.encode(picture, Sending())
    assert theirs.header == frame.header
    assert np.allclose(theirs.features, frame.features, atol=1e-4)
    expected, found = (codec.decode(frame.heard(0.1), Receiving()) for codec in (ours, decoder))
    assert np.abs(expected.astype(int) - found).max() <= 1


def test_weights_of_ones_own_are_those_that_are_read(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="its card describes no network of latent-diffusion"):
        next(export_latent_diffusion(tmp_path, weights=OTHERS.path("linear")))
