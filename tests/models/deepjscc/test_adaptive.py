import itertools

import numpy as np
import pytest
import torch
from semcom.models.deepjscc.adaptive import AdaptiveJscc
from semcom.models.deepjscc.config import AdaptiveConfig, LinearConfig
from semcom.models.deepjscc.linear import allot_power
from semcom.models.deepjscc.linear_code import LinearJscc
from semcom.models.deepjscc.rates import RATES, Rate, cbr_of, features_per_patch

TINY = AdaptiveConfig(patch=8, width=8, encoder_blocks=1, decoder_blocks=1, condition_width=4)


@pytest.fixture
def network() -> AdaptiveJscc:
    torch.manual_seed(0)
    network = AdaptiveJscc(TINY)
    patches = torch.rand(500, 3, 8, 8, generator=torch.Generator().manual_seed(1)).cumsum(3).cumsum(2) / 32
    network.fit(patches)
    return network.eval().requires_grad_(requires_grad=False)


def linear_of(network: AdaptiveJscc) -> LinearJscc:
    """The linear code of the same statistics."""
    code = LinearJscc(LinearConfig(patch=8))
    code.klt.load_state_dict(network.klt.state_dict())
    return code.requires_grad_(requires_grad=False)


@pytest.mark.parametrize("rate", RATES)
def test_a_rate_sends_what_its_name_says(network: AdaptiveJscc, rate: Rate) -> None:
    features = network.encode(torch.rand(1, 3, 32, 48), rate, torch.tensor([10.0]))
    assert features.shape[1] / 2 / (3 * 32 * 48) == pytest.approx(cbr_of(rate))


def test_features_per_patch_of_the_shipped_patch() -> None:
    assert [features_per_patch(rate, 16) for rate in RATES] == [32, 64, 128, 256]


def test_before_training_the_network_is_the_linear_code(network: AdaptiveJscc) -> None:
    images = torch.rand(2, 3, 16, 16)
    level = torch.tensor([10.0, 3.0])
    for rate in RATES:
        features = network.encode(images, rate, level)
        torch.testing.assert_close(features, linear_of(network).encode(images, rate, level))
        n0 = torch.full_like(features, 0.1)
        out = network.decode(features, n0, rate, level, 16, 16)
        torch.testing.assert_close(out, linear_of(network).decode(features, n0, rate, level, 16, 16))


def test_rates_are_nested_each_sends_the_first_components_in_its_own_powers(network: AdaptiveJscc) -> None:
    images, level = torch.rand(1, 3, 16, 16), torch.tensor([10.0])
    components = {}
    for rate in RATES:
        k = features_per_patch(rate, 8)
        power = allot_power(network.klt.variance[:k], torch.tensor([0.1]))
        rows = linear_of(network).encode(images, rate, level).unflatten(1, (-1, k))
        components[rate] = torch.where(power > 0, rows / power.sqrt(), torch.nan)
    for narrow, wide in itertools.pairwise(RATES):
        k = features_per_patch(narrow, 8)
        both = ~(components[narrow] + components[wide][..., :k]).isnan()
        assert both.any()
        torch.testing.assert_close(components[narrow][both], components[wide][..., :k][both])


def test_the_residual_networks_share_one_nested_set_of_filters(network: AdaptiveJscc) -> None:
    torch.nn.init.normal_(network.encoder.leave.weight, std=0.1)
    images, level = torch.rand(1, 3, 16, 16), torch.tensor([20.0])
    network.encoder.stack.condition.enter.weight.zero_()  # told nothing, the network adds the same to every rate
    added = {}
    for rate in ("1/12", "1/6"):
        k = features_per_patch(rate, 8)
        power = allot_power(network.klt.variance[:k], torch.tensor([0.01])) + 0.1
        both = network.encode(images, rate, level) - linear_of(network).encode(images, rate, level)
        added[rate] = both.unflatten(1, (-1, k)) / power.sqrt()
    torch.testing.assert_close(added["1/12"], added["1/6"][..., :32], atol=1e-4, rtol=1e-4)
    assert added["1/12"].abs().max() > 0.01


def test_linear_error_is_the_closed_form_on_gaussian_patches(network: AdaptiveJscc) -> None:
    generator = torch.Generator().manual_seed(6)
    white = torch.randn(1, 900, 64, generator=generator)
    images = network.klt.inverse(white * network.klt.variance.sqrt(), 240, 240) + network.klt.mean.view(1, 3, 1, 1)
    n0, level = 0.2, torch.tensor([float(10 * np.log10(1 / 0.2))])
    code = linear_of(network)
    features = code.encode(images, "1/12", level)
    noise = torch.randn(features.shape, generator=generator) * n0**0.5
    out = code.decode(features + noise, torch.full_like(features, n0), "1/12", level, 240, 240)
    variance = network.klt.variance.double()
    power = allot_power(variance[:32], torch.tensor([n0], dtype=torch.float64))[0]
    expected = (variance[:32] * n0 / (power + n0)).sum() + variance[32:].sum()
    measured = (out - images).double().square().sum() / 900
    assert float(measured) == pytest.approx(float(expected), rel=0.05)


def test_a_feature_lost_in_a_fade_does_not_blow_up_the_picture(network: AdaptiveJscc) -> None:
    images, level = torch.rand(1, 3, 16, 16), torch.tensor([10.0])
    features = network.encode(images, "1/12", level)
    n0 = torch.full_like(features, 0.1)
    n0[0, 0] = 1e12
    features[0, 0] += 1e6
    out = network.decode(features, n0, "1/12", level, 16, 16)
    assert float(out.abs().max()) < 5


def test_the_shipped_sizes_have_the_documented_number_of_parameters() -> None:
    count = sum(parameter.numel() for parameter in AdaptiveJscc(AdaptiveConfig()).parameters())
    assert 2_800_000 < count < 3_000_000
