import math

import pytest
import torch
from semcom.models.cdm_jscc.mlla import MllaBlock, RateLinear, rotary
from torch import Tensor
from torch.nn import functional as F


def turned(vector: Tensor, row: int, column: int) -> Tensor:
    """Rotate pairs of one head's channels, one by one: rows turn the first half, columns the second."""
    each = vector.shape[0]
    out = vector.clone()
    for pair in range(each // 2):
        speed = 1e4 ** (-(pair % (each // 4)) / (each // 4))
        angle = speed * (row if pair < each // 4 else column)
        a, b = vector[2 * pair], vector[2 * pair + 1]
        out[2 * pair] = a * math.cos(angle) - b * math.sin(angle)
        out[2 * pair + 1] = a * math.sin(angle) + b * math.cos(angle)
    return out


def quadratic(block: MllaBlock, x: Tensor, height: int, width: int) -> Tensor:
    """The block for one frame ``[n, channels]`` with attention as a matrix of n by n weights."""
    n, channels = x.shape

    def depthwise(layer: torch.nn.Conv2d, rows: Tensor) -> Tensor:
        grid = rows.T.reshape(1, channels, height, width)
        return F.conv2d(grid, layer.weight, layer.bias, padding=1, groups=channels)[0].flatten(1).T

    x = x + depthwise(block.before, x)
    normed = F.layer_norm(x, (channels,), block.norm.weight, block.norm.bias)
    gate = F.silu(F.linear(normed, block.gate.weight, block.gate.bias))
    value = F.silu(depthwise(block.mix, F.linear(normed, block.enter.weight, block.enter.bias)))
    query, key = (F.elu(F.linear(value, block.query_key.weight, block.query_key.bias)) + 1).split(channels, 1)
    each, attended = channels // block.heads, torch.zeros_like(value)
    places = [(row, column) for row in range(height) for column in range(width)]
    for head in range(block.heads):
        part = slice(head * each, (head + 1) * each)
        for i in range(n):
            below = sum(float(query[i, part] @ key[j, part]) for j in range(n))
            for j in range(n):
                weight = turned(query[i, part], *places[i]) @ turned(key[j, part], *places[j]) / below
                attended[i, part] += weight * value[j, part]
    attended = (attended + depthwise(block.local, value)) * gate
    x = x + F.linear(attended, block.leave.weight, block.leave.bias)
    x = x + depthwise(block.after, x)
    return x + block.mlp(F.layer_norm(x, (channels,), block.norm_mlp.weight, block.norm_mlp.bias))


@pytest.mark.parametrize(("height", "width"), [(2, 3), (3, 2), (1, 1)])
@torch.no_grad()
def test_a_block_is_quadratic_attention_by_hand(height: int, width: int) -> None:
    torch.manual_seed(height)
    block = MllaBlock(16, 2, 2).double()
    x = torch.randn(2, height * width, 16).double()
    found = block(x, height, width)
    for frame in range(2):
        torch.testing.assert_close(found[frame], quadratic(block, x[frame], height, width), rtol=1e-5, atol=1e-5)


def test_turned_vectors_meet_by_their_distance_alone() -> None:
    torch.manual_seed(5)
    query, key = torch.randn(2, 8)
    angles = rotary(7, 9, 8, query).view(7, 9, 4)

    def turn(x: Tensor, angle: Tensor) -> Tensor:
        pairs = torch.view_as_complex(x.view(4, 2)) * torch.polar(torch.ones(4), angle)
        return torch.view_as_real(pairs).flatten()

    def product(a: tuple[int, int], b: tuple[int, int]) -> float:
        return float(turn(query, angles[a]) @ turn(key, angles[b]))

    assert product((0, 0), (2, 3)) == pytest.approx(product((4, 5), (6, 8)), abs=1e-4)
    assert product((1, 4), (3, 0)) == pytest.approx(product((3, 7), (5, 3)), abs=1e-4)
    assert product((0, 0), (2, 3)) != pytest.approx(product((0, 0), (3, 2)), abs=1e-2)


def test_grouped_layers_are_those_of_a_gather() -> None:
    torch.manual_seed(6)
    layer = RateLinear(16, 5, 7)
    torch.nn.init.normal_(layer.bias)
    x = torch.randn(3, 11, 5, requires_grad=True)
    levels = torch.randint(0, 16, (3, 11))
    naive = torch.einsum("bni,bnio->bno", x, layer.weight[levels]) + layer.bias[levels]
    found = layer(x, levels)
    torch.testing.assert_close(found, naive)
    ours = torch.autograd.grad(found.square().sum(), [x, layer.weight, layer.bias])
    theirs = torch.autograd.grad(naive.square().sum(), [x, layer.weight, layer.bias])
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_a_layer_that_starts_at_zero_adds_nothing() -> None:
    layer = RateLinear(16, 4, 4, start="zero")
    assert not layer(torch.randn(1, 5, 4), torch.zeros(1, 5, dtype=torch.int64)).any()


@torch.no_grad()
def test_what_is_exported_is_what_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, x, levels = RateLinear(16, 5, 7), torch.randn(1, 9, 5), torch.randint(0, 16, (1, 9))
    expected = layer(x, levels)
    monkeypatch.setattr(torch.compiler, "is_exporting", lambda: True)
    torch.testing.assert_close(layer(x, levels), expected)


def test_all_layers_at_once_are_as_one_by_one() -> None:
    layer, x, levels = RateLinear(16, 5, 7), torch.randn(2, 9, 5), torch.randint(0, 16, (2, 9))
    torch.nn.init.normal_(layer.bias)
    found = layer.all_at_once(x.reshape(18, 5), levels.reshape(18)).reshape(2, 9, 7)
    torch.testing.assert_close(found, layer(x, levels), rtol=1e-5, atol=1e-6)
