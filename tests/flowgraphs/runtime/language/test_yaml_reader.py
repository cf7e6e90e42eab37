from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from semcom.errors import FlowgraphError, UsageError
from semcom.flowgraphs.runtime.language import yaml_reader
from semcom.flowgraphs.runtime.language.yaml_reader import MapNode, parse_value, parse_yaml, read_yaml, to_plain


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e6", 1e6),
        ("1.0e+6", 1e6),
        ("-.5", -0.5),
        ("5.", 5.0),
        ("0o10", 8),
        ("010", 10),
        ("0x1F", 31),
        ("+7", 7),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("on", "on"),
        ("no", "no"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("'1'", "1"),
        ('"true"', "true"),
        ("2026-01-01", "2026-01-01"),
        ("[1, [a, {b: 2}]]", [1, ["a", {"b": 2}]]),
        ("=", "="),
        ("<<", "<<"),
    ],
)
def test_reads_scalars_as_yaml_1_2_does(text, value):
    root, problems = parse_yaml(f"x: {text}\n", "f.yaml")
    assert not problems
    plain = to_plain(root)["x"]
    assert plain == value
    assert type(plain) is type(value)


def test_knows_where_everything_stands():
    root, _ = parse_yaml("a: 1\nb:\n  - x\n  - {c:  'q'}\n", "f.yaml")
    assert isinstance(root, MapNode)
    inner = root.get("b").items[1]
    assert (inner.mark.line, inner.mark.column) == (4, 5)
    assert (inner.get("c").mark.line, inner.get("c").mark.column, inner.get("c").text_column) == (4, 10, 11)
    assert (inner.entries["c"][0].mark.line, inner.entries["c"][0].mark.column) == (4, 6)


def test_reports_every_duplicate_key_and_reads_on():
    root, problems = parse_yaml("a: 1\nb: {c: 1, c: 2}\na: 3\n", "f.yaml")
    assert [str(problem) for problem in problems] == [
        "f.yaml:2:11: c: given twice, first in line 2",
        "f.yaml:3:1: a: given twice, first in line 1",
    ]
    assert to_plain(root) == {"a": 1, "b": {"c": 1}}


BOMB = "a: &a [x, x]\n" + "".join(f"b{i}: &b{i} [*a, *a]\n" for i in range(20))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f.yaml:1:1: expected a flowgraph, got an empty file"),
        ("# only words\n", "f.yaml:1:1: expected a flowgraph, got an empty file"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: expected one document, got another after '---'"),
        (BOMB, "f.yaml:1:4: anchors and aliases (&, *) are not read here; use 'vars' and $name"),
        ("a: *b\n", "f.yaml:1:4: anchors and aliases (&, *) are not read here; use 'vars' and $name"),
        (
            "a: !!python/object/apply:os.system [ls]\n",
            "f.yaml:1:4: tags such as 'tag:yaml.org,2002:python/object/apply:os.system' are not read here",
        ),
        ("a: !x 1\n", "f.yaml:1:4: tags such as '!x' are not read here; quote a text that begins with '!'"),
        ("[a]: 1\n", "f.yaml:1:1: expected text as a key, got a list or a mapping"),
        ("[" * 40, "f.yaml:1:33: expected at most 32 levels, got more"),
        ("a: .inf\n", "f.yaml:1:4: expected a finite number, got .inf"),
        ("a: 1e999\n", "f.yaml:1:4: expected a finite number, got 1e999"),
        ("a: 99999999999999999999\n", "f.yaml:1:4: expected a whole number of at most 64 bits, got 9999999999999"),
        (f"a: {'9' * 5000}\n", "f.yaml:1:4: expected a number of at most 400 digits, got 5000"),
        ("a: b: c\n", "f.yaml:1:5: not YAML: mapping values are not allowed here; check the indentation, or quote"),
        ("a:\n\tb: 1\n", "f.yaml:2:1: not YAML: found character '\\t' that cannot start any token"),
        ("a: 'x\n", "f.yaml:2:1: not YAML: found unexpected end of stream"),
        ("a: \x07\n", "f.yaml:1:4: expected printable text, got the character U+0007"),
        ('a: "\\0"\n', "f.yaml:1:4: expected text, got a control character"),
        ('a: "\\ud800"\n', "f.yaml:1:4: expected text, got a control character or half of a surrogate pair"),
        ('a: "\\Uffffffff"\n', "f.yaml:1:1: not YAML: "),
    ],
)
def test_refuses(text, message):
    try:
        _, problems = parse_yaml(text, "f.yaml")
    except FlowgraphError as error:
        problems = error.problems
    assert str(problems[0]).startswith(message)


