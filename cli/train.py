"""`semcom train`."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import UsageError

__all__ = ["train"]


@click.group()
def train() -> None:
    """Train a model."""


_perceptual_weights = click.option(
    "--perceptual-weights",
    type=click.Path(path_type=Path),
    help="Weights of the network that a recipe's perceptual loss looks through.",
)


@train.command()
@click.option("--config", default="adaptive", show_default=True, metavar="NAME", help="A shipped recipe, or a file.")
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Folder of photographs.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder that receives weights and logs.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in --out.")
@click.option("--device", help="A torch device; the GPU where there is one, if not said.")
@_perceptual_weights
def deepjscc(
    config: str, data: Path, out: Path, device: str | None, perceptual_weights: Path | None, *, resume: bool
) -> None:
    """Train DeepJSCC on a folder of photographs."""
    recipe = _recipe("deepjscc", config)
    try:
        from ..models.deepjscc.training import TRAINING
        from ..models.training.train import train as train_model
    except ImportError as error:
        from ..errors import MissingExtra

        raise MissingExtra("semcom train deepjscc", error.name or "torch", "models") from None
    found = TRAINING.recipe.read(recipe)
    result = train_model(
        TRAINING, found, data, out, resume=resume, device=device, perceptual_weights=perceptual_weights
    )
    click.echo(f"weights: {result.weights}")


@train.command("cdm-jscc")
@click.option("--config", default="small-d", show_default=True, metavar="NAME", help="A shipped recipe, or a file.")
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Folder of photographs.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder that receives weights and logs.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in --out.")
@click.option("--device", help="A torch device; the GPU where there is one, if not said.")
@_perceptual_weights
def cdm_jscc(
    config: str, data: Path, out: Path, device: str | None, perceptual_weights: Path | None, *, resume: bool
) -> None:
    """Train CDM-JSCC on a folder of photographs, phase by phase."""
    recipe = _recipe("cdm_jscc", config)
    try:
        from ..models.cdm_jscc.training import TRAINING
        from ..models.training.train import train as train_model
    except ImportError as error:
        from ..errors import MissingExtra

        raise MissingExtra("semcom train cdm-jscc", error.name or "torch", "models") from None
    found = TRAINING.recipe.read(recipe)
    result = train_model(
        TRAINING, found, data, out, resume=resume, device=device, perceptual_weights=perceptual_weights
    )
    click.echo(f"weights: {result.weights}")


@train.command("sc-sic")
@click.option("--config", default="mini-48", show_default=True, metavar="NAME", help="A shipped recipe, or a file.")
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Folder of photographs.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder that receives weights and logs.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in --out.")
@click.option("--device", help="A torch device; the GPU where there is one, if not said.")
@_perceptual_weights
def sc_sic(
    config: str, data: Path, out: Path, device: str | None, perceptual_weights: Path | None, *, resume: bool
) -> None:
    """Train SC-SIC on a folder of photographs, or fine-tune Stable Cascade's stage B to noisy embeddings."""
    recipe = _recipe("sc_sic", config)
    try:
        from ..models.sc_sic.training import TRAINING
        from ..models.training.train import train as train_model
    except ImportError as error:
        from ..errors import MissingExtra

        raise MissingExtra("semcom train sc-sic", error.name or "torch", "models") from None
    found = TRAINING.recipe.read(recipe)
    result = train_model(
        TRAINING, found, data, out, resume=resume, device=device, perceptual_weights=perceptual_weights
    )
    click.echo(f"weights: {result.weights}")


def _recipe(model: str, name: str) -> Path:
    """Return the file of a recipe: a path, or the name of one that is shipped with a model."""
    path = Path(name)
    if path.is_file():
        return path
    folder = Path(__file__).parents[1] / "models" / model / "configs"
    shipped = {file.stem: file for file in sorted(folder.glob("*.yaml"))}
    if name in shipped:
        return shipped[name]
    raise UsageError(f"--config {name}: expected a file or one of the shipped: {', '.join(shipped) or 'none'}")
