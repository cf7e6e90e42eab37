from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from semcom.sim.codecs.ycbcr import rgb_to_ycbcr, ycbcr_to_rgb
from skimage import data


def test_eight_bits_are_those_of_jfif():
    photo = data.coffee()
    ours = np.moveaxis(rgb_to_ycbcr(photo, 8), 0, -1).astype(int)
    pillows = np.asarray(Image.fromarray(photo).convert("YCbCr")).astype(int)
    assert np.abs(ours - pillows).max() <= 1


def test_known_colours():
    """Of JFIF: Y of red is 0.299 * 255; its Cr is at the top of the range."""
    colours = np.array([[[255, 0, 0], [255, 255, 255], [0, 0, 0], [0, 0, 255]]], np.uint8)
    y, cb, cr = rgb_to_ycbcr(colours, 10)[:, 0].tolist()
    assert y == [305, 1020, 0, 116]
    assert cb == [340, 512, 512, 1022]
    assert cr == [1022, 512, 512, 429]


@pytest.mark.parametrize(("bit_depth", "largest"), [(8, 2), (10, 1), (12, 0)])
def test_there_and_back(bit_depth, largest):
    rng = np.random.default_rng(0)
    for shape in ((1, 1, 3), (300, 7, 3)):
        picture = rng.integers(0, 256, shape, dtype=np.uint8)
        back = ycbcr_to_rgb(rgb_to_ycbcr(picture, bit_depth), bit_depth)
        assert np.abs(back.astype(int) - picture).max() <= largest
        assert back.shape == shape
