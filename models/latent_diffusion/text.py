"""Words to what Stable Diffusion's denoiser is told: tokenizer and text encoder, by transformers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import MissingExtra, SignalError, WeightsError
from ..weights.file import read_tensors
from ..weights.fit import require_fit
from .names import SHIPPED
from .published import PUBLICATION

__all__ = ["Text"]


class Text(nn.Module):
    """CLIP's text encoder behind its tokenizer.

    Args:
        paths: Of a checkpoint's files, by part.
        config: Of the text encoder.

    Raises:
        WeightsError: the weights do not fit, or the tokenizer's files are no tokenizer's.
        MissingExtra: transformers is not installed.
    """

    def __init__(self, paths: Mapping[str, Path], config: Mapping[str, Any]) -> None:
        super().__init__()
        try:
            from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer
        except ImportError as error:
            raise MissingExtra(f"{SHIPPED.system}: Stable Diffusion", error.name or "transformers", "text") from None
        made: Any = CLIPTextModel
        self.encoder: Any = made(CLIPTextConfig(**config)).eval()
        self._fill(paths["text_encoder"])
        folder = paths["tokenizer_config"].parent
        try:
            self.tokenizer: Any = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, KeyError, TypeError) as error:
            first = next(iter(str(error).splitlines()), "") or type(error).__name__
            raise WeightsError(f"{folder}: no tokenizer of CLIP ({first}); copy or fetch its files again") from None

    def _fill(self, path: Path) -> None:
        """Versions of transformers differ in what they put before names; older files hold positions, too."""
        before, positions = "text_model.", "embeddings.position_ids"
        read = read_tensors(path, PUBLICATION.parts["text_encoder"], memory="mapped")
        named = {key.removeprefix(before): value for key, value in read.items()}
        named.pop(positions, None)
        own = {key: value for key, value in self.encoder.state_dict().items() if not key.endswith(positions)}
        full = {key.removeprefix(before): key for key in own}
        require_fit(path, PUBLICATION.parts["text_encoder"], {key: own[full[key]] for key in full}, named)
        self.encoder.load_state_dict({full[key]: value for key, value in named.items()}, strict=False)

    @torch.inference_mode()
    def forward(self, prompt: str) -> Tensor:
        """Return what the denoiser is told by a prompt, ``[1, 77, width]``.

        Raises:
            SignalError: it is longer than the text encoder takes.
        """
        most = int(self.encoder.config.max_position_embeddings)
        count = len(self.tokenizer(prompt, verbose=False).input_ids)
        if count > most:
            raise SignalError(
                f"{SHIPPED.system}: prompt: expected at most {most} tokens, its beginning and end among them, got "
                f"{count} of {prompt[:40]!r}...; shorten it"
            )
        ids = self.tokenizer(prompt, padding="max_length", max_length=most, return_tensors="pt").input_ids
        told: Tensor = self.encoder(ids.to(self.encoder.device)).last_hidden_state
        return told
