"""Identify people in generated clips of LFW photographs, and count what is right and what is wrong.

In each clip two people of a gallery of up to 100 and one stranger move: two cross, one before the other; after a cut
the third comes nearer; brightness, blur and noise change from frame to frame; H.264 at a low rate. The gallery has one
other photograph of each of its people. Nobody is in two clips. Every figure is a count, with its 95 % interval.

    python benchmarks/clips.py LFW_FOLDER [CLIPS]

Photographs that move as a whole are no people who move: no face turns, speaks or is lit from elsewhere, and the edges
of the photographs move with them.
"""

import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from faceloupe.faces.images import read_samples
from faceloupe.gallery import open_gallery
from faceloupe.recognition import Template, compare, template_of
from faceloupe.recognition.search import FaceSearch
from faceloupe.video import IdentifiedClip, Track, identify_clip
from faceloupe.video.thresholds import track_point
from published_points import part_of

Image = NDArray[np.uint8]

SIZE, RATE, SECONDS, PEOPLE = (360, 640), 25, 4.0, 100
SURE = 0.3  # score from which a face is one of a photograph, and nobody in its background
CUT = 0.6  # of the clip: two people before it, the third after


class Cast(NamedTuple):
    """Who is in a clip: names and photographs, the stranger last."""

    names: list[str]
    photographs: list[Image]


def frames_of(cast: Cast, random: np.random.Generator) -> Iterator[tuple[Image, list[tuple[str, float]]]]:
    """Yield each frame, and for each person in it the name and the middle of the face, x in pixels."""
    import cv2

    wall = np.full((*SIZE, 3), 90, np.uint8) + np.linspace(0, 60, SIZE[1]).astype(np.uint8)[None, :, None]
    count = round(RATE * SECONDS)
    order = random.permutation(3)
    for number in range(count):
        share, picture, places = number / count, wall.copy(), []
        cast_now = order[:2] if share < CUT else order[2:]
        for place, who in enumerate(cast_now):
            along = share / CUT if share < CUT else (share - CUT) / (1 - CUT)
            zoom = 1.0 + (0.25 * along if share >= CUT else 0.1 * place)
            face = cv2.resize(cast.photographs[who], None, fx=zoom, fy=zoom)
            left = (340 - 300 * along) if place else (20 + 300 * along)
            left, top = round(left), round(20 + 15 * np.sin(6 * along))
            height, width = min(face.shape[0], SIZE[0] - top), min(face.shape[1], SIZE[1] - left)
            picture[top : top + height, left : left + width] = face[:height, :width]
            places.append((cast.names[who], left + width / 2))
        blurred = cv2.GaussianBlur(picture, (0, 0), 0.5 + 1.5 * abs(np.sin(number / 7)))
        lit = blurred * (0.85 + 0.25 * np.sin(number / 11)) + random.normal(0, 4, picture.shape)
        yield np.clip(np.rint(lit), 0, 255).astype(np.uint8), places


def write(path: Path, cast: Cast, random: np.random.Generator) -> list[list[tuple[str, float]]]:
    """Write a clip, and return who is where in each frame."""
    import av

    truth = []
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=RATE, options={"crf": "30", "preset": "veryfast"})
        stream.height, stream.width = SIZE
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, RATE)
        for number, (image, places) in enumerate(frames_of(cast, random)):
            picture = av.VideoFrame.from_ndarray(image, format="rgb24")
            picture.pts, picture.time_base = number, Fraction(1, RATE)
            out.mux(stream.encode(picture))
            truth.append(places)
        out.mux(stream.encode())
    return truth


def whose(clip: IdentifiedClip, truth: list[list[tuple[str, float]]]) -> list[tuple[Any, list[str]]]:
    """Return each track with whom its pooled faces show, by where they are."""
    tracks = [each for person in clip.people for each in person.tracks] + list(clip.unclear)
    shown = []
    for each in tracks:
        people = []
        for seen in each.track.best:
            middle = seen.detection.box.x + seen.detection.box.width / 2
            places = truth[min(round(seen.time * RATE), len(truth) - 1)]
            nearest = min(places, key=lambda place: abs(place[1] - middle), default=("", 1e9))
            if abs(nearest[1] - middle) < 50:  # others stand in the background of some photographs
                people.append(nearest[0])
        shown.append((each, people))
    return shown


