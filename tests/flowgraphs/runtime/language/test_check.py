from __future__ import annotations

import random
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from semcom.errors import FlowgraphError, SemcomError, UsageError
from semcom.flowgraphs.runtime.language.check import check_flowgraph, load_graph
from semcom.flowgraphs.runtime.language.live_change import resolve_set, resolve_swap
from semcom.flowgraphs.runtime.language.overrides import Overrides, Swap
from semcom.flowgraphs.runtime.language.resolved import resolved_yaml
from semcom.flowgraphs.runtime.language.shipped import shipped_flowgraphs

GOOD = """\
semcom: 1
name: good
doc: "A test: two rates."
seed: 7
vars: {esn0_db: 10, unused: [1, 2]}
blocks:
  photos: {use: sources/images, path: "builtin:photos", size: [64, 48]}
  features: {use: ./to_features.py, deep: {level: 2}, either: auto}
  map: {use: mappers/real_to_complex}
  channel: {use: channels/awgn, esn0_db: $esn0_db}
  unmap: {use: mappers/complex_to_real}
  end: {use: sinks/null}
  report: {use: ./pair.py, note: $$literal}
connect:
  - photos -> features -> map -> channel -> unmap -> end
  - {from: photos, to: report.sent, depth: 64, overflow: drop_oldest}
  - photos -> report.received
"""
TO_FEATURES = '''
import numpy as np
from typing import Literal
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from semcom.blocks.block import Block
from semcom.blocks.params import BlockParams, Live
from semcom.blocks.ports import Features, Image

class Deep(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    level: int = Field(1, ge=0, le=9)
    name: str = "x"

class ToFeatures(Block):
    """Makes features."""
    class Params(BlockParams):
        deep: Deep = Deep()
        either: Literal["auto"] | float = 1.0
        sizes: tuple[int, ...] = Field((1,), min_length=1, max_length=3)
        pair: tuple[int, int] = (1, 2)
        flag: bool = False
        word: str = Field("ab", min_length=2, max_length=4)
        mode: Literal["fast", "slow"] = "fast"
        share: Live[float] = Field(0.5, gt=0, lt=1)
        step: int = Field(4, multiple_of=4)
        code: str = Field("a1", pattern="^[a-z][0-9]$")
        table: dict[str, float] = {}

        @field_validator("code")
        @classmethod
        def _not_z(cls, code):
            if code == "z9":
                raise ValueError("z9 is taken")
            return code

        @model_validator(mode="after")
        def _fits(self):
            if self.mode == "slow" and self.flag:
                raise ValueError("slow has no flag")
            return self

    def work(self, image: Image) -> Features:
        return image.astype(np.float32)
'''
PAIR = '''
from semcom.blocks.block import Block
from semcom.blocks.params import BlockParams
from semcom.blocks.ports import Image

class Pair(Block):
    """Takes two."""
    class Params(BlockParams):
        note: str = ""
        out: str = "out"
    def work(self, sent: Image, received: Image) -> None:
        pass
'''
TWO_OUTPUTS = '''
from typing import NamedTuple
from semcom.blocks.block import Block
from semcom.blocks.ports import Image, Features

class Both(NamedTuple):
    upper: Image
    lower: Image

class Split(Block):
    """Gives two."""
    def work(self, image: Image) -> Both:
        return Both(image, image)
'''
REQUIRES = '''
from pydantic import Field
from semcom.blocks.block import Block
from semcom.blocks.params import BlockParams
from semcom.blocks.ports import Symbols

class Requires(Block):
    """Needs a path."""
    class Params(BlockParams):
        path: str = Field(description="A recording.")
    def work(self, symbols: Symbols) -> Symbols:
        return symbols
'''
OTHER_NAMES = '''
from semcom.blocks.block import Block
from semcom.blocks.params import BlockParams
from semcom.blocks.ports import Symbols

class Other(Block):
    """Has its own words."""
    class Params(BlockParams):
        esn0_db: int = 3
    def work(self, given: Symbols) -> Symbols:
        return given
'''
PLAIN_MAP = '''
from semcom.blocks.block import Block
from semcom.blocks.ports import Features, Symbols

class PlainMap(Block):
    """Maps and tells nothing."""
    def work(self, features: Features) -> Symbols:
        return features.astype("complex64").ravel()
'''


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name, text in {
        "to_features": TO_FEATURES,
        "pair": PAIR,
        "two_outputs": TWO_OUTPUTS,
        "requires": REQUIRES,
        "other_names": OTHER_NAMES,
        "broken": "import nothing_of_this_name\n",
        "not_a_block": "x = 1\n",
    }.items():
        (tmp_path / f"{name}.py").write_text(text)
    (tmp_path / "f.yaml").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def problems(text: str, overrides: Overrides | None = None) -> list[str]:
    """Return what is wrong with a file."""
    Path("f.yaml").write_text(text)
    with pytest.raises(FlowgraphError) as caught:
        load_graph("f.yaml", overrides or Overrides())
    assert caught.value.exit_code == 2
    return str(caught.value).splitlines()


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


