import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from semcom.errors import SignalError
from semcom.sim.codes.arithmetic import ArithmeticDecoder, ArithmeticEncoder

decisions = st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=300)
priors = st.tuples(*[st.integers(1, 255)] * 3)


def encoded(word: list[tuple[int, bool]], prior: tuple[int, ...]) -> str:
    coder = ArithmeticEncoder(prior)
    for context, one in word:
        coder.code(context, one)
    return coder.text()


@given(decisions, priors, st.text("01", max_size=40))
def test_a_word_comes_back_and_ends_itself_whatever_follows(
    word: list[tuple[int, bool]], prior: tuple[int, ...], rest: str
) -> None:
    text = encoded(word, prior)
    decoder = ArithmeticDecoder(prior, text + rest)
    assert [(context, decoder.code(context, False)) for context, _ in word] == word
    assert decoder.size == len(text)


@pytest.mark.parametrize("share", [0.5, 0.2, 0.02])
def test_bits_cost_their_entropy(share: float) -> None:
    """Within 3 %, and 40 bits to learn it: n H(p), which no code undercuts."""
    count = 20_000
    ones = np.random.default_rng(1).random(count) < share
    p = ones.mean()
    entropy = count * -(p * np.log2(p) + (1 - p) * np.log2(1 - p))
    found = len(encoded([(0, bool(one)) for one in ones], (128,)))
    assert entropy <= found <= 1.03 * entropy + 40


def test_it_learns_what_changes_and_contexts_apart() -> None:
    word = [(index % 2, index % 2 == 1) for index in range(1000)]
    assert len(encoded(word, (128, 128))) < 100
    assert len(encoded([(0, one) for _, one in word], (128, 128))) > 990
    turned = [(0, index >= 3000) for index in range(6000)]
    assert len(encoded(turned, (128,))) < 1600


def test_few_bits_are_soon_read() -> None:
    """No decision is free: from 100 bits at most 100 / 0.0014 of them are read, then there is an end."""
    decoder = ArithmeticDecoder((255,), "1" * 100)
    with pytest.raises(SignalError, match="arithmetic code: expected a word of more than 100 bits; it is cut short"):
        sum(decoder.code(0, False) for _ in range(75_000))


@settings(max_examples=200)
@given(st.text("01", max_size=80), priors)
def test_any_bits_are_read_or_end(text: str, prior: tuple[int, ...]) -> None:
    decoder = ArithmeticDecoder(prior, text)
    try:
        for index in range(200):
            decoder.code(index % 3, False)
    except SignalError:
        return
    assert decoder.size <= len(text)


def test_every_machine_gives_these_bits() -> None:
    """Recorded from a run of this code: it claims no more than that old words are still understood."""
    rng = np.random.default_rng(7)
    word = [
        (int(context), bool(one)) for context, one in zip(rng.integers(0, 3, 999), rng.random(999) < 0.3, strict=True)
    ]
    text = encoded(word, (40, 128, 200))
    assert (len(text), hashlib.sha256(text.encode()).hexdigest()[:16]) == (914, "340f26f679c7d80c")
