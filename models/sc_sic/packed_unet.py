"""Stage B's network for the receiver: what does not depend on the latents is taken out of the step.

The same function as `StableCascadeUNet.forward` of the same weights, in another order of work: activations lie as rows
of channels, so that every 1 x 1 convolution and every permutation around a linear layer is a matrix product in place;
queries, keys and values come from one product; the empty text's keys and values, and what all steps' times say to every
block, are computed once; a skip connection's product is computed once for all repetitions of its level.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..compiled import Compile, compiled

__all__ = ["Depthwise", "PackedUnet", "attend", "depthwise", "residual", "taps"]

Depthwise = Literal["convolution", "sums"]


class _Residual(NamedTuple):
    """A residual block and the time block behind it."""

    kernel: Tensor  # [c, 1, k, k]
    kernel_bias: Tensor
    first: Tensor  # [c, 4 c]
    first_bias: Tensor
    second: Tensor  # [4 c, c]
    second_bias: Tensor
    gamma: Tensor  # [4 c]
    beta: Tensor
    skip: Tensor | None  # [c of the skip connection, 4 c]
    offset: int  # of the time block's values among all


class _Attention(NamedTuple):
    inside: Tensor  # [c, 3 c]
    inside_bias: Tensor
    out: Tensor
    out_bias: Tensor
    key: Tensor  # [1, heads, tokens, c / heads], of the empty text
    value: Tensor


class _Level(NamedTuple):
    change: tuple[Tensor, Tensor] | None  # before the blocks on the way down, behind them on the way up
    layers: list[tuple[_Residual, _Attention | None]]
    mappers: list[tuple[Tensor, Tensor]]  # between repetitions


class PackedUnet:
    """A `StableCascadeUNet`, with its weights as they are now.

    Args:
        unet: Left as it is; tensors are shared where type and layout allow.
        dtype: Of weights and activations.
        compile: Of the blocks, one program for each shape.
        depthwise: How depthwise convolutions are computed; ``sums`` of shifted products let a compiler put them into
            one kernel with the normalisation behind them.
    """

    def __init__(
        self,
        unet: Any,
        *,
        dtype: torch.dtype = torch.float32,
        compile: Compile = "off",
        depthwise: Depthwise = "convolution",
    ) -> None:
        self._dtype, self._how, self._unet = dtype, depthwise, unet
        self.patch = int(unet.config.patch_size)
        self.multiple = self.patch * 2 ** (len(unet.down_blocks) - 1)
        self._times: list[list[nn.Linear]] = []
        self._total = 0
        self._text = unet.get_clip_embeddings(
            unet.clip_txt_pooled_mapper.weight.new_zeros(1, 1, unet.config.clip_text_pooled_in_channels)
        )
        with torch.no_grad():
            self._first = self._linear(unet.embedding[1])
            self._down = [
                self._level(*parts, way="down")
                for parts in zip(unet.down_blocks, unet.down_downscalers, unet.down_repeat_mappers, strict=True)
            ]
            self._up = [
                self._level(*parts, way="up")
                for parts in zip(unet.up_blocks, unet.up_upscalers, unet.up_repeat_mappers, strict=True)
            ]
            self._last = self._linear(unet.clf[1])
            # [inputs of all embeddings, values]: one product instead of one for each block and condition
            self._time_weights = torch.cat([torch.cat([m.weight for m in block], 1) for block in self._times]).T
            self._time_bias = torch.cat([sum(m.bias for m in block) for block in self._times])  # type: ignore[misc]
        self._residual: Callable[..., Tensor] = compiled(residual, compile)
        self._attend: Callable[..., Tensor] = compiled(attend, compile)

    def modulations(self, t: Tensor, level: Tensor) -> Tensor:
        """What times say to all blocks.

        Args:
            t: Times of the steps, ``[s]``.
            level: Noise of the embeddings, ``[b]``; as `Conditioning` has it.

        Returns:
            ``[s, b, values]``; a step takes one row.
        """
        steps, batch = t.shape[0], level.shape[0]
        of_times, of_levels = (self._unet.get_timestep_ratio_embedding(part.float()) for part in (t, level))
        heard = torch.cat(
            [
                of_times[:, None].expand(steps, batch, -1),
                of_levels[None].expand(steps, batch, -1),
            ],
            2,
        )
        values: Tensor = heard @ self._time_weights.float() + self._time_bias.float()
        return values.to(self._dtype)

    def __call__(self, noisy: Tensor, modulation: Tensor, added: Tensor) -> Tensor:
        """One pass.

        Args:
            noisy: ``[b, c, h, w]``, h and w multiples of `multiple`.
            modulation: ``[b, values]``, see `modulations`.
            added: ``[b, h / patch, w / patch, width]``: what the embedding adds to the first activations.

        Returns:
            float32 ``[b, c', h, w]``.
        """
        x = F.pixel_unshuffle(noisy.to(self._dtype), self.patch).permute(0, 2, 3, 1)
        x = _normed(_product(x, *self._first)) + added
        outs: list[Tensor] = []
        for level in self._down:
            if level.change is not None:
                x = _smaller(_normed(x), *level.change)
            x = self._repeat(x, level, modulation)
            outs.append(x)
        for index, level in enumerate(self._up):
            x = self._repeat(x, level, modulation, outs[-1 - index] if index else None)
            if level.change is not None:
                x = _larger(_normed(x), *level.change)
        x = _product(_normed(x), *self._last).permute(0, 3, 1, 2)
        return F.pixel_shuffle(x.float(), self.patch)

    def _repeat(self, x: Tensor, level: _Level, modulation: Tensor, skip: Tensor | None = None) -> Tensor:
        first = level.layers[0][0]
        heard = None
        if skip is not None and first.skip is not None:
            heard = torch.addmm(first.first_bias, skip.reshape(-1, skip.shape[-1]), first.skip)
        width = x.shape[-1]
        for turn in range(len(level.mappers) + 1):
            for index, (block, attention) in enumerate(level.layers):
                base = heard if index == 0 and heard is not None else block.first_bias
                scale, shift = (
                    modulation[:, None, None, block.offset + part * width : block.offset + (part + 1) * width]
                    for part in (0, 1)
                )
                x = self._residual(x, base, *block[:3], *block[4:8], scale, shift, self._how)
                if attention is not None:
                    x = self._attend(x, *attention)
            if turn < len(level.mappers):
                x = _product(x, *level.mappers[turn])
        return x

    def _level(self, blocks: Any, change: Any, mappers: Any, *, way: Literal["down", "up"]) -> _Level:
        layers: list[tuple[_Residual, _Attention | None]] = []
        modules = list(blocks)
        each = 3 if any(hasattr(module, "attention") for module in modules) else 2
        for start in range(0, len(modules), each):
            residual, time, *attention = modules[start : start + each]
            layers.append(
                (self._pack_residual(residual, time), self._pack_attention(*attention) if attention else None)
            )
        changed = None
        if not isinstance(change, nn.Identity):
            convolution = change[1]
            if way == "down":  # [out, in, 2, 2]: what four neighbours say
                weight = convolution.weight.permute(0, 2, 3, 1).flatten(1).T
                bias = convolution.bias
            else:  # [in, out, 2, 2]: what is said to four neighbours
                weight = convolution.weight.permute(0, 2, 3, 1).flatten(1)
                bias = convolution.bias.repeat(4)
            changed = self._own(weight), self._own(bias)
        return _Level(changed, layers, [self._linear(mapper) for mapper in mappers])

    def _pack_residual(self, block: Any, time: Any) -> _Residual:
        width = block.depthwise.weight.shape[0]
        first, _, response, _, second = block.channelwise
        inside = first.weight.T
        offset = self._total
        self._times.append([time.mapper, *(getattr(time, f"mapper_{name}") for name in time.conds)])
        self._total += 2 * width
        return _Residual(
            kernel=taps(self._own(block.depthwise.weight), self._how),
            kernel_bias=self._own(block.depthwise.bias),
            first=self._own(inside[:width]),
            first_bias=self._own(first.bias),
            second=self._own(second.weight.T),
            second_bias=self._own(second.bias),
            gamma=self._own(response.gamma.flatten()),
            beta=self._own(response.beta.flatten()),
            skip=self._own(inside[width:]) if len(inside) > width else None,
            offset=offset,
        )

    def _pack_attention(self, block: Any) -> _Attention:
        inner = block.attention
        text = block.kv_mapper(self._text)
        heads = [inner.to_q, inner.to_k, inner.to_v]
        key, value = (part(text).unflatten(2, (inner.heads, -1)).transpose(1, 2) for part in heads[1:])
        return _Attention(
            inside=self._own(torch.cat([part.weight for part in heads]).T),
            inside_bias=self._own(torch.cat([part.bias for part in heads])),
            out=self._own(inner.to_out[0].weight.T),
            out_bias=self._own(inner.to_out[0].bias),
            key=self._own(key),
            value=self._own(value),
        )

    def _linear(self, module: Any) -> tuple[Tensor, Tensor]:
        return self._own(module.weight.flatten(1).T), self._own(module.bias)

    def _own(self, value: Tensor) -> Tensor:
        return value.detach().to(self._dtype)


def residual(
    x: Tensor,
    base: Tensor,
    kernel: Tensor,
    kernel_bias: Tensor,
    first: Tensor,
    second: Tensor,
    second_bias: Tensor,
    gamma: Tensor,
    beta: Tensor,
    scale: Tensor,
    shift: Tensor,
    how: Depthwise,
) -> Tensor:
    """A residual block and the time block behind it, on ``[b, h, w, c]``.

    Source: Woo et al., ConvNeXt V2, CVPR 2023, algorithm 1 (global response normalisation).
    """
    batch, width = x.shape[0], x.shape[3]
    y = _normed(depthwise(x, kernel, kernel_bias, how))
    y = F.gelu(torch.addmm(base, y.reshape(-1, width), first)).view(batch, -1, first.shape[1])
    size = torch.linalg.vector_norm(y, dim=1, keepdim=True, dtype=torch.float32)
    response = (1 + gamma.float() * (size / (size.mean(2, keepdim=True) + 1e-6))).to(y.dtype)
    y = torch.addcmul(beta, y, response).view(-1, first.shape[1])
    y = torch.addmm(second_bias, y, second).view(x.shape)
    return torch.addcmul(shift, x + y, 1 + scale)


def attend(
    x: Tensor, inside: Tensor, inside_bias: Tensor, out: Tensor, out_bias: Tensor, key: Tensor, value: Tensor
) -> Tensor:
    """Attention of all places on all places and the empty text, on ``[b, h, w, c]``."""
    batch, width, heads = x.shape[0], x.shape[3], key.shape[1]
    y = torch.addmm(inside_bias, _normed(x).reshape(-1, width), inside)
    queries, keys, values = y.view(batch, -1, 3, heads, width // heads).permute(2, 0, 3, 1, 4).unbind(0)
    keys, values = (torch.cat([own, text.expand(batch, -1, -1, -1)], 2) for own, text in ((keys, key), (values, value)))
    heard = F.scaled_dot_product_attention(queries, keys, values).transpose(1, 2).reshape(-1, width)
    return x + torch.addmm(out_bias, heard, out).view(x.shape)


def depthwise(
    x: Tensor, kernel: Tensor, bias: Tensor, how: Depthwise, *, edge: Literal["zero", "copy"] = "zero"
) -> Tensor:
    """Depthwise convolution of ``[b, h, w, c]`` with ``[c, 1, k, k]``, k odd, at equal size."""
    margin = kernel.shape[2] // 2
    if edge == "copy":
        x = torch.cat([x[:, :1]] * margin + [x] + [x[:, -1:]] * margin, 1)
        x = torch.cat([x[:, :, :1]] * margin + [x] + [x[:, :, -1:]] * margin, 2)
    if how == "convolution":
        inside = 0 if edge == "copy" else margin
        y = F.conv2d(x.permute(0, 3, 1, 2), kernel, bias, padding=inside, groups=kernel.shape[0])
        return y.permute(0, 2, 3, 1)
    if edge == "zero":
        x = F.pad(x, (0, 0, margin, margin, margin, margin))
    height, width = x.shape[1] - 2 * margin, x.shape[2] - 2 * margin
    weights = kernel.flatten(1).float()
    total = bias.float()
    for place in range(weights.shape[1]):
        row, column = divmod(place, kernel.shape[3])
        total = total + x[:, row : row + height, column : column + width].float() * weights[:, place]
    return total.to(x.dtype)


def taps(kernel: Tensor, how: Depthwise) -> Tensor:
    """A depthwise kernel ``[c, 1, k, k]``; for sums, with a tap's channels side by side in memory."""
    return kernel.permute(2, 3, 1, 0).contiguous().permute(3, 2, 0, 1) if how == "sums" else kernel


def _normed(x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], eps=1e-6)


def _product(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return torch.addmm(bias, x.reshape(-1, x.shape[-1]), weight).view(*x.shape[:-1], -1)


def _smaller(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Convolution 2 x 2 of stride 2."""
    batch, height, width, channels = x.shape
    x = x.view(batch, height // 2, 2, width // 2, 2, channels).transpose(2, 3)
    return _product(x.reshape(batch, height // 2, width // 2, 4 * channels), weight, bias)


def _larger(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Its transpose."""
    batch, height, width, _ = x.shape
    x = _product(x, weight, bias).view(batch, height, width, 2, 2, -1).transpose(2, 3)
    return x.reshape(batch, 2 * height, 2 * width, -1)
