from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from semcom.blocks.lookup import load_block
from semcom.blocks.new_block import write_new_block
from semcom.blocks.signature import read_signature
from semcom.errors import UsageError
from semcom.flowgraphs.runtime.language.check import load_graph

ROOT = Path(__file__).resolve().parents[2]
NAMES = [
    "channels/my_channel",
    "sources/my_source",
    "encoders/my_encoder",
    "decoders/my_decoder",
    "mappers/my_mapper",
    "sync/my_sync",
    "sinks/my_sink",
]


def run_tests(*paths: Path, cwd: Path) -> None:
    """Run test files as the project runs its own."""
    command = [sys.executable, "-m", "pytest", "--import-mode=importlib", "-W", "error", "-p", "no:cacheprovider", "-q"]
    done = subprocess.run([*command, *map(str, paths)], cwd=cwd, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr


def test_blocks_of_every_role_and_their_tests_pass_at_once(tmp_path):
    written = [write_new_block(name, tmp_path) for name in NAMES]
    assert [block.use for block in written] == [f"./{name.split('/')[1]}.py" for name in NAMES]
    run_tests(*(block.test for block in written), cwd=tmp_path)
    for name, block in zip(NAMES, written, strict=True):
        cls = load_block(block.use, tmp_path)
        assert read_signature(cls).is_source == name.startswith("sources")
        assert read_signature(cls).is_sink == name.startswith("sinks")


def test_they_are_in_the_house_style(tmp_path):
    files = [str(path) for name in NAMES for path in write_new_block(name, tmp_path)[:2]]
    for command in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--no-cache", "--config", str(ROOT / "pyproject.toml")]
        options = (
            ["--ignore", "D103,I001"] if command == ["check"] else []
        )  # tests, and our own name as a third party's
        done = subprocess.run([*ruff, *options, *files], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_flowgraph_uses_it_at_once(tmp_path):
    write_new_block("sources/my_source", tmp_path)
    write_new_block("sinks/my_sink", tmp_path)
    (tmp_path / "f.yaml").write_text(
        "semcom: 1\nblocks:\n  a: {use: ./my_source.py}\n  b: {use: ./my_sink.py}\nconnect:\n  - a -> b\n"
    )
    assert len(load_graph(tmp_path / "f.yaml").edges) == 1


def test_in_a_checkout_both_go_where_they_live(tmp_path):
    (tmp_path / "blocks").mkdir()
    (tmp_path / "blocks" / "lookup.py").touch()
    (tmp_path / "setup.py").touch()
    (tmp_path / "docs").mkdir()
    written = write_new_block("channels/my_channel", tmp_path / "docs")
    assert written.block == tmp_path / "blocks" / "channels" / "my_channel.py"
    assert written.test == tmp_path / "tests" / "blocks" / "channels" / "test_my_channel.py"
    assert written.use == "channels/my_channel"
    assert "from ..block import Block" in written.block.read_text()
    assert "from semcom.blocks.channels.my_channel import MyChannel" in written.test.read_text()
    assert (tmp_path / "blocks" / "channels" / "__init__.py").exists()
    with pytest.raises(UsageError, match="expected the folder too, such as channels/my_channel"):
        write_new_block("my_channel", tmp_path)


def test_overwrites_nothing(tmp_path):
    (tmp_path / "test_x.py").write_text("mine")
    with pytest.raises(UsageError, match=r"test_x\.py is there already; nothing was written"):
        write_new_block("channels/x", tmp_path)
    assert not (tmp_path / "x.py").exists()
    assert (tmp_path / "test_x.py").read_text() == "mine"


@pytest.mark.parametrize("name", ["", "A/b", "a/b/c", "../x", "a/class", "a-b", "a/_b", "channels/", "/x", "x.py"])
def test_refuses_names_that_no_block_can_have(tmp_path, name):
    with pytest.raises(UsageError, match="expected folder/name in small letters"):
        write_new_block(name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"Not a directory|File exists"):
        write_new_block("channels/x", tmp_path / "file")


def test_in_the_tree_they_keep_the_contract_of_every_block(tmp_path):
    tree = tmp_path / "semcom"
    for folder in ("blocks", "flowgraphs", "models", "sim", "tests"):
        skip = shutil.ignore_patterns("__pycache__", "*.safetensors", "out")
        shutil.copytree(ROOT / folder, tree / folder, ignore=skip)
    for file in ("__init__.py", "errors.py", "setup.py", "pyproject.toml"):
        shutil.copy(ROOT / file, tree / file)
    written = [write_new_block(name, tree) for name in NAMES]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-k", "my_ or heavy or broken"]
    files = [str(tree / "tests" / "test_contract.py"), *(str(block.test) for block in written)]
    done = subprocess.run([*command, *files], cwd=tree, env=environment, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(re.findall(r"\.", done.stdout)) > 50
