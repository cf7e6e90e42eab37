"""`semcom train`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

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
    @click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of results: weights and logs.")
    @click.option("--resume", is_flag=True, help="Go on from the checkpoint in --out.")
    @click.option("--device", help="A torch device; the GPU where there is one, if not said.")
    @click.option(
        "--perceptual-weights",
        type=click.Path(path_type=Path),
        help="Weights of the network that a recipe's perceptual loss looks through.",
    )
    def command(
        config: str, data: Path, out: Path, device: str | None, perceptual_weights: Path | None, *, resume: bool
    ) -> None:
        recipe = system.recipe_file(config)
        training = system.load("training", f"semcom train {system.name}")
        from ..models.training.train import train as run

        found = training.recipe.read(recipe)
        result = run(training, found, data, out, resume=resume, device=device, perceptual_weights=perceptual_weights)
        click.echo(f"weights: {result.weights}")

    return command


train = SystemGroup("train", "Train a model.", "training", _train)
