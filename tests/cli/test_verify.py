"""verify with --person, as somebody types it."""

import json

import pytest

from faceloupe.faces.sources import find_orl
from helpers.commands import run

pytestmark = pytest.mark.usefixtures("published")


@pytest.fixture
def enrolled(tmp_path, monkeypatch):
    """A folder with a gallery of two people called Ann, where commands look for it; photographs of both."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FACELOUPE_GALLERY", raising=False)
    root = find_orl()
    for who in (1, 2):
        assert run("enrol", "Ann", root / f"s{who}" / "1.pgm", "--external-id", f"E-{who}", "--force")[0] == 0
    return {who: root / f"s{who}" / "3.pgm" for who in (1, 2)}


def test_a_photograph_is_compared_with_a_person_of_the_gallery(enrolled):
    code, out, talk = run("verify", enrolled[1], "--person", "id:E-1")
    assert code == 0, talk
    assert out.startswith("Match: score 0.")
    [meaning] = [line for line in talk.splitlines() if "threshold" in line]
    assert meaning.startswith("The published threshold 0.")
    assert meaning.endswith("the rates are others. --json has the measurements in full.")
    assert "independent" not in talk
    code, out, _ = run("verify", enrolled[1], "--person", "number:2", "--json")
    document = json.loads(out)
    assert (code, document["match"], document["person"]["external_id"]) == (1, False, "E-2")
    strict = json.loads(run("verify", enrolled[1], "--person", "E-1", "--fmr", "1e-5", "--json")[1])
    assert strict["threshold"] > document["threshold"]


def test_who_is_not_told_apart_and_what_goes_not_together_is_refused(enrolled):
    photo = enrolled[1]
    for given, words in (
        (("--person", "Ann"), "'Ann' may be 2 subjects: 'Ann', number:1 or id:E-1; 'Ann', number:2 or id:E-2"),
        (("--person", "Bob"), "There is no 'Bob' in the gallery"),
        ((), "verify takes two photographs, or one and --person NAME"),
        ((enrolled[2], "--person", "E-1"), "verify takes two photographs, or one and --person NAME"),
        (("--person", "E-1", "--lr"), "--lr is for two photographs"),
        (("--person", "E-1", "--gallery", "none.db"), "There is no gallery at none.db"),
    ):
        code, _, talk = run("verify", photo, *given)
        assert code == 2
        assert words in talk
