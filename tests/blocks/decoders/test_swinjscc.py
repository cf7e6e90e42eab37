"""`decoders/swinjscc`: what it knows of the noise."""

from __future__ import annotations

import numpy as np
import pytest
from semcom.blocks.decoders.swinjscc import Swinjscc as Decoder
from semcom.blocks.encoders.swinjscc import Swinjscc as Encoder
from semcom.blocks.envelope import Header, State
from semcom.errors import SignalError
from semcom.sim.metrics.psnr import psnr_db
from skimage.data import astronaut


def test_noise_that_is_known_symbol_by_symbol_costs_less() -> None:
    """Half of the symbols are lost in noise; a receiver that knows which does better than one that knows the mean."""
    picture = np.ascontiguousarray(astronaut()[:96, 160:256])
    encoder, decoder = Encoder(name="encoder"), Decoder(name="decoder")
    encoder.start()
    decoder.start()
    out = encoder.work(picture)
    header, rng = Header().with_fields(*out.header), np.random.default_rng(1)
    n0 = np.where(rng.random(out.value.size // 2) < 0.5, 3.0, 0.02).astype(np.float32)
    noise = np.sqrt(n0.repeat(2)) * rng.standard_normal(out.value.size) * np.sqrt(np.mean(out.value**2))
    noisy = (out.value + noise).astype(np.float32)
    known, mean = (decoder.work(noisy, header, State(n0=level)) for level in (n0, float(n0.mean())))
    assert psnr_db(picture, known) > psnr_db(picture, mean) + 0.3
    with pytest.raises(SignalError, match="decoders/swinjscc: expected n0 in the receiver's state, got none"):
        decoder.work(noisy, header, State())
