import commpy.channelcoding
import numpy as np
import pytest
from scipy.special import erfc
from semcom.errors import SignalError
from semcom.sim.codes.convolutional import RATE_1_2, RATE_1_3, decode, encode

CODES = pytest.mark.parametrize("generators", [RATE_1_2, RATE_1_3], ids=["1/2", "1/3"])
TERMINATIONS = pytest.mark.parametrize("termination", ["zeros", "tail_biting"])


def trellis_of(generators: tuple[int, ...]) -> commpy.channelcoding.Trellis:
    """Its lowest octal bit is the present one, where the standards' is the highest."""
    turned = [int(f"{generator:07b}"[::-1], 2) for generator in generators]
    return commpy.channelcoding.Trellis(np.array([6]), np.array([turned]))


@CODES
def test_words_are_those_of_scikit_commpy(generators: tuple[int, ...]) -> None:
    bits = np.random.default_rng(0).integers(0, 2, 60, dtype=np.uint8)
    theirs = commpy.channelcoding.conv_encode(bits, trellis_of(generators))
    np.testing.assert_array_equal(encode(bits, generators), theirs)


def test_words_are_those_of_sionna() -> None:
    import torch
    from sionna.phy.fec.conv import ConvEncoder

    bits = np.random.default_rng(1).integers(0, 2, (2, 30), dtype=np.uint8)
    theirs = ConvEncoder(gen_poly=tuple(f"{g:07b}" for g in RATE_1_3), terminate=True)(torch.tensor(bits).float())
    np.testing.assert_array_equal(encode(bits, RATE_1_3), theirs.numpy())


def test_the_first_bits_are_the_generators() -> None:
    bits = np.array([1, 0, 0, 0, 0, 0, 0], np.uint8)
    coded = encode(bits, RATE_1_3).reshape(-1, 3)
    assert ["".join(map(str, column[:7])) for column in coded.T] == ["1011011", "1111001", "1110101"]


@CODES
@pytest.mark.parametrize("flips", [0.0, 0.02, 0.04])
def test_hard_decisions_are_those_of_scikit_commpy(generators: tuple[int, ...], flips: float) -> None:
    rng = np.random.default_rng(int(1000 * flips))
    for _ in range(5):
        bits = rng.integers(0, 2, 40, dtype=np.uint8)
        heard = encode(bits, generators) ^ (rng.random(46 * len(generators)) < flips)
        theirs = commpy.channelcoding.viterbi_decode(heard.astype(int), trellis_of(generators), tb_depth=52)
        np.testing.assert_array_equal(decode(2.0 * heard - 1, generators), theirs[:40])


@CODES
@TERMINATIONS
def test_of_all_words_the_likeliest_is_found(generators: tuple[int, ...], termination: str) -> None:
    every = (np.arange(1024)[:, None] >> np.arange(10) & 1).astype(np.uint8)
    coded = encode(every, generators, termination=termination)
    assert np.unique(coded, axis=0).shape[0] == 1024
    rng = np.random.default_rng(3)
    llrs = 2.0 * coded[rng.integers(0, 1024, 200)] - 1 + rng.normal(0, 1.0, (200, coded.shape[1]))
    likeliest = (llrs @ (coded.T - 0.5)).argmax(axis=1)
    right = np.all(decode(llrs, generators, termination=termination) == every[likeliest], axis=1)
    assert right.mean() == 1


def test_long_tail_biting_words_are_found_as_zero_terminated_ones_are() -> None:
    """From 64 bits on they are decoded around the end and not exactly; at these ratios that costs nothing."""
    rng = np.random.default_rng(8)
    bits = rng.integers(0, 2, (200, 70), dtype=np.uint8)
    wrong = {}
    for termination in ("zeros", "tail_biting"):
        coded = encode(bits, RATE_1_3, termination=termination)
        llrs = 2.0 * coded - 1 + rng.normal(0, 1.1, coded.shape)
        wrong[termination] = np.any(decode(llrs, RATE_1_3, termination=termination) != bits, axis=1).sum()
    assert 5 < wrong["zeros"] < 100
    assert abs(wrong["tail_biting"] - wrong["zeros"]) < 4 * np.sqrt(sum(wrong.values()))


@pytest.mark.parametrize("ebn0_db", [2.2, 3.0])
def test_bit_errors_stay_below_the_union_bound(ebn0_db: float) -> None:
    """Bit errors on the paths of each distance of (133, 171): Conan, IEEE Trans. Commun. 32(9), 1984."""
    weights = {10: 36, 12: 211, 14: 1404, 16: 11633, 18: 77433, 20: 502690}
    ebn0 = 10 ** (ebn0_db / 10)
    bound = sum(w * 0.5 * erfc(np.sqrt(d * 0.5 * ebn0)) for d, w in weights.items())
    rng = np.random.default_rng(5)
    words = 200
    bits = rng.integers(0, 2, (words, 500), dtype=np.uint8)
    coded = encode(bits)
    deviation = np.sqrt(1 / ebn0)  # of N0 / 2 beside an amplitude of one: Ec = Eb / 2
    errors = (decode(2.0 * coded - 1 + rng.normal(0, deviation, coded.shape)) != bits).sum(axis=1)
    width = 5 * errors.std() / np.sqrt(words)
    assert errors.sum() > 5
    assert errors.mean() - width < bound * 500
    assert errors.mean() + width > 0.2 * bound * 500, "expected the bound to be near at these ratios"


@TERMINATIONS
def test_lengths_and_shapes(termination: str) -> None:
    rng = np.random.default_rng(4)
    for size in (0, 1, 2, 5, 6, 7, 100, 1500):  # 1500: more steps than branch metrics are held for
        bits = rng.integers(0, 2, (2, 1, size), dtype=np.uint8)
        coded = encode(bits, RATE_1_3, termination=termination)
        assert coded.shape == (2, 1, 3 * (size + (6 if termination == "zeros" else 0)))
        np.testing.assert_array_equal(decode(2.0 * coded - 1, RATE_1_3, termination=termination), bits)
    assert decode(np.zeros((0, 20))).shape == (0, 4)


def test_infinite_and_missing_llrs() -> None:
    bits = np.random.default_rng(6).integers(0, 2, 50, dtype=np.uint8)
    llrs = np.where(encode(bits) == 1, np.inf, -np.inf)
    llrs[::7] = 0  # erased
    np.testing.assert_array_equal(decode(llrs), bits)


def test_errors_say_what_was_expected() -> None:
    with pytest.raises(SignalError, match=r"expected a multiple of 2 LLRs, at least 12, got shape \[15\]"):
        decode(np.zeros(15))
    with pytest.raises(SignalError, match=r"expected a multiple of 2 LLRs, at least 12, got shape \[10\]"):
        decode(np.zeros(10))
    with pytest.raises(SignalError, match="expected LLRs without NaN"):
        decode(np.full(20, np.nan))
    with pytest.raises(SignalError, match="convolutional code: expected bits of 0 and 1, got 3"):
        encode(np.full(4, 3, np.uint8))
    with pytest.raises(SignalError, match=r"expected bits \[..., n\]"):
        encode(np.array(1, np.uint8))
