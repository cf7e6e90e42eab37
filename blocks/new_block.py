"""Writes a new block and its test: a start that runs, is documented, and passes at once."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from typing import NamedTuple

from ..errors import UsageError

__all__ = ["NewBlock", "write_new_block"]

_NAME = re.compile(r"(?:(?P<role>[a-z][a-z0-9_]*)/)?(?P<name>[a-z][a-z0-9_]*)")


class NewBlock(NamedTuple):
    """What was written.

    Attributes:
        block: The block's file.
        test: Its test.
        use: What a flowgraph writes to use it.
    """

    block: Path
    test: Path
    use: str


class _Shape(NamedTuple):
    """What a role's first draft does: its ports, and one line of arithmetic."""

    takes: str
    argument: str
    gives: str
    does: str
    maths: str
    input_doc: str
    output_doc: str
    body: str
    example: str
    expected: str


_SYMBOLS = _Shape(
    takes="Symbols",
    argument="symbols",
    gives="Symbols",
    does="Multiplies symbols by a constant gain.",
    maths=r"y[n] = 10^{\mathrm{gain\_db}/20}\, x[n]",
    input_doc="complex64 ``[n]``, one frame.",
    output_doc="complex64 ``[n]``.",
    body="return (symbols * 10.0 ** (self.params.gain_db / 20)).astype(np.complex64)",
    example="np.array([1, 1j, -1], np.complex64)",
    expected="np.array([10, 10j, -10], np.complex64)",
)
_IMAGE = "np.full((4, 6, 3), 51, np.uint8)"
_SHAPES = {
    "encoders": _Shape(
        takes="Image",
        argument="image",
        gives="Features",
        does="Turns a picture into real values between 0 and a constant gain.",
        maths=r"z = 10^{\mathrm{gain\_db}/20}\, x / 255",
        input_doc="uint8 sRGB ``[H, W, 3]``.",
        output_doc="float32 ``[H, W, 3]``.",
        body="return (image / 255 * 10.0 ** (self.params.gain_db / 20)).astype(np.float32)",
        example=_IMAGE,
        expected="np.full((4, 6, 3), 2, np.float32)",
    ),
    "decoders": _Shape(
        takes="Features",
        argument="features",
        gives="Image",
        does="Turns real values between 0 and 1, times a constant gain, into grey pixels of one row.",
        maths=r"\hat x = \lfloor 255 \cdot 10^{\mathrm{gain\_db}/20}\, z \rceil",
        input_doc="float32 ``[n]``.",
        output_doc="uint8 sRGB ``[1, n, 3]``.",
        body=(
            "grey = np.rint(features.ravel() * 255 * 10.0 ** (self.params.gain_db / 20)).clip(0, 255)\n"
            "        return np.repeat(grey.astype(np.uint8)[None, :, None], 3, axis=2)"
        ),
        example="np.full(8, 0.05, np.float32)",
        expected="np.full((1, 8, 3), 128, np.uint8)",
    ),
    "sync": _SYMBOLS._replace(
        takes="Samples",
        argument="samples",
        gives="Samples",
        does="Multiplies samples by a constant gain.",
        input_doc="complex64 ``[n]``, a chunk of a stream.",
        output_doc="complex64 ``[n]``, the same chunk.",
        body="return (samples * 10.0 ** (self.params.gain_db / 20)).astype(np.complex64)",
    ),
}
_SHAPES["radio"] = _SHAPES["sync"]

_BLOCK = '''"""`{use}`."""

from __future__ import annotations

import numpy as np
from pydantic import Field

{imports}

__all__ = ["{cls}"]


class {cls}(Block):
    r"""{does}

    .. math:: {maths}

    Input:   {argument}: {input_doc}
    Output:  {output_doc}
    State:   none.
    Example: ``{name}: {{use: {use}, gain_db: 3}}``
    """

    class Params(BlockParams):
        """Parameters."""

        gain_db: Live[float] = Field(0.0, ge=-60, le=60, description="Gain of the amplitude in dB.")

    params: Params

    def work(self, {argument}: {takes}) -> {gives}:
        """Multiply by the gain."""
        {body}
'''
_SOURCE = '''"""`{use}`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pydantic import Field

{imports}

__all__ = ["{cls}"]


class {cls}(Block):
    r"""Makes grey pictures.

    .. math:: x = 128

    Output:  uint8 sRGB ``[32, 32, 3]``.
    State:   none.
    Example: ``{name}: {{use: {use}, count: 4}}``
    """

    class Params(BlockParams):
        """Parameters."""

        count: int = Field(4, ge=1, le=1_000_000, description="Number of pictures.")

    params: Params

    def work(self) -> Iterator[Image]:
        """Yield picture after picture."""
        for _ in range(self.params.count):
            yield np.full((32, 32, 3), 128, np.uint8)
'''
_SINK = '''"""`{use}`."""

from __future__ import annotations

from pydantic import Field

{imports}

__all__ = ["{cls}"]


class {cls}(Block):
    r"""Measures how bright pictures are.

    .. math:: b = \\mathrm{{scale}} \\cdot \\frac{{1}}{{3HW}} \\sum x

    Input:   image: uint8 sRGB ``[H, W, 3]``.
    State:   the mean over the items.
    Example: ``{name}: {{use: {use}}}``
    """

    class Params(BlockParams):
        """Parameters."""

        scale: float = Field(1.0, gt=0, le=1e6, description="Factor of the measurement, without unit.")

    params: Params

    def work(self, image: Image) -> None:
        """Measure one picture."""
        self.measure(brightness=self.params.scale * float(image.mean()))
'''
_TEST = """from __future__ import annotations

{head}


def test_applies_the_gain():
    block = {cls}({cls}.Params(gain_db=20.0))
    result = block.work({example})
    np.testing.assert_allclose(result, {expected}, rtol=1e-6)


def test_gives_the_type_of_its_port():
    expected = {expected}
    result = {cls}().work({example})
    assert (result.dtype, result.shape) == (expected.dtype, expected.shape)
"""
_SOURCE_TEST = """from __future__ import annotations

{head}


def test_makes_as_many_pictures_as_said():
    pictures = list({cls}({cls}.Params(count=3)).work())
    assert len(pictures) == 3
    assert all(picture.dtype == np.uint8 and picture.shape == (32, 32, 3) for picture in pictures)
"""
_SINK_TEST = """from __future__ import annotations

{head}


def test_measures_the_brightness():
    block = {cls}()
    block.work(np.full((4, 6, 3), 51, np.uint8))
    assert block.measured["brightness"] == (1, 51.0)
"""


