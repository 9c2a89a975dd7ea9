"""Scores of other programs (``score_files`` reads them): one page without a network.

Also tests ``evaluation/score_files.py``.
"""

import json
import re

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from faceloupe.errors import InputError
from faceloupe.evaluation import evaluate_scores
from faceloupe.evaluation.score_files import is_score_file, read_scores
from faceloupe.pages import page
from faceloupe.report import render_page


@pytest.fixture
def rows():
    """Scores of eighty people, three comparisons with themselves and all with each other."""
    rng = np.random.default_rng(0)
    mated = [(f"p{who}", f"p{who}", rng.normal(4, 1)) for who in range(80) for _ in range(3)]
    return mated + [(f"p{a}", f"p{b}", rng.normal(0, 1)) for a in range(80) for b in range(a)]


FORMS = {
    "same.csv": lambda rows: "score,same\n" + "".join(f"{s},{int(a == b)}\n" for a, b, s in rows),
    "people.csv": lambda rows: "Subject_A;Subject_B;Score\n" + "".join(f"{a};{b};{s}\n" for a, b, s in rows),
    "bob.csv": lambda rows: (
        "bio_ref_subject_id,probe_subject_id,score\n" + "".join(f"{a},{b},{s}\n" for a, b, s in rows)
    ),
    "quoted.csv": lambda rows: '"","same","Score"\n' + "".join(f'"1","{a == b}","{s}"\n' for a, b, s in rows),
    "spaces.csv": lambda rows: (
        "sep=;\n Score ; Same \n" + "".join(f"{str(s).replace('.', ',')};{int(a == b)}\n" for a, b, s in rows)
    ),
    "commas.csv": lambda rows: (
        "score,same\n" + "".join(f'"{str(s).replace(".", ",")}",{int(a == b)}\n' for a, b, s in rows)
    ),
    "four.txt": lambda rows: "".join(f"{a} {b} probe {s}\n" for a, b, s in rows),
    "five.txt": lambda rows: "".join(f"{a} model {b} probe {s}\n" for a, b, s in rows),
    "four commas.txt": lambda rows: "".join(f"{a} {b} probe {str(s).replace('.', ',')}\n" for a, b, s in rows),
    "five commas.txt": lambda rows: "".join(f"{a} model {b} probe {str(s).replace('.', ',')}\n" for a, b, s in rows),
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_scores(name, rows, tmp_path, encoding):
    path = tmp_path / name
    path.write_text(FORMS[name](rows), encoding=encoding)
    assert is_score_file(path)
    scores = read_scores(path)
    assert sorted(scores.mated) == pytest.approx(sorted(s for a, b, s in rows if a == b))
    assert (scores.n_non_mated, scores.n_subjects) == (
        3160,
        80 if name.startswith(("people", "bob", "four", "five")) else 0,
    )


@pytest.mark.parametrize("named", [False, True])
def test_pyeer_s_two_files(named, rows, tmp_path):
    genuine, impostor = tmp_path / "genuine.txt", tmp_path / "impostor.txt"
    for path, same in ((genuine, True), (impostor, False)):
        path.write_text("".join(f"{a} {b} {s}\n" if named else f"{s}\n" for a, b, s in rows if (a == b) == same))
    scores = read_scores(genuine, impostor)
    assert (scores.n_mated, scores.n_non_mated) == (240, 3160)


def test_the_page(rows, tmp_path):
    path = tmp_path / "people.csv"
    path.write_text(FORMS["people.csv"](rows))
    found = evaluate_scores(path)
    assert found.auc == pytest.approx(roc_auc_score([a == b for a, b, _ in rows], [s for _, _, s in rows]))
    assert found.eer in found.eer_interval
    point, here = found.points[0]
    assert point.threshold == here.threshold
    assert found.likelihood.cllr_min <= found.likelihood.cllr < 0.5
    document = page(found)
    json.dumps(document, allow_nan=False)
    assert [part["id"] for part in document["sections"]] == ["rates", "points", "likelihood", "method"]
    assert "Tippett plot" in render_page(document)


def test_without_people_intervals_are_said_to_be_too_narrow(rows, tmp_path):
    path = tmp_path / "same.csv"
    path.write_text(FORMS["same.csv"](rows))
    assert "intervals are too narrow" in json.dumps(page(evaluate_scores(path)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("score,kind\n1,2\n", "neither same nor subject_a and subject_b: which are mated"),
        ("score,same\nhigh,1\n", "line 2: the score is 'high'; expected a number"),
        ("score,same\nnan,1\n", "line 2: the score is 'nan'"),
        ("score,same\n1,perhaps\n", "line 2: same is 'perhaps'"),
        ("0.5\n0.6\n", "Mated scores alone need the file of non-mated ones too"),
        ("", "holds no score"),
        ("score,same\n1,1\n2,1\n", "holds no pair of two subjects, only pairs of one subject; error rates need both"),
        ("ann bob probe 1\n", "holds no pair of one subject"),
        (
            'score,same\n"1,050",1\n"950",0\n',
            "line 2: the score is '1,050'.* may separate thousands is not read: write a decimal point",
        ),
        ("score;same\n1,050;1\n0.5;0\n", "line 2: the score is '1,050'.* may separate thousands"),
        ("ann ann a 0,5\nann bob b 0.1\n", "line 1: the score is '0,5'"),
        ("score;same\n1,050,000;1\n2;0\n", "line 2: the score is '1,050,000'"),
    ],
)
def test_what_is_no_file_of_scores_is_explained(text, words, tmp_path):
    path = tmp_path / "scores.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        read_scores(path)


def test_commas_before_three_digits_are_decimal_beside_such_as_cannot_separate_thousands(tmp_path):
    path = tmp_path / "scores.txt"
    path.write_text("ann ann a 1,050\nann bob b 0,125\nbob bob c -1,250\nbob ann d 3\n")
    scores = read_scores(path)
    assert (sorted(scores.mated), sorted(scores.non_mated)) == ([-1.25, 1.05], [0.125, 3])


@pytest.mark.parametrize(
    ("heading", "text"),
    [
        ("photo_a,photo_b,score,same\n", "a1,a2,0.91,1\na1,b1,0.12,0\nb1,b2,0.8,1\n"),
        ("", "ann ann a2 0.91\nann bob b1 0.12\nbob bob b2 0.8\n"),
    ],
)
def test_a_comparison_that_is_listed_again_counts_once(heading, text, tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text(heading + 5 * text)
    found = evaluate_scores(path)
    assert (found.scores.n_mated, found.scores.n_non_mated) == (2, 1)
    assert found.notes[0].startswith(
        "12 of the 15 lines of scores.csv repeat an earlier line word for word: each counts"
    )


def test_repeats_are_doubted_where_lines_name_people_only(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("subject_a,subject_b,score\n" + 2 * "ann,ann,0.91\nann,bob,0.12\nbob,bob,0.8\n")
    found = evaluate_scores(path)
    assert (found.scores.n_mated, found.scores.n_non_mated) == (4, 2)
    assert "The file names no captures, so all lines were counted" in found.notes[0]


@pytest.mark.parametrize("extreme", ["1e6", "-999", "1e300"])
def test_a_score_unlike_all_others_is_told_and_leaves_the_evidence(extreme, rows, tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text(FORMS["same.csv"](rows) + f"{extreme},1\n" * 2)
    found = evaluate_scores(path)
    assert "2 scores far outside the range of the others" in found.notes[0]
    assert found.likelihood.cllr < 0.3


def test_scores_in_a_unit_that_cannot_be_reckoned_with_have_error_rates_and_no_ratios(rows, tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text(FORMS["same.csv"]([(a, b, 1e-300 * score) for a, b, score in rows]))
    found = evaluate_scores(path)
    assert (found.likelihood, bool(found.points)) == (None, True)
    assert "give them another unit" in " ".join(found.notes)


def test_distances_are_told_to_be_turned_round(rows, tmp_path):
    path = tmp_path / "distances.csv"
    path.write_text("score,same\n" + "".join(f"{-s},{int(a == b)}\n" for a, b, s in rows))
    assert "if these are distances" in " ".join(page(evaluate_scores(path))["lead"])


def test_pairs_of_photographs_are_no_scores(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("photo_a,photo_b,same\na.jpg,b.jpg,1\n")
    assert not is_score_file(path)
    assert not is_score_file(tmp_path)


def test_a_name_is_one_whichever_way_its_letters_are_composed(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("score,subject_a,subject_b,same\n1,Zo\u00eb,Zoe\u0308,1\n0,Zo\u00eb,Bob,0\n", encoding="utf-8")
    scores = read_scores(path)
    assert (scores.n_mated, scores.n_non_mated, scores.n_subjects) == (1, 1, 2)


def test_two_people_have_rates_and_no_threshold(tmp_path):
    """There are no two halves of them: what needs none is told, and why the rest is not."""
    path = tmp_path / "few.csv"
    path.write_text("score,subject_a,subject_b\n0.9,ann,ann\n0.8,bob,bob\n0.1,ann,bob\n0.2,bob,ann\n")
    found = evaluate_scores(path)
    assert (found.auc, found.points, found.likelihood) == (1.0, (), None)
    assert "too few people or comparisons" in found.notes[0]
    assert "too few people or comparisons" in render_page(page(found))


BAD_LINES = {
    "score,subject_a,subject_b\n0.9,ann,\n": "line 2: expected a subject on both sides, got 'ann' and ''",
    "score,subject_a,subject_b\n0.9\n": "line 2: expected a subject on both sides, got '' and ''",
    "score,subject_a,subject_b,same\n0.9,ann,bob,1\n": "line 2: same is '1' of 'ann' and 'bob'",
    "score,same,score\n0.9,1,0.8\n": "has two columns score",
}


@pytest.mark.parametrize("content", BAD_LINES)
def test_what_contradicts_itself_or_lacks_a_subject_is_refused(content, tmp_path):
    """An empty cell on both sides was a mated comparison, and one of two columns was taken silently."""
    path = tmp_path / "scores.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=re.escape(BAD_LINES[content])):
        read_scores(path)
