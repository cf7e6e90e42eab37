"""What the codec asks of a network that is told text, and what it tells the receiver."""

from typing import Any

import numpy as np
import pytest
from semcom.errors import SignalError
from semcom.models.latent_diffusion.codec import Codec, LatentAbout, Receiving, Sending
from semcom.sim.side_information.latent_mode import LatentMode

PICTURE = np.random.default_rng(1).integers(0, 256, (16, 24, 3), dtype=np.uint8)
Asked = list[tuple[str, float]]


class Network:
    """None; it writes down what it is told."""

    def __init__(self) -> None:
        self.asked: Asked = []

    def run(self, output: str, **inputs: Any) -> np.ndarray:
        if output == "clean":
            return 0.5 + 0.1 * np.asarray(inputs["noise"])
        if output == "picture":
            return np.zeros((16, 24, 3), np.float32)
        self.asked.append((inputs["prompt"], float(inputs["guidance"][0])) if "prompt" in inputs else ("", 1.0))
        return 0.1 * np.asarray(inputs["latent"])


def codec(*, text: bool = True) -> Codec:
    about = LatentAbout(variant="mini-96", stride=8, channels=4, denoiser_stride=1, text=text)
    return Codec(Network(), about)


def asked(one: Codec) -> Asked:
    assert isinstance(one.engine, Network)
    found, one.engine.asked = one.engine.asked, []
    return found


def test_each_end_is_told_its_own_words_as_strongly_as_it_says() -> None:
    one = codec()
    frame = one.encode(PICTURE, Sending(inversion_steps=2, prompt="a cat", inversion_guidance=2))
    assert asked(one) == [("a cat", 2.0)] * 2
    receiving = Receiving(inversion_steps=3, steps=4, prompt="a dog", inversion_guidance=3, guidance=6)
    one.decode(frame.heard(0.1), receiving)
    assert asked(one) == [("a dog", 3.0)] * 3 + [("a dog", 6.0)] * 4


def test_a_prompt_that_is_sent_rules_and_is_charged() -> None:
    one = codec()
    shared, sent = (one.encode(PICTURE, Sending(prompt="a cat", prompt_is=how)) for how in ("shared", "sent"))
    assert sum(field.bits() for field in sent.header) - sum(field.bits() for field in shared.header) == 10 + 8 * 5
    assert LatentMode(5, "a cat") in sent.header
    asked(one)
    one.decode(sent.heard(0.1), Receiving(prompt="a dog"))
    assert {words for words, _ in asked(one)} == {"a cat"}


@pytest.mark.parametrize("changes", [{"prompt": "a cat"}, {"inversion_guidance": 2.0}])
def test_a_network_that_is_told_no_text_refuses_a_prompt(changes: dict[str, Any]) -> None:
    one = codec(text=False)
    message = "expected no prompt and a guidance of 1, since mini-96 is told no text, got .*; leave both out, or take a"
    with pytest.raises(SignalError, match=message):
        one.encode(PICTURE, Sending(**changes))
    with pytest.raises(SignalError, match=message):
        one.decode(one.encode(PICTURE, Sending()).heard(0.1), Receiving(**changes))


def test_a_latent_is_the_mean_or_a_draw_that_the_picture_fixes() -> None:
    one = codec()
    mean, sample, again = (
        one.encode(PICTURE, Sending(inversion_steps=0, latent=how)).features for how in ("mean", "sample", "sample")
    )
    assert np.allclose(mean, 0.5)
    assert np.array_equal(sample, again)
    away = (sample - mean) / 0.1  # standard normal
    assert abs(float(away.mean())) < 4 / away.size**0.5
    assert 0.3 < float(away.var()) < 2.5
    other = one.encode(PICTURE[::-1], Sending(inversion_steps=0, latent="sample")).features
    assert not np.allclose(sample, other)
