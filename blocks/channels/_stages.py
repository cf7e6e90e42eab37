"""The stages of a cascade while a flowgraph is checked: found, and their parameters validated where they stand."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_core.core_schema import ErrorType

from ...errors import UnknownBlock
from ..block import Block
from ..lookup import find_block, load_block
from ..ports import SYMBOLS
from ..signature import read_signature

__all__ = ["check_stages"]


def check_stages(stages: list[dict[str, Any]], base: Path | None, esn0_db: float | None) -> list[dict[str, Any]]:
    """Return the stages with every default filled in and ``esn0_db`` put in.

    Args:
        stages: Of each ``use`` and the parameters.
        base: The folder that the path of a single-file block starts from.
        esn0_db: Es/N0 in dB for the stages that add noise; ``None`` leaves their own.

    Raises:
        ValidationError: all mistakes, each with the path of the value inside of the list, so that the check of a
            flowgraph finds line and column.
    """
    checked, mistakes = [], []
    for index, stage in enumerate(stages):
        found = _find(stage, base)
        if isinstance(found, str):
            reason = PydanticCustomError("stage", "{reason}", {"reason": found})
            mistakes.append(InitErrorDetails(type=reason, loc=(index, "use"), input=stage.get("use")))
            continue
        cls, use = found
        try:
            checked.append({"use": use, **_validated(cls, stage, base, esn0_db)})
        except ValidationError as error:
            mistakes += [_moved(index, item, cls) for item in error.errors(include_url=False)]
    if mistakes:
        raise ValidationError.from_exception_data("stages", mistakes)
    return checked


def _find(stage: Mapping[str, Any], base: Path | None) -> tuple[type[Block], str] | str:
    """Return a stage's class and name, or what is wrong with it."""
    use = stage.get("use")
    if not isinstance(use, str):
        return "use: required, not given" if use is None else f"expected the name of a block, got {use!r}"
    try:
        cls = load_block(use, base)
        signature = read_signature(cls)
        name = str(find_block(use, base).path) if use.endswith(".py") else use
    except (UnknownBlock, OSError, ValueError) as error:
        return str(error)
    takes = [port.type for port in signature.inputs.values()]
    gives = list(signature.outputs.values())
    if len(takes) != 1 or len(gives) != 1 or not (takes[0].meets(SYMBOLS) and gives[0].meets(SYMBOLS)):
        ins, outs = (" and ".join(port.name for port in ports) or "nothing" for ports in (takes, gives))
        return f"expected a block from Symbols to Symbols; {use} takes {ins} and gives {outs}"
    if cls.writes_header:
        fields = ", ".join(field.__name__ for field in cls.writes_header)
        return f"expected a channel; {use} writes the header ({fields})"
    return cls, name


def _validated(cls: type[Block], stage: Mapping[str, Any], base: Path | None, esn0_db: float | None) -> dict[str, Any]:
    params = _strict(cls, {name: value for name, value in stage.items() if name != "use"}, base)
    # A stage whose esn0_db is null adds no noise, and goes on adding none. Of a cascade it is a level to pass on.
    adds_noise = isinstance(params.get("esn0_db"), float | int)
    passes_on = "esn0_db" in params and "stages" in params
    if esn0_db is not None and (adds_noise or passes_on):
        params = _strict(cls, {**params, "esn0_db": esn0_db}, base)
    return params


def _strict(cls: type[Block], given: dict[str, Any], base: Path | None) -> dict[str, Any]:
    """Validate as the check of a flowgraph does: a text is no number and `true` no 1."""
    model = cls.Params.model_validate_json(json.dumps(given), strict=True, context={"base": base})
    return model.model_dump(mode="json")


def _moved(index: int, item: Any, cls: type[Block]) -> InitErrorDetails:
    """Return a mistake of a stage's parameters as one of the list's."""
    loc = item["loc"]
    if item["type"] == "extra_forbidden" and len(loc) == 1:  # the outer check would suggest the cascade's parameters
        near = difflib.get_close_matches(str(loc[0]), list(cls.Params.model_fields), n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        reason = PydanticCustomError("stage", "{reason}", {"reason": f"no such parameter{hint}"})
        return InitErrorDetails(type=reason, loc=(index, *loc), input=item["input"])
    if item["type"] in get_args(ErrorType):
        return InitErrorDetails(type=item["type"], loc=(index, *loc), input=item["input"], ctx=item.get("ctx", {}))
    reason = PydanticCustomError("stage", "{reason}", {"reason": item["msg"]})
    return InitErrorDetails(type=reason, loc=(index, *loc), input=item["input"])
