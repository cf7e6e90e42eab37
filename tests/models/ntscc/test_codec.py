"""Frames: rates that follow the entropy, what a frame costs, and what is refused."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from semcom.errors import SignalError, UsageError, WeightsError
from semcom.models.ntscc.codec import Codec, Receiving, Sending
from semcom.models.ntscc.engine import load
from semcom.models.patch_rates.rate_map import LEVELS
from semcom.sim.bandwidth import robust_uses
from semcom.sim.side_information.model_id import ModelId
from semcom.sim.side_information.power_scale import PowerScale
from semcom.sim.side_information.rate_map import RateMap
from skimage.data import astronaut

PICTURE = np.ascontiguousarray(astronaut()[:120, 160:250])


@pytest.fixture(scope="module")
def codec(weights: Path) -> Codec:
    return load(weights=weights)


@pytest.mark.parametrize("eta", [0.05, 0.3])
def test_the_rate_of_a_patch_is_the_first_that_its_entropy_fits(codec: Codec, eta: float) -> None:
    """k = Q(eta h): the least of 16, 32, ... 256 values that is at least eta h, and 256 beyond that."""
    frame = codec.encode(PICTURE, Sending(eta=eta, esn0_db=7))
    levels = frame.heard(0.1).header.read(RateMap).array()
    wanted = eta * codec.entropy_bits(PICTURE, 7.0).astype(float)
    expected = np.clip(np.ceil(wanted / 16) * 16, 16, 256)
    assert levels.shape == (8, 6)
    assert np.array_equal(np.asarray(LEVELS)[levels], expected)
    assert len(set(expected.ravel())) > 1
    assert frame.features.size == expected.sum()


def test_busy_patches_cost_more_than_flat_ones(codec: Codec) -> None:
    picture = np.full((64, 128, 3), 120, np.uint8)
    picture[:, 64:] = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    bits = codec.entropy_bits(picture)
    levels = codec.encode(picture, Sending(eta=32 / float(bits[:, 5:7].mean()))).heard(0.1).header.read(RateMap).array()
    assert bits[:, 1:3].max() < bits[:, 5:7].min()
    assert levels[:, 1:3].max() < levels[:, 5:7].min()


@pytest.mark.parametrize("cbr", ["1/48", "1/24", "1/12", "1/8"])
def test_a_frame_and_its_coded_map_fill_the_cbr_and_no_more(codec: Codec, cbr: str) -> None:
    picture = np.ascontiguousarray(astronaut()[:320, :480])
    frame = codec.encode(picture, Sending(cbr=cbr))
    fields = [field for field in frame.header if isinstance(field, RateMap)]
    assert len(fields) == 1
    header = robust_uses(sum(field.bits() for field in (*frame.header, PowerScale(1.0)) if field not in fields))
    uses = frame.features.size / 2 + header + robust_uses(fields[0].bits())
    allowed = Fraction(cbr) * 3 * picture.shape[0] * picture.shape[1]
    assert 0.97 * allowed < uses <= allowed
    given = codec.encode(picture, Sending(cbr=cbr, rate_map="given"))
    assert given.features.size > frame.features.size  # what the map costs is not there for the payload


def test_a_frame_comes_back_in_its_own_size(codec: Codec) -> None:
    frame = codec.encode(PICTURE, Sending(cbr="1/12"))
    picture = codec.decode(frame.heard(0.01), Receiving())
    assert (picture.shape, picture.dtype) == (PICTURE.shape, np.uint8)


def test_what_is_refused(codec: Codec) -> None:
    with pytest.raises(SignalError, match=r"ntscc: expected a CBR of at least 0\.\d+ for 120 x 90 pixels"):
        codec.encode(PICTURE, Sending(cbr="1/2000"))
    frame = codec.encode(PICTURE, Sending(eta=0.1))
    other = RateMap.of(np.zeros((2, 2), np.uint8))
    header = tuple(other if isinstance(field, RateMap) else field for field in frame.header)
    with pytest.raises(SignalError, match=r"ntscc: expected a rate map \[8, 6\] for 120 x 90 pixels, got \[2, 2\]"):
        codec.decode(frame._replace(header=header).heard(0.1), Receiving())
    number, tag = codec.model.number, codec.model.weights
    header = tuple(ModelId(number, tag ^ 1) if isinstance(field, ModelId) else field for field in frame.header)
    with pytest.raises(SignalError, match=r"ntscc: expected a frame for midi with weights .*, got one of midi with"):
        codec.decode(frame._replace(header=header).heard(0.1), Receiving())


def test_weights_that_are_not_there() -> None:
    from semcom.models.deepjscc.names import SHIPPED as OTHERS

    with pytest.raises(UsageError, match="no weights 'tiny' are shipped"):
        load("tiny")  # type: ignore[arg-type]
    with pytest.raises(WeightsError, match=r"none\.safetensors: no such file of weights"):
        load(weights="none.safetensors")
    with pytest.raises(WeightsError, match="its card describes no network of ntscc"):
        load("mini", OTHERS.path("linear"))