def test_what_is_no_value_hides_no_other_mistake(folder):
    text = """\
semcom: 1
name: .nan
seed: 99999999999999999999
vars: {noise: .inf, sides: [64, -.inf], fine: 3}
torch_threads: 0x1ffffffffffffffffffff
blocks:
  photos: {use: sources/images, path: [.nan], size: $sides, repeat: 1e999}
  c: {use: channels/awgn, esn0_db: $noise}
  d: {use: channels/awgn, esn0_db: "10", bogus: .inf}
  e: {use: "a\\0b"}
  f: {use: channels/awgn, esn0_db: 70}
  b: {use: sinks/null}
connect:
  - photos -> d -> c -> f
  - .inf
  - {from: f, to: b, depth: .NAN}
places:
  tx: {blocks: [photos, .nan], endpoint: 1e400}
"""
    found = [line.removeprefix("f.yaml:").split(": ", 1) for line in problems(text)]
    assert [place for place, _ in found] == [
        *("2:7", "3:7", "4:15", "4:33", "5:16", "7:40", "7:69"),
        *("9:36", "9:42", "9:49", "10:12", "11:36", "14:15", "15:5", "16:29", "18:25", "18:42"),
    ]
    said = dict(found)
    assert said["9:36"] == "block 'd': esn0_db: expected a number, got '10'"
    assert said["9:42"].startswith("block 'd': bogus: no such parameter")
    assert said["11:36"] == "block 'f': esn0_db: expected a number of at most 60, got 70"
    assert said["14:15"].startswith("connect: d.symbols: expected Symbols")
    others = [text for place, text in found if place not in ("9:36", "9:42", "11:36", "14:15")]
    assert all(text.startswith(("expected a finite", "expected a whole", "expected text,")) for text in others)


def test_a_variable_that_is_not_read_may_be_given(folder):
    text = changed("{esn0_db: 10", "{esn0_db: .inf").replace("seed: 7", "seed: x")
    assert problems(text) == [
        "f.yaml:4:7: seed: expected a whole number from 0 to 9223372036854775807, got 'x'",
        "f.yaml:5:17: expected a finite number, got .inf",
    ]
    assert len(problems(text, Overrides(vars={"esn0_db": 99}))) == 3  # the 99 is judged


def test_a_version_that_is_not_read_hides_nothing(folder):
    assert [line[:10] for line in problems(changed("semcom: 1", "semcom: .inf").replace("seed: 7", "seed: x"))] == [
        "f.yaml:1:9",
        "f.yaml:4:7",
    ]


def test_resolves_a_file(folder):
    graph = load_graph("f.yaml")
    assert (graph.name, graph.doc, graph.seed) == ("good", "A test: two rates.", 7)
    assert graph.vars == {"esn0_db": 10, "unused": [1, 2]}
    assert graph.block("channel").params == {"esn0_db": 10.0}
    assert graph.block("features").use == str(folder / "to_features.py")
    assert graph.block("features").params["deep"] == {"level": 2, "name": "x"}
    assert graph.block("features").params["sizes"] == [1]
    assert graph.block("report").params["note"] == "$literal"
    assert [str(edge) for edge in graph.edges] == [
        "photos.out -> features.image",
        "features.out -> map.features",
        "map.out -> channel.symbols",
        "channel.out -> unmap.symbols",
        "unmap.out -> end.features",
        "photos.out -> report.sent",
        "photos.out -> report.received",
    ]
    assert [edge.index for edge in graph.edges] == list(range(7))
    assert graph.edges[5].depth == 64
    assert graph.edges[5].overflow == "drop_oldest"
    assert graph.edges[2].port == "Symbols"


