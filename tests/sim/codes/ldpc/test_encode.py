"""The encoder and rate matching, bit for bit against Sionna; the parity checks; what does not fit."""

import importlib.util

import numpy as np
import pytest
from semcom.errors import MissingExtra, SignalError
from semcom.sim.codes.ldpc import graph
from semcom.sim.codes.ldpc.encode import encode
from semcom.sim.codes.ldpc.graph import ldpc_code
from semcom.sim.codes.ldpc.rate_match import rate_match, rate_recover, rows_sent
from semcom.sim.codes.ldpc.segment import LIFTING_SIZES, lifting_size


def words(base_graph: int, block_bits: int, rows: int | None = None) -> tuple:
    z, _ = lifting_size(base_graph, block_bits)
    code = ldpc_code(base_graph, z)
    information = np.zeros((3, code.information_columns * z), np.uint8)
    information[:, :block_bits] = np.random.default_rng(block_bits).integers(0, 2, (3, block_bits))
    return code, information, encode(code, information, rows=rows)


@pytest.mark.parametrize(
    ("base_graph", "block_bits", "sent_bits", "bits_per_symbol"),
    [
        (2, 12, 60, 2),
        (2, 100, 200, 4),
        (2, 500, 2496, 2),
        (2, 1000, 1998, 6),
        (2, 3840, 9600, 8),
        (1, 400, 480, 2),
        (1, 3000, 3600, 10),
        (1, 8448, 12672, 4),
    ],
)
def test_equals_sionna(base_graph: int, block_bits: int, sent_bits: int, bits_per_symbol: int) -> None:
    torch = pytest.importorskip("torch")
    ldpc = pytest.importorskip("sionna.phy.fec.ldpc")
    peer = ldpc.LDPC5GEncoder(block_bits, sent_bits, num_bits_per_symbol=bits_per_symbol, bg=f"bg{base_graph}")
    code, information, _ = words(base_graph, block_bits)
    assert code.z == peer.z
    word = encode(code, information, rows=rows_sent(code, block_bits, sent_bits))
    sent = rate_match(code, word, block_bits, sent_bits, bits_per_symbol)
    expected = peer(torch.tensor(information[:, :block_bits], dtype=torch.float32)).numpy()
    np.testing.assert_array_equal(sent, expected)


@pytest.mark.parametrize("base_graph", [1, 2])
def test_every_parity_check_holds_for_every_lifting_size(base_graph: int) -> None:
    for z in [*(z for sizes in LIFTING_SIZES for z in sizes if z < 60), 104, 352]:
        code = ldpc_code(base_graph, z)
        information = np.random.default_rng(z).integers(0, 2, (2, code.information_columns * z), dtype=np.uint8)
        word = encode(code, information).reshape(2, code.columns, z)
        for row in range(code.rows):
            checks = [np.roll(word[:, column], -shift, axis=1) for column, shift in code.entries(row)]
            assert not np.bitwise_xor.reduce(checks).any()


def test_the_base_graphs_have_the_standards_sizes() -> None:
    assert [(ldpc_code(g, 2).rows, ldpc_code(g, 2).columns) for g in (1, 2)] == [(46, 68), (42, 52)]
    assert [ldpc_code(g, 2).entry_columns.size for g in (1, 2)] == [316, 197]
    assert ldpc_code(1, 384).entries(0)[:3] == [(0, 307), (1, 19), (2, 50)]  # TS 38.212, Table 5.3.2-2, set 1


def test_fewer_rows_give_the_start_of_the_same_word() -> None:
    code, information, whole = words(2, 300)
    for rows in (0, 4, 9, 42, 99):
        part = encode(code, information, rows=rows)
        np.testing.assert_array_equal(part, whole[:, : part.shape[1]])
        assert part.shape[1] == (10 + min(max(rows, 4), 42)) * code.z


@pytest.mark.parametrize("sent_bits", [400, 1996, 5000, 20000])
def test_recovery_puts_every_value_back_and_sums_repeated_ones(sent_bits: int) -> None:
    block_bits = 300
    code, _, whole = words(2, block_bits)
    sent = rate_match(code, whole, block_bits, sent_bits, 4)
    received = rate_recover(code, np.float32(sent) * 2 - 1, block_bits, 4)
    word, filler = whole[:, : received.shape[1]], 10 * code.z - block_bits
    assert np.isneginf(received).sum() == 3 * filler
    known = received != 0
    np.testing.assert_array_equal((received > 0)[known], (word == 1)[known])
    assert np.abs(received[np.isfinite(received)]).sum() == 3 * sent_bits
    assert not received[:, : 2 * code.z].any()


def test_infinite_values_that_disagree_are_an_erasure() -> None:
    code, _, _ = words(2, 12)
    sent_bits = 2 * (50 * code.z - (10 * code.z - 12))  # the whole circular buffer twice
    values = np.full((1, sent_bits), np.inf, np.float32)
    values[:, sent_bits // 2 :] = -np.inf
    received = rate_recover(code, values, 12, 1)
    assert not received[np.isfinite(received)].any()
    assert not np.isnan(received).any()


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(SignalError, match=r"lifting sizes of TS 38\.212, Table 5\.3\.2-1, got 17"):
        ldpc_code(1, 17)
    with pytest.raises(SignalError, match=r"expected information bits \[blocks, 44\], got \[1, 43\]"):
        encode(ldpc_code(1, 2), np.zeros((1, 43), np.uint8))


def test_without_sionna_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    graph._base_graph_table.cache_clear()
    with pytest.raises(MissingExtra, match=r'codes/ldpc needs sionna: pip install "gr-semcom\[links\]"'):
        graph._base_graph_table(1)
