"""Drawn scenes with their label maps: a landscape with houses, trees, a road, cars and the sun, as many as one likes.

A scene is a function of its number and its size. The shipped weights of GESCO's miniature were trained on scenes whose
numbers begin at `TRAINING`; those below were never seen.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .edges import edges_between

__all__ = ["CLASSES", "TRAINING", "Scene", "draw_scene"]

CLASSES: Final = ("sky", "ground", "road", "house", "tree", "sun", "car")
TRAINING: Final = 1_000_000
"""Number of the first scene that is for training."""
_FINE: Final = 3  # samples a side of a pixel; the middle one has the pixel's class
_SKY, _GROUND, _ROAD, _HOUSE, _TREE, _SUN, _CAR = range(len(CLASSES))

Mask = NDArray[np.bool_]
Reals = NDArray[np.float32]


class Scene(NamedTuple):
    """A picture and its meaning.

    Attributes:
        picture: uint8 sRGB ``[H, W, 3]``.
        labels: uint8 ``[H, W, 2]``: the class of a pixel, by its place in `CLASSES`, and whether an edge of an
            instance is there.
    """

    picture: NDArray[np.uint8]
    labels: NDArray[np.uint8]


def draw_scene(number: int, height: int, width: int) -> Scene:
    """Draw a scene.

    Args:
        number: Which; the same number gives the same scene, in whatever size.
        height: In pixels.
        width: In pixels.
    """
    canvas = _Canvas(number, height, width)
    _backdrop(canvas)
    _road(canvas)
    rng = canvas.rng
    things = [(_house, rng.uniform(0.02, 0.12)) for _ in range(rng.integers(1, 4))]
    things += [(_tree, rng.uniform(0.0, 0.25)) for _ in range(rng.integers(1, 5))]
    things += [(_car, rng.uniform(0.1, 0.3)) for _ in range(rng.integers(0, 3))]
    for draw, depth in sorted(things, key=lambda thing: thing[1]):  # the farthest first
        draw(canvas, depth)
    return canvas.scene()


class _Canvas:
    """What is painted on: x and y go from 0 to 1, to the right and down."""

    def __init__(self, number: int, height: int, width: int) -> None:
        self.rng = np.random.default_rng(number)
        self.size = height, width
        rows, columns = height * _FINE, width * _FINE
        self.y, self.x = np.meshgrid(
            (np.arange(rows, dtype=np.float32) + 0.5) / rows,
            (np.arange(columns, dtype=np.float32) + 0.5) / columns,
            indexing="ij",
        )
        self.colours = np.zeros((rows, columns, 3), np.float32)
        self.classes = np.zeros((rows, columns), np.uint8)
        self.instances = np.zeros((rows, columns), np.int32)
        self.horizon = float(self.rng.uniform(0.38, 0.6))
        self.sun = float(self.rng.uniform(0.08, 0.92)), float(self.rng.uniform(0.08, 0.25))
        self.middle = float(self.rng.uniform(0.3, 0.7))  # of the road, at the lower edge
        self._things = len(CLASSES)

    def paint(self, mask: Mask, colour: NDArray[Any], label: int, *, thing: int | None = None) -> None:
        """Paint an area; ``colour`` broadcasts to ``[rows, columns, 3]``. What is no thing is one with its class."""
        self.colours[mask] = np.broadcast_to(colour, self.colours.shape)[mask]
        self.classes[mask] = label
        self.instances[mask] = label if thing is None else thing

    def new_thing(self) -> int:
        """Number of a further instance."""
        self._things += 1
        return self._things

    def light(self, x: float, half_width: float) -> Reals:
        """Brightness of a thing whose middle is at x: more on the side of the sun, ``[rows, columns, 1]``."""
        side = np.clip((self.x - x) / half_width, -1, 1) * (1 if self.sun[0] > x else -1)
        lit: Reals = (0.86 + 0.14 * side)[..., None].astype(np.float32)
        return lit

    def texture(self, across: int, down: int, depth: float) -> Reals:
        """Random brightness about 1 in cells, so many over the picture, ``[rows, columns, 1]``."""
        cells = self.rng.uniform(1 - depth, 1 + depth, (down, across)).astype(np.float32)
        row = np.minimum((self.y * down).astype(int), down - 1)
        column = np.minimum((self.x * across).astype(int), across - 1)
        bright: Reals = cells[row, column][..., None]
        return bright

    def scene(self) -> Scene:
        """The picture, averaged over samples, and the labels of the middle ones."""
        height, width = self.size
        fine = np.clip(self.colours, 0, 1).reshape(height, _FINE, width, _FINE, 3)
        picture = (fine.mean((1, 3)) * 255).round().astype(np.uint8)
        middle = slice(_FINE // 2, None, _FINE)
        edges = edges_between(self.instances[middle, middle])
        return Scene(picture, np.stack([self.classes[middle, middle], edges], 2))


def _rgb(*values: float) -> Reals:
    return np.array(values, np.float32)


def _mixed(rng: np.random.Generator, one: Reals, other: Reals) -> Reals:
    share = np.float32(rng.uniform())
    return share * one + (1 - share) * other


def _backdrop(canvas: _Canvas) -> None:
    """Sky, sun and ground."""
    rng, (sun_x, sun_y) = canvas.rng, canvas.sun
    top, low = (
        _mixed(rng, _rgb(0.2, 0.42, 0.8), _rgb(0.36, 0.6, 0.9)),
        _mixed(rng, _rgb(0.72, 0.85, 0.97), _rgb(0.95, 0.82, 0.68)),
    )
    share = np.clip(canvas.y / canvas.horizon, 0, 1)[..., None]
    far = np.hypot((canvas.x - sun_x) * canvas.size[1] / canvas.size[0], canvas.y - sun_y)
    glow = np.exp(-4 * far)[..., None] * _rgb(0.28, 0.24, 0.12)
    canvas.paint(canvas.y >= 0, top + share * (low - top) + glow, _SKY)
    radius = rng.uniform(0.045, 0.08)
    canvas.paint(far < radius, _rgb(1.0, 0.93, 0.62) - (0.25 * far / radius)[..., None] * _rgb(0, 0.3, 1), _SUN)
    grass = _mixed(rng, _rgb(0.33, 0.55, 0.2), _rgb(0.52, 0.6, 0.28))
    nearer = np.clip((canvas.y - canvas.horizon) / (1 - canvas.horizon), 0, 1)[..., None]
    blades = canvas.texture(64, 96, 0.12) * canvas.texture(9, 14, 0.06)
    canvas.paint(canvas.y >= canvas.horizon, grass * (1.08 - 0.28 * nearer) * blades, _GROUND)


def _road(canvas: _Canvas) -> None:
    """A road to the horizon, with a broken white line."""
    rng, horizon = canvas.rng, canvas.horizon
    far_x, grey = rng.uniform(0.3, 0.7), _mixed(rng, _rgb(0.36, 0.36, 0.38), _rgb(0.5, 0.49, 0.48))
    near = np.clip((canvas.y - horizon) / (1 - horizon), 0, 1)
    middle = far_x + (canvas.middle - far_x) * near
    off = np.abs(canvas.x - middle) / (0.015 + rng.uniform(0.2, 0.32) * near)
    on_road = (canvas.y >= horizon) & (off < 1)
    canvas.paint(on_road, grey * canvas.texture(80, 80, 0.05), _ROAD)
    dashes = (np.sin(9 / (near + 0.25)) > 0) & (off < 0.06)
    canvas.paint(on_road & dashes, _rgb(0.9, 0.9, 0.86), _ROAD)


def _house(canvas: _Canvas, depth: float) -> None:
    """Walls with windows and a door, under a roof."""
    rng, thing = canvas.rng, canvas.new_thing()
    base, scale = canvas.horizon + depth, 0.7 + 3 * depth
    half, tall = rng.uniform(0.08, 0.14) * scale, rng.uniform(0.12, 0.2) * scale
    x = rng.uniform(0.05, 0.95)
    wall = _mixed(rng, _rgb(0.9, 0.84, 0.7), _rgb(0.78, 0.5, 0.4))
    u, v = (canvas.x - x) / half, (base - canvas.y) / tall  # -1 to 1 across, 0 to 1 up the wall
    light = canvas.light(x, half)
    walls = (np.abs(u) < 1) & (v > 0) & (v < 1)
    canvas.paint(walls, wall * light * canvas.texture(40, 40, 0.03), _HOUSE, thing=thing)
    panes = (np.abs(np.abs(u) - 0.55) < 0.2) & (np.abs(v - 0.6) < 0.17)
    canvas.paint(panes, _rgb(0.24, 0.32, 0.42) * (0.8 + 0.5 * v[..., None]), _HOUSE, thing=thing)
    door = (np.abs(u) < 0.15) & (v > 0) & (v < 0.5)
    canvas.paint(door, _mixed(rng, _rgb(0.36, 0.2, 0.12), _rgb(0.2, 0.34, 0.26)) * light, _HOUSE, thing=thing)
    roof = (v >= 1) & (np.abs(u) < 1.18 * (1 - (v - 1) / 0.75))
    tiles = 1 - 0.12 * (np.sin(60 * v) > 0)[..., None]
    canvas.paint(roof, _mixed(rng, _rgb(0.62, 0.24, 0.17), _rgb(0.36, 0.3, 0.33)) * light * tiles, _HOUSE, thing=thing)


def _tree(canvas: _Canvas, depth: float) -> None:
    """A trunk and a crown of several balls."""
    rng, thing = canvas.rng, canvas.new_thing()
    base, scale = canvas.horizon + 0.01 + depth, 0.6 + 3 * depth
    x, tall, width = rng.uniform(0.03, 0.97), rng.uniform(0.16, 0.26) * scale, rng.uniform(0.05, 0.08) * scale
    u, v = (canvas.x - x) / width, (base - canvas.y) / tall
    light = canvas.light(x, width)
    trunk = (np.abs(u) < 0.16) & (v > 0) & (v < 0.6)
    canvas.paint(trunk, _rgb(0.36, 0.25, 0.16) * light, _TREE, thing=thing)
    crown = np.zeros(trunk.shape, bool)
    for _ in range(4):
        across, up, radius = rng.uniform(-0.5, 0.5), rng.uniform(0.55, 0.85), rng.uniform(0.5, 0.75)
        crown |= (u - across) ** 2 + ((v - up) * tall / width) ** 2 < radius**2
    leaves = _mixed(rng, _rgb(0.14, 0.36, 0.14), _rgb(0.36, 0.46, 0.14)) * canvas.texture(72, 72, 0.2)
    canvas.paint(crown, leaves * light * (0.75 + 0.3 * np.clip(v, 0, 1.2))[..., None], _TREE, thing=thing)


def _car(canvas: _Canvas, depth: float) -> None:
    """Seen from its side: body, cabin with a window, two wheels."""
    rng, thing = canvas.rng, canvas.new_thing()
    base, half = min(canvas.horizon + depth + 0.06, 0.97), rng.uniform(0.07, 0.09) * (0.7 + 2.5 * depth)
    x = canvas.middle + rng.uniform(-0.3, 0.3)
    paints = ((0.75, 0.14, 0.14), (0.16, 0.3, 0.68), (0.9, 0.9, 0.9), (0.15, 0.16, 0.18), (0.85, 0.68, 0.16))
    colour = _rgb(*paints[rng.integers(len(paints))])
    u = (canvas.x - x) / half
    v = (base - canvas.y) / half * canvas.size[0] / canvas.size[1]
    body = (np.abs(u) < 1) & (v > 0.12) & (v < 0.48)
    canvas.paint(body, colour * (0.75 + 0.6 * v)[..., None], _CAR, thing=thing)
    cabin = (np.abs(u) < 0.62 - 0.5 * (v - 0.48)) & (v >= 0.48) & (v < 0.84)
    canvas.paint(cabin, colour * 0.95, _CAR, thing=thing)
    glass = (np.abs(u) < 0.52 - 0.5 * (v - 0.48)) & (v >= 0.52) & (v < 0.78)
    canvas.paint(glass, _rgb(0.6, 0.74, 0.84) * (0.7 + 0.3 * u)[..., None], _CAR, thing=thing)
    for wheel in (-0.55, 0.55):
        off = np.hypot(u - wheel, v - 0.16)
        canvas.paint(off < 0.2, _rgb(0.09, 0.09, 0.1), _CAR, thing=thing)
        canvas.paint(off < 0.09, _rgb(0.6, 0.6, 0.62), _CAR, thing=thing)
