"""Several photographs of a person as one template: IJB's templates, or the frames of a clip.

The vectors of a template's captures are averaged, those of one medium (a clip, say) before all others, and the mean is
made a unit vector again (Whitelam et al. 2017, "IARPA Janus Benchmark-B"). A capture that failed is left out.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from faceloupe.evaluation.datasets import LabelledPhotographs
from faceloupe.evaluation.embedding import Captures


def pool(data: LabelledPhotographs, captures: Captures) -> tuple[LabelledPhotographs, Captures]:
    """Return the templates of the data as if each were a photograph, called as its first one.

    Parameters
    ----------
    data : LabelledPhotographs
        Its pairs, and ``subjects``, are of templates.
    captures : Captures
        Templates of its photographs.
    """
    if data.templates is None:
        return data, captures
    members = [list(template) for template in data.templates]
    media = data.media or tuple(map(str, range(len(data.paths))))
    vectors = {name: _means(arrays, members, media) for name, arrays in captures.vectors.items()}
    first = [  # that gave a vector, or else the first of all
        next((place for place in places if captures.problems[place] is None), places[0]) for places in members
    ]
    pooled = replace(
        captures,
        digests=tuple("+".join(captures.digests[place] for place in places) for places in members),
        problems=tuple(captures.problems[place] for place in first),
        qualities=tuple(captures.qualities[place] for place in first),
        vectors=vectors,
        norms={name: norms[first] for name, norms in captures.norms.items()},
    )
    return replace(data, paths=tuple(data.paths[place] for place in first), media=()), pooled


def _means(vectors: NDArray[np.float32], members: list[list[int]], media: tuple[str, ...]) -> NDArray[np.float32]:
    means = np.zeros((len(members), vectors.shape[1]), dtype=np.float32)
    for row, places in enumerate(members):
        by_medium: dict[str, list[NDArray[np.float32]]] = {}
        for place in places:
            if vectors[place].any():
                by_medium.setdefault(media[place], []).append(vectors[place])
        if by_medium:
            mean = np.mean([np.mean(medium, axis=0) for medium in by_medium.values()], axis=0)
            means[row] = mean / (np.linalg.norm(mean) or 1)
    return means
