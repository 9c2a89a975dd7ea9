"""An evaluation in one file: the same page from it, and no change unnoticed."""

import io
import json
import os
import zipfile
from hashlib import sha256

import numpy as np
import pytest

from faceloupe.errors import InputError
from faceloupe.evaluation import evaluate, read_bundle, write_bundle
from faceloupe.pages import page
from faceloupe.scores import ScoreSet, fmr, given_point


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "key"
    path.write_bytes(bytes(range(32)))
    path.chmod(0o600)
    return path


@pytest.fixture
def found(people, coarse):
    scores = ScoreSet([0.9, 0.8], [0.1, 0.2, 0.3])
    point = given_point(scores, 0.7, source="elsewhere", embedder=coarse.name, weights_sha256=coarse.sha256)
    return evaluate(people, [coarse], points=[point], development=0.5, draws=1)


def changed(path, name, content, *, sealed=False):
    """Rewrite one file of a bundle, and its digest and the checksum of all if `sealed`."""
    with zipfile.ZipFile(path) as archive:
        files = {member: archive.read(member) for member in archive.namelist()}
    files[name] = content
    if sealed:
        manifest = json.loads(files["manifest.json"])
        manifest["files"][name] = sha256(content).hexdigest()
        files["manifest.json"] = json.dumps(manifest).encode()
        seal = json.loads(files["seal.json"])
        files["seal.json"] = json.dumps({**seal, "sha256": sha256(files["manifest.json"]).hexdigest()}).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for member, content_ in files.items():
            archive.writestr(member, content_)


def test_the_same_page_comes_out_of_it(found, tmp_path, key):
    path = tmp_path / "evidence.zip"
    write_bundle(path, found, key=key)
    bundle = read_bundle(path, key=key)
    assert page(bundle) == json.loads(json.dumps(page(found)))
    assert bundle.to_document() == json.loads(json.dumps(found.to_document()))
    assert bundle.provenance == found.provenance.to_document()
    np.testing.assert_array_equal(bundle.scores["coarse"].non_mated, found.scores["coarse"].non_mated)
    np.testing.assert_array_equal(bundle.scores["coarse"].mated_subjects, found.scores["coarse"].mated_subjects)
    assert fmr(bundle.scores["coarse"], 0.5) == fmr(found.scores["coarse"], 0.5)
    assert (bundle.signed, read_bundle(path).signed) == (True, False)
    assert path.stat().st_mode & 0o077 == 0
    again = tmp_path / "again.zip"
    write_bundle(again, found, key=key)
    assert again.read_bytes() == path.read_bytes()


def test_whatever_is_changed_is_refused(found, tmp_path, key):
    path = tmp_path / "evidence.zip"
    for name in ("page.json", "scores/0-mated.npy", "manifest.json"):
        write_bundle(path, found, key=key)
        with zipfile.ZipFile(path) as archive:
            content = archive.read(name)
        changed(path, name, content[:-3] + b" " + content[-2:])
        with pytest.raises(InputError, match=r"evidence\.zip is (not accepted|not a bundle)"):
            read_bundle(path)


def test_a_page_changed_with_its_digests_does_not_have_the_signature_nor_the_scores(found, tmp_path, key):
    path = tmp_path / "evidence.zip"
    write_bundle(path, found, key=key)
    buffer = io.BytesIO()
    np.save(buffer, np.full(found.scores["coarse"].n_mated, 0.99))
    changed(path, "scores/0-mated.npy", buffer.getvalue(), sealed=True)
    with pytest.raises(InputError, match="its signature is wrong: it was changed, or signed with another key"):
        read_bundle(path, key=key)
    with pytest.raises(InputError, match="the EER of coarse on its page is not that of its scores"):
        read_bundle(path)
    page_ = page(found)
    page_["evidence"]["recognisers"][0]["operating_points"][0]["here"]["fmr"] = 0.0
    write_bundle(path, found)
    changed(path, "page.json", json.dumps(page_).encode(), sealed=True)
    with pytest.raises(InputError, match=r"the rates of coarse at 0\.7000 on its page are not those of its scores"):
        read_bundle(path)
    page_["evidence"]["recognisers"] = []
    changed(path, "page.json", json.dumps(page_).encode(), sealed=True)
    with pytest.raises(InputError, match="its page is of other recognisers than its scores"):
        read_bundle(path)


def test_a_signature_that_is_asked_for_must_be_there(found, tmp_path, key):
    path = tmp_path / "evidence.zip"
    write_bundle(path, found)
    assert not read_bundle(path).signed
    with pytest.raises(InputError, match="it is not signed"):
        read_bundle(path, key=key)


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive"])
def test_what_is_no_bundle(content, tmp_path):
    path = tmp_path / "other.zip"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a bundle of an evaluation"):
        read_bundle(path)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.zip")
    with pytest.raises(InputError, match="is not a regular file"):
        read_bundle(tmp_path / "pipe.zip")


def test_a_page_with_as_many_numbers_as_it_takes_is_read_again(found, tmp_path):
    """JSON from outside is bounded; a bundle must not be one that can be written and never read."""
    path = tmp_path / "evidence.zip"
    write_bundle(path, found)
    long = page(found)
    long["evidence"]["more"] = [0] * 1_000_001
    changed(path, "page.json", json.dumps(long).encode(), sealed=True)
    assert len(read_bundle(path).to_document()["more"]) == 1_000_001
