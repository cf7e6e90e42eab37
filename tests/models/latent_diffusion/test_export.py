"""Both ends as ONNX files: the same pictures, by the same codec, without torch."""

from pathlib import Path

import numpy as np
import torch
from semcom.models.latent_diffusion.codec import Receiving, Sending
from semcom.models.latent_diffusion.engine import load
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
