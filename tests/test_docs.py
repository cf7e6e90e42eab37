"""README and docs do what they say: every console, YAML and Python block is run, page by page, in a folder of its own.

console
    Lines that start with ``$`` are run by bash, one by one; a backslash at the end continues a line. A last ``&``
    starts a command that must have ended well when the block ends. Lines below a command are what it prints: they must
    occur in this order, and ``...`` stands for anything.
yaml, python
    A first line ``# name.yaml`` or ``# name.py`` names a file, which is written for the blocks below. Without a name,
    YAML must be read by the flowgraph's reader, and Python is run.
text
    Only shown.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from semcom.flowgraphs.runtime.language.yaml_reader import parse_yaml

ROOT = Path(__file__).resolve().parents[1]
GENERATED = {"cli.md", "systems.md"}
PAGES = [ROOT / "README.md", *sorted(path for path in (ROOT / "docs").glob("*.md") if path.name not in GENERATED)]
SHOWN_ONLY = {"", "text", "mermaid", "toml", "bibtex", "diff"}
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LIMIT_S = 200


class Fence(NamedTuple):
    line: int
    language: str
    text: str


def _fences(page: Path) -> list[Fence]:
    text = page.read_text(encoding="utf-8")
    found = ((text.count("\n", 0, match.start()) + 1, match[1].strip(), match[2]) for match in FENCE.finditer(text))
    return [Fence(*fence) for fence in found if not fence[1].startswith(("{", "math"))]


def _commands(text: str) -> list[tuple[str, list[str]]]:
    """Split a console block into commands and what they print."""
    commands: list[tuple[str, list[str]]] = []
    for line in text.replace("\\\n", "").splitlines():
        if line.startswith("$ "):
            commands.append((line[2:], []))
        elif line.strip():
            assert commands, f"expected '$ command', got {line!r}"
            commands[-1][1].append(line)
    return commands


def _occurs(expected: list[str], output: str) -> bool:
    parts = (r".*?".join(re.escape(part.strip()) for part in line.split("...")) for line in expected)
    flat = re.sub(r"[ \t]+", " ", output)
    return re.search(".*?".join(re.sub(r"(\\ )+", r"\\ +", part) for part in parts), flat, re.DOTALL) is not None


def _stands_for(command: str) -> list[str] | None:
    """What is tried instead of a command that would install or start the gate again; None when it is tried as it is."""
    words = shlex.split(command)
    if words[0] == "make":
        return ["make", "--dry-run", "--directory", str(ROOT), *words[1:]]
    if words[:2] == ["git", "clone"] or words[0] == "cd" or words[1:3] == ["-m", "venv"]:
        return ["true"]
    if Path(words[0]).name == "pip" and "install" in words:
        for wanted in re.findall(r"\[([\w,]+)\]", command):
            unknown = set(wanted.split(",")) - set(
                importlib.metadata.metadata("gr-semcom").get_all("Provides-Extra") or []
            )
            assert not unknown, f"{command}: no extra {unknown}"
        return ["true"]
    return None


class Shell:
    """Runs the commands of a page with the commands of a folder, then those of this Python, first in the path."""

    def __init__(self, folder: Path, commands: Path) -> None:
        self.folder = folder
        path = os.pathsep.join([str(commands), str(Path(sys.executable).parent), os.environ["PATH"]])
        self.environment = {**os.environ, "PATH": path}
        self.background: list[tuple[str, subprocess.Popen[str]]] = []

    def start(self, command: str) -> subprocess.Popen[str]:
        arguments = _stands_for(command) or ["bash", "-c", command]
        return subprocess.Popen(
            arguments,
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, command: str, expected: list[str], where: str) -> None:
        if command.endswith("&"):
            self.background.append((where, self.start(f"exec {command[:-1].strip()}")))
            return
        self.end(self.start(command), expected, where)

    def end(self, process: subprocess.Popen[str], expected: list[str], where: str) -> None:
        try:
            output, _ = process.communicate(timeout=LIMIT_S)
        finally:
            process.kill()
        assert process.returncode == 0, f"{where}\n{output}"
        assert _occurs(expected, output), "\n".join([f"{where}: expected", *expected, "got", output])

    def wait(self) -> None:
        for where, process in self.background:
            self.end(process, [], where)
        self.background.clear()


def _try_file(fence: Fence, folder: Path, where: str, python: Path) -> None:
    suffix = {"yaml": ".yaml", "python": ".py"}[fence.language]
    named = re.match(rf"# ([\w/.-]+{re.escape(suffix)})\n", fence.text)
    if named:
        path = folder / named[1]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(fence.text, encoding="utf-8")
    elif suffix == ".py":
        subprocess.run([python, "-c", fence.text], cwd=folder, check=True, timeout=LIMIT_S)
    else:
        _, problems = parse_yaml(fence.text, where)
        assert problems == []


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_page_does_what_it_says(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The README in new processes, as a reader would; the others in forks of one, which take a quarter of the time."""
    commands, python = Path(sys.executable).parent, Path(sys.executable)
    if page.name != "README.md":
        commands = request.getfixturevalue("warm")
        python = commands / "semcom"
    shell = Shell(tmp_path, commands)
    for fence in _fences(page):
        where = f"{page.name}:{fence.line}"
        if fence.language == "console":
            for command, expected in _commands(fence.text):
                shell.run(command, expected, f"{where}: {command}")
            shell.wait()
        elif fence.language in ("yaml", "python"):
            _try_file(fence, tmp_path, where, python)
        else:
            assert fence.language in SHOWN_ONLY, f"{where}: tag this block console, yaml, python or text"


def test_the_readme_starts_with_the_two_commands() -> None:
    assert [command for fence in _fences(ROOT / "README.md")[:1] for command, _ in _commands(fence.text)] == [
        "make demo",
        "make test",
    ]


@pytest.mark.parametrize(
    ("expected", "output", "fits"),
    [
        (["a ... c"], "a b c\n", True),
        (["a", "...", "d"], "a\nb\nc\nd\n", True),
        (["d", "a"], "a\nd\n", False),
        (["psnr   31"], "psnr 31 dB", True),
        ([], "anything", True),
    ],
)
def test_what_a_command_prints_is_compared(expected: list[str], output: str, *, fits: bool) -> None:
    assert _occurs(expected, output) is fits