def most_like(track: Track, photographs: list[Template]) -> set[int]:
    """Return which of the photographs in a clip the pooled faces of a track are most like: one, or people are mixed.

    Where faces are does not say it: when people cross, two are in one place.
    """
    scores = np.array([[compare(seen.template, photograph) for photograph in photographs] for seen in track.best])
    return set(scores.argmax(axis=1)[scores.max(axis=1) > SURE].tolist())


def told(what: str, count: int, whole: int) -> None:
    """Print a count with its interval."""
    interval = binomtest(count, whole).proportion_ci(method="exact")
    share = f"{100 * count / whole:.1f} % ({100 * interval.low:.1f} to {100 * interval.high:.1f})"
    print(f"{what}: {count} of {whole}, {share}")


def main(folder: Path, clips: int) -> None:
    """Make the clips, ask, and count."""
    random = np.random.default_rng(0)
    part = part_of(folder, "pairsDevTest.txt")
    photographs = defaultdict(list)
    for path, name in zip(part.paths, part.subjects, strict=True):
        photographs[name].append(path)
    several = [name for name in random.permutation(sorted(photographs)).tolist() if len(photographs[name]) > 1]
    known, strangers = several[:PEOPLE], several[PEOPLE:]
    strangers += [name for name in sorted(photographs) if len(photographs[name]) == 1]
    clips = min(clips, len(known) // 2, len(strangers))
    counts: dict[str, int] = defaultdict(int)
    with tempfile.TemporaryDirectory() as place, open_gallery(Path(place, "faces.db"), create=True) as gallery:
        for name in known:
            gallery.enrol(name, [folder / photographs[name][0]], faces=FaceSearch("central"), force=True)
        single = track_point(gallery.embedder, 1)
        for number in range(clips):
            names = [known[2 * number], known[2 * number + 1], strangers[number]]
            paths = [photographs[name][-1] for name in names]
            cast = Cast(names, [read_samples(folder / path, colour=True) for path in paths])  # type: ignore[misc]
            truth = write(Path(place, "clip.mp4"), cast, random)
            begun = time.process_time()
            clip = identify_clip(Path(place, "clip.mp4"), gallery)
            counts["seconds"] += time.process_time() - begun  # type: ignore[assignment]
            counts["read"] += clip.read
            counts["looked at"] += clip.looked_at
            mine = whose(clip, truth)
            counts["tracks"] += len(mine)
            own = [template_of(folder / path, gallery.embedder, faces="central") for path in paths]
            counts["mixed"] += sum(len(most_like(each.track, own)) > 1 for each, _ in mine)
            by_person = defaultdict(list)
            for each, people in mine:
                if people:
                    by_person[people[0]].append(each)
            for name in names[:2]:
                tracks = by_person[name]
                answers = {each.named.name for each in tracks if each.named}
                counts["found"] += name in answers
                counts["wrong"] += bool(answers - {name})
                faces = [track.face.template for track in (each.track for each in tracks)]
                alone = gallery.identify(faces, point=single) if faces else ()
                counts["found by one frame"] += any(one.name == name for one in alone)
                counts["own tracks"] += len(tracks)
            counts["strangers named"] += any(each.named for each in by_person[names[2]])
            counts["strangers told"] += bool(by_person[names[2]])
            print(f"\r{number + 1}", end="", file=sys.stderr)
    print(file=sys.stderr)
    print(f"{len(known)} people in the gallery")
    told("people of the gallery named", counts["found"], 2 * clips)
    told("the same, by the best frame alone at the threshold for photographs", counts["found by one frame"], 2 * clips)
    told("people of the gallery given another name", counts["wrong"], 2 * clips)
    told("strangers given a name", counts["strangers named"], clips)
    told("strangers seen", counts["strangers told"], clips)
    told("tracks whose pooled faces show two people", counts["mixed"], counts["tracks"])
    print(f"tracks for each person of the gallery: {counts['own tracks'] / (2 * clips):.2f}")
    print(f"frames looked at: {counts['looked at'] / counts['read']:.3f} of those read")
    print(f"processor time: {counts['seconds'] / (clips * SECONDS):.2f} times that of the clips")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(Path(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else 100)