def write_new_block(name: str, folder: Path = Path()) -> NewBlock:
    """Write a block and its test.

    In a checkout of the project they go where blocks and tests live; elsewhere both go into ``folder``, and a flowgraph
    uses the block as ``./name.py``.

    Args:
        name: ``channels/my_channel``.
        folder: The working directory.

    Raises:
        UsageError: not a name that a block can have, or a file is there already.
    """
    match = _NAME.fullmatch(name)
    if match is None or any(keyword.iskeyword(part) for part in name.split("/")):
        raise UsageError(
            f"new-block {name}: expected folder/name in small letters, digits and '_', such as channels/my_channel"
        )
    role, stem = match["role"] or "", match["name"]
    root = _checkout(folder)
    if root is not None and not role:
        raise UsageError(f"new-block {name}: expected the folder too, such as channels/{name}")
    if root is not None:
        block = root / "blocks" / role / f"{stem}.py"
        test = root / "tests" / "blocks" / role / f"test_{stem}.py"
        use = f"{role}/{stem}"
    else:
        block, test, use = folder / f"{stem}.py", folder / f"test_{stem}.py", f"./{stem}.py"
    for path in (block, test):
        if path.exists():
            raise UsageError(f"new-block {name}: {path} is there already; nothing was written")
    texts = _texts(role, stem, use, inside=root is not None)
    try:
        for path in (block, test):
            path.parent.mkdir(parents=True, exist_ok=True)
        if root is not None and not (block.parent / "__init__.py").exists():
            (block.parent / "__init__.py").touch()
        for path, text in zip((block, test), texts, strict=True):
            with path.open("x", encoding="utf-8") as stream:
                stream.write(text)
    except OSError as error:
        raise UsageError(f"new-block {name}: {error.filename}: {error.strerror}") from None
    return NewBlock(block, test, use)


def _checkout(folder: Path) -> Path | None:
    """Return the root of the project's checkout that ``folder`` lies in."""
    here = folder.resolve()
    for root in (here, *here.parents):
        if (root / "blocks" / "lookup.py").is_file() and (root / "setup.py").is_file():
            return root
    return None


def _texts(role: str, stem: str, use: str, *, inside: bool) -> tuple[str, str]:
    cls = "".join(part.capitalize() for part in stem.split("_"))
    shape = _SHAPES.get(role, _SYMBOLS)
    block_text, test_text = _BLOCK, _TEST
    ports = [shape.takes, shape.gives]
    live = ", Live"
    if role in ("sources", "sinks"):
        block_text, test_text = (_SOURCE, _SOURCE_TEST) if role == "sources" else (_SINK, _SINK_TEST)
        ports, live = ["Image"], ""
    dots = ".." if inside else "semcom.blocks."
    imports = (
        f"from {dots}block import Block\n"
        f"from {dots}params import BlockParams{live}\n"
        f"from {dots}ports import {', '.join(sorted(set(ports)))}"
    )
    if inside:
        head = f"import numpy as np\nfrom semcom.blocks.{role}.{stem} import {cls}"
    else:
        head = (
            "from pathlib import Path\n\nimport numpy as np\nfrom semcom.blocks.lookup import load_block\n\n"
            f'{cls} = load_block("./{stem}.py", Path(__file__).parent)'
        )
    words = {**shape._asdict(), "cls": cls, "name": stem, "use": use, "imports": imports, "head": head}
    return block_text.format(**words), test_text.format(**words)