def test_the_name_is_the_files_where_none_is_said(folder):
    Path("my-run.yaml").write_text(changed("name: good\n", ""))
    assert load_graph("my-run.yaml").name == "my-run"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        # top level
        ("semcom: 1\n", "", "f.yaml:1:1: expected 'semcom: 1', the version of the format, got none"),
        ("semcom: 1", "semcom: 2", "f.yaml:1:9: semcom: this software reads version 1 of the format, got 2; a newer"),
        ("semcom: 1", "semcom: true", "f.yaml:1:9: semcom: this software reads version 1 of the format, got true"),
        ("seed: 7", "sede: 7", "f.yaml:4:1: sede: no such key (did you mean 'seed'?)"),
        ("seed: 7", "seed: -1", "f.yaml:4:7: seed: expected a whole number from 0 to 9223372036854775807, got -1"),
        ("seed: 7", "seed: $none", "f.yaml:4:7: no variable 'none' (there are: esn0_db, unused); 'vars' defines them"),
        ("seed: 7", "torch_threads: 0", "f.yaml:4:16: torch_threads: expected a whole number from 1 to 1024, got 0"),
        ("seed: 7", "join_bytes: x", "f.yaml:4:13: join_bytes: expected a whole number from 1 to 1125899906842624"),
        (
            "name: good",
            "name: a/b",
            "f.yaml:2:7: name: expected letters, digits, '-', '_' and '.', at most 64, got 'a/b'",
        ),
        ("name: good", "name: 3", "f.yaml:2:7: name: expected text, got 3"),
        (
            "unused:",
            "un-used:",
            "f.yaml:5:21: vars: un-used: expected a name of letters, digits and '_', got 'un-used'",
        ),
        ("[1, 2]}", "$esn0_db}", "f.yaml:5:29: vars: unused: expected a value, got another variable"),
        ("{esn0_db: 10, unused: [1, 2]}", "5", "f.yaml:5:7: vars: expected a mapping of names to values, got 5"),
        # blocks
        (
            "channels/awgn",
            "channels/agwn",
            "f.yaml:10:18: block 'channel': use: no block 'channels/agwn' (did you mean",
        ),
        ("use: channels/awgn", "use: 5", "f.yaml:10:18: block 'channel': use: expected the name of a block, got 5"),
        ("use: channels/awgn, ", "", "f.yaml:10:3: block 'channel': use: required, not given; `semcom blocks` lists"),
        ("./pair.py", "./none.py", "f.yaml:13:17: block 'report': use: no file ./none.py (looked at "),
        ("./pair.py", "./broken.py", "f.yaml:13:17: block 'report': use: block './broken.py' does not load: ModuleNot"),
        ("./pair.py", "./not_a_block.py", "f.yaml:13:17: block 'report': use: block './not_a_block.py': expected one"),
        ("  end: {use: sinks/null}", "  end: sinks/null", "f.yaml:12:8: block 'end': expected {use: blocks/name, "),
        ("  end: {use", "  e.d: {use", "f.yaml:12:3: blocks: 'e.d': expected a name of letters, digits, '_' and '-'"),
        # parameters
        (
            "esn0_db: $",
            "esno_db: $",
            "f.yaml:10:33: block 'channel': esno_db: no such parameter (did you mean 'esn0_db'?)",
        ),
        ("$esn0_db}", "$esn_db}", "f.yaml:10:42: no variable 'esn_db' (did you mean 'esn0_db'?); 'vars' defines them"),
        ("$esn0_db}", "99}", "f.yaml:10:42: block 'channel': esn0_db: expected a number of at most 60, got 99"),
        ("$esn0_db}", "-99}", "f.yaml:10:42: block 'channel': esn0_db: expected a number of at least -30, got -99"),
        ("$esn0_db}", "'5'}", "f.yaml:10:42: block 'channel': esn0_db: expected a number, got '5'"),
        ("$esn0_db}", "yes}", "f.yaml:10:42: block 'channel': esn0_db: expected a number, got 'yes'"),
        ("$esn0_db}", "true}", "f.yaml:10:42: block 'channel': esn0_db: expected a number, got true"),
        ("$esn0_db}", "}", "f.yaml:10:41: block 'channel': esn0_db: expected a number, got null"),
        ("either: auto", "either: [1]", "block 'features': either: expected 'auto' or a number, got [1]"),
        ("level: 2", "level: 10", "f.yaml:8:51: block 'features': deep.level: expected a number of at most 9, got 10"),
        ("level: 2", "levle: 2", "f.yaml:8:44: block 'features': deep.levle: no such parameter"),
        ("deep: {level: 2}", "deep: 3", "block 'features': deep: expected a mapping, got 3"),
        ("either: auto", "sizes: []", "block 'features': sizes: expected at least 1 of them, got []"),
        (
            "either: auto",
            "sizes: [1, 2, 3, 4]",
            "block 'features': sizes: expected at most 3 of them, got [1, 2, 3, 4]",
        ),
        ("either: auto", "sizes: 3", "block 'features': sizes: expected a list, got 3"),
        ("either: auto", "sizes: [1, x]", "f.yaml:8:66: block 'features': sizes[1]: expected a whole number, got 'x'"),
        ("either: auto", "pair: [1]", "block 'features': pair: expected a longer list, got [1]"),
        ("either: auto", "flag: 1", "block 'features': flag: expected true or false, got 1"),
        ("either: auto", "word: 5", "block 'features': word: expected text, got 5"),
        ("either: auto", "word: a", "block 'features': word: expected text of at least 2 characters, got 'a'"),
        ("either: auto", "word: abcde", "block 'features': word: expected text of at most 4 characters, got 'abcde'"),
        ("either: auto", "mode: fats", "block 'features': mode: expected 'fast' or 'slow', got 'fats'"),
        ("either: auto", "share: 0", "block 'features': share: expected a number above 0, got 0"),
        ("either: auto", "share: 1", "block 'features': share: expected a number below 1, got 1"),
        ("either: auto", "step: 6", "block 'features': step: expected a multiple of 4, got 6"),
        ("either: auto", "step: 4.5", "block 'features': step: expected a whole number, got 4.5"),
        ("either: auto", "code: aa", "block 'features': code: expected text that matches ^[a-z][0-9]$, got 'aa'"),
        ("either: auto", "code: z9", "block 'features': code: z9 is taken"),
        ("either: auto", "mode: slow, flag: true", "f.yaml:8:3: block 'features': slow has no flag"),
        (
            "channels/awgn, esn0_db: $esn0_db",
            "./requires.py",
            "f.yaml:10:3: block 'channel': path: required, not given (A",
        ),
        # connections
        ("photos -> features", "phots -> features", "f.yaml:15:5: connect: no block 'phots' (did you mean 'photos'?)"),
        ("-> map ->", "-> mop ->", "f.yaml:15:27: connect: no block 'mop' (did you mean 'map'?)"),
        (
            "report.received",
            "report.recieved",
            "f.yaml:17:15: connect: block 'report' has no input 'recieved' (did you",
        ),
        (
            "report.received",
            "report",
            "f.yaml:17:15: connect: block 'report' has several inputs; expected one of report.",
        ),
        ("- photos -> rep", "- photos.ot -> rep", "f.yaml:17:5: connect: block 'photos' has no output 'ot' (did you"),
        ("- photos -> rep", "- end -> rep", "f.yaml:17:5: connect: block 'end' has no outputs: it ends a chain"),
        (
            "- photos -> report.received",
            "- features -> photos",
            "f.yaml:17:17: connect: block 'photos' has no inputs: it is",
        ),
        (
            "- photos -> report.received",
            "- photos",
            "f.yaml:17:5: connect: expected a chain such as 'a -> b', got 'photos'",
        ),
        ("- photos -> report.received", "- 5", "f.yaml:17:5: connect: expected 'a -> b' or {from: a, to: b}, got 5"),
        ("- photos -> report.received", "- photos -> -> end", "f.yaml:17:15: connect: no block ''"),
        (
            "  - photos -> report.received\n",
            "",
            "f.yaml:13:3: block 'report': input received (Image) is not connected",
        ),
        (
            "photos -> report.received",
            "photos -> report.sent",
            "f.yaml:17:15: connect: report.sent is connected twice: to photos.out, in line 16, and to photos.out",
        ),
        (
            "-> map -> channel",
            "-> channel",
            "f.yaml:15:27: connect: channel.symbols: expected Symbols (complex64 [n]), got Features (float32 [...]) "
            "from features.out",
        ),
        ("depth: 64", "depth: 0", "f.yaml:16:44: connect: depth: expected a whole number from 1 to 1048576, got 0"),
        ("depth: 64", "dept: 64", "f.yaml:16:37: connect: dept: no such key (did you mean 'depth'?)"),
        ("drop_oldest", "drop", "connect: overflow: expected 'block' or 'drop_oldest', got 'drop'"),
        ("{from: photos, ", "{", "f.yaml:16:5: connect: from: required, not given"),
        ("from: photos", "from: 1", "connect: from: expected a block or block.port, got 1"),
        ("depth: 64", "feedback: 1", "connect: feedback: expected {delay: items, initial: number}, got 1"),
        ("depth: 64", "feedback: {delay: 0}", "connect: feedback: delay: expected a whole number from 1 to"),
        (
            "depth: 64",
            "feedback: {delay: 1, inital: 0}",
            "connect: feedback: inital: no such key (did you mean 'initial'?)",
        ),
        ("depth: 64", "feedback: {delay: 1, initial: x}", "connect: feedback: initial: expected a number, got 'x'"),
        (
            "depth: 64",
            "feedback: {delay: 1, wait_s: 0}",
            "connect: feedback: wait_s: expected seconds above 0, got 0",
        ),
        (
            "connect:\n",
            "  alone: {use: channels/awgn}\nconnect:\n",
            "f.yaml:14:3: block 'alone': is connected to nothing; connect it or take it out",
        ),
    ],
)
def test_says_what_is_wrong(folder, old, new, message):
    found = problems(changed(old, new))
    assert any(message in line for line in found), found
    assert all(line.startswith("f.yaml:") for line in found)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("esn0_db: $", "esno_db: $"),
        ("$esn0_db}", "99}"),
        ("$esn0_db}", "$nope}"),
        ("channels/awgn", "channels/nothing"),
        ("-> map ->", "-> mop ->"),
        ("report.received", "report.recieved"),
    ],
)
def test_one_mistake_is_one_message(folder, old, new):
    found = problems(changed(old, new))
    assert len(found) == 1, found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5", "f.yaml:1:1: expected a flowgraph: a mapping with semcom, name, blocks and connect"),
        ("semcom: 1\n", "f.yaml:1:1: blocks: expected a mapping of names to blocks, got none"),
        ("semcom: 1\nblocks: 3\n", "f.yaml:2:9: blocks: expected a mapping of names to blocks, got 3"),
        ("semcom: 1\n", "f.yaml:1:1: connect: expected a list of chains such as 'a -> b -> c', got none"),
        ("semcom: 1\nsemcom: 1\n", "f.yaml:2:1: semcom: given twice, first in line 1"),
    ],
)
def test_says_what_is_missing(folder, text, message):
    assert message in problems(text)


