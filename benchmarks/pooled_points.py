"""Measure the operating points that faceloupe publishes for pooled templates, on View 1 of Labeled Faces in the Wild.

A clip's track is pooled: the mean of up to five templates of one face. Here a probe is the mean of two to five captures
of one person, each person's captures dealt at random (seed 0), and is compared with the single captures that are left,
of that person and of all others. Thresholds are chosen on the photographs that pairsDevTrain.txt names, and measured
again on those that pairsDevTest.txt names. Printed beside them are the thresholds and error rates of single probes on
the same photographs, and of clips made from one photograph each by generated motion: the other extreme of how alike the
frames of a track can be.

    python benchmarks/pooled_points.py LFW_FOLDER [OUT.json] [--templates FOLDER]

With --templates, what was embedded is kept in that folder, and read from it the next time. It is personal data.
"""

import sys
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceloupe.documents import write_json
from faceloupe.faces.images import read_samples
from faceloupe.recognition import Embedder, SFace, published_points, recognise
from faceloupe.scores import OperatingPoint, ScoreSet
from faceloupe.scores.rates import fmr, fnmr
from faceloupe.video import thresholds as home
from faceloupe.video.pooling import POOLED
from published_points import ENGINE, LISTS, Part, held, measured, part_of, vectors_of

TARGETS = (1e-2, 1e-3, 1e-4)
PUBLISHED = Path(home.__file__).with_name("published_points.json")
CLIPS, SHOTS = 100, 5  # photographs of test that are made clips of, and frames of each

Floats = NDArray[np.float64]

REMARKS = (
    "A probe is made of captures of different days, cameras and poses. Frames of one clip are more alike, and their "
    "mean is nearer to a single template: at these thresholds their FMR is lower than asked for, between that of "
    "single and that of pooled probes, and so may be what is gained in FNMR. No clips of real people were at hand to "
    "measure it.",
    "Few people have three captures or more (278 of train), so that the FNMR rests on few comparisons.",
    "What is said of LFW's label errors and of who its people are in the points for single photographs holds here too.",
)


class Probes(NamedTuple):
    """Pooled templates (P, D), whom each shows, and which captures are in each."""

    vectors: Floats
    subjects: list[str]
    pools: list[NDArray[np.intp]]


def probes_of(vectors: Floats, part: Part, sizes: Iterable[int], seed: int = 0) -> Probes:
    """Deal each person's captures: of every size for which there are enough, one pool."""
    random = np.random.default_rng(seed)
    subjects = np.array(part.subjects)
    usable = ~np.isnan(vectors[:, 0])
    made: list[tuple[Floats, str, NDArray[np.intp]]] = []
    for subject in sorted(set(part.subjects)):
        captures = np.flatnonzero((subjects == subject) & usable)
        for size in sizes:
            if len(captures) >= size:
                pool = random.permutation(captures)[:size]
                mean = vectors[pool].mean(axis=0)
                made.append((mean / np.linalg.norm(mean), subject, pool))
    return Probes(np.array([each[0] for each in made]), [each[1] for each in made], [each[2] for each in made])


def scores_of(probes: Probes, vectors: Floats, part: Part) -> ScoreSet:
    """Compare each probe with the captures that are not in it."""
    usable = ~np.isnan(vectors[:, 0])
    whose = np.unique(part.subjects, return_inverse=True)[1]
    own = dict(zip(part.subjects, whose, strict=True))
    mated, mated_subjects, non_mated, sides = [], [], [], []
    for vector, subject, pool in zip(*probes, strict=True):
        scores, same = vectors @ vector, whose == own[subject]
        left = same & usable
        left[pool] = False
        mated.append(scores[left])
        mated_subjects.append(whose[left])
        others = ~same & usable
        non_mated.append(scores[others])
        sides.append(np.column_stack([np.full(int(others.sum()), own[subject]), whose[others]]))
    return ScoreSet(
        np.concatenate(mated), np.concatenate(non_mated), np.concatenate(mated_subjects), np.concatenate(sides)
    )


def templates(folder: Path, name: str, part: Part, embedders: list[Embedder], kept: Path | None) -> Floats:
    """Return the unit vectors of each embedder, (E, N, D); NaN where a photograph gave none."""
    file = None if kept is None else kept / f"video_lfw_{name}.npz"
    if file is not None and file.exists():
        vectors: Floats = np.load(file)["vectors"]
        return vectors
    vectors = vectors_of(folder, part.paths, embedders)
    if file is not None:
        np.savez(file, vectors=vectors)
    return vectors


def shots_of(image: NDArray[Any], random: np.random.Generator) -> Iterator[NDArray[np.uint8]]:
    """Yield a photograph as a moving, uneven camera would see it: shifted, turned, scaled, blurred, lit, noisy."""
    import cv2

    height, width = image.shape[:2]
    for _ in range(SHOTS):
        turn, scale = random.uniform(-12, 12), random.uniform(0.6, 1.1)
        motion = cv2.getRotationMatrix2D((width / 2, height / 2), turn, scale)
        motion[:, 2] = motion[:, 2] + random.uniform(-15, 15, 2)
        shot = cv2.warpAffine(image, motion, (width, height), borderMode=cv2.BORDER_REPLICATE)
        shot = cv2.GaussianBlur(shot, (0, 0), random.uniform(0.3, 2.0)).astype(np.float64)
        shot = shot * random.uniform(0.6, 1.3) + random.normal(0, random.uniform(0, 8), shot.shape)
        yield np.clip(np.rint(shot), 0, 255).astype(np.uint8)


