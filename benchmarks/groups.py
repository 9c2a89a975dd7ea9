"""Grouping against DBSCAN, HDBSCAN, Chinese whispers and average linkage, and how its time grows.

    python benchmarks/groups.py FOLDER

FOLDER holds NAME/*.jpg, such as LFW. Photographs are indexed without their names, which only judge the groups; of a
photograph the face nearest its centre bears the name, all others are grouped and not judged. Each method is given every
threshold of a grid, and the ones with the best F among those at which 98 and 99 % of joined pairs are right: the best
case for the others, which in use have to guess theirs. Intervals draw subjects (500 bootstrap samples, 95 %).
"""

import argparse
import resource
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from faceloupe.collection import Collection, group_faces, index, open_collection
from faceloupe.collection.groups import group_threshold
from faceloupe.collection.schema import faces, photographs, places

Labels = NDArray[np.int64]
RIGHT = (0.98, 0.99)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--collection", help="one that holds the folder already")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as temporary,
        open_collection(arguments.collection or f"{temporary}/pile.db", create=True) as collection,
    ):
        index(collection, [arguments.folder])
        compare(collection)
    scale()


def compare(collection: Collection) -> None:
    """Print precision, recall and F of each method."""
    indexed = collection.faces()
    names = named(collection, indexed.ids)
    default, _, _ = group_threshold(collection, len(indexed))
    print(f"{len(indexed):,} faces, {(names >= 0).sum():,} with a name, {len(np.unique(names)) - 1:,} people")
    print(f"{'':30} threshold   pairs: precision  recall  F                  BCubed: precision  recall  F")
    unfit = np.flatnonzero(~indexed.fit).tolist()

    def ours(threshold: float) -> Labels:
        return group_faces(indexed.vectors, indexed.photographs.tolist(), threshold, unfit=unfit).labels()

    row("faceloupe, its default", default, ours(default), names)
    grid = np.arange(0.4, 0.58, 0.005)
    similarity = (indexed.vectors @ indexed.vectors.T).astype(np.float64)
    methods: dict[str, Callable[[float], Labels]] = {"faceloupe": ours, **others(similarity)}
    for name, method in methods.items():
        best(name, method, grid, names)