def test_all_mistakes_in_one_pass_in_the_order_of_the_file(folder):
    text = GOOD.replace("seed", "sede").replace("esn0_db: $", "esno_db: $").replace("size:", "sise:")
    text = text.replace("-> map ->", "-> mop ->")
    found = problems(text, Overrides(vars={"snr": 1}, sets={"chanel.esn0_db": 2}))
    assert [line.split(": ")[0] for line in found] == [
        "f.yaml:4:1",
        "f.yaml:7:57",
        "f.yaml:10:33",
        "f.yaml:15:27",
        "--var snr=1",
        "--set chanel.esn0_db=2",
    ]


def test_an_unknown_variable_hides_no_other_mistake(folder):
    text = GOOD.replace("esn0_db: $esn0_db}", "esn0_db: $esno_db, snr: 3}")
    found = problems(text)
    assert "f.yaml:10:42: no variable 'esno_db' (did you mean 'esn0_db'?); 'vars' defines them" in found
    assert any(line.startswith("f.yaml:10:52: block 'channel': snr: no such parameter") for line in found)
    assert len([line for line in found if line.startswith("f.yaml:10:")]) == 2


def test_a_wrong_value_names_the_variable_that_it_comes_from(folder):
    message = "f.yaml:10:42: block 'channel': esn0_db: expected a number of at most 60, got 99; it comes from "
    assert problems(GOOD.replace("{esn0_db: 10,", "{esn0_db: 99,")) == [message + "$esn0_db of 'vars'"]
    assert problems(GOOD, Overrides(vars={"esn0_db": 99})) == [message + "--var esn0_db"]


def test_a_swap_does_not_mend_an_unknown_block_of_the_file(folder):
    text = GOOD.replace("channels/awgn", "channels/agwn")
    (found,) = problems(text, Overrides(swaps={"channel": "channels/rayleigh"}))
    assert found.startswith("f.yaml:10:18: block 'channel': use: no block 'channels/agwn'")


