"""Validation of a run, and the best weights so far with their card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ..model_card import ModelCard, Training
from ..weights.file import sha256_of
from .checkpoint import save_text, save_weights
from .log import append_row
from .pictures import Pictures
from .run import Run

__all__ = ["validate_and_keep"]


def validate_and_keep(run: Run[Any, Any], phase: Any, held: Pictures, out: Path) -> None:
    """Validate the mean weights; write a row of the phase's table, and the weights if they outdo those of before.

    The first weights of a phase are kept whatever they score.
    """
    network = run.build().to(run.device)
    network.load_state_dict(run.ema)
    with torch.no_grad():
        score, figures = run.validate(network.eval(), held, phase)
    curve = f"curve-{phase.name}.csv" if phase.name else "curve.csv"
    row = {"step": run.step, "minutes": round(run.seconds / 60, 2), **({"phase": phase.name} if phase.name else {})}
    append_row(out / curve, row | {name: round(v, 4) for name, v in {run.score_name: score, **figures}.items()})
    if phase.name == run.best_phase and not run.outdoes(score):
        return
    run.best_score, run.best_phase = score, phase.name
    for name in run.files(phase):
        weights = out / f"{name}.safetensors"
        save_weights(weights, {key: value for key, value in run.ema.items() if run.keeps(key)})
        save_text(out / f"{name}.json", _card(run, weights, held, figures, curve).model_dump_json(indent=1) + "\n")


def _card(run: Run[Any, Any], weights: Path, held: Pictures, figures: dict[str, float], curve: str) -> ModelCard:
    """What is known of weights that a run has written."""
    config, cls = run.config, type(run.model)
    gpu = run.device.type == "cuda"
    return ModelCard(
        name=f"{run.system.name}-{config.variant}",
        cls=f"{cls.__module__}:{cls.__name__}",
        config=config.model.model_dump(mode="json"),
        file=weights.name,
        sha256=sha256_of(weights),
        licence="Apache-2.0",
        paper=run.paper,
        base=None if run.base is None else run.base.file,
        base_sha256=None if run.base is None else run.base.sha256,
        training=Training(
            data=run.about(held),
            command=f"semcom train {run.system.name} --config CONFIG --data DIR",
            seed=config.seed,
            steps=run.step,
            minutes=round(run.seconds / 60, 1),
            machine=torch.cuda.get_device_name(run.device) if gpu else f"CPU, {config.threads} threads",
            curve=curve,
            recipe=config.model_dump(mode="json", exclude={"model"}),
        ),
        metrics=run.metrics(figures),
    )
