import pytest
import torch
from semcom.models.pixel_diffusion.config import UnetConfig
from semcom.models.pixel_diffusion.unet import LinearAttention, Unet

PAPER = UnetConfig(widths=(4, 6, 8), blocks=2, middle=2, side=7, time_width=8)
SMALL = UnetConfig(unshuffle=4, widths=(4, 6), blocks=1, norm=False, attention=False, side=3, time_width=8)


def build(config: UnetConfig, context: tuple[int, ...], inputs: int) -> Unet:
    torch.manual_seed(1)
    unet = Unet(config, context, inputs, told=2)
    torch.nn.init.normal_(unet.leave.weight, std=0.1)
    for name, parameter in unet.named_parameters():
        if ".told." in name:
            torch.nn.init.normal_(parameter, std=0.2)
    return unet


def contexts(widths: tuple[int, ...], height: int, width: int) -> tuple[torch.Tensor | None, ...]:
    out = []
    for level, channels in enumerate(widths):
        size = -(-height // 2**level), -(-width // 2**level)
        out.append(torch.randn(1, channels, *size, requires_grad=True) if channels else None)
    return tuple(out)


@pytest.mark.parametrize("config", [PAPER, SMALL], ids=["paper", "small"])
def test_it_predicts_nothing_before_training(config: UnetConfig) -> None:
    unet = Unet(config, (2,), 0, told=2)
    context = contexts((2,), 16 // config.unshuffle, 24 // config.unshuffle)
    out = unet(torch.randn(1, 3, 16, 24), None, torch.ones(1), torch.zeros(1, 2), context)
    assert out.shape == (1, 3, 16, 24)
    assert not out.any()


@pytest.mark.parametrize("size", [(16, 16), (20, 28), (4, 36)])
@pytest.mark.parametrize("config", [PAPER, SMALL], ids=["paper", "small"])
def test_everything_it_is_told_matters_at_any_size(config: UnetConfig, size: tuple[int, int]) -> None:
    fold, widths = config.unshuffle, (2, 0, 3)[: len(config.widths)]
    unet = build(config, widths, inputs=5)
    height, width = size[0] // fold, size[1] // fold
    x = torch.randn(1, 3, *size, requires_grad=True)
    beside = torch.randn(1, 5, height, width, requires_grad=True)
    time, told = torch.full((1,), 0.5, requires_grad=True), torch.zeros(1, 2, requires_grad=True)
    context = contexts(widths, height, width)
    out = unet(x, beside, time, told, context)
    assert out.shape == x.shape
    given = [x, beside, time, told, *(part for part in context if part is not None)]
    for gradient in torch.autograd.grad(out.square().sum(), given):
        assert bool(torch.isfinite(gradient).all())
        assert float(gradient.abs().max()) > 0


def test_every_parameter_learns() -> None:
    unet = build(PAPER, (2, 3), 0)
    out = unet(torch.randn(1, 3, 16, 16), None, torch.ones(1), torch.zeros(1, 2), contexts((2, 3), 16, 16))
    out.square().sum().backward()
    for name, parameter in unet.named_parameters():
        assert parameter.grad is not None, name
        if not name.startswith("time.") or name.endswith("weight"):
            assert float(parameter.grad.abs().max()) > 0, name


@torch.no_grad()
def test_attention_is_that_of_its_matrix() -> None:
    """softmax of queries over channels, of keys over pixels: out_i = q_i sum_j k_j^T v_j, here pixel by pixel."""
    torch.manual_seed(2)
    layer, x = LinearAttention(6, width=4), torch.randn(1, 6, 3, 5)
    query, key, value = layer.enter(layer.norm(x))[0].flatten(1).split(4)  # [4, 15]
    query, key = torch.exp(query) / torch.exp(query).sum(0) / 2, torch.exp(key) / torch.exp(key).sum(1, keepdim=True)
    out = torch.zeros(4, 15)
    for i in range(15):
        for j in range(15):
            out[:, i] += (query[:, i] @ key[:, j]) * value[:, j] / 15
    expected = x + layer.leave(out.view(1, 4, 3, 5))
    torch.testing.assert_close(layer(x), expected, rtol=1e-5, atol=1e-6)