@pytest.mark.parametrize("use", ["channels/capacity", "./other_names.py"])
def test_a_swap_to_other_ports_beside_an_unknown_block_waits_for_that(folder, use):
    found = problems(GOOD.replace("sources/images", "sources/imags"), Overrides(swaps={"channel": use}))
    assert len(found) == 1
    assert "block 'photos': use: no block 'sources/imags'" in found[0]


def test_an_input_is_connected_twice_also_where_one_source_is_unknown(folder):
    found = problems(GOOD.replace("sources/images", "sources/imags") + "  - unmap -> report.sent\n")
    message = "report.sent is connected twice: to photos, in line 16, and to unmap.out"
    assert any(message in line for line in found), found


def test_a_cycle_names_its_blocks_and_feedback_may_close_one(folder):
    text = """\
semcom: 1
blocks:
  a: {use: channels/awgn}
  b: {use: channels/rayleigh}
  c: {use: channels/rician}
connect:
  - a -> b -> c
  - %s
"""
    (found,) = problems(text % "c -> a")
    assert found.startswith("f.yaml:8:10: connect: cycle: ")
    assert "a -> b -> c -> a" in found
    assert found.endswith("only an edge with feedback: {delay: items} may close one")
    Path("f.yaml").write_text(text % "{from: c, to: a, feedback: {delay: 2, initial: 1}}")
    feedback = load_graph("f.yaml").edges[2].feedback
    assert feedback is not None
    assert (feedback.delay, feedback.initial) == (2, 1.0)
    (found,) = problems(text % "{from: c, to: a, feedback: {delay: 2, wait_s: 1}}")
    assert found.endswith(
        "connect: feedback: wait_s: expected an input of items that may stay open, got a.symbols; leave wait_s out, or "
        "let the block do without this input"
    )
    (found,) = problems("semcom: 1\nblocks:\n  a: {use: channels/awgn}\nconnect:\n  - a -> a\n")
    assert "cycle: a -> a" in found


def test_several_outputs_have_to_be_named(folder):
    text = """\
semcom: 1
blocks:
  photos: {use: sources/images}
  split: {use: ./two_outputs.py}
  end: {use: sinks/null}
connect:
  - photos -> split
  - %s -> end
"""
    (found,) = problems(text % "split")
    assert found == "f.yaml:8:5: connect: block 'split' has several outputs; expected one of split.upper, split.lower"
    Path("f.yaml").write_text(text % "split.lower")
    assert load_graph("f.yaml").edges[1].source_port == "lower"


def test_a_header_field_needs_a_writer_upstream(folder):
    (folder / "plain_map.py").write_text(PLAIN_MAP)
    assert problems(changed("mappers/real_to_complex", "./plain_map.py")) == [
        "f.yaml:11:3: block 'unmap': needs the header field PowerScale, which no block upstream of it writes "
        "(mappers/real_to_complex writes it)"
    ]
    writes_any = PLAIN_MAP.replace("    def work", "    may_write_header = (HeaderField,)\n\n    def work", 1)
    imported = f"from semcom.sim.side_information.field import HeaderField\n{writes_any}"
    (folder / "plain_map.py").write_text(imported)
    Path("f.yaml").write_text(changed("mappers/real_to_complex", "./plain_map.py"))
    assert load_graph("f.yaml").block("unmap")


PLACES = """\
places:
  tx: {blocks: [photos, features, map], endpoint: "tcp://127.0.0.1:5601"}
  rx: {blocks: [channel, unmap, end, report], endpoint: "tcp://127.0.0.1:5602"}
"""


def test_reads_places(folder):
    Path("f.yaml").write_text(GOOD + PLACES)
    places = load_graph("f.yaml").places
    assert [place.name for place in places] == ["tx", "rx"]
    assert places[1].blocks == ("channel", "unmap", "end", "report")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("map], end", "mop], end", "f.yaml:19:35: place 'tx': blocks: no block 'mop' (did you mean 'map'?)"),
        (", map], end", "], end", "f.yaml:9:3: block 'map': is in no place; every block belongs to exactly one"),
        ("[channel,", "[channel, map,", "f.yaml:20:26: place 'rx': block 'map' is in place 'tx' already"),
        (
            "tcp://127.0.0.1:5601",
            "ipc://x",
            "f.yaml:19:51: place 'tx': endpoint: expected tcp://host:port, got 'ipc://x'",
        ),
        ("tcp://127.0.0.1:5601", "tcp://h:0", "place 'tx': endpoint: expected tcp://host:port, got 'tcp://h:0'"),
        (
            ':5602"',
            ':5601"',
            "place 'rx': endpoint: expected ports of its own, got ports 5601 to 5603, and place 'tx' has port 5601 "
            "(one for each edge that arrives from another place)",
        ),
        (
            ':5602"',
            ':5600"',
            "place 'rx': endpoint: expected ports of its own, got ports 5600 to 5602, and place 'tx' has port 5601",
        ),
        (':5602"', ':65535"', "place 'rx': endpoint: 3 edges need ports 65535 to 65537"),
        (
            'endpoint: "tcp://127.0.0.1:5602"',
            "endpont: x",
            "place 'rx': endpont: no such key (did you mean 'endpoint'?)",
        ),
        ('endpoint: "tcp://127.0.0.1:5602"', "endpont: x", "place 'rx': endpoint: expected tcp://host:port, got none"),
        ("blocks: [channel, unmap, end, report], ", "", "place 'rx': blocks: expected a list of blocks, got none"),
        ("  rx: {", "  r x: {", "places: 'r x': expected a name of letters, digits"),
    ],
)
def test_says_what_is_wrong_with_places(folder, old, new, message):
    assert old in PLACES
    found = problems(GOOD + PLACES.replace(old, new))
    assert any(message in line for line in found), found


