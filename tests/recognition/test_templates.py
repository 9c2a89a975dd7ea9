import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceloupe.errors import InputError
from faceloupe.recognition import Pose, Quality, Template, compare

QUALITY = Quality(60.0, 10.0, 0.5, 0.0, Pose(0.0, 0.0, 0.0), 0.9, 12.0)


def template(vector, embedder="toy", sha256="ab" * 32):
    return Template(np.asarray(vector, dtype=np.float32), embedder, sha256, QUALITY)


def unit(seed, dimensions=16):
    vector = np.random.default_rng(seed).normal(size=dimensions)
    return vector / np.linalg.norm(vector)


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_a_score_is_the_cosine(one, other):
    a, b = template(unit(one)), template(unit(other))
    assert compare(a, b) == compare(b, a) == pytest.approx(unit(one) @ unit(other), abs=1e-6)
    assert -1 <= compare(a, b) <= 1
    assert compare(a, a) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("made_by", [{"embedder": "other"}, {"sha256": "cd" * 32}])
def test_templates_of_two_embedders_are_not_compared(made_by):
    with pytest.raises(InputError, match="different embedders"):
        compare(template(unit(0)), template(unit(1), **made_by))


def test_a_template_shows_no_vector():
    kept = template(unit(0))
    assert repr(kept) == "Template(16 dimensions by toy abababab)"
    assert "vector" not in kept.to_document()
    assert kept.to_document()["quality"]["embedding_norm"] == 12.0


def test_a_template_keeps_a_vector_of_its_own():
    vector = unit(0).astype(np.float32)
    kept = Template(vector, "toy", "ab" * 32, QUALITY)
    vector[:] = 0
    assert np.linalg.norm(kept.vector) == pytest.approx(1)
    with pytest.raises(ValueError, match="read-only"):
        kept.vector[0] = 0


@pytest.mark.parametrize(
    "vector",
    [np.float32([3, 4]), np.float64([0.6, 0.8]), np.float32([[0.6, 0.8]]), np.float32([np.nan, 1]), np.float32([])],
)
def test_what_is_no_unit_vector_is_refused(vector):
    with pytest.raises(InputError, match="of length 1"):
        Template(vector, "toy", "ab" * 32, QUALITY)