def others(similarity: NDArray[np.float64]) -> dict[str, Callable[[float], Labels]]:
    """Return the other methods, each from a threshold to labels."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform
    from sklearn.cluster import DBSCAN, HDBSCAN

    distance = np.clip(1 - similarity, 0, 2)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average")

    def dbscan(threshold: float) -> Labels:
        return alone(DBSCAN(eps=1 - threshold, min_samples=2, metric="precomputed").fit_predict(distance))

    density = HDBSCAN(min_cluster_size=2, metric="precomputed", copy=True).fit(distance)

    return {
        "average linkage (SciPy)": lambda threshold: fcluster(tree, 1 - threshold, "distance"),
        "DBSCAN (scikit-learn)": dbscan,
        "HDBSCAN, cut": lambda threshold: alone(density.dbscan_clustering(1 - threshold, min_cluster_size=2)),
        "HDBSCAN, its own choice": lambda _: alone(density.labels_),
        "Chinese whispers": lambda threshold: chinese_whispers(similarity, threshold),
    }


def chinese_whispers(similarity: NDArray[np.float64], threshold: float, rounds: int = 20) -> Labels:
    """Biemann 2006: each face takes the label that weighs most among its neighbours, in random order."""
    random = np.random.default_rng(0)
    labels = np.arange(len(similarity))
    neighbours = [np.flatnonzero(row >= threshold) for row in similarity]
    busy = [face for face, near in enumerate(neighbours) if len(near) > 1]
    for _ in range(rounds):
        for face in random.permutation(busy):
            near = neighbours[face][neighbours[face] != face]
            seen, places_ = np.unique(labels[near], return_inverse=True)
            labels[face] = seen[np.bincount(places_, weights=similarity[face, near]).argmax()]
    return labels


def alone(labels: Labels) -> Labels:
    """Return labels in which every face that a method calls noise is a group of its own."""
    return np.where(labels < 0, np.arange(len(labels)) + labels.max() + 1, labels)


def best(name: str, method: Callable[[float], Labels], grid: Iterable[float], names: Labels) -> None:
    """Print a method at the threshold with the best F among those that are right enough."""
    results = [(threshold, labels) for threshold in grid for labels in [method(threshold)]]
    judged = [(scores(labels, names), threshold, labels) for threshold, labels in results]
    for least in RIGHT:
        right = [item for item in judged if item[0][0] >= least]
        if right:
            _, threshold, labels = max(right, key=lambda item: item[0][2])
            row(f"{name}, {least:.0%}", threshold, labels, names)
        else:
            values = max(item[0][0] for item in judged)
            print(f"{name}, {least:.0%}: at most {values:.1%} of joined pairs are right at any threshold of the grid")


def row(name: str, threshold: float, labels: Labels, names: Labels) -> None:
    """Print one result with intervals."""
    values = scores(labels, names)
    drawn = bootstrap(labels, names)
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    shown = [f"{value:.4f}" for value in values]
    print(
        f"{name:30} {threshold:.3f}       {shown[0]}  {shown[1]}  {shown[2]} [{low[2]:.4f}, {high[2]:.4f}]"
        f"   {shown[3]}  {shown[4]}  {shown[5]} [{low[5]:.4f}, {high[5]:.4f}]"
    )


def scores(labels: Labels, names: Labels, weights: NDArray[np.float64] | None = None) -> tuple[float, ...]:
    """Return precision, recall and F over pairs, and BCubed (Amigo et al. 2009); weights count people several times."""
    judged = names >= 0
    labels, names = labels[judged], names[judged]
    weight = np.ones(len(names)) if weights is None else weights[names]
    _, group = np.unique(labels, return_inverse=True)
    cell, inverse, size = np.unique(np.stack([group, names]), axis=1, return_inverse=True, return_counts=True)
    groups = np.bincount(group, weights=weight)
    people = np.bincount(names)
    people_weight = np.ones(len(people)) if weights is None else weights
    cell_weight = people_weight[cell[1]]
    right = (cell_weight * size * (size - 1)).sum() / 2
    joined = (groups**2).sum() / 2 - (cell_weight**2 * size).sum() / 2
    same = (people_weight * people * (people - 1)).sum() / 2
    wrong = joined - (cell_weight**2 * size * (size - 1)).sum() / 2 if weights is not None else joined - right
    precision, recall = right / max(right + wrong, 1e-9), right / max(same, 1e-9)
    inverse = inverse.reshape(-1)
    own = size[inverse] * cell_weight[inverse]
    together = groups[group] - own + size[inverse]  # whoever was drawn twice is not compared with the copy
    b_precision = np.average(size[inverse] / np.maximum(together, 1e-9), weights=weight)
    b_recall = np.average(size[inverse] / people[names], weights=weight)
    return (precision, recall, f(precision, recall), b_precision, b_recall, f(b_precision, b_recall))


def f(precision: float, recall: float) -> float:
    """Return the harmonic mean."""
    return 2 * precision * recall / max(precision + recall, 1e-9)


def bootstrap(labels: Labels, names: Labels, samples: int = 500) -> NDArray[np.float64]:
    """Return scores of samples that draw people with all their faces."""
    random = np.random.default_rng(0)
    n_people = int(names.max()) + 1
    drawn = [np.bincount(random.integers(0, n_people, n_people), minlength=n_people) for _ in range(samples)]
    return np.array([scores(labels, names, weights.astype(float)) for weights in drawn])


def named(collection: Collection, ids: Labels) -> Labels:
    """Return whom each face shows: the name of its photograph's folder for the face nearest the centre, else -1."""
    with collection.reading() as connection:
        rows: list[Any] = list(
            connection.execute(
                select(
                    faces.c.id,
                    faces.c.photograph_id,
                    faces.c.detection,
                    photographs.c.width,
                    photographs.c.height,
                    places.c.path,
                )
                .join_from(faces, photographs)
                .join(places, places.c.photograph_id == photographs.c.id)
            )
        )
    central: dict[int, tuple[float, int, str]] = {}
    for item in rows:
        box = item.detection["box"]
        off = np.hypot(box["x"] + box["width"] / 2 - item.width / 2, box["y"] + box["height"] / 2 - item.height / 2)
        central[item.photograph_id] = min(
            central.get(item.photograph_id, (np.inf, 0, "")), (float(off), item.id, Path(item.path).parent.name)
        )
    numbers: dict[str, int] = {}
    who = {face: numbers.setdefault(name, len(numbers)) for _, face, name in central.values()}
    return np.array([who.get(face, -1) for face in ids.tolist()])


def scale() -> None:
    """Print seconds and memory for made-up faces: people of 5 captures, 128 dimensions."""
    print("\nfaces, seconds of all cores together, by the clock, most memory of the process so far")
    for n_people in (2_000, 20_000):
        random = np.random.default_rng(0)
        centres = random.normal(size=(n_people, 128)).astype(np.float32)
        vectors = np.repeat(centres, 5, axis=0) + random.normal(size=(5 * n_people, 128)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        started, busy = perf_counter(), process_time()
        grouping = group_faces(vectors, range(len(vectors)), 0.4)
        seconds, processor = perf_counter() - started, process_time() - busy
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{len(vectors):,}, {processor:.0f}, {seconds:.0f}, {memory:,.0f} MB   {grouping!r}", flush=True)


if __name__ == "__main__":
    main()