def test_places_that_are_no_mapping(folder):
    assert problems(GOOD + "places: 3\n") == [
        "f.yaml:18:9: places: expected a mapping of names to {blocks, endpoint}, got 3"
    ]
    assert "f.yaml:19:6: place 'a': expected {blocks, endpoint}, got 3" in problems(GOOD + "places:\n  a: 3\n")


# Overrides


def test_variables_and_sets_replace_values(folder):
    graph = load_graph("f.yaml", Overrides.parse(vars=["esn0_db=5"], sets=["photos.size=[32, 32]"], seed=9))
    assert graph.block("channel").params["esn0_db"] == 5.0
    assert graph.block("photos").params["size"] == [32, 32]
    assert graph.seed == 9
    assert graph.vars["esn0_db"] == 5


def test_a_whole_number_may_be_written_with_an_exponent(folder):
    graph = load_graph("f.yaml", Overrides.parse(sets=["features.step=4e2", "features.sizes=[1e3]"]))
    assert graph.block("features").params["step"] == 400
    assert graph.block("features").params["sizes"] == [1000]


def test_a_swap_keeps_parameters_of_the_same_name_and_reports_the_others(folder):
    Path("f.yaml").write_text(
        changed("esn0_db: $esn0_db}", "esn0_db: $esn0_db}").replace("size: [64, 48]", "repeat: 2")
    )
    graph = load_graph("f.yaml", Overrides.parse(swaps=["channel=channels/rayleigh"], sets=["channel.esn0_db=3"]))
    assert graph.block("channel").use == "channels/rayleigh"
    assert graph.block("channel").params["esn0_db"] == 3.0
    checked = check_flowgraph("f.yaml", Overrides.parse(swaps=["features=./to_features.py:step=8", "report=./pair.py"]))
    assert checked.graph.block("features").params["step"] == 8
    assert checked.graph.block("features").params["deep"]["level"] == 2
    checked = check_flowgraph("f.yaml", Overrides.parse(swaps=["channel=./requires.py:path='a,b'"]))
    assert checked.graph.block("channel").params == {"path": "a,b"}
    (note,) = checked.notes
    assert note.startswith("--swap channel=./requires.py:path='a,b': ")
    assert note.endswith("requires.py has no esn0_db: dropped what the file says of it")


def test_a_swap_moves_edges_to_the_one_port_that_fits(folder):
    graph = load_graph("f.yaml", Overrides(swaps={"channel": "./other_names.py"}, sets={"channel.esn0_db": 1}))
    assert graph.block("channel").use == str(folder / "other_names.py")
    assert "map.out -> channel.given" in [str(edge) for edge in graph.edges]


def test_out_goes_to_every_block_that_writes(folder):
    assert load_graph("f.yaml", Overrides(out="there")).block("report").params["out"] == "there"
    two = GOOD.replace(
        "connect:\n", "  folder: {use: ./pair.py}\nconnect:\n  - photos -> folder.sent\n  - photos -> folder.received\n"
    )
    Path("two.yaml").write_text(two)
    graph = load_graph("two.yaml", Overrides(out="there"))
    assert graph.block("report").params["out"] == "there/report"
    assert graph.block("folder").params["out"] == "there/folder"
    graph = load_graph("two.yaml", Overrides(out="there", sets={"folder.out": "elsewhere"}))
    assert graph.block("folder").params["out"] == "elsewhere"
    lines = [line for line in GOOD.splitlines() if "report" not in line]
    Path("none.yaml").write_text("\n".join(lines) + "\n")
    checked = check_flowgraph("none.yaml", Overrides(out="there"))
    assert checked.notes == ("--out there: no block of this flowgraph has a parameter 'out'",)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"vars": {"esn0db": 5}}, "--var esn0db=5: the flowgraph has no variable 'esn0db' (did you mean 'esn0_db'?)"),
        ({"vars": {"esn0_db": "$x"}}, "--var esn0_db=$x: expected a value, got another variable"),
        ({"vars": {"esn0_db": 99}}, "f.yaml:10:42: block 'channel': esn0_db: expected a number of at most 60, got 99"),
        (
            {"sets": {"channel.esn0db": 5}},
            "--set channel.esn0db=5: block 'channel': esn0db: no such parameter (did you",
        ),
        (
            {"sets": {"channel.esn0_db": "x"}},
            "--set channel.esn0_db=x: block 'channel': esn0_db: expected a number, got 'x'",
        ),
        ({"sets": {"chan.esn0_db": 5}}, "--set chan.esn0_db=5: no block 'chan' (did you mean 'channel'?)"),
        ({"sets": {"channel": 5}}, "--set channel=5: expected block.parameter=value"),
        ({"sets": {"channel.use": "x"}}, "--set channel.use=x: another block is a swap: --swap channel=x"),
        ({"swaps": {"chan": "channels/awgn"}}, "--swap chan=channels/awgn: no block 'chan' (did you mean 'channel'?)"),
        ({"swaps": {"channel": "channels/x"}}, "--swap channel=channels/x: no block 'channels/x'"),
        (
            {"swaps": {"channel": ":a=1"}},
            "--swap channel=:a=1: expected blocks/name or blocks/name:parameter=value,..., got",
        ),
        (
            {"swaps": {"channel": "channels/awgn:5"}},
            "--swap channel=channels/awgn:5: expected parameter=value, got '5'",
        ),
        ({"swaps": {"channel": "channels/awgn:esn0_db=["}}, "--swap channel=channels/awgn:esn0_db=[: not YAML: "),
        (
            {"swaps": {"channel": "channels/awgn:esn0=3"}},
            "--swap channel=channels/awgn:esn0=3: block 'channel': esn0: no such parameter (did you mean 'esn0_db'?)",
        ),
        (
            {"swaps": {"channel": "mappers/rate_limit"}},
            "--swap channel=mappers/rate_limit: mappers/rate_limit does not fit: expected an input symbols (Symbols), "
            "got image (Image)",
        ),
        (
            {"swaps": {"end": "sinks/metrics"}},
            "--swap end=sinks/metrics: sinks/metrics does not fit: expected an input features (Features)",
        ),
        ({"seed": -1}, "--seed -1: expected a whole number from 0 to 9223372036854775807"),
    ],
)
def test_mistakes_of_options_name_the_option(folder, overrides, message):
    with pytest.raises(FlowgraphError) as caught:
        load_graph("f.yaml", Overrides(**overrides))
    assert any(line.startswith(message) for line in str(caught.value).splitlines()), str(caught.value)


