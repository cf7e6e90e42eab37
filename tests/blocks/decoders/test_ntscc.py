"""`decoders/ntscc`: what it knows of the noise."""

from __future__ import annotations

import numpy as np
import pytest
from semcom.blocks.decoders.ntscc import Ntscc as Decoder
from semcom.blocks.encoders.ntscc import Ntscc as Encoder
from semcom.blocks.envelope import Header, State
from semcom.errors import SignalError
from semcom.sim.metrics.psnr import psnr_db
from skimage.data import astronaut


def test_noise_that_is_known_symbol_by_symbol_costs_less() -> None:
    """Half of the symbols are lost in noise; a receiver that knows which does better than one that knows the mean."""
    picture = np.ascontiguousarray(astronaut()[:96, 160:256])
    encoder, decoder = Encoder(Encoder.Params(cbr="1/12"), name="encoder"), Decoder(name="decoder")
    blind = Decoder(Decoder.Params(fading_aware="off"), name="decoder")
    for block in (encoder, decoder, blind):
        block.start()
    out = encoder.work(picture)
    header, rng = Header().with_fields(*out.header), np.random.default_rng(1)
    n0 = np.where(rng.random(out.value.size // 2) < 0.5, 3.0, 0.02).astype(np.float32)
    noise = np.sqrt(n0.repeat(2)) * rng.standard_normal(out.value.size) * np.sqrt(np.mean(out.value**2))
    noisy = (out.value + noise).astype(np.float32)
    known, mean = (block.work(noisy, header, State(n0=n0)) for block in (decoder, blind))
    assert psnr_db(picture, known) > psnr_db(picture, mean) + 0.3
    with pytest.raises(SignalError, match="decoders/ntscc: expected n0 in the receiver's state, got none"):
        decoder.work(noisy, header, State())
