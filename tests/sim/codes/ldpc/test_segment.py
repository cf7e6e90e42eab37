"""Segmentation, against the figures of TS 38.212 and Sionna's."""

import pytest
from semcom.errors import SignalError
from semcom.sim.codes.ldpc.segment import (
    LIFTING_SIZES,
    base_graph_of,
    code_block_crc_bits,
    highest_rate,
    lifting_size,
    segment,
    transport_block_crc_bits,
)


def test_the_lifting_sizes_are_the_51_of_the_standard() -> None:
    assert [len(sizes) for sizes in LIFTING_SIZES] == [8, 8, 7, 6, 6, 6, 5, 5]
    assert max(max(sizes) for sizes in LIFTING_SIZES) == 384
    assert LIFTING_SIZES[1] == (3, 6, 12, 24, 48, 96, 192, 384)
    assert LIFTING_SIZES[7] == (15, 30, 60, 120, 240)


@pytest.mark.parametrize(
    ("payload_bits", "code_rate", "graph"),
    [(292, 0.9, 2), (293, 0.68, 1), (293, 0.67, 2), (3824, 0.67, 2), (3825, 0.67, 1), (3825, 0.25, 2), (3825, 0.26, 1)],
)
def test_the_base_graph_is_chosen_as_the_standard_says(payload_bits: int, code_rate: float, graph: int) -> None:
    assert base_graph_of(payload_bits, code_rate) == graph


@pytest.mark.parametrize(
    ("graph", "block_bits", "z", "index"),
    [(1, 8448, 384, 1), (1, 44, 2, 0), (2, 3840, 384, 1), (2, 640, 72, 4), (2, 641, 72, 4)],
)
def test_the_lifting_size_is_the_least_that_holds_the_block(graph: int, block_bits: int, z: int, index: int) -> None:
    assert lifting_size(graph, block_bits) == (z, index)


def test_check_sums() -> None:
    assert (transport_block_crc_bits(3824), transport_block_crc_bits(3825)) == (16, 24)
    assert (code_block_crc_bits(1), code_block_crc_bits(2)) == (0, 24)
    assert (highest_rate(192), highest_rate(193)) == (0.9, 0.95)


@pytest.mark.parametrize(
    ("payload_bits", "code_rate", "expected"),
    [
        (8424, 0.5, (1, 1, 8448, 0)),  # 8424 + 24 is the largest block
        (8425, 0.5, (1, 2, 4249, 1)),  # (8425 + 24) / 2 is no whole number: one zero, and 24 bits a block
        (3816, 0.2, (2, 1, 3832, 0)),
        (3825, 0.2, (2, 2, 1949, 1)),
        (0, 0.5, (2, 1, 16, 0)),
    ],
)
def test_blocks_are_equally_long(payload_bits: int, code_rate: float, expected: tuple[int, ...]) -> None:
    assert tuple(segment(payload_bits, code_rate)) == expected


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(SignalError, match="expected a number of payload bits, got -1"):
        segment(-1, 0.5)
    with pytest.raises(SignalError, match="expected a code block of 1 to 3840 bits for base graph 2, got 3841"):
        lifting_size(2, 3841)
