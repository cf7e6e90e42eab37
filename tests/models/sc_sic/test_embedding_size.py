import math

import pytest
from semcom.models.sc_sic.embedding_size import embedding_downscale

CHOICES = (0.5, 0.75, 1.0)


def bits(downscale: float, esn0_db: float) -> float:
    return downscale**2 * math.log2(1 + 10 ** (esn0_db / 10))


@pytest.mark.parametrize(
    ("esn0_db", "expected"), [(-30, 1), (1, 1), (6.9, 1), (7, 0.75), (10, 0.75), (17.3, 0.75), (17.5, 0.5), (60, 0.5)]
)
def test_a_poor_channel_gets_a_large_embedding(esn0_db: float, expected: float) -> None:
    assert embedding_downscale(esn0_db, CHOICES) == expected


@pytest.mark.parametrize("tenth_db", range(25, 200, 5))
def test_what_is_carried_never_falls_below_the_reference_and_no_smaller_size_would_do(tenth_db: int) -> None:
    esn0_db, least = tenth_db / 10, bits(0.75, 7)
    chosen = embedding_downscale(esn0_db, CHOICES)
    assert bits(chosen, esn0_db) >= least * (1 - 1e-9)
    assert all(bits(one, esn0_db) < least for one in CHOICES if one < chosen)
