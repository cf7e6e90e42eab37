"""`encoders/latent_denoiser` and `decoders/latent_denoiser`, with the shipped weights."""

import numpy as np
from semcom.blocks.decoders.latent_denoiser import LatentDenoiser as Decoder
from semcom.blocks.encoders.latent_denoiser import LatentDenoiser as Encoder
from semcom.blocks.envelope import Header, Identity, State
from semcom.sim.metrics.psnr import psnr_db
from skimage.data import astronaut


def test_a_picture_comes_back_and_steps_draw_other_ones() -> None:
    picture = np.ascontiguousarray(astronaut()[:96, 160:256])
    encoder, decoder = Encoder(), Decoder(Decoder.Params(steps=2), name="decoder")
    encoder.start()
    decoder.start()
    out = encoder.work(picture)
    header = Header().with_fields(*out.header)
    one, same, other = (decoder.work(out.value, header, State(n0=0.01), Identity(seq)) for seq in (0, 0, 1))
    assert psnr_db(picture, one) > 20
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
