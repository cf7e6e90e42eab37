import pytest
import torch
from semcom.models.deepjscc.config import FiveLayerConfig
from semcom.models.deepjscc.five_layer import FiveLayerJscc
from semcom.models.deepjscc.gdn import Gdn
from semcom.models.deepjscc.rates import RATES, Rate, cbr_of


def parameters(layers: list[tuple[int, int, int]], *, slopes: int) -> int:
    """Of convolutions (in, out, side) with bias, and one slope for each PReLU."""
    return sum(into * out * side * side + out for into, out, side in layers) + slopes


def test_the_small_network_has_the_papers_layers() -> None:
    network = FiveLayerJscc(FiveLayerConfig(activation="prelu", filters=(16, 32, 32, 32), rate="1/6"))
    encoder = [(3, 16, 5), (16, 32, 5), (32, 32, 5), (32, 32, 5), (32, 16, 5)]
    decoder = [(16, 32, 5), (32, 32, 5), (32, 32, 5), (32, 16, 5), (16, 3, 5)]
    assert sum(p.numel() for p in network.encoder.parameters()) == parameters(encoder, slopes=5) == 78_133
    assert sum(p.numel() for p in network.decoder.parameters()) == parameters(decoder, slopes=4) == 78_119


def test_the_large_network_has_the_papers_layers() -> None:
    network = FiveLayerJscc(FiveLayerConfig(rate="1/12"))
    encoder = [(3, 256, 9), (256, 256, 5), (256, 256, 5), (256, 256, 5), (256, 8, 5)]
    decoder = [(8, 256, 5), (256, 256, 5), (256, 256, 5), (256, 256, 5), (256, 3, 9)]
    gdn = 4 * (256 * 256 + 256)
    assert sum(p.numel() for p in network.encoder.parameters()) == parameters(encoder, slopes=4) + gdn
    assert sum(p.numel() for p in network.decoder.parameters()) == parameters(decoder, slopes=4) + gdn


def test_recipes_and_cards_call_the_activation_variant() -> None:
    old = FiveLayerConfig.model_validate({"network": "five-layer", "variant": "prelu"})
    assert old == FiveLayerConfig(activation="prelu") == FiveLayerConfig.model_validate(old.model_dump(mode="json"))


@pytest.mark.parametrize("activation", ["gdn", "prelu"])
@pytest.mark.parametrize("rate", RATES)
def test_shapes_rate_and_power_per_frame(activation: str, rate: Rate) -> None:
    network = FiveLayerJscc(
        FiveLayerConfig.model_validate({"activation": activation, "filters": (4, 4, 4, 4), "rate": rate})
    )
    network.requires_grad_(requires_grad=False)
    images = torch.rand(2, 3, 16, 24) * torch.tensor([0.1, 1.0]).view(2, 1, 1, 1)
    features = network.encode(images, rate, torch.tensor([10.0, 10.0]))
    assert features.shape[1] / 2 == pytest.approx(3 * 16 * 24 * cbr_of(rate))
    torch.testing.assert_close(features.square().mean(1), torch.ones(2))
    out = network.decode(features, features, rate, torch.tensor([10.0, 10.0]), 16, 24)
    assert out.shape == images.shape
    assert 0 <= float(out.min()) <= float(out.max()) <= 1


def test_gdn_divides_by_its_norm() -> None:
    gdn = Gdn(2)
    with torch.no_grad():
        gdn.root_beta.copy_(torch.tensor([1.0, 2.0]))
        gdn.root_gamma.copy_(torch.tensor([[1.0, 0.5], [0.0, 1.0]]))
    x = torch.tensor([3.0, 4.0]).view(1, 2, 1, 1)
    expected = [3 / (1 + 9 + 0.25 * 16) ** 0.5, 4 / (4 + 16) ** 0.5]
    assert gdn(x).flatten().tolist() == pytest.approx(expected, rel=1e-5)
