"""``faceloupe identify``: name the people in photographs, or in a clip with the times."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceloupe.cli.cameras import watch_camera
from faceloupe.cli.clips import ClipChoices, identify_clip
from faceloupe.cli.options import (
    AsJson,
    DeviceName,
    EmbedderName,
    EngineName,
    GalleryDetectorName,
    GalleryName,
    MinSize,
    TargetFmr,
    open_detector_if_any,
)
from faceloupe.cli.terminal import (
    IN_FULL,
    aligned,
    check_file,
    echo,
    echo_json,
    legible,
    progress,
    say,
    say_remarks,
    say_skipped,
    stoppable,
)
from faceloupe.errors import InputError
from faceloupe.numerals import counted

if TYPE_CHECKING:
    from faceloupe.gallery.answers import IdentifiedPhotograph
    from faceloupe.gallery.candidates import Candidate, Candidates
    from faceloupe.gallery.gallery import Gallery
    from faceloupe.gallery.sharding import Galleries
    from faceloupe.recognition.search import FaceSearch

RATE = 4.0
"""Frames of a camera that are looked at in a second, at most."""

RANKS = 3
"""Candidates that are named for each face."""


def identify(
    photographs: Annotated[
        list[str] | None,
        typer.Argument(metavar="PHOTO...|CLIP", help="Image files with any number of faces; folders; or one clip."),
    ] = None,
    camera: Annotated[
        str | None,
        typer.Option(
            metavar="CAMERA",
            help="Watch a camera instead of photographs: its number (from 0), its device, or the URL of a stream.",
        ),
    ] = None,
    rate: Annotated[
        float, typer.Option(min=0.1, max=30, help="For a camera: most frames to examine in a second.")
    ] = RATE,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write one row per face as CSV, also for folders; for a clip, the times."),
    ] = None,
    json_lines: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write one line of JSON per photograph, or per arrival and departure."),
    ] = None,
    ranks: Annotated[int, typer.Option(min=1, help="Number of candidates to name for each face.")] = RANKS,
    fmr: TargetFmr = None,
    draw: Annotated[
        Path | None, typer.Option(metavar="OUT", help="Write the photograph with its faces marked: .png or .jpg.")
    ] = None,
    max_side: Annotated[
        int | None,
        typer.Option(
            min=32,
            help="Longer side, in pixels, to which a photograph is resized for the search. By default 640 and then "
            "1600, which finds faces from about 1.3 % of the longer side; a larger one finds smaller faces and misses "
            "those that fill the picture.",
        ),
    ] = None,
    min_size: MinSize = 20,
    turned: Annotated[
        bool | None,
        typer.Option(
            "--turned/--upright",
            help="Where no face is certain, search turned copies too; or search the picture only as it is. By default "
            "turned for photographs, upright for a clip.",
        ),
    ] = None,
    start: Annotated[float, typer.Option(min=0, help="For a clip: second at which to begin.")] = 0.0,
    stop: Annotated[float | None, typer.Option(min=0, help="For a clip: second at which to stop.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="PAGE.html", help="For a clip: write a page.")] = None,
    faces: Annotated[bool, typer.Option("--faces", help="For a clip: show faces in the page.")] = False,
    gallery: GalleryName = "faceloupe.db",
    also: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE|URL",
            help="Search another gallery too, as if all people were in one; may be given several times.",
        ),
    ] = None,
    recall: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Search approximately on PostgreSQL, with the recall shown to be this or more, such as 0.99; see "
            "faceloupe hnsw. By default search is exact.",
        ),
    ] = None,
    embedder: EmbedderName = None,
    detector: GalleryDetectorName = None,
    engine: EngineName = "openvino",
    device: DeviceName = None,  # noqa: ARG001 - its callback has chosen it
    json: AsJson = False,
) -> None:
    """Identify every face in photographs, everybody in a clip, or who comes before a camera.

    The answer for a face is a subject of the gallery, or nobody. Faces are numbered row by row, from left to right. If
    a photograph cannot be read, the reason is printed, the others are answered, and the exit status is 2. With --csv
    or --json-lines, folders are searched recursively: unusable files are listed, the same command resumes after an
    interruption, and the exit status is 1 if no file could be used. In a clip, faces are tracked and each person gets
    one answer; a clip is recognised by its suffix (.mp4, .mov, .mkv, .webm, .avi ...). With --camera, every arrival
    and departure is printed until Ctrl-C; with --json, as a line of JSON.
    """
    from faceloupe.gallery.opening import open_gallery
    from faceloupe.gallery.sharding import open_galleries
    from faceloupe.recognition.search import DETECTION_SIDE, FaceSearch
    from faceloupe.video.frames import is_clip

    photographs = photographs or []
    has_clip = any(map(is_clip, photographs))
    clip_choices = ClipChoices(start, stop, out, faces)
    if (camera is None) == (not photographs):
        raise InputError("expected photographs, folders or a clip, or else --camera")
    if camera is None and rate != RATE:
        raise InputError("--rate is for a camera; of a clip the frames that change are looked at")
    if (also or recall is not None) and (camera is not None or has_clip):
        raise InputError("--also and --recall are for photographs")
    if camera is not None:
        _check_camera(draw=draw, csv=csv, ranks=ranks)
    if not has_clip or camera is not None:
        clip_choices.check_none()
    elif draw is not None or json_lines is not None:
        raise InputError("--draw and --json-lines are for photographs; a clip has --out, --csv and --json")
    finder = open_detector_if_any(detector, engine)
    if camera is not None or has_clip:
        in_frames = FaceSearch(
            min_size=min_size, max_side=max_side or DETECTION_SIDE, turned=bool(turned), detector=finder
        )
        with open_gallery(gallery, embedder=embedder, engine=engine) as people:
            if camera is not None:
                watch_camera(camera, people, in_frames, rate=rate, json_lines=json_lines, fmr=fmr, json=json)
            else:
                identify_clip(photographs, people, in_frames, clip_choices, csv=csv, fmr=fmr, ranks=ranks, json=json)
        return
    galleries = [gallery, *(also or [])]
    _check_outputs(photographs, galleries, draw, csv, json_lines, json=json)
    search = FaceSearch(min_size=min_size, max_side=max_side, turned=turned is not False, detector=finder)
    with (
        open_galleries(galleries, embedder=embedder, engine=engine)
        if also
        else open_gallery(gallery, embedder=embedder, engine=engine)
    ) as searched:
        if csv is not None or json_lines is not None:
            _name_tree(photographs, csv, json_lines, search, searched, fmr=fmr, ranks=ranks, recall=recall)
        else:
            _identify_photographs(photographs, search, searched, draw, fmr=fmr, ranks=ranks, recall=recall, json=json)


def _check_camera(*, draw: Path | None, csv: Path | None, ranks: int) -> None:
    if draw is not None or csv is not None:
        raise InputError("--draw and --csv are for photographs; a camera has --json and --json-lines")
    if ranks != RANKS:
        raise InputError("--ranks is for photographs and clips; of a camera only the people named are printed")


def _check_outputs(
    photographs: Sequence[str],
    galleries: Sequence[str],
    draw: Path | None,
    csv: Path | None,
    json_lines: Path | None,
    *,
    json: bool,
) -> None:
    """Check that the answers for photographs go either to the terminal or to tables, and can be written there."""
    tables = [table for table in (csv, json_lines) if table is not None]
    if draw is not None:
        from faceloupe.recognition.drawing import picture_format

        if len(photographs) > 1:
            raise InputError("--draw takes one photograph; run identify once for each")
        check_file(draw, photographs)
        picture_format(draw)
    if tables and (draw is not None or json):
        raise InputError("--draw and --json go with photographs on the screen, not with --csv and --json-lines")
    for table in tables:
        check_file(table, [*photographs, *galleries])
    folder = next((path for path in photographs if Path(path).is_dir()), None)
    if folder is not None and not tables:
        raise InputError(f"{folder} is a folder: name a file for its people, --csv FILE or --json-lines FILE")


def _identify_photographs(
    photographs: Sequence[str],
    search: "FaceSearch",
    people: "Gallery | Galleries",
    draw: Path | None,
    *,
    fmr: float | None,
    ranks: int,
    recall: float | None,
    json: bool,
) -> None:
    """Print the answers for photographs; leave with status 2 if one could not be read."""
    from faceloupe.gallery.answers import IdentifiedPhotograph, document_of
    from faceloupe.recognition.recognise import recognise
    from faceloupe.recognition.thresholds import published_point

    point = None if fmr is None else published_point(people.embedder, fmr)
    answers: list[IdentifiedPhotograph] = []
    for photograph in recognise(photographs, people.embedder, faces=people.face_search(search)):
        candidates = people.identify(photograph.templates, point=point, ranks=ranks, recall=recall)
        answer = IdentifiedPhotograph(photograph, candidates)
        answers.append(answer)
        if photograph.problem is not None:
            say(f"not read: {legible(str(photograph.path))}: {photograph.problem.reason}")
            continue
        if not json:
            echo(_table(answer))
        if draw is not None:
            answer.draw(draw)
            say(f"drawn: {draw}")
    if json:
        echo_json(document_of(answers))
    else:
        _explain(answers)
    if any(answer.photograph.problem is not None for answer in answers):
        raise typer.Exit(2)


def _name_tree(
    photographs: Sequence[str],
    csv: Path | None,
    json_lines: Path | None,
    search: "FaceSearch",
    people: "Gallery | Galleries",
    *,
    fmr: float | None,
    ranks: int,
    recall: float | None,
) -> None:
    from faceloupe.faces.trees import list_tree
    from faceloupe.gallery.naming import COLUMNS, name_tree
    from faceloupe.growing import GrowingCsv, GrowingLines
    from faceloupe.recognition.thresholds import published_point

    tree = list_tree(photographs)
    with ExitStack() as stack:
        stack.enter_context(stoppable("Stopped. What was named stays; the same command goes on from there."))
        point = None if fmr is None else published_point(people.embedder, fmr)
        tables = [stack.enter_context(GrowingCsv(csv, COLUMNS))] if csv else []
        lines = [stack.enter_context(GrowingLines(json_lines))] if json_lines else []
        show = stack.enter_context(progress("identifying", transient=True))
        named = name_tree(
            people, tree, [*tables, *lines], point=point, ranks=ranks, recall=recall, search=search, progress=show
        )  # fmt: skip
    say_skipped("not read", named.skipped, rest=f"{csv or json_lines} lists all")
    echo(named.words())
    if named.threshold:
        say(named.threshold)
    for out in filter(None, (csv, json_lines)):
        say(f"written: {out}")
    if not (named.photographs or named.known):
        raise typer.Exit(1)


def _table(answer: "IdentifiedPhotograph") -> str:
    """Return one line per face; the number is that of the picture."""
    name, faces = legible(str(answer.photograph.path)), answer.faces
    if not faces:
        return f"{name}: no face found"
    rows = [_row(number, face.candidates) for number, face in enumerate(faces, start=1)]
    headings = ("face", "who", "score", "margin", "next, with margin")
    return f"{name}: {counted(len(faces), 'face')}\n{aligned(headings, rows)}"


def _row(number: int, candidates: "Candidates") -> tuple[str, ...]:
    if not candidates.candidates:
        return str(number), "nobody: the gallery is empty", "", "", ""
    first = candidates.named or candidates.candidates[0]
    others = [candidate for candidate in candidates.candidates if candidate is not first]
    who = first.label
    if candidates.nobody:
        who = f"nobody ({first.label} is another face)" if candidates.taken else f"nobody (most like {first.label})"
    return str(number), who, f"{first.score:.4f}", f"{first.margin:.4f}", ", ".join(map(_with_score, others))


def _with_score(candidate: "Candidate") -> str:
    also = ", also above" if candidate.margin >= 0 else ""
    return f"{candidate.label} {candidate.score:.4f} ({candidate.margin:+.4f}{also})"


def _explain(answers: "Sequence[IdentifiedPhotograph]") -> None:
    """Print what makes answers doubtful, and once what the threshold means."""
    for answer in answers:
        say_remarks(answer.notes(), answer.warnings())
    first = next((candidates for answer in answers for candidates in answer.candidates), None)
    if first is not None:
        say(f"{first.meaning()} {IN_FULL}")
