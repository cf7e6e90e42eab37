"""The decoder: against Sionna's sum-product, on erasures and nonsense, beside others and in threads."""

import builtins
import sys
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest
from semcom.errors import MissingExtra, SignalError
from semcom.sim import codes
from semcom.sim.codes.distribution_matcher import _load_kernel, match
from semcom.sim.codes.ldpc.decode import decode, load_decoder
from semcom.sim.codes.ldpc.encode import encode
from semcom.sim.codes.ldpc.graph import LdpcCode, ldpc_code
from semcom.sim.codes.ldpc.rate_match import rate_match, rate_recover, rows_sent
from semcom.sim.codes.ldpc.segment import base_graph_of, lifting_size


def code_of(block_bits: int, sent_bits: int) -> LdpcCode:
    graph = base_graph_of(block_bits, block_bits / sent_bits)
    return ldpc_code(graph, lifting_size(graph, block_bits)[0])


def sent(code: LdpcCode, block_bits: int, sent_bits: int, blocks: int, seed: int = 0) -> tuple[Any, Any]:
    """Random information bits, and what is sent of their codewords."""
    information = np.zeros((blocks, code.information_columns * code.z), np.uint8)
    information[:, :block_bits] = np.random.default_rng(seed).integers(0, 2, (blocks, block_bits))
    word = encode(code, information, rows=rows_sent(code, block_bits, sent_bits))
    return information[:, :block_bits], rate_match(code, word, block_bits, sent_bits, 2)


def bpsk_llrs(bits: Any, esn0_db: float, seed: int = 1) -> Any:
    """LLRs of one bit a real symbol of unit energy, with real noise of variance N0 / 2: 4 y / N0."""
    n0 = 10 ** (-esn0_db / 10)
    noise = np.random.default_rng(seed).standard_normal(bits.shape) * np.sqrt(n0 / 2)
    return np.float32(4 * (2.0 * bits - 1 + noise) / n0)


@pytest.mark.parametrize(
    ("block_bits", "sent_bits", "esn0_db"), [(100, 200, -2.0), (100, 200, -1.2), (320, 400, 2.2), (64, 320, -5.2)]
)
def test_errs_as_often_as_sum_product(block_bits: int, sent_bits: int, esn0_db: float) -> None:
    """Sionna gets 40 iterations: its schedule floods, ours goes row by row and needs about half."""
    torch = pytest.importorskip("torch")
    ldpc = pytest.importorskip("sionna.phy.fec.ldpc")
    blocks = 300
    code = code_of(block_bits, sent_bits)
    information, bits = sent(code, block_bits, sent_bits, blocks)
    llrs = bpsk_llrs(bits, esn0_db)
    ours = decode(code, rate_recover(code, llrs, block_bits, 2), block_bits).bits
    encoder = ldpc.LDPC5GEncoder(block_bits, sent_bits, num_bits_per_symbol=2)
    assert encoder.z == code.z
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.no_grad():
        theirs = ldpc.LDPC5GDecoder(encoder, num_iter=40)(torch.tensor(llrs)).numpy()
    torch.set_num_threads(threads)
    errors = [int((found != information).any(axis=1).sum()) for found in (ours, theirs)]
    low, high = zip(*(binomtest(count, blocks).proportion_ci(0.9999) for count in errors), strict=True)
    assert max(low) <= min(high), errors
    assert 0 < errors[1] < blocks  # on the waterfall


def test_a_block_does_not_depend_on_its_neighbours_or_on_threads() -> None:
    code = code_of(200, 400)
    _, bits = sent(code, 200, 400, 45)
    llrs = rate_recover(code, bpsk_llrs(bits, -2.0), 200, 2)
    whole = decode(code, llrs, 200)
    assert 0 < whole.is_codeword.sum() < 45
    for cuts in (range(1, 45), [1, 20]):
        parts = [decode(code, part, 200) for part in np.split(llrs, cuts)]
        for name in whole._fields:
            np.testing.assert_array_equal(getattr(whole, name), np.concatenate([getattr(part, name) for part in parts]))
    for one, other in zip(whole, decode(code, llrs, 200, threads=3), strict=True):
        np.testing.assert_array_equal(one, other)


