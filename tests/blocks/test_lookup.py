from __future__ import annotations

import sys
import threading
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from semcom.blocks import lookup
from semcom.blocks.lookup import find_block, list_blocks, load_block
from semcom.errors import UnknownBlock

GOOD = '''
from semcom.blocks.block import Block
from semcom.blocks.ports import Features


class Good(Block):
    """Does good.

    And more.
    """

    def work(self, features: Features) -> Features:
        return features
'''


@pytest.fixture
def plug_in(tmp_path, monkeypatch):
    """Return a function that installs a package under the entry point ``lab``, from file name → text."""

    def install(files, value):
        package = value.split(".")[0]
        for name, text in {"__init__.py": "", **files}.items():
            path = tmp_path / "site" / package / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        monkeypatch.syspath_prepend(str(tmp_path / "site"))
        entry = EntryPoint("lab", value, lookup.ENTRY_POINTS)
        monkeypatch.setattr(lookup, "entry_points", lambda group: [entry] if group == lookup.ENTRY_POINTS else [])

    yield install
    for name in [name for name in sys.modules if name.split(".")[0].startswith("lookup_lab")]:
        del sys.modules[name]


def refusal(use, base=None):
    with pytest.raises(UnknownBlock) as caught:
        load_block(use, base)
    return str(caught.value)


def test_every_block_of_this_package_is_listed_whole_and_by_name():
    blocks = list_blocks()
    assert [block.use for block in blocks] == sorted(block.use for block in blocks)
    assert [block.use for block in blocks if block.broken or not block.summary] == []
    awgn = next(block for block in blocks if block.use == "channels/awgn")
    assert awgn.module == "semcom.blocks.channels.awgn"
    assert awgn.path.parts[-2:] == ("channels", "awgn.py")


def test_listing_imports_no_block(plug_in):
    plug_in({"blocks/__init__.py": "", "blocks/channels/bad.py": "raise RuntimeError"}, "lookup_lab_a.blocks")
    assert "lab/channels/bad" in [block.use for block in list_blocks()]
    assert "lookup_lab_a.blocks.channels.bad" not in sys.modules


def test_the_folder_of_a_plug_in_is_found_loaded_and_named(plug_in):
    files = {
        "blocks/__init__.py": "",
        "blocks/channels/good.py": GOOD,
        "blocks/channels/_part.py": "",
        "blocks/x.py": "",
    }
    plug_in(files, "lookup_lab_b.blocks")
    (block,) = [block for block in list_blocks() if block.use.startswith("lab/")]
    assert (block.use, block.module) == ("lab/channels/good", "lookup_lab_b.blocks.channels.good")
    assert (block.summary, block.broken) == ("Does good.", "")
    assert load_block("lab/channels/good").__name__ == "Good"
    assert refusal("lab/channels/god") == (
        "no block 'lab/channels/god' (did you mean 'lab/channels/good'?); `semcom blocks` lists them"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("class Good(:\n    pass\n", "SyntaxError: invalid syntax (bad.py, line 1)"),
        ("x = 1\n", "no subclass of Block in this file"),
        ("x = '\0'\n", "ValueError: source code string cannot contain null bytes"),
    ],
)
def test_a_file_that_cannot_be_read_is_listed_as_broken(plug_in, text, reason):
    plug_in({"blocks/__init__.py": "", "blocks/channels/bad.py": text}, "lookup_lab_c.blocks")
    (block,) = [block for block in list_blocks() if block.use.startswith("lab/")]
    assert (block.summary, block.broken) in [("", reason), ("", reason.replace("ValueError", "SyntaxError"))]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("raise RuntimeError('no licence')", "RuntimeError: no licence"),
        ("import sys; sys.exit('bye')", "SystemExit: bye"),
        ("import nowhere_at_all", "ModuleNotFoundError: No module named 'nowhere_at_all'"),
    ],
)
def test_a_plug_in_that_raises_breaks_nothing_else(plug_in, text, reason):
    plug_in({"__init__.py": text, "blocks/channels/good.py": GOOD}, "lookup_lab_d.blocks")
    blocks = {block.use: block for block in list_blocks()}
    assert blocks["lab/*"].broken == reason
    assert "channels/awgn" in blocks
    assert "did you mean 'channels/awgn'?" in refusal("channels/awgm")


def test_an_entry_that_names_no_package_is_listed_as_broken(plug_in):
    plug_in({"one.py": ""}, "lookup_lab_e.one")
    (block,) = [block for block in list_blocks() if block.use.startswith("lab/")]
    assert (block.use, block.broken) == ("lab/*", "ImportError: no package lookup_lab_e.one")


def test_a_single_file_is_found_from_the_folder_of_the_flowgraph(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "good.py").write_text(GOOD)
    block = find_block("./good.py", tmp_path / "sub")
    assert (block.use, block.path, block.module) == ("./good.py", tmp_path / "sub" / "good.py", "")
    assert load_block("sub/good.py") is load_block("./good.py", tmp_path / "sub")
    assert refusal("./good.py") == f"no file ./good.py (looked at {tmp_path / 'good.py'})"


def test_an_edited_file_is_another_block():
    Path("good.py").write_text(GOOD)
    first = load_block("./good.py")
    Path("good.py").write_text(GOOD.replace("Does good", "Does better"))
    assert load_block("./good.py") is not first
    assert load_block("./good.py").__doc__.startswith("Does better")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("raise KeyError('x')", "KeyError: 'x'"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("class A(", "SyntaxError: '(' was never closed (odd.py, line 1)"),
    ],
)
def test_a_file_that_does_not_load_is_named_and_leaves_no_module(text, reason):
    Path("odd.py").write_text(text)
    before = set(sys.modules)
    assert refusal("odd.py") == f"block 'odd.py' does not load: {reason} ({Path('odd.py').resolve()})"
    assert not [name for name in set(sys.modules) - before if "odd" in name]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("x = 1\n", "none"),
        (GOOD + "\n\nclass Other(Block):\n    pass\n", "Good, Other"),
        ("from semcom.blocks.channels.awgn import Awgn\n", "none"),
    ],
)
def test_a_file_must_define_one_block(text, names):
    Path("odd.py").write_text(text)
    path = Path("odd.py").resolve()
    assert refusal("odd.py") == f"block 'odd.py': expected one subclass of Block in {path}, got {names}"


def test_a_second_name_for_the_same_block_does_no_harm():
    Path("good.py").write_text(GOOD + "\n\nAlias = Good\n")
    assert load_block("good.py").__name__ == "Good"


@pytest.mark.parametrize("use", ["", "awgn", "../errors", "channels/_part", "channels/../channels/awgn", "/etc/passwd"])
def test_a_name_is_no_path(use):
    assert refusal(use).startswith(f"no block {use!r}")
    assert refusal(use).endswith("; `semcom blocks` lists them")


def test_a_file_that_two_threads_load_is_made_once():
    Path("good.py").write_text("import time\ntime.sleep(0.2)\n" + GOOD)
    found = []
    threads = [threading.Thread(target=lambda: found.append(load_block("good.py"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert len(set(found)) == 1


def test_a_block_is_found_by_the_name_it_had():
    assert find_block("channels/trace") == find_block("channels/recording")
    assert "channels/trace" not in {block.use for block in list_blocks()}


def test_what_blocks_share_is_no_block():
    assert not any(part.startswith("_") for block in list_blocks() for part in block.use.split("/"))
