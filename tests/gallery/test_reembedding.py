"""A gallery made anew has the same people by another embedder's templates, and names what it could not make."""

import numpy as np
import pytest

from faceloupe.errors import InputError
from faceloupe.faces.sources import find_orl
from faceloupe.gallery.opening import open_gallery
from faceloupe.gallery.reembedding import reembed
from faceloupe.recognition import recognise
from faceloupe.recognition.onnx_embedder import OnnxEmbedder
from helpers import networks

pytestmark = pytest.mark.usefixtures("published")


def opened(folder, name, seed):
    content, _ = networks.projection(seed=seed)
    (folder / f"{name}.onnx").write_bytes(content)
    return OnnxEmbedder(folder / f"{name}.onnx", networks.fields(content, name=name))


def test_people_come_along_and_what_has_no_face_is_named(tmp_path):
    before, after = opened(tmp_path, "before", 0), opened(tmp_path, "after", 1)
    root = find_orl()
    photos = [root / f"s{who}" / f"{number}.pgm" for who in (1, 2) for number in (1, 2)]
    with (
        open_gallery(tmp_path / "old.db", create=True, embedder=before) as old,
        open_gallery(tmp_path / "new.db", create=True, embedder=after) as new,
    ):
        old.enrol("Ann", photos[:1], consent="form 12", keep_faces=True, force=True)
        old.enrol("Ann", photos[1:2], force=True)
        old.enrol("Bob", photos[2:], force=True)
        result = reembed(old, new, after, photographs=photos[2:3])
        assert (result.people, result.references) == (2, 2)
        assert [skipped.path for skipped in result.left_out] == ["Ann, reference 2", "Bob, reference 4"]
        assert "its face was not kept" in result.left_out[0].reason
        assert [(person.name, person.consent) for person in new.people()] == [("Ann", "form 12"), ("Bob", "")]
        expected = [photo.templates[0].vector for photo in recognise([photos[0], photos[2]], after, faces="one")]
        np.testing.assert_allclose(new.templates(after).vectors, expected, atol=0.02)  # a chip is kept in whole levels
        kept = {person.name: new.person(person.id).references[0] for person in new.people()}
        assert [kept[name].has_face for name in ("Ann", "Bob")] == [True, False]
        assert kept["Ann"].quality["eye_distance"] == old.person("Ann").references[0].quality["eye_distance"]
        with pytest.raises(InputError, match="is not empty"):
            reembed(old, new, after)