def test_options_that_cannot_be_read_are_all_named(folder):
    found = problems(GOOD, Overrides.parse(vars=["a", "b=["], sets=["c=1", "d.e="], swaps=["f"]))
    assert [line.split(": ")[0] for line in found] == ["--var a", "--var b=[", "--set c=1", "--set d.e=", "--swap f"]
    assert found[0] == "--var a: expected name=value"
    assert found[2] == "--set c=1: expected block.parameter=value"
    assert found[4] == "--swap f: expected block=blocks/name"


def test_an_option_that_is_not_read_hides_neither_the_file_s_mistakes_nor_other_options(folder):
    overrides = Overrides.parse(vars=["esn0_db=.nan"], sets=["channel.esn0_db=.inf", "map.no=1"], swaps=["gone=x"])
    found = problems(changed("seed: 7", "seed: x"), overrides)
    assert [line.split(": ")[0] for line in found] == [
        *("f.yaml:4:7", "--var esn0_db=.nan", "--set channel.esn0_db=.inf", "--swap gone=x", "--set map.no=1"),
    ]
    assert found[2].endswith("expected a finite number, got .inf")


def test_an_unknown_file_suggests(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"no flowgraph 'nothing-like-it.yaml': expected a file or one of the shipped"):
        load_graph("nothing-like-it.yaml")
    with pytest.raises(UsageError, match="expected a flowgraph file, got a folder"):
        load_graph(tmp_path)
    with pytest.raises(UsageError, match="not a path that can be read"):
        load_graph("a" * 10_000)


# A running graph


def test_swap_of_a_running_block(folder):
    graph = load_graph("f.yaml")
    node = resolve_swap(graph, "channel", "channels/rayleigh")
    assert (node.use, node.params["esn0_db"]) == ("channels/rayleigh", 10.0)
    assert node.where == "swap channel=channels/rayleigh"
    assert resolve_swap(graph, "channel", Swap("channels/rayleigh", {"esn0_db": 4})).params["esn0_db"] == 4.0
    for name, spec, message in [
        ("chan", "channels/awgn", r"swap chan=channels/awgn: no block 'chan' \(did you mean 'channel'\?\)"),
        ("channel", "mappers/rate_limit", r"expected an input symbols \(Symbols\), got image \(Image\)"),
        ("channel", "channels/nothing", "no block 'channels/nothing'"),
        ("channel", "channels/awgn:esn0_db=99", "esn0_db: expected a number of at most 60, got 99"),
        ("map", "./other_names.py", r"expected an input features \(Features\), got given \(Symbols\)"),
        ("photos", "sources/zeros", r"expected an output out \(Image\), got out \(Samples\)"),
        ("end", "./pair.py", r"expected an input features \(Features\), got sent \(Image\), received \(Image\)"),
    ]:
        with pytest.raises(UsageError, match=message):
            resolve_swap(graph, name, spec)


def test_a_swap_while_running_may_not_take_a_header_field_away(folder):
    (folder / "plain_map.py").write_text(PLAIN_MAP)
    with pytest.raises(FlowgraphError, match="block 'unmap': needs the header field PowerScale"):
        resolve_swap(load_graph("f.yaml"), "map", "./plain_map.py")


def test_set_of_a_running_block(folder):
    graph = load_graph("f.yaml")
    node = resolve_set(graph, "channel", "esn0_db", 3)
    assert (node.params, node.written) == ({"esn0_db": 3.0}, graph.block("channel").written)
    for name, param, value, message in [
        ("chan", "esn0_db", 3, "no block 'chan'"),
        ("channel", "esn0", 3, r"channels/awgn has no parameter 'esn0' \(did you mean 'esn0_db'\?\)"),
        ("features", "step", 8, "step cannot change while the flowgraph runs; these can: share"),
        ("report", "note", "x", "note cannot change while the flowgraph runs; none of its parameters can"),
        ("channel", "esn0_db", 99, "set channel.esn0_db=99: block 'channel': esn0_db: expected a number of at most 60"),
    ]:
        with pytest.raises(UsageError, match=message):
            resolve_set(graph, name, param, value)


