"""`semcom train`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError
from .system_group import SystemGroup

if TYPE_CHECKING:
    from ..models.system import System

__all__ = ["train"]


def _train(system: System) -> click.Command:
    @click.command(system.name, help=f"Train on a folder of photographs. {system.doc}", short_help=system.doc)
    @click.option(
        "--config",
        default=system.recipe or None,
        required=not system.recipe,
        show_default=True,
        metavar="NAME",
        help=f"A recipe: {', '.join(system.recipes)}; or a file.",
    )
    @click.option(
        "--data", required=True, type=click.Path(path_type=Path), help="Folder of photographs, or builtin:photos."
    )
    @click.option("--out", type=click.Path(path_type=Path), help="Folder of results: weights and logs.")
    @click.option("--resume", is_flag=True, help="Go on from the checkpoint in --out.")
    @click.option("--device", help="A torch device; the GPU where there is one, if not said.")
    @click.option(
        "--perceptual-weights",
        type=click.Path(path_type=Path),
        help="Weights of the network that a recipe's perceptual loss looks through.",
    )
    @click.option("--compile", "compiles", is_flag=True, help="Compile the network with torch.compile; takes minutes.")
    @click.option(
        "--throughput",
        type=click.FloatRange(min=0, min_open=True),
        is_flag=False,
        flag_value=20.0,
        metavar="[SECONDS]",
        help="Train for 20 seconds, or so many, write nothing, and print how fast it goes.",
    )
    @click.option("--json", "as_json", is_flag=True, help="With --throughput: print one JSON object.")
    def command(
        config: str, data: Path, out: Path | None, throughput: float | None, *, as_json: bool, **given: Any
    ) -> None:
        if as_json and throughput is None:
            raise UsageError(
                f"semcom train {system.name}: --json prints what --throughput finds; give both, or neither"
            )
        recipe = system.recipe_file(config)
        training = system.load("training", f"semcom train {system.name}")
        found = training.recipe.read(recipe)
        resume, given["compile"] = given.pop("resume"), "on" if given.pop("compiles") else "off"
        if throughput is not None:
            from ..models.training.throughput import measure_throughput

            speed = measure_throughput(training, found, data, seconds=throughput, **given)
            click.echo(json.dumps(speed.as_json()) if as_json else "\n".join(speed.lines()))
            return
        if out is None:
            raise UsageError(f"semcom train {system.name}: expected --out, a folder of results, or --throughput")
        from ..models.training.train import train as run

        result = run(training, found, data, out, resume=resume, **given)
        click.echo(f"weights: {result.weights}")

    return command


train = SystemGroup("train", "Train a model.", "training", _train)
