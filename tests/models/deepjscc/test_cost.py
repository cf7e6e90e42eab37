"""Parameters and operations, beside sums by hand."""

from __future__ import annotations

import pytest
from semcom.errors import SignalError
from semcom.models.deepjscc.cost import cost
from semcom.models.deepjscc.names import SHIPPED


def test_the_linear_code_is_two_matrix_products() -> None:
    found = cost(SHIPPED.path("linear"), height=64, width=32, rate="1/12")
    patches, values = 4 * 2, 3 * 16 * 16
    assert found.encode_flops == 2 * patches * values * 256  # all components of 1/6 are taken, some of them are sent
    assert found.decode_flops == 2 * patches * values * 128
    assert found.parameters == 2 * 256 * values  # both bases


def test_the_adaptive_network_by_hand() -> None:
    found = cost(None, height=64, width=64, rate="1/12")
    pixels, patches, width, k = (64 // 8) ** 2, (64 // 16) ** 2, 128, 128
    klt = 2 * patches * 768 * 256
    body = 3 * 2 * (2 * pixels * width * width * 9)  # three blocks of two convolutions
    ends = 2 * pixels * 192 * width + 2 * patches * width * k * 4
    told = 2 * (6 * 64 + 64 * 3 * 2 * width)
    assert found.encode_flops == klt + body + ends + told
    assert 0 < found.encode_flops < found.decode_flops  # four blocks there


def test_operations_grow_with_the_padded_picture() -> None:
    assert cost(None, height=17, width=16) == cost(None, height=32, width=16)


def test_no_pixel() -> None:
    with pytest.raises(SignalError, match="expected sides of 1 to 65535 pixels, got 0 x 16"):
        cost(None, height=0, width=16)
