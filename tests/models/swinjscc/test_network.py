"""Windows, gates and levels, against the same arithmetic written out position by position."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from semcom.models.deepjscc.linear import allot_power, lmmse_weight
from semcom.models.swinjscc.modnet import ModNet
from semcom.models.swinjscc.network import Encoded, SwinJscc
from semcom.models.swinjscc.resolution import Merge, Spread
from semcom.models.swinjscc.sizes import BASE, SwinConfig
from semcom.models.swinjscc.swin_block import SwinBlock, SwinStack
from semcom.models.swinjscc.windows import gather_windows, scatter_windows

from .conftest import TINY


def shown(block: SwinBlock, x: np.ndarray) -> np.ndarray:
    """`SwinBlock` in float64, position by position: each looks at those that share a window of its rolled grid with it,
    unless the roll brought them there from the other edge."""
    weights = {name: value.double().numpy() for name, value in block.state_dict().items()}
    h, w, c = x.shape
    side, shift, heads = block.side, block.shift, block.attention.heads
    deep = c // heads
    whole = [-(-size // side) * side for size in (h, w)]

    def norm(values: np.ndarray, name: str) -> np.ndarray:
        centred = values - values.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def linear(values: np.ndarray, name: str) -> np.ndarray:
        return values @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def window_of(at: int, size: int) -> tuple[int, int, bool]:
        rolled = (at - shift) % size
        return rolled // side, rolled % side, rolled >= size - shift

    qkv = linear(norm(x, "before_attention"), "attention.enter").reshape(h, w, 3, heads, deep)
    mixed = np.zeros((h, w, c))
    places = [(row, column) for row in range(h) for column in range(w)]
    kept = {place: [window_of(at, size) for at, size in zip(place, whole, strict=True)] for place in places}
    for one in places:
        mates = [
            two
            for two in places
            if all(a[0] == b[0] and a[2] == b[2] for a, b in zip(kept[one], kept[two], strict=True))
        ]
        for head in range(heads):
            logits = []
            for two in mates:
                down, right = (a[1] - b[1] + side - 1 for a, b in zip(kept[one], kept[two], strict=True))
                bias = weights["attention.bias"][down * (2 * side - 1) + right, head]
                logits.append(qkv[one][0, head] @ qkv[two][1, head] / math.sqrt(deep) + bias)
            share = np.exp(np.array(logits) - max(logits))
            share /= share.sum()
            values = sum(s * qkv[two][2, head] for s, two in zip(share, mates, strict=True))
            mixed[one][head * deep : (head + 1) * deep] = values
    x = x + linear(mixed, "attention.leave")
    hidden = linear(norm(x, "before_layers"), "layers.0")
    hidden = hidden * 0.5 * (1 + np.vectorize(math.erf)(hidden / math.sqrt(2)))
    return x + linear(hidden, "layers.2")


@pytest.mark.parametrize("shift", [0, 2])
@pytest.mark.parametrize("size", [(8, 12), (4, 4), (6, 9)])  # whole windows, one, and not whole
def test_a_block_is_attention_within_windows(size: tuple[int, int], shift: int) -> None:
    torch.manual_seed(3)
    block = SwinBlock(8, 4, 2, 3, shift).requires_grad_(requires_grad=False)
    for value in block.parameters():
        value.copy_(torch.randn_like(value) * 0.5)
    x = torch.randn(2, *size, 8)
    stack = SwinStack(8, 1, 4, 2, 3)
    stack.blocks[0], stack.shifts = block, [shift]
    found = stack(x)
    for one, expected in zip(found, x, strict=True):
        np.testing.assert_allclose(one.numpy(), shown(block, expected.double().numpy()), rtol=2e-4, atol=2e-4)
    stack.always = True
    torch.testing.assert_close(stack(x), found)


def test_every_second_block_has_its_windows_moved_by_half_a_side() -> None:
    assert [block.shift for block in SwinStack(8, 4, 8, 2, 4).blocks] == [0, 4, 0, 4]


@pytest.mark.parametrize("shift", [0, 1, 3])
def test_windows_come_back(shift: int) -> None:
    x = torch.randn(2, 7, 10, 3)
    windows = gather_windows(x, 4, shift)
    assert windows.shape == (2 * 2 * 3, 16, 3)
    torch.testing.assert_close(scatter_windows(windows, (2, 7, 10), 4, shift), x, rtol=0, atol=0)
    if not shift:
        torch.testing.assert_close(windows[1].view(4, 4, 3), x[0, :4, 4:8])


def test_a_square_becomes_one_position_and_back() -> None:
    merge, spread = Merge(2, 8), Spread(8, 2, 2)
    with torch.no_grad():
        merge.reduce.weight.copy_(torch.eye(8))
        spread.increase.weight.copy_(torch.eye(8))
    x = torch.randn(1, 4, 6, 2)
    whole = x[:, 2:4, 4:6].permute(0, 2, 1, 3).reshape(1, 8)  # column by column
    torch.testing.assert_close(merge(x)[:, 1, 2], torch.nn.functional.layer_norm(whole, [8]))
    y = torch.randn(1, 2, 3, 8)
    normal = torch.nn.functional.layer_norm(y, [8])
    torch.testing.assert_close(spread(y)[0, 2:4, 4:6, 1], normal[0, 1, 2, 4:].view(2, 2))  # colour by colour


def test_a_gate_by_hand() -> None:
    torch.manual_seed(2)
    net, x, number = ModNet(3, 4, 2), torch.randn(1, 1, 1, 3), torch.tensor([0.7])
    gate = net.layers[0](x[0, 0, 0]) * net.told[0](number)
    gate = net.layers[1](gate) * net.told[1](number)
    expected = 1 / (1 + torch.exp(-net.layers[2](gate)))
    torch.testing.assert_close(net(x, number)[0, 0, 0], expected)
    told = torch.sigmoid(net.told[0][4](net.told[0][2](net.told[0][0](number).relu()).relu()))
    torch.testing.assert_close(net.told[0](number), told)


def test_no_gradient_reaches_the_features_through_a_gate() -> None:
    x = torch.randn(1, 2, 2, 3, requires_grad=True)
    net = ModNet(3, 4, 1)
    (x * net(x, torch.ones(1))).sum().backward()
    torch.testing.assert_close(x.grad, net(x, torch.ones(1)).detach())


def test_before_training_it_is_the_linear_code() -> None:
    torch.manual_seed(1)
    net = SwinJscc(TINY)
    net.fit(torch.rand(400, 3, 4, 4))
    assert net.klt is not None
    images, esn0_db, count = torch.rand(2, 3, 12, 20), torch.tensor([3.0, 12.0]), torch.tensor([8.0, 8.0])
    encoded = net.encode(images, count, esn0_db)
    channels = net.chosen(encoded, 8)
    values = net.sent(encoded.features, channels)
    level = 10 ** (-esn0_db / 10)
    variance = net.klt.variance[:8]
    power = allot_power(variance, level)
    scaled = net.klt(net.klt.centred(images))[:, :, :8] * (power / variance).sqrt()[:, None]
    torch.testing.assert_close(values, scaled.flatten(1))
    n0 = level[:, None].expand_as(values)
    grid = [net.placed(one, channels, 3, 5, fill) for one, fill in ((values, 0.0), (n0, 1.0))]
    picture = net.decode(*grid, count, esn0_db, esn0_db)
    weight = lmmse_weight(variance, power, level[:, None])[:, None]
    expected = net.klt.inverse(scaled * weight, 12, 20) + net.klt.mean.view(1, 3, 1, 1)
    torch.testing.assert_close(picture, expected)


def test_power_of_the_first_components_is_that_of_a_code_of_no_more() -> None:
    variance = torch.linspace(2, 0.01, 30)
    n0 = torch.tensor([1.0, 0.3, 0.01])
    power = allot_power(variance, n0, torch.tensor([4.0, 17.0, 30.0]))
    for row, sent in enumerate((4, 17, 30)):
        torch.testing.assert_close(power[row, :sent], allot_power(variance[:sent], n0[row : row + 1])[0])
        assert float(power[row, sent:].sum()) == 0
        assert float(power[row].sum()) / sent == pytest.approx(1, rel=1e-4)


def test_channels_with_the_greatest_gates_are_sent_in_their_order() -> None:
    config = BASE.model_copy(update={"widths": (32, 32, 32, 32), "modnet_stages": 1, "modnet_width": 2})
    net = SwinJscc(config)
    strength = torch.zeros(2, 32)
    strength[0, [30, 4, 17]] = torch.tensor([5.0, 3.0, 9.0])
    features = torch.randn(2, 2, 3, 32)
    channels = net.chosen(Encoded(features, strength), 3)
    assert channels.tolist() == [[4, 17, 30], [0, 1, 2]]  # of equal ones the first
    values = net.sent(features, channels)
    torch.testing.assert_close(values[0, 3:6], features[0, 0, 1, [4, 17, 30]])
    back = net.placed(values, channels, 2, 3, 7.0)
    torch.testing.assert_close(back[0, :, :, [4, 17, 30]], features[0][..., [4, 17, 30]])
    assert (back[0, :, :, 5] == 7).all()


@pytest.mark.parametrize(("snr", "rate"), [(True, True), (True, False), (False, False)])
def test_gates_know_what_they_are_told(network: Callable[..., SwinJscc], snr: bool, rate: bool) -> None:
    net = network(TINY.model_copy(update={"snr_modnet": snr, "rate_modnet": rate, "bypass": "none"}))
    images, ten = torch.rand(1, 3, 16, 16), torch.tensor([10.0])
    made = [
        net.encode(images, torch.tensor([count]), torch.tensor([level])).features
        for count, level in ((8.0, 10.0), (8.0, 15.0), (16.0, 10.0))
    ]
    assert torch.equal(made[0], made[1]) is not snr
    assert torch.equal(made[0], made[2]) is not rate
    out = [net.decode(made[0], made[0], ten, ten, torch.tensor([level])) for level in (10.0, 15.0)]
    assert torch.equal(*out) is not snr


def test_outside_of_its_range_a_gate_is_told_the_end_of_it(network: Callable[..., SwinJscc]) -> None:
    net = network(TINY.model_copy(update={"esn0_db": (5.0, 10.0), "bypass": "none"}))
    images = torch.rand(1, 3, 16, 16)
    made = [net.encode(images, torch.tensor([8.0]), torch.tensor([level])).features for level in (-3.0, 5.0, 6.0)]
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[1], made[2])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"encoder_depths": (1,)}, "expected 2 depths of either end, one for each of 'widths'"),
        ({"head_width": 8}, "widths: expected multiples of head_width, 8, got 12"),
        ({"head": None}, "bypass: klt needs 'head: 16', the features of the highest rate, and the first"),
        ({"channels": "chosen"}, "bypass: klt needs"),
        ({"bypass": "none", "head": None}, "rates: 1/6 needs 16 features of 12 that there are"),
        ({"bypass": "none", "head": None, "rates": ("1/6", "1/12")}, "rates: 1/6 needs 16 features of 12 that there"),
        (
            {"patch": 1, "head": 4, "rates": ("1/6", "1/96")},
            "rates: expected a whole number of features for 2 x 2 pixels, got 1/96; leave it out, or raise patch or",
        ),
    ],
)
def test_sizes_that_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        SwinConfig.model_validate({**TINY.model_dump(), **changes})
