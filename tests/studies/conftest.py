import csv
from dataclasses import replace

import numpy as np
import pytest

from faceloupe.faces import FaceSet, load_faces
from faceloupe.pages import page as page_of
from faceloupe.studies import make_plan, run_study

DISTINCTIVE = ("Zebulon", "Quirina", "Xanthippe", "Wendeline", "Ptolemaios", "Yngvild", "Hrothgar")


def made_up_faces(subjects=3, captures=6, shape=(20, 20), seed=0):
    """Blobs that are nobody's face: a pattern for each subject and noise for each capture."""
    rng = np.random.default_rng(seed)
    counts = [captures] * subjects if isinstance(captures, int) else list(captures)
    subject = np.repeat(np.arange(len(counts)), counts)
    patterns = rng.random((len(counts), *shape))
    images = np.clip(0.7 * patterns[subject] + 0.3 * rng.random((len(subject), *shape)), 0, 1).astype(np.float32)
    names = DISTINCTIVE[: len(counts)]
    captures_named = [f"{names[who]}/{index}.png" for index, who in enumerate(subject)]
    return FaceSet(images, subject, names, captures_named, "made up", "CC0")


@pytest.fixture(scope="session")
def make_faces():
    return made_up_faces


@pytest.fixture(scope="session")
def faces():
    """Fifty captures of five subjects of ORL, 32x32: small, and faces all the same."""
    return load_faces("orl", subjects=range(5), size=32)


@pytest.fixture(scope="session")
def two_people():
    """Two subjects of ORL at the tutorial's size."""
    return load_faces("orl", subjects=[0, 1], size=64)


@pytest.fixture(scope="session")
def finished(faces, tmp_path_factory):
    """A small study from beginning to end; only to be read."""
    plan = replace(
        make_plan(faces, pairs=3, seeds=2, epochs=4), splits=3, network_splits=2, deep_splits=1, filter_fits=1
    )
    return run_study(plan, faces, tmp_path_factory.mktemp("study") / "kept", command="faceloupe study", n_jobs=1)


@pytest.fixture(scope="session")
def document(finished):
    """What its page shows."""
    return page_of(finished)


@pytest.fixture(scope="session")
def table(finished):
    """Its trials as the csv module reads them."""
    with (finished.folder / "trials.csv").open(newline="") as file:
        return list(csv.DictReader(file))
