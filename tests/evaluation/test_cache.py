"""What is kept of photographs between evaluations: by content alone, for the owner alone, and gone when asked."""

import sqlite3
import stat
import weakref
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from faceloupe.errors import InputError
from faceloupe.evaluation import forget_cache
from faceloupe.evaluation.cache import CachedTemplate, TemplateCache
from faceloupe.recognition import FaceSearch, Pose, Quality

SEARCH = FaceSearch("one")
TEMPLATE = CachedTemplate(
    np.linspace(-1, 1, 64, dtype=np.float32), Quality(40.0, 9.5, 0.5, 0.0, Pose(1.0, -2.0, 3.0), 0.9, 12.5)
)


def test_what_was_kept_comes_back(coarse, cache):
    with TemplateCache() as templates:
        assert templates.find("ab" * 32, coarse, SEARCH) is None
        templates.store("ab" * 32, coarse, SEARCH, TEMPLATE)
    with TemplateCache() as templates:
        template = templates.find("ab" * 32, coarse, SEARCH)
    np.testing.assert_array_equal(template.vector, TEMPLATE.vector)
    assert template.quality == TEMPLATE.quality
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "damage",
    [
        "vector = zeroblob(128)",
        "vector = x'0000c07f' || substr(vector, 5)",
        "vector = x'616263'",
        "vector = NULL",
        "quality = '{'",
        "quality = '{}'",
        "quality = '[]'",
        "quality = replace(quality, '40.0', 'null')",
        "quality = replace(quality, '40.0', '[1]')",
        "quality = replace(quality, '40.0', '\"40\"')",
        "quality = replace(quality, '40.0', 'true')",
        f"quality = replace(quality, '40.0', '{'9' * 400}')",
    ],
)
def test_a_template_that_was_damaged_is_not_measured(coarse, cache, damage):
    with TemplateCache() as templates:
        templates.store("ab" * 32, coarse, SEARCH, TEMPLATE)
    with closing(sqlite3.connect(cache / "templates.sqlite3")) as rows, rows:
        rows.execute(f"UPDATE templates SET {damage}")  # noqa: S608 - one of those above
    with (
        TemplateCache() as templates,
        pytest.raises(InputError, match=r"cache of templates.* cannot be used.*--forget-cache"),
    ):
        templates.find("ab" * 32, coarse, SEARCH)


def test_another_photograph_embedder_weights_or_setting_is_another_template(coarse):
    other_weights = type(coarse)()
    other_weights.sha256 = "1" * 64
    with TemplateCache() as templates:
        templates.store("ab" * 32, coarse, SEARCH, TEMPLATE)
        assert templates.find("cd" * 32, coarse, SEARCH) is None
        assert templates.find("ab" * 32, type(coarse)("other"), SEARCH) is None
        assert templates.find("ab" * 32, other_weights, SEARCH) is None
        for change in ({"which": "central"}, {"min_score": 0.7}, {"min_size": 30.0}):
            assert templates.find("ab" * 32, coarse, replace(SEARCH, **change)) is None
        assert templates.find("ab" * 32, coarse, SEARCH) is not None


@pytest.mark.parametrize("sha256", ["", "abc", "unknown", "g" * 64])
def test_an_embedder_without_a_hash_is_never_served(coarse, sha256):
    coarse.sha256 = sha256
    with TemplateCache() as templates:
        templates.store("ab" * 32, coarse, SEARCH, TEMPLATE)
        assert templates.find("ab" * 32, coarse, SEARCH) is None


def test_two_embedders_that_bear_one_name_and_hash_are_told_apart(coarse):
    """The templates of the first were measured, and reported as the second's."""

    class Impostor(type(coarse)):
        def embed(self, faces):
            return super().embed(faces)[:, ::-1]

    with TemplateCache() as templates:
        templates.store("ab" * 32, coarse, SEARCH, TEMPLATE)
        impostor = Impostor()
        assert templates.find("ab" * 32, impostor, SEARCH) is None
        held = weakref.ref(impostor)
        del impostor
        assert held() is not None, "another embedder could come to lie where it lay, and be taken for it"
        assert templates.find("ab" * 32, type(coarse)(), SEARCH) is not None


def test_forgetting_leaves_no_byte_of_a_vector(coarse, cache):
    with TemplateCache() as templates:
        for number in range(20):
            templates.store(f"{number:064d}", coarse, SEARCH, TEMPLATE)
    beside = cache / "mine.txt"
    beside.write_text("not a template")
    held = b"".join(path.read_bytes() for path in cache.iterdir())
    assert TEMPLATE.vector.tobytes() in held
    assert f"{0:064d}".encode() not in held  # a hash of the photograph's hash
    assert forget_cache() == 20
    assert [path.name for path in cache.iterdir()] == ["mine.txt"]
    assert forget_cache() == 0


def test_rows_that_are_deleted_are_overwritten(coarse, cache):
    with TemplateCache() as templates:
        templates.store("ab" * 32, coarse, SEARCH, TEMPLATE)
    path = cache / "templates.sqlite3"
    rows = sqlite3.connect(path)
    reader = sqlite3.connect(path)  # so that the file outlives the deletion
    rows.execute("PRAGMA secure_delete = ON")
    with rows:
        rows.execute("DELETE FROM templates")
    rows.close()
    reader.close()
    assert TEMPLATE.vector.tobytes() not in path.read_bytes()


def test_a_damaged_cache_says_what_to_do_and_can_be_forgotten(cache):
    cache.mkdir(parents=True)
    (cache / "templates.sqlite3").write_text("this is no database, but long enough to be taken for one" * 20)
    with pytest.raises(InputError, match="--forget-cache"):
        TemplateCache()
    assert forget_cache() == 0
    with TemplateCache():
        pass
