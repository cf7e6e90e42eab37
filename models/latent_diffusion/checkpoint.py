"""What a checkpoint of Stable Diffusion's layout says of itself: sizes, schedule, prediction. Needs no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ...errors import WeightsError
from .schedule import BETAS, LEVELS

__all__ = ["Checkpoint", "Prediction", "read_checkpoint"]

Prediction = Literal["epsilon", "v_prediction"]
_GIVE = "give a checkpoint of Stable Diffusion 1.x, 2.x or SD-Turbo"
_SCALES = 4  # of the autoencoder: pictures become an eighth of their sides


class Checkpoint(NamedTuple):
    """What diffusers and transformers make networks of.

    Attributes:
        autoencoder: Configuration of `AutoencoderKL`.
        denoiser: Of `UNet2DConditionModel`.
        text_encoder: Of `CLIPTextModel`.
        prediction: What the denoiser gives: the noise, or the velocity.
    """

    autoencoder: Mapping[str, Any]
    denoiser: Mapping[str, Any]
    text_encoder: Mapping[str, Any]
    prediction: Prediction


def read_checkpoint(paths: Mapping[str, Path]) -> Checkpoint:
    """Read the configurations of a checkpoint.

    Args:
        paths: Of its files, by part.

    Raises:
        WeightsError: one cannot be read, or it is of another layout, of other betas, or predicts something else.
    """
    autoencoder, denoiser, text_encoder = (
        _read(paths[f"{part}_config"]) for part in ("autoencoder", "denoiser", "text_encoder")
    )
    _check_autoencoder(paths["autoencoder_config"], autoencoder)
    _check_denoiser(paths["denoiser_config"], denoiser, autoencoder)
    expected = text_encoder.get("hidden_size")
    _expect(paths["denoiser_config"], denoiser, "cross_attention_dim", expected, "the text encoder makes that many")
    return Checkpoint(autoencoder, denoiser, text_encoder, _prediction(paths["schedule"]))


def _check_autoencoder(path: Path, config: Mapping[str, Any]) -> None:
    _expect(path, config, "_class_name", "AutoencoderKL", _GIVE)
    widths = config.get("block_out_channels", ())
    if len(widths) != _SCALES:
        raise WeightsError(
            f"{path}: block_out_channels: expected {_SCALES} scales, of an autoencoder that halves sides three times, "
            f"got {len(widths)}, of one for {2 ** max(len(widths) - 1, 0)} x {2 ** max(len(widths) - 1, 0)} pixels a "
            f"latent; {_GIVE}"
        )


def _check_denoiser(path: Path, config: Mapping[str, Any], autoencoder: Mapping[str, Any]) -> None:
    _expect(path, config, "_class_name", "UNet2DConditionModel", _GIVE)
    sdxl = f"SDXL's is told by two text encoders, and sizes of pictures; {_GIVE}"
    _expect(path, config, "addition_embed_type", None, sdxl, default=None)
    channels = autoencoder.get("latent_channels", 4)
    other = "one for inpainting, depth or instructions takes more; give one from text to image"
    for name in ("in_channels", "out_channels"):
        _expect(path, config, name, channels, other, default=4)


def _prediction(path: Path) -> Prediction:
    config = _read(path)
    for name, expected in {
        "beta_schedule": "scaled_linear",
        "beta_start": BETAS[0],
        "beta_end": BETAS[1],
        "num_train_timesteps": LEVELS,
    }.items():
        _expect(path, config, name, expected, f"steps and levels are those of its betas; {_GIVE}")
    for name in ("trained_betas", "rescale_betas_zero_snr"):
        if config.get(name):
            raise WeightsError(
                f"{path}: {name}: expected none, got {config[name]!r}; steps and levels are those of other betas; "
                f"{_GIVE}"
            )
    found = config.get("prediction_type", "epsilon")
    if found not in ("epsilon", "v_prediction"):
        raise WeightsError(f"{path}: prediction_type: expected epsilon or v_prediction, got {found!r}; {_GIVE}")
    return "v_prediction" if found == "v_prediction" else "epsilon"


def _expect(path: Path, config: Mapping[str, Any], name: str, expected: Any, so: str, default: Any = "nothing") -> None:
    found = config.get(name, default)
    if found != expected:
        raise WeightsError(f"{path}: {name}: expected {expected!r}, got {found!r}; {so}")


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror}; check that you may read it") from None
    except ValueError as error:
        raise WeightsError(f"{path}: no JSON ({error}); copy or fetch it again") from None
    if not isinstance(found, dict):
        raise WeightsError(f"{path}: expected settings by name, got {type(found).__name__}; copy or fetch it again")
    return found
