from __future__ import annotations

from pathlib import Path

import pytest
from semcom.blocks.block import Block, RunContext
from semcom.blocks.envelope import Identity
from semcom.blocks.params import BlockParams


class Scale(Block):
    class Params(BlockParams):
        factor: float = 2.0


def draw(block, *identity):
    return block.rng(Identity(*identity)).integers(1 << 62)


def test_parameters_default():
    assert Scale().params == Scale.Params(factor=2.0)
    assert Scale(Scale.Params(factor=3)).params == Scale.Params(factor=3)


def test_what_an_item_draws_depends_on_seed_name_and_item_alone():
    block = Block(name="channel", seed=7)
    first = draw(block, 3)
    draw(block, 4)
    assert draw(block, 3) == first == draw(Scale(name="channel", seed=7), 3)
    others = [draw(Block(name="channel", seed=8), 3), draw(Block(name="other", seed=7), 3), draw(block, 3, 1)]
    assert len({first, *others}) == 4


def test_whether_an_item_is_the_last_part_changes_nothing():
    block = Block()
    assert draw(block, 3, 0, True) == draw(block, 3, 0, False)


def test_a_stream_has_a_key_of_128_bits_of_its_own():
    key = Block(name="channel", seed=7).stream_key()
    assert 0 <= key < 1 << 128
    assert key == Scale(name="channel", seed=7).stream_key()
    assert key != Block(name="channel", seed=8).stream_key()


def test_measurements_add_up_and_files_are_named_once_in_order():
    block = Block()
    block.measure(psnr_db=30, ms_ssim=0.5)
    block.measure(psnr_db=20)
    assert block.measured == {"psnr_db": (2, 50.0), "ms_ssim": (1, 0.5)}
    for name in ("b.png", "a.png", "b.png"):
        block.wrote(Path(name))
    assert list(block.files) == [Path("b.png"), Path("a.png")]


def test_a_plain_block_has_nothing_to_start_flush_or_wait_for():
    block = Block()
    block.start()
    assert block.finish(RunContext()) is None
    assert block.interval_s() == 0
    assert (block.reads_header, block.writes_header) == ((), ())


def test_a_context_is_whole_unless_said_otherwise():
    assert RunContext().complete
    with pytest.raises(AttributeError):
        RunContext().complete = False  # type: ignore[misc]
