"""Templates kept between evaluations, so that the next one, or one that was stopped, does not start afresh.

They are personal data. They lie in one SQLite file in the user's cache, in a folder that its owner alone may enter
(mode 0700), under hashes of the photographs' content: no name, no path, no picture. :func:`forget_cache` deletes them
all, and so does deleting the folder.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from faceloupe.documents import parse_json
from faceloupe.errors import InputError, extra
from faceloupe.recognition.chips import CHIP_SIDE
from faceloupe.recognition.embed import Embedder
from faceloupe.recognition.quality import Pose, Quality
from faceloupe.recognition.search import LOOKS, FaceSearch
from faceloupe.recognition.weights import YUNET

FILE = "templates.sqlite3"
PATIENCE = 30.0  # seconds to wait for another process to finish writing


class CachedTemplate(NamedTuple):
    """A template's vector (D,) and the quality of its face."""

    vector: NDArray[np.float32]
    quality: Quality


class TemplateCache:
    """The templates in the user's cache, which is made if it is missing; use it in a ``with`` statement.

    Raises
    ------
    InputError
        If the file is damaged, or cannot be read or written.
    """

    def __init__(self) -> None:
        folder = cache_folder()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
        except OSError as problem:
            raise InputError(
                f"The cache of templates cannot be made at {folder}: {problem.strerror}. Do without (--no-cache), or "
                "name a folder that can be written to in the environment variable XDG_CACHE_HOME"
            ) from problem
        self._path = folder / FILE
        self._answers: dict[int, tuple[Embedder, list[float]]] = {}  # held, or another embedder takes the number
        with self._advise_on_error():
            self._rows = sqlite3.connect(self._path, timeout=PATIENCE)
            for setting in ("secure_delete = ON", "journal_mode = WAL", "synchronous = NORMAL"):
                self._rows.execute(f"PRAGMA {setting}")
            with self._rows:
                self._rows.execute(
                    "CREATE TABLE IF NOT EXISTS templates (key TEXT PRIMARY KEY, vector BLOB, quality TEXT)"
                )

    def find(self, photograph: str, embedder: Embedder, search: FaceSearch) -> CachedTemplate | None:
        """Return the cached templates of a photograph, given the SHA-256 of its file."""
        if not is_hash(embedder.sha256):
            return None
        key = self._key(photograph, embedder, search)
        with self._advise_on_error():
            row = self._rows.execute("SELECT vector, quality FROM templates WHERE key = ?", (key,)).fetchone()
            return None if row is None else _cached(row, len(self._answer(embedder)))

    def store(self, photograph: str, embedder: Embedder, search: FaceSearch, template: CachedTemplate) -> None:
        """Keep a template, unless its embedder has no hash; the end of this process, however sudden, loses none."""
        if not is_hash(embedder.sha256):
            return
        vector = template.vector.astype("<f4").tobytes()
        row = (self._key(photograph, embedder, search), vector, json.dumps(template.quality.to_document()))
        with self._advise_on_error(), self._rows:
            self._rows.execute("INSERT OR REPLACE INTO templates VALUES (?, ?, ?)", row)

    def _key(self, photograph: str, embedder: Embedder, search: FaceSearch) -> str:
        """Return a hash of all that a template depends on."""
        parts = [
            photograph, embedder.name, embedder.sha256, self._answer(embedder), search.which, search.min_score,
            search.min_size, search.sides, search.turned, LOOKS, (search.detector or YUNET).sha256,
            version("faceloupe"),
        ]  # fmt: skip
        return sha256(json.dumps(parts).encode()).hexdigest()

    def _answer(self, embedder: Embedder) -> list[float]:
        """Return what an embedder makes of one made-up face: a hash that another one bears too does not deceive."""
        if id(embedder) not in self._answers:
            face = np.random.default_rng(0).random((1, CHIP_SIDE, CHIP_SIDE, 3), dtype=np.float32)
            vector = np.nan_to_num(np.asarray(embedder.embed(face), dtype=np.float64)[0])
            rounded = np.round(vector / (np.linalg.norm(vector) or 1.0), 2) + 0.0  # engines differ in the sixth decimal
            self._answers[id(embedder)] = embedder, rounded.tolist()
        return self._answers[id(embedder)][1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self._rows.close()

    @contextmanager
    def _advise_on_error(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, InputError, ValueError, TypeError, KeyError, AttributeError, OverflowError) as problem:
            raise InputError(
                f"The cache of templates, {self._path}, cannot be used: {problem}. Delete it (faceloupe evaluate "
                "--forget-cache), or do without (--no-cache)"
            ) from problem


def cache_folder() -> Path:
    """Return the folder of templates: the folder ``templates`` in the user's cache for faceloupe.

    Raises
    ------
    UnavailableError
        If the packages of the extra ``recognition`` are missing.
    """
    with extra("recognition"):
        from platformdirs import user_cache_path
    return user_cache_path("faceloupe") / "templates"


def forget_cache() -> int:
    """Delete all cached templates, overwriting their bytes; return how many there were."""
    path = cache_folder() / FILE
    if not path.exists():
        return 0
    count = _wipe(path)
    for remnant in path.parent.glob(f"{FILE}*"):
        remnant.unlink()
    return count


def _wipe(path: Path) -> int:
    """Overwrite what the file holds, and return how many templates those were; 0 if it is damaged."""
    try:
        rows = sqlite3.connect(path, timeout=PATIENCE)
        rows.execute("PRAGMA secure_delete = ON")
        with rows:
            count = rows.execute("DELETE FROM templates").rowcount
        rows.close()
    except sqlite3.DatabaseError:
        return 0
    return count


def is_hash(text: str) -> bool:
    """Return whether a text can be a SHA-256 in hexadecimal."""
    return len(text) == 64 and set(text) <= set("0123456789abcdefABCDEF")


def _cached(row: tuple[Any, Any], dimensions: int) -> CachedTemplate:
    """Return the template in a row; raise ValueError or TypeError for one that no embedder of so many dimensions made.

    What was written whole comes back so; anything may have happened to the file since.
    """
    vector, quality = np.frombuffer(row[0], "<f4"), parse_json(row[1])
    pose, norm = Pose(**quality.pop("pose")), quality.pop("embedding_norm")
    numbers = [*quality.values(), *asdict(pose).values(), norm or 0.0]
    sound = all(type(number) in (int, float) for number in numbers) and np.isfinite(np.array(numbers, np.float64)).all()
    if not sound or len(vector) != dimensions or not np.isfinite(vector).all():
        raise ValueError("a template in it is damaged")
    return CachedTemplate(vector, Quality(**quality, pose=pose, embedding_norm=norm))