def test_ends_at_the_first_codeword_and_counts_its_iterations() -> None:
    code = code_of(200, 400)
    information, bits = sent(code, 200, 400, 3)
    found = decode(code, rate_recover(code, bpsk_llrs(bits, 12.0), 200, 2), 200)
    np.testing.assert_array_equal(found.bits, information)
    assert found.is_codeword.all()
    assert found.is_decided.all()
    assert (found.iterations <= 2).all()
    noise = decode(code, rate_recover(code, bpsk_llrs(bits, -20.0), 200, 2), 200, iterations=7)
    assert not noise.is_codeword.any()
    assert (noise.iterations == 7).all()


@pytest.mark.parametrize("amplitude", [np.inf, 3.4e38, 3.0])
def test_certain_values_with_erasures_are_filled_in(amplitude: float) -> None:
    code = code_of(200, 600)
    information, bits = sent(code, 200, 600, 4)
    llrs = np.where(bits == 1, np.float32(amplitude), np.float32(-amplitude))
    llrs[:, np.random.default_rng(2).random(600) < 0.4] = 0
    found = decode(code, rate_recover(code, llrs, 200, 2), 200)
    np.testing.assert_array_equal(found.bits, information)


def test_a_frame_that_says_nothing_is_no_codeword_of_zeros() -> None:
    code = code_of(200, 400)
    found = decode(code, rate_recover(code, np.zeros((2, 400), np.float32), 200, 2), 200)
    assert not found.is_codeword.any()
    assert not found.is_decided.any()
    assert not found.bits.any()


def test_no_blocks_give_no_blocks() -> None:
    code = code_of(200, 400)
    found = decode(code, np.zeros((0, 22 * code.z), np.float32), 200)
    assert found.bits.shape == (0, 200)
    assert found.is_codeword.shape == found.iterations.shape == (0,)


def test_what_does_not_fit_is_said() -> None:
    code = ldpc_code(2, 36)
    with pytest.raises(SignalError, match=r"expected LLRs \[blocks, n\], n a multiple of 36 from 504 to 1872, got"):
        decode(code, np.zeros((1, 505), np.float32), 200)
    with pytest.raises(SignalError, match="expected LLRs, got values that are not a number"):
        decode(code, np.full((1, 504), np.nan, np.float32), 200)


def test_without_numba_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_numba(name: str, *rest: Any, **more: Any) -> Any:
        if name == "numba":
            raise ModuleNotFoundError("No module named 'numba'", name="numba")
        return real(name, *rest, **more)

    load_decoder.cache_clear()
    _load_kernel.cache_clear()
    for module in ("ldpc._kernel", "_matcher_kernel", "compiled"):
        monkeypatch.delitem(sys.modules, f"semcom.sim.codes.{module}", raising=False)
    monkeypatch.delattr(codes, "_matcher_kernel", raising=False)
    monkeypatch.setattr(builtins, "__import__", without_numba)
    with pytest.raises(MissingExtra, match=r'codes/ldpc_decode needs numba: pip install "gr-semcom\[links\]"'):
        load_decoder()
    with pytest.raises(MissingExtra, match=r'scheme: shaped needs numba: pip install "gr-semcom\[links\]"'):
        match(np.ones(2, np.uint8), (2, 2))


def test_where_no_folder_can_be_written_the_decoder_is_compiled_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numba refuses to compile when it finds no place to keep the result: an installation of another user, no home."""
    caching = pytest.importorskip("numba.core.caching")
    from semcom.sim.codes.ldpc._kernel import compiled

    def double(x):  # type: ignore[no-untyped-def]
        return x + x

    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    assert compiled(double)(21) == 42
