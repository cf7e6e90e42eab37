"""Settings of a codec, of the parameters of a block."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ...errors import UsageError
from ...models.config import first_mistake

__all__ = ["chosen_settings", "settings_of"]

M = TypeVar("M", bound=BaseModel)


def settings_of(model: type[M], params: BaseModel) -> M:
    """Return the settings that a block's parameters of the same names give; the others are at their defaults."""
    names = model.model_fields.keys() & type(params).model_fields.keys()
    return model.model_validate({name: getattr(params, name) for name in names})


def chosen_settings(
    who: str, system: str, model: type[M], params: BaseModel, own: Collection[str], further: Mapping[str, Any]
) -> M:
    """Return the settings that a block for any system has been given for one of them.

    A parameter that is at the block's default was not given: the system's own default holds.

    Args:
        who: The block, for messages.
        system: Whose they are.
        model: What the system takes.
        params: Of the block.
        own: Names of those of them that are no settings of a system.
        further: Settings for which the block has no parameter; they rule.

    Raises:
        UsageError: the system does not take one of them, or not this value.
    """
    fields = type(params).model_fields
    given = {name: getattr(params, name) for name in fields.keys() - set(own)}
    given = {name: value for name, value in given.items() if value != fields[name].default} | dict(further)
    for name in sorted(given.keys() - model.model_fields.keys()):
        takes = ", ".join(model.model_fields) or "none"
        raise UsageError(
            f"{who}: {name}: expected settings that {system}, whose file this is, takes ({takes}), got "
            f"{given[name]!r}; leave {name} out"
        )
    try:
        return model.model_validate(given)
    except ValidationError as error:
        got = error.errors()[0]["input"]
        raise UsageError(f"{who}: {first_mistake(error)} in the settings of {system}, got {got!r}") from None
