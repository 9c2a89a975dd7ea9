"""Templates of several photographs: their mean, by hand."""

import numpy as np
import pytest

from faceloupe.errors import InputError
from faceloupe.evaluation import evaluate, open_data
from faceloupe.evaluation.embedding import embed_captures
from faceloupe.evaluation.pooling import pool
from faceloupe.pages import page
from faceloupe.recognition import FaceSearch


@pytest.fixture
def listed(people):
    """Each of eight people has a template of two photographs of one clip and a third, and one of the fourth alone."""
    rows = ["template_id,subject_id,path,media_id"]
    for who in range(1, 9):
        rows += [f"{who}a,s{who},s{who}/{n}.pgm,{'clip' if n < 3 else 'still'}" for n in (1, 2, 3)]
        rows.append(f"{who}b,s{who},s{who}/4.pgm,still")
    pairs = [f"{one}a,{other}b" for one in range(1, 9) for other in range(1, 9)]
    (people / "templates.csv").write_text("\n".join(rows))
    path = people / "compared.csv"
    path.write_text("\n".join(["template_a,template_b", *pairs]))
    yield path
    (people / "templates.csv").unlink()
    path.unlink()


def test_a_template_is_the_mean_of_its_media(listed, coarse):
    data = open_data(listed)
    captures = embed_captures(data.paths, [coarse], FaceSearch("one"))
    pooled, made = pool(data, captures)
    vectors = captures.vectors["coarse"]
    mean = (vectors[0] + vectors[1]) / 2 + vectors[2]
    np.testing.assert_allclose(made.vectors["coarse"][0], mean / np.linalg.norm(mean), atol=1e-6)
    np.testing.assert_allclose(made.vectors["coarse"][1], vectors[3], atol=1e-6)
    assert len(pooled.paths) == 16
    assert repr(data).startswith(
        "LabelledPhotographs(16 templates of 32 photographs of 8 subjects, Pairs(64, 8 of one person)"
    )


def test_templates_are_evaluated_and_a_lost_photograph_is_left_out_of_its_template(listed, people, coarse):
    photograph = people / "s1" / "1.pgm"
    whole = photograph.read_bytes()
    photograph.write_bytes(whole[:50])
    try:
        found = evaluate(listed, [coarse], draws=1)
    finally:
        photograph.write_bytes(whole)
    assert [failure.photograph for failure in found.failures] == ["s1/1.pgm"]
    assert found.recognisers[0].failures.acquire.n_failed == 0
    assert (found.recognisers[0].main.n_mated, found.recognisers[0].main.n_non_mated) == (8, 56)
    assert "16 templates of 32 photographs" in found.to_document()["lead"][0]
    verification = next(part for part in page(found)["sections"] if part["id"] == "verification")
    told = [block for block in verification["blocks"] if "No DET curve is drawn" in str(block)]
    assert len(told) == 2  # eight people are too few for one, of the listed pairs and of every two


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("1a,s1,", "1a,s2,"), "line 3: template 1a is of s2 and of s1"),
        (("s1/1.pgm", "s1/gone.pgm"), "line 2: expected a template, a subject and a file that is there"),
    ],
)
def test_what_is_listed_wrongly_is_named(change, words, listed):
    templates = listed.parent / "templates.csv"
    templates.write_text(templates.read_text().replace(*change, 1))
    with pytest.raises(InputError, match=words):
        open_data(listed)


def test_pairs_of_unknown_templates_or_without_templates_are_refused(listed):
    listed.write_text("template_a,template_b\n1a,9z\n")
    with pytest.raises(InputError, match="line 2: '1a' and '9z' are not two templates"):
        open_data(listed)
    (listed.parent / "templates.csv").rename(listed.parent / "elsewhere.csv")
    with pytest.raises(InputError, match="which says what they are made of, is not there"):
        open_data(listed)
    (listed.parent / "elsewhere.csv").rename(listed.parent / "templates.csv")