# Back to YAML


def test_the_resolved_graph_loads_to_the_same_hash(folder):
    Path("f.yaml").write_text(
        GOOD.replace("note: $$literal", 'note: "a: \\u2028 \\" \\\\ é \U0001f4f7 null"')
        + PLACES
        + "join_bytes: 99999\n"
    )
    for overrides in (Overrides(), Overrides(vars={"esn0_db": 1e-7}, sets={"report.note": "$esn0_db"}, seed=3)):
        graph = load_graph("f.yaml", overrides)
        Path("again.yaml").write_text(resolved_yaml(graph))
        again = load_graph("again.yaml")
        assert again.hash() == graph.hash()
        assert resolved_yaml(again) == resolved_yaml(graph)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=40), number=st.floats(allow_nan=False, allow_infinity=False))
def test_any_text_and_number_survive_the_resolved_yaml(folder, text, number):
    graph = load_graph(
        folder / "f.yaml",
        Overrides(sets={"report.note": text, "features.table": {text: number}, "features.deep": {"name": text}}),
    )
    path = folder / "again.yaml"
    path.write_text(resolved_yaml(graph), encoding="utf-8")
    try:
        assert load_graph(path).hash() == graph.hash()
    except FlowgraphError as error:  # texts with control characters are not read back
        assert "control character" in str(error)  # noqa: PT017


@pytest.mark.parametrize("name", sorted(shipped_flowgraphs()))
def test_shipped_flowgraphs_are_in_order(name, tmp_path):
    graph = load_graph(name)
    assert graph.name == name
    assert graph.doc
    (tmp_path / "again.yaml").write_text(resolved_yaml(graph))
    assert load_graph(tmp_path / "again.yaml").hash() == graph.hash()


@pytest.mark.parametrize("name", sorted(shipped_flowgraphs()))
def test_every_shipped_channel_swaps(name):
    graph = load_graph(name)
    if "channel" not in [block.name for block in graph.blocks]:  # another program, or a recording, is the channel
        return
    if any(edge.port == "Samples" for edge in graph.outputs("channel")):
        with pytest.raises(FlowgraphError, match="channels/rayleigh"):
            load_graph(name, Overrides(swaps={"channel": "channels/rayleigh"}))
        return
    if graph.block("channel").use == "channels/capacity":  # carries bytes
        with pytest.raises(FlowgraphError, match="does not fit: expected an input data \\(Bytes\\)"):
            load_graph(name, Overrides(swaps={"channel": "channels/rayleigh"}))
    else:
        swapped = load_graph(name, Overrides(swaps={"channel": "channels/rayleigh"}))
        assert swapped.block("channel").use == "channels/rayleigh"


# Nothing but our own errors


@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 6))
def test_a_mutilated_file_gives_our_own_errors(folder, seed, count):
    rng = random.Random(seed)  # cutting and pasting a good file reaches deeper than random text
    text = GOOD + PLACES
    words = [
        "{",
        "}",
        "[",
        "]",
        ": ",
        ", ",
        "$",
        "->",
        "null",
        "true",
        "1e9",
        "-1",
        "''",
        "\n",
        "  ",
        "use",
        "x.y",
        "\u00e9",
        "- ",
    ]
    for _ in range(count):
        at = rng.randrange(len(text) + 1)
        match rng.randrange(4):
            case 0:
                text = text[:at] + rng.choice(words) + text[at:]
            case 1:
                text = text[:at] + text[at + rng.randrange(1, 12) :]
            case 2:
                other = rng.randrange(len(text) + 1)
                text = text[:at] + text[other : other + rng.randrange(40)] + text[at:]
            case 3:
                text = text[:at] + rng.choice(string.printable) + text[at + 1 :]
    path = folder / "mutilated.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        load_graph(path)
    except FlowgraphError as error:
        assert all(problem.line and problem.column for problem in error.problems)  # noqa: PT017


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=8),
        st.sampled_from(["a", "b -> a", "a.out", "$v", "channels/awgn", "sources/zeros", "./x.py", "tcp://h:1"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["use", "a", "b", "from", "to", "delay", "depth", "blocks", "esn0_db"]), inner, max_size=3
        ),
    ),
    max_leaves=8,
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    st.dictionaries(st.sampled_from(["name", "doc", "seed", "vars", "blocks", "connect", "places", "x"]), VALUES),
    VALUES,
    st.text(max_size=12),
)
def test_no_structure_and_no_option_brings_anything_else_out(folder, top, value, word):
    import json

    path = folder / "any.yaml"
    path.write_text(json.dumps({"semcom": 1, **top}), encoding="utf-8")
    for overrides in (
        Overrides(),
        Overrides(vars={"v": value}, sets={"a.esn0_db": value, word: value}, swaps={"a": word, word: "channels/awgn"}),
    ):
        try:
            load_graph(path, overrides)
        except SemcomError:
            pass


OPTION = st.one_of(
    st.text(max_size=20), st.tuples(st.text("ab.=:,[]{}'$\\/ 1-", max_size=12), st.text(max_size=9)).map("=".join)
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(OPTION, OPTION, OPTION)
def test_no_text_of_an_option_brings_anything_else_out(folder, var, assignment, swap):
    for vars, sets, swaps in (([var], [], []), ([], [f"channel.{assignment}"], []), ([], [], [f"channel={swap}"])):
        try:
            load_graph(folder / "f.yaml", Overrides.parse(vars=vars, sets=sets, swaps=swaps))
        except SemcomError:
            pass
