"""Scenes that the project draws: the same for the same number, with maps that fit."""

from __future__ import annotations

import numpy as np
import pytest
from semcom.sim.label_maps.edges import edges_between
from semcom.sim.label_maps.scenes import CLASSES, draw_scene

SCENES = [draw_scene(number, 64, 64) for number in range(12)]


def test_a_number_is_a_scene() -> None:
    again, other = draw_scene(3, 64, 64), draw_scene(4, 64, 64)
    np.testing.assert_array_equal(again.picture, SCENES[3].picture)
    np.testing.assert_array_equal(again.labels, SCENES[3].labels)
    assert not np.array_equal(other.picture, SCENES[3].picture)


def test_a_scene_in_another_size_shows_the_same() -> None:
    large = draw_scene(3, 128, 192).labels[..., 0]
    small = SCENES[3].labels[..., 0]
    assert large.shape == (128, 192)
    shares = [np.bincount(map_.reshape(-1), minlength=len(CLASSES)) / map_.size for map_ in (large, small)]
    assert np.abs(shares[0] - shares[1]).max() < 0.03  # the sun stays round where the picture is wider


def test_every_class_is_met_and_none_else() -> None:
    found = np.unique([scene.labels[..., 0] for scene in SCENES])
    assert found.tolist() == list(range(len(CLASSES)))


@pytest.mark.parametrize(
    ("name", "other", "channel"),
    [("sky", "ground", 2), ("tree", "sky", 0), ("road", "sun", 0)],  # more blue; less red; less red
)
def test_classes_have_their_colours(name: str, other: str, channel: int) -> None:
    means = []
    for each in (name, other):
        pixels = [scene.picture[scene.labels[..., 0] == CLASSES.index(each)] for scene in SCENES]
        means.append(np.concatenate(pixels).mean(0)[channel])
    assert (means[0] > means[1]) == (channel == 2)


def test_edges_are_where_neighbours_differ() -> None:
    things = np.array([[1, 1, 2], [1, 1, 2], [3, 1, 1]])
    assert edges_between(things).tolist() == [[0, 1, 1], [1, 1, 1], [1, 1, 1]]
    assert not edges_between(np.ones((4, 4), int)).any()


def test_two_things_of_a_class_have_an_edge_between_them() -> None:
    inner = 0
    for scene in SCENES:
        labels, edges = scene.labels[..., 0], scene.labels[..., 1]
        inner += int((edges & ~edges_between(labels).astype(bool)).sum())
    assert inner > 0