def clip_scores(folder: Path, part: Part, vectors: Floats, embedder: Embedder, seed: int = 0) -> dict[str, ScoreSet]:
    """Return the scores of single frames and of their means, where the frames are of one photograph each."""
    random = np.random.default_rng(seed)
    counts = {name: part.subjects.count(name) for name in set(part.subjects)}
    several = [place for place, name in enumerate(part.subjects) if counts[name] > 1]
    chosen = random.permutation(several)[:CLIPS]
    images = (read_samples(folder / part.paths[place], colour=True) for place in chosen)
    shots = (shot for image in images for shot in shots_of(image, random))
    made = list(recognise(shots, embedder, faces="central"))
    rows = [photograph.templates[0].vector if photograph.templates else None for photograph in made]
    sets = {}
    for name, size in (("one frame", 1), (f"up to {SHOTS} frames", SHOTS)):
        probes = []
        for number, place in enumerate(chosen):
            own = [row for row in rows[number * SHOTS : (number + 1) * SHOTS] if row is not None][:size]
            if own:
                mean = np.mean(own, axis=0, dtype=np.float64)
                probes.append((mean / np.linalg.norm(mean), part.subjects[place], np.array([place])))
        sets[name] = scores_of(Probes(*(list(each) for each in zip(*probes, strict=True))), vectors, part)  # type: ignore[arg-type]
    return sets


def compared(name: str, scores: ScoreSet, points: Iterable[OperatingPoint]) -> None:
    """Print the rates of some probes at given thresholds."""
    for point in points:
        at = point.threshold
        print(
            f"  {name}, threshold {at:.4f} for {point.target_fmr:g}: FMR {fmr(scores, at):.2e} of "
            f"{scores.n_non_mated:,}, FNMR {100 * fnmr(scores, at):.2f} % of {scores.n_mated:,}"
        )


def main(folder: Path, out: Path, kept: Path | None) -> None:
    """Measure, print and write the file."""
    embedders: list[Embedder] = [SFace(engine=ENGINE), SFace(engine=ENGINE, flip=True)]
    parts = {name: part_of(folder, pairs) for name, pairs in LISTS.items()}
    vectors = {name: templates(folder, name, part, embedders, kept) for name, part in parts.items()}
    sizes = range(2, POOLED + 1)
    probes = {
        (place, name): probes_of(vectors[name][place], part, sizes)
        for place in range(len(embedders))
        for name, part in parts.items()
    }
    sources = {
        name: f"{len(probes[0, name].pools):,} means of 2 to {POOLED} captures against the single captures of LFW View "
        f"1 {name}"
        for name in parts
    }
    points = []
    for place, embedder in enumerate(embedders):
        print(embedder.name)
        scores = {name: scores_of(probes[place, name], vectors[name][place], part) for name, part in parts.items()}
        points += list(measured(embedder, scores, sources, TARGETS))
        chosen = [OperatingPoint.from_document(each["point"]) for each in points[-len(TARGETS) :]]
        for size in (1, *sizes):
            dealt = probes_of(vectors["test"][place], parts["test"], [size])
            compared(f"test, means of {size}", scores_of(dealt, vectors["test"][place], parts["test"]), chosen)
        if place == 0:
            for name, made in clip_scores(folder, parts["test"], vectors["test"][0], embedder).items():
                compared(f"generated clips, {name}", made, chosen)
                compared(f"generated clips, {name}", made, published_points(embedder))
    subjects = {name: len(set(probes[0, name].subjects)) for name in parts}
    write_json(
        out,
        {
            "schema": "faceloupe.published_points/1",
            "measured_on": date.today().isoformat(),
            "data": "Labeled Faces in the Wild, View 1, deep-funneled, 250 x 250 pixels",
            "protocol": f"of each person with enough captures one mean of 2, 3 ... {POOLED} of them, drawn at random, "
            "against every capture that is not in it; thresholds from train, each measured again on test",
            "probes": {name: len(probes[0, name].pools) for name in parts},
            "subjects": subjects,
            "engine": f"{ENGINE}, 32-bit floats",
            "held": held(points),
            "remarks": list(REMARKS),
            "points": points,
        },
    )


if __name__ == "__main__":
    arguments = sys.argv[1:]
    kept = None
    if "--templates" in arguments:
        place = arguments.index("--templates")
        kept = Path(arguments[place + 1])
        del arguments[place : place + 2]
    if len(arguments) not in (1, 2):
        sys.exit(__doc__)
    main(Path(arguments[0]), Path(arguments[1]) if arguments[1:] else PUBLISHED, kept)