def test_reads_on_behind_values_that_are_not_read():
    text = (
        'a: .inf\nb: [-.nan, .NaN, 0x10000000000000000, 1]\n? "\\x01"\n: !x 1\n'
        'c: &d "\\0"\ne: *d\nf: !t [2]\n*d : 3\ng: 4\n'
    )
    root, problems = parse_yaml(text, "f.yaml")
    assert [(problem.line, problem.column, problem.message[:22]) for problem in problems] == [
        (1, 4, "expected a finite numb"),
        (2, 12, "expected a finite numb"),
        (2, 18, "expected a whole numbe"),
        (3, 3, "expected text as a key"),
        (4, 3, "tags such as '!x' are "),
        (5, 4, "anchors and aliases (&"),
        (6, 4, "anchors and aliases (&"),
        (7, 4, "tags such as '!t' are "),
        (8, 1, "anchors and aliases (&"),
    ]
    plain = to_plain(root)
    assert plain == {
        **dict.fromkeys(("a", "\x01", "c", "e")),
        **{"b": ["-.nan", None, None, 1], "f": [2], "*d": 3, "g": 4},
    }


def test_stops_where_nothing_can_be_read():
    with pytest.raises(FlowgraphError) as caught:
        parse_yaml(f"[{'.inf, ' * 5000}]", "f.yaml")
    assert len(caught.value.problems) == yaml_reader.MAX_PROBLEMS + 1


def test_says_how_to_indent():
    with pytest.raises(FlowgraphError, match="indent with spaces, not tabs"):
        parse_yaml("a:\n\tb: 1\n", "f.yaml")


def test_names_the_byte_that_is_not_utf_8(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(FlowgraphError, match=r"f\.yaml:2:4: expected UTF-8, got byte 0xff"):
        read_yaml(path)


def test_reads_a_byte_order_mark(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert to_plain(read_yaml(path)[0]) == {"a": 1}


def test_bounds_the_size(tmp_path, monkeypatch):
    monkeypatch.setattr(yaml_reader, "MAX_BYTES", 10)
    path = tmp_path / "f.yaml"
    path.write_text("a: 1234567890\n")
    with pytest.raises(FlowgraphError, match="expected at most 10 bytes of YAML, got more"):
        read_yaml(path)
    with pytest.raises(FlowgraphError, match="expected at most 10 bytes of YAML, got more"):
        parse_yaml("a: 1234567890\n", "f")


def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="cannot be read: No such file or directory"):
        read_yaml(tmp_path / "none.yaml")


def test_the_value_of_an_option_names_the_option():
    assert to_plain(parse_value("[1, 2]", "--set a.b=[1, 2]")) == [1, 2]
    with pytest.raises(FlowgraphError) as caught:
        parse_value("[1, 2", "--set a.b=[1, 2")
    assert str(caught.value).startswith("--set a.b=[1, 2: not YAML: ")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(
        st.text(max_size=200),
        st.text(alphabet="{}[]:,-&*!|>'\"%@`#?\\x0u \n\tab1.~$", max_size=120),
        st.binary(max_size=200).map(lambda data: data.decode("latin-1")),
    )
)
def test_nothing_but_our_own_errors_comes_out(text):
    try:
        root, _ = parse_yaml(text, "f.yaml")
    except FlowgraphError as error:
        assert error.problems  # noqa: PT017
        assert str(error).startswith("f.yaml:")  # noqa: PT017
    else:
        to_plain(root)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_no_bytes_bring_anything_else_out(tmp_path, data):
    path = tmp_path / "f.yaml"
    path.write_bytes(data)
    try:
        read_yaml(path)
    except FlowgraphError:
        pass
