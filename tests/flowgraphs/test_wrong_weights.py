"""Weights that are not there: what the user named is named, whatever else is wrong."""

import pytest
from semcom.errors import BlockError
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.overrides import Overrides
from semcom.flowgraphs.runtime.run import RunOptions, run


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """No pictures of other tests, no weights of this machine's own cache."""
    import huggingface_hub.constants

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


def error_of(name: str, weights: dict[str, str], executor="inline") -> list[str]:
    sets = [f"{block}.weights={path}" for block, path in weights.items()]
    graph = load_graph(name, Overrides.parse(sets=("photos.size=[64, 64]", *sets)))
    with pytest.raises(BlockError) as caught:
        run(graph, RunOptions(executor=executor, items=1))
    return str(caught.value).splitlines()


@pytest.mark.parametrize("block", ["encoder", "decoder"])
@pytest.mark.parametrize("name", ["deepjscc-awgn", "cdm-jscc", "sc-sic-mini"])
@pytest.mark.parametrize(("path", "said"), [("no/such.safetensors", "no such file"), (".", "a folder, not a file")])
def test_a_file_that_is_none(name, block, path, said):
    (line,) = error_of(name, {block: path})
    reason = f"{path}: {said} of weights; give the path of a .safetensors file"
    assert f", --set {block}.weights={path}: block '{block}': {reason}" in line


@pytest.mark.parametrize("executor", ["inline", "threads"])
@pytest.mark.parametrize("block", ["encoder", "decoder"])
@pytest.mark.parametrize(
    ("path", "said"),
    [("/that/is/wrong", ", which is not there"), ("/that/is/wrong.safetensors", ", which is not there"), (".", "")],
)
def test_of_full_size_beside_another_block_that_has_none(block, path, said, executor):
    lines = error_of("sc-sic", {block: path}, executor)
    other = {"encoder": "decoder", "decoder": "encoder"}[block]
    assert len(lines) == 2
    reason = f"sc-sic: no weights in {path}{said}: expected for "
    assert any(f", --set {block}.weights={path}: block '{block}': {reason}" in line for line in lines)
    assert any(
        f"block '{other}': sc-sic: no weights of stabilityai/stable-cascade in the hub" in line for line in lines
    )


@pytest.mark.parametrize("path", ["some/where", "of/no.one"])
def test_a_name_that_may_be_a_repository_or_a_folder(path):
    lines = error_of("sc-sic", {"encoder": path, "decoder": path})
    assert [line.partition(": block ")[2].partition(": expected")[0] for line in lines] == [
        f"'{block}': sc-sic: no weights of {path} in the hub's cache on this machine, and no folder {path}"
        for block in ("encoder", "decoder")
    ]
