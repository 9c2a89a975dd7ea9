"""The page as a whole: its lead, its evidence for machines, whom it shows, and that other studies have one too."""

import json
import math
import re
from dataclasses import replace

import pytest
from recount import KINDS, NETWORKS, agree, blocks, decimals, fits, grid, interval, number, share_of

from faceloupe.arrays import decode_array
from faceloupe.pages import page as page_of
from faceloupe.studies import Study, Trials, make_plan, run_study


def test_the_lead(document, table):
    dead = [share_of(fits(table, name, "none", False), lambda row: float(row["dead_hidden"]) == 4) for name in NETWORKS]
    fcnn, cnn = (grid(fits(table, name, "centre", True), "accuracy") for name in NETWORKS)
    raw = grid(fits(table, "fcnn", "none", True), "accuracy")
    learned = share_of(fits(table, "fcnn", "centre", True), lambda row: float(row["train_accuracy"]) == 1)
    expected = [number(100 * abs(value)) for found in dead for value in found]
    expected += [number(100 * learned[0]), number(100 * fcnn.mean())]
    expected += [number(100 * abs(value)) for value in interval(fcnn - raw)]
    expected += [number(100 * cnn.mean()), *(number(100 * abs(value)) for value in interval(fcnn - cnn))]
    assert decimals(" ".join(document["lead"])) == expected
    assert "3 pairs of people with 2 seeds each" in document["lead"][0]


def test_every_n(document):
    text = json.dumps(document["sections"], ensure_ascii=False)
    assert set(re.findall(r"n = (\d+) pairs × (\d+) seeds", text)) == {("3", "2")}
    assert "NaN" not in text
    assert "nan" not in re.findall(r"\bnan\b", text)


def test_the_evidence_for_machines(document, table):
    evidence = document["evidence"]
    for name in NETWORKS:
        for kind in KINDS:
            everything, half = (fits(table, name, kind, held_out) for held_out in (False, True))
            expected = {
                "train_accuracy": interval(grid(everything, "train_accuracy")),
                "held_out_accuracy": interval(grid(half, "accuracy")),
                "all_hidden_dead": share_of(everything, lambda row: float(row["dead_hidden"]) == 4),
                "learned_every_capture": share_of(everything, lambda row: float(row["train_accuracy"]) == 1),
            }
            assert set(evidence[f"{name}/{kind}"]) == set(expected)
            for what, found in expected.items():
                one = evidence[f"{name}/{kind}"][what]
                agree([one["estimate"], one["low"], one["high"]], found)
    assert evidence["statements"] == {one["id"]: one["verdict"] for one in blocks(document, "statement")}
    assert set(evidence) == {"schema", "lead", "statements", *(f"{name}/{kind}" for name in NETWORKS for kind in KINDS)}


class TestTheDocument:
    def test_it_is_json_without_nan(self, document):
        assert json.loads(json.dumps(document, allow_nan=False)) == document

    def test_from_the_disk_it_is_the_same(self, finished, document, faces):
        read = run_study(finished.plan, faces, finished.folder, resume=True, n_jobs=1)
        assert page_of(read) == document

    def test_writing_it_twice_gives_the_same(self, finished, document):
        assert page_of(finished) == document

    @pytest.mark.parametrize(
        ("experiment", "column"),
        [
            ("pairs", "accuracy"), ("pairs", "train_accuracy"), ("pairs", "dead_hidden"), ("tutorial", "train_loss"),
            ("controls", "accuracy"), ("robustness", "consistency"), ("learning", "accuracy"), ("probe", "accuracy"),
            ("people", "accuracy"), ("timing", "seconds"),
        ],
    )  # fmt: skip
    def test_one_changed_trial_changes_it(self, finished, document, experiment, column):
        rows = list(finished.trials)
        place = next(
            index
            for index, row in enumerate(rows)
            if row.experiment == experiment
            and not math.isnan(getattr(row, column))
            and (experiment != "tutorial" or row.condition == "epoch")
        )
        rows[place] = replace(rows[place], **{column: 0.3125 if getattr(rows[place], column) != 0.3125 else 0.5})
        assert page_of(doctored(finished, rows))["sections"] != document["sections"]

    def test_ids_are_unique(self, document):
        ids = [block["id"] for block in blocks(document) if "id" in block]
        assert len(set(ids)) == len(ids)


def doctored(finished, rows):
    return Study(finished.plan, finished.faces, Trials(rows), finished.folder, finished.manifest, 0.0)


def least_study(faces, folder, **options):
    """As little as has a page."""
    plan = make_plan(faces, **{"pairs": 1, "seeds": 2, "epochs": 1} | options)
    return run_study(replace(plan, splits=2, network_splits=2), faces, folder, n_jobs=1)


class TestWithoutFaces:
    @pytest.fixture(scope="class")
    @staticmethod
    def named(make_faces, tmp_path_factory):
        return least_study(make_faces(shape=(21, 21)), tmp_path_factory.mktemp("named") / "study")

    def test_no_picture_is_larger_than_a_filter(self, named):
        document = page_of(named, show_faces=False)
        shapes = {
            decode_array(panel["array"]).shape for block in blocks(document, "pictures") for panel in block["panels"]
        }
        assert shapes == {(8, 8)}
        assert {block["id"] for block in blocks(document, "pictures")} == {"filters-none", "filters-centre"}

    def test_no_weights_are_left_in_which_somebody_could_be_seen(self, named):
        document = page_of(named, show_faces=False)
        assert document["networks"] == {}
        assert json.dumps(document).count("base64") == 2 * 4
        assert document["provenance"]["this file holds"] == "no faces"

    @pytest.mark.parametrize("show_faces", [True, False])
    def test_no_name_of_a_subject_and_no_path_of_a_capture(self, named, show_faces):
        text = json.dumps(page_of(named, show_faces=show_faces), ensure_ascii=False)
        assert not [name for name in named.faces.names if name in text]
        assert ".png" not in text

    def test_the_words_do_not_speak_of_pictures_that_are_not_there(self, named):
        text = json.dumps(page_of(named, show_faces=False)["sections"])
        assert "what the CNN makes of a face" not in text


class TestOtherStudies:
    @pytest.mark.parametrize(
        ("options", "faces_options"),
        [
            ({"preprocess": ("centre",)}, {}),
            ({"preprocess": ("none",)}, {}),
            ({"preprocess": ("standardise",)}, {}),
            ({"preprocess": ("none", "centre", "standardise")}, {}),
            ({}, {"subjects": 2}),
            ({"seeds": 4}, {}),
            ({"pairs": 3}, {"captures": [4, 9, 7]}),
            ({}, {"shape": (17, 30)}),
            ({}, {"shape": (11, 11)}),
        ],
    )
    def test_they_have_a_page_too(self, make_faces, tmp_path, options, faces_options):
        study = least_study(make_faces(**faces_options), tmp_path / "study", **options)
        document, kinds = page_of(study), study.plan.preprocess
        text = json.dumps(document, allow_nan=False)
        assert " nan " not in text
        checked = {block["id"] for block in blocks(document, "statement")}
        # What is said of pixels as they are needs fits on them.
        assert ({"training-accuracy", "overfitting"} <= checked) == ("none" in kinds)
        assert len(checked) == (11 if "none" in kinds else 9)
        assert ("repair" in {block["id"] for block in blocks(document, "chart")}) == ({"none", "centre"} <= set(kinds))
