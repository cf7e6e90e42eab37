"""What the shipped weights do; pictures from scikit-image, which no training has seen."""

import itertools

import numpy as np
import pytest
from semcom.models.cdm_jscc.codec import Codec, Receiving, Sending
from semcom.models.cdm_jscc.engine import load
from semcom.models.cdm_jscc.names import SHIPPED
from semcom.sim.channels.awgn import awgn
from semcom.sim.metrics.psnr import psnr_db
from semcom.sim.side_information.rate_map import RateMap
from skimage.data import astronaut

VARIANTS = sorted(path.stem for path in SHIPPED.folder.glob("*.safetensors"))
SIDE = 96


@pytest.fixture(scope="module", params=VARIANTS)
def codec(request: pytest.FixtureRequest) -> Codec:
    return load(request.param)


def sent(codec: Codec, image: np.ndarray, esn0_db: float, gain: complex = 1.0, steps: int = 1) -> np.ndarray:
    """Over noise of our own drawing and, with a gain, one fade of the whole picture; equalised without bias."""
    frame = codec.encode(image, Sending(esn0_db=esn0_db))
    scale = np.sqrt(2 * np.square(frame.features, dtype=float).mean())
    x = (frame.features[0::2] + 1j * frame.features[1::2]) / scale
    rng = np.random.default_rng(1)
    noise = (rng.standard_normal(x.size) + 1j * rng.standard_normal(x.size)) / np.sqrt(2)
    n0 = 10 ** (-esn0_db / 10)
    y = awgn(x * gain, noise, n0) / gain
    heard = (np.stack([y.real, y.imag], 1).ravel() * scale).astype(np.float32)
    return codec.decode(frame.heard(n0 / abs(gain) ** 2, heard, rng), Receiving(steps=steps))


def test_all_of_it_is_small() -> None:
    assert sum(path.stat().st_size for path in SHIPPED.folder.glob("*.safetensors")) <= 20e6


@pytest.mark.parametrize(("steps", "esn0_dbs"), [(1, (0, 3, 6, 9, 12, 15, 18)), (4, (0, 6, 12))])
def test_quality_falls_smoothly_with_the_snr(codec: Codec, steps: int, esn0_dbs: tuple[int, ...]) -> None:
    """No cliff: 3 dB of the channel never cost 4 dB of the picture, and less noise is never worse."""
    image = astronaut()[:SIDE, 160 : 160 + SIDE]
    found = [psnr_db(image, sent(codec, image, esn0_db, steps=steps)) for esn0_db in esn0_dbs]
    for before, after in itertools.pairwise(zip(esn0_dbs, found, strict=True)):
        assert before[1] - 0.1 <= after[1] <= before[1] + (after[0] - before[0]) * 4 / 3
    assert found[-1] > found[0] + 2
    assert psnr_db(image, sent(codec, image, -10, steps=steps)) > 10  # beyond training: some picture still


def test_a_fade_costs_what_it_takes_from_the_snr(codec: Codec) -> None:
    image = astronaut()[:SIDE, 160 : 160 + SIDE]
    found = [psnr_db(image, sent(codec, image, 10, gain)) for gain in (1.0, 0.5j, 0.25, 0.1j, 0.02)]
    assert found == sorted(found, reverse=True)
    assert np.isfinite(found).all()


def test_busy_pictures_get_more_symbols_than_calm_ones(codec: Codec) -> None:
    rng = np.random.default_rng(2)
    calm = np.full((SIDE, SIDE, 3), 128, np.uint8)
    half = calm.copy()
    half[:, SIDE // 2 :] = rng.integers(0, 256, (SIDE, SIDE // 2, 3))
    eta = Sending(eta=0.1)
    sizes = [codec.encode(image, eta).features.size for image in (calm, astronaut()[:SIDE, :SIDE], half)]
    assert sizes[0] < sizes[1] < sizes[2]
    levels = codec.encode(half, eta).heard(0.1).header.read(RateMap).array()
    assert levels[:, :2].max() < levels[:, 4:].min()


def test_symbols_follow_eta(codec: Codec) -> None:
    image = astronaut()[:SIDE, 160 : 160 + SIDE]
    etas = [Sending(eta=eta) for eta in np.geomspace(0.01, 2, 12)]
    cbrs = [codec.encode(image, eta).features.size / 2 / image.size for eta in etas]
    assert cbrs == sorted(cbrs)
    side = 4 / 768 / np.log2(11)  # of the rate map at 10 dB
    assert cbrs[0] + side <= 1 / 80
    assert cbrs[-1] + side >= 1 / 8
