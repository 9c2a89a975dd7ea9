"""Photographs become templates once, for all embedders; what is known already is not done again."""

import shutil
from weakref import ref

import numpy as np
import pytest

from faceloupe.evaluation.embedding import Pixels, SideBySide, embed_captures
from faceloupe.recognition import FaceSearch, find_faces, templates_of
from faceloupe.recognition.openings import opening
from helpers.waiting import until

ONE = FaceSearch("one")


def photographs(folder):
    return sorted(folder.glob("*/*.pgm"))[:6]


def test_each_embedder_gets_what_it_would_alone(people, coarse):
    paths = photographs(people)
    captures = embed_captures(paths, [coarse, Pixels()], ONE, cached=False)
    for place, path in enumerate(paths):
        chip = find_faces(path)[0]
        template = templates_of([chip], coarse)[0]
        np.testing.assert_allclose(captures.vectors["coarse"][place], template.vector, atol=1e-6)
        assert captures.norms["coarse"][place] == pytest.approx(template.quality.embedding_norm, rel=1e-5)
        assert captures.qualities[place].detection_score == pytest.approx(chip.detection.score)
        grey = captures.vectors["pixels"][place] * captures.norms["pixels"][place]
        np.testing.assert_allclose(grey, Pixels().embed(chip.image[np.newaxis])[0], atol=1e-5)
    assert captures.problems == (None,) * 6
    assert captures.fresh == 6
    assert not captures.failed("coarse").any()
    assert repr(captures) == "Captures(6 photographs, 0 failed, by coarse, pixels)"


class Fickle:
    """Zeros for a dark face, no numbers for a bright one, ones between."""

    name, sha256 = "fickle", "f" * 64

    def __init__(self, dark, bright):
        self.dark, self.bright = dark, bright

    def embed(self, faces):
        light = faces.mean(axis=(1, 2, 3))
        return np.where(light < self.dark, 0, np.where(light > self.bright, np.nan, 1))[:, None] * np.ones(
            4, np.float32
        )


def test_side_by_side_keeps_every_length_and_no_embedder_spoils_another(coarse):
    noise = np.random.default_rng(0).random((3, 112, 112, 3), dtype=np.float32) / 4
    faces = noise + np.float32([0, 0.7, 0.4])[:, None, None, None]
    together = SideBySide([Fickle(0.3, 0.7), coarse])
    rows = together.embed(faces)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    parts = [together.split(row) for row in rows]
    np.testing.assert_allclose([fickle for fickle, _ in parts], [[0] * 4, [0] * 4, [1] * 4], rtol=1e-6)
    np.testing.assert_allclose([grey for _, grey in parts], coarse.embed(faces), atol=1e-6)


def test_an_embedder_s_failure_is_its_own(people, coarse):
    paths = photographs(people)
    light = [find_faces(path)[0].image.mean() for path in paths]
    captures = embed_captures(paths, [coarse, Fickle(np.median(light), 2)], ONE, cached=False)
    assert captures.failed("fickle").tolist() == (light < np.median(light)).tolist()
    assert not captures.failed("coarse").any()
    assert captures.problems == (None,) * 6


def test_bad_files_are_named_and_stop_nothing(people, coarse, tmp_path):
    (tmp_path / "text.jpg").write_text("no picture")
    good = photographs(people)[0]
    captures = embed_captures([tmp_path / "none.jpg", tmp_path / "text.jpg", good], [coarse], ONE)
    assert captures.problems[0].reason == "no such file"
    assert captures.problems[1].reason.startswith("no image that can be read")
    assert captures.problems[2] is None
    assert captures.digests[0] == ""
    assert captures.failed("coarse").tolist() == [True, True, False]
    assert captures.qualities[:2] == (None, None)


def test_the_cache_knows_photographs_by_content(people, coarse, tmp_path):
    paths = photographs(people)
    first = embed_captures(paths, [coarse], ONE)
    elsewhere = [tmp_path / f"{place}.pgm" for place in range(len(paths))]
    for path, copy in zip(paths, elsewhere, strict=True):
        shutil.copy(path, copy)
    seen = coarse.seen
    again = embed_captures(elsewhere, [coarse], ONE)
    assert (first.fresh, again.fresh, coarse.seen) == (6, 0, seen + 1)
    np.testing.assert_array_equal(first.vectors["coarse"], again.vectors["coarse"])
    assert again.qualities == first.qualities
    assert embed_captures(elsewhere, [coarse], ONE, cached=False).fresh == 6


def test_a_new_embedder_does_not_ask_the_old_one_again(people, coarse):
    paths = photographs(people)
    embed_captures(paths, [coarse], ONE)
    seen, other = coarse.seen, type(coarse)("other")
    captures = embed_captures(paths, [coarse, other], ONE)
    assert (coarse.seen, other.seen) == (seen + 1, 7)  # once each, whether they are who they say
    np.testing.assert_allclose(captures.vectors["coarse"], captures.vectors["other"], atol=1e-6)


def test_grey_faces_are_never_kept(people, coarse, cache):
    paths = photographs(people)
    first = embed_captures(paths, [coarse, Pixels()], ONE)
    again = embed_captures(paths, [coarse, Pixels()], ONE)
    assert again.fresh == 6
    np.testing.assert_allclose(again.vectors["pixels"], first.vectors["pixels"], atol=1e-6)
    assert sum(path.stat().st_size for path in cache.iterdir()) < 6 * 64 * 64 * 4


def test_what_was_stopped_goes_on(people, coarse):
    def stop(done, _):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed_captures(photographs(people), [coarse], ONE, progress=stop)
    told = []
    captures = embed_captures(photographs(people), [coarse], ONE, progress=lambda *steps: told.append(steps))
    assert captures.fresh == 3
    assert told[-1] == (6, 6)


def test_after_many_photographs_open_networks_are_let_go_of(people, coarse, monkeypatch):
    monkeypatch.setattr("faceloupe.recognition.openings._openings", {})
    network = ref(opening("a test's", type("Network", (), {})).result())
    for few, is_open in ((6, True), (5, False)):
        monkeypatch.setattr("faceloupe.evaluation.embedding.FEW", few)
        embed_captures(photographs(people), [coarse], ONE, cached=False)
        until(lambda is_open=is_open: (network() is not None) == is_open)
