"""Fine blocks put to a network: nothing at first, and then what they learn."""

import pytest
import torch
from pydantic import ValidationError
from semcom.models.deepjscc.adaptive import AdaptiveJscc
from semcom.models.deepjscc.config import AdaptiveConfig

SMALL = AdaptiveConfig(patch=8, width=8, encoder_blocks=1, decoder_blocks=1, condition_width=4)
GROWN = SMALL.model_copy(update={"fine_width": 6, "encoder_fine_blocks": 2, "decoder_fine_blocks": 1})
LEVEL = torch.tensor([10.0])


def networks() -> tuple[AdaptiveJscc, AdaptiveJscc]:
    """A network that has learnt something, and itself with fine blocks."""
    torch.manual_seed(0)
    small = AdaptiveJscc(SMALL)
    small.fit(torch.rand(500, 3, 8, 8).cumsum(3).cumsum(2) / 32)
    for layer in (small.encoder.leave, small.decoder.leave):
        torch.nn.init.normal_(layer.weight, std=0.1)
    grown = AdaptiveJscc(GROWN)
    missing, unexpected = grown.load_state_dict(small.state_dict(), strict=False)
    assert not unexpected
    assert all(".fine." in name for name in missing)
    return small, grown


def test_before_training_they_add_nothing() -> None:
    small, grown = networks()
    images = torch.rand(2, 3, 24, 16)
    with torch.no_grad():
        features = small.encode(images, "1/12", LEVEL.expand(2))
        torch.testing.assert_close(grown.encode(images, "1/12", LEVEL.expand(2)), features)
        n0 = torch.full_like(features, 0.1)
        pictures = [one.decode(features, n0, "1/12", LEVEL.expand(2), 24, 16) for one in (small, grown)]
    torch.testing.assert_close(pictures[1], pictures[0])


def test_all_of_them_learn_from_the_second_step_on() -> None:
    _, grown = networks()
    images = torch.rand(1, 3, 16, 16)
    optimizer = torch.optim.SGD(grown.parameters(), 0.1)
    for _ in range(2):
        features = grown.encode(images, "1/12", LEVEL)
        out = grown.decode(features, torch.full_like(features, 0.1), "1/12", LEVEL, 16, 16)
        optimizer.zero_grad()
        (out - images).square().mean().backward()
        optimizer.step()
    still = [name for name, one in grown.named_parameters() if ".fine." in name and not one.grad.abs().sum() > 0]  # type: ignore[union-attr]
    assert not [name for name in still if "condition" not in name]  # which starts at no modulation


def test_a_picture_of_one_patch_and_the_arithmetic_of_a_block() -> None:
    """A convolution of side 3 takes 9 C^2 products at each place, a quarter of the patch apart."""
    from torch.utils.flop_counter import FlopCounterMode

    counts = []
    for blocks in (1, 2):
        config = SMALL.model_copy(update={"fine_width": 12, "encoder_fine_blocks": blocks})
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            AdaptiveJscc(config).encode(torch.rand(1, 3, 8, 8), "1/12", LEVEL)
        counts.append(counter.get_total_flops())
    condition = 2 * 4 * 2 * 12  # of a block more, from 4 hidden values
    assert counts[1] - counts[0] == 2 * 2 * 9 * 12**2 * 4**2 + condition


@pytest.mark.parametrize(
    ("larger", "smaller", "grows"),
    [
        (GROWN, SMALL, True),
        (SMALL, SMALL, True),
        (GROWN, GROWN, True),
        (SMALL, GROWN, False),
        (GROWN.model_copy(update={"encoder_fine_blocks": 3}), GROWN, False),
        (GROWN, SMALL.model_copy(update={"width": 16}), False),
    ],
)
def test_what_a_network_grows_from(larger: AdaptiveConfig, smaller: AdaptiveConfig, grows: bool) -> None:
    assert larger.grows_from(smaller) is grows


def test_a_patch_without_a_quarter() -> None:
    with pytest.raises(ValidationError, match="patch: expected a multiple of 4 where there are fine blocks, got 6"):
        AdaptiveConfig(patch=6, encoder_fine_blocks=1)
