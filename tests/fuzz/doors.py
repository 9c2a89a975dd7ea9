"""Throw damaged files at every door that takes files from outside: ``make fuzz``.

Each door may answer, or refuse in the error it promises; anything else ends the run with the input that did it, made as
small as Hypothesis can. A case that takes more than ``SLOW`` seconds of processor time, or a run that takes more than
``MEMORY`` bytes, is a fault as well.
"""

import io
import json
import resource
import sqlite3
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import av
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))
from faceloupe.arrays import decode_array, encode_array
from faceloupe.documents import parse_json
from faceloupe.errors import DamageWarning, FaceloupeError, ImageError, InputError
from faceloupe.faces.images import decode
from faceloupe.gallery import open_gallery
from faceloupe.video import open_clip
from faceloupe.web.keys import add_key, read_keys
from helpers.galleries import photograph

SLOW, MEMORY = 12.0, 3 << 30
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "PPM")
CASES = 25  # between two looks at the clock


def main() -> None:
    """Try each door in turn until the time is up."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 120.0
    resource.setrlimit(
        resource.RLIMIT_AS, (MEMORY + (4 << 30), MEMORY + (4 << 30))
    )  # libraries map much and touch little
    warnings.simplefilter("ignore")
    end, tried = time.monotonic() + seconds, dict.fromkeys(DOORS, 0)
    while time.monotonic() < end:
        for name, door in DOORS.items():
            door()
            tried[name] += CASES
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"{seconds:.0f} s, nothing found:", ", ".join(f"{name} {count:,}" for name, count in tried.items()))
    print(f"most memory: {peak / 2**20:.0f} MiB")
    assert peak < MEMORY, "a door took too much memory"


@contextmanager
def bounded(*allowed: type[Exception]) -> Iterator[None]:
    """Let a door answer or refuse, in time."""
    start = time.process_time()
    with suppress(*allowed):
        yield
    assert time.process_time() - start < SLOW, "a case took too long"


@st.composite
def damaged(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """A file with some bytes changed, and perhaps cut, or with a part doubled, left out or moved."""
    content = bytearray(draw(st.sampled_from(seeds)))
    places = st.integers(0, max(len(content) - 1, 0)) | st.integers(0, 200)
    values = st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]) | st.integers(0, 255)
    for place, value in draw(st.lists(st.tuples(places, values), max_size=12)):
        content[min(place, len(content) - 1)] = value
    start, end = sorted(draw(st.tuples(places, places)))
    changed = [content, content[:end], content + content[start:end], content[start:], content[:start] + content[end:]]
    return bytes(draw(st.sampled_from(changed)))


def _images() -> list[bytes]:
    noise = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    files = []
    for kind in FORMATS:
        for options in [{}, {"progressive": True}] if kind == "JPEG" else [{}]:
            for mode in ("RGB", "L"):
                buffer = io.BytesIO()
                Image.fromarray(noise).convert(mode).save(buffer, kind, **options)
                files.append(buffer.getvalue())
    buffer = io.BytesIO()
    Image.fromarray(noise[..., 0].astype(np.uint16) * 200).save(buffer, "TIFF", compression="tiff_adobe_deflate")
    return [*files, buffer.getvalue()]


IMAGES = _images()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["<f4", "O", "=", "x" * 300]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=12,
)


def fuzzed(test: Callable[..., None]) -> Callable[[], None]:
    """Try some cases at each call, other ones each time."""
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
    tried: Callable[[], None] = settings(
        max_examples=CASES, deadline=None, database=None, suppress_health_check=checks, print_blob=True
    )(test)
    return tried


@fuzzed
@given(damaged(IMAGES), st.booleans())
def images(content: bytes, colour: bool) -> None:
    """Photographs."""
    with bounded(ImageError):
        assert decode(content, "f", colour=colour).size > 0


@fuzzed
@given(damaged([b'{"a": [1, 2.5e3, null, "\\u00e9\\"", {"b": true}], "c": "x"}', b"[[[[[[[]]]]]]]"]) | st.binary())
def documents(content: bytes) -> None:
    """JSON."""
    with bounded(InputError):
        document = parse_json(content, max_depth=6, max_values=20)
        assert json.loads(content.decode("utf-8-sig")) == document


@fuzzed
@given(st.dictionaries(st.sampled_from(["dtype", "shape", "base64", "deflate", "x"]), VALUES) | VALUES)
def arrays(document: Any) -> None:
    """Arrays in documents."""
    known = encode_array(np.float32([1, 2]), compress=True)
    for changed in (document, {**known, **document} if isinstance(document, dict) else document):
        with bounded(InputError):
            decode_array(changed)


FOLDER = Path(tempfile.mkdtemp())


def _clips() -> list[bytes]:
    noise = np.random.default_rng(0).integers(0, 256, (12, 64, 96, 3), dtype=np.uint8)
    files = []
    for name, codec in (("a.mp4", "libx264"), ("a.mkv", "mpeg4"), ("a.avi", "mpeg4"), ("a.ts", "libx264")):
        with av.open(str(FOLDER / name), "w") as out:
            stream = out.add_stream(codec, rate=25)
            stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
            for image in noise:
                out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            out.mux(stream.encode())
        files.append((FOLDER / name).read_bytes())
    return files


@fuzzed
@given(damaged(_clips()), st.sampled_from([0.0, 0.3]))
def clips(content: bytes, start: float) -> None:
    """Clips."""
    (FOLDER / "fuzzed.clip").write_bytes(content)
    with bounded(InputError), open_clip(FOLDER / "fuzzed.clip") as clip:
        times = [frame.time for frame in clip.frames(start=start)]
        assert times == sorted(set(times))


def _gallery() -> Path:
    path = FOLDER / "seed.db"
    with open_gallery(path, create=True) as gallery:
        gallery.enrol("Ann", [photograph("1.jpg"), photograph("2.jpg")], consent="form", keep_faces=True)
        gallery.enrol("Zo\u00eb", [photograph("3.jpg")])
        gallery.export(FOLDER / "export.json")
        gallery.backup(FOLDER / "backup.db")
    return path


SEED = _gallery()
EXPORT = (FOLDER / "export.json").read_bytes()
BACKUP = (FOLDER / "backup.db").read_bytes()
HERE = FOLDER / "here.db"


def take_in(content: bytes) -> None:
    """Import a file into an empty gallery, and look at what came."""
    for left in FOLDER.glob("here.db*"):
        left.unlink()
    (FOLDER / "fuzzed.json").write_bytes(content)
    with bounded(FaceloupeError), open_gallery(HERE, create=True) as gallery:
        gallery.import_(FOLDER / "fuzzed.json", thresholds=True)
        assert not [finding for finding in gallery.check().findings if finding.kind == "damage"]


@fuzzed
@given(damaged([EXPORT]))
def exports(content: bytes) -> None:
    """Exports that were damaged."""
    take_in(content)


@fuzzed
@given(st.data())
def forged_exports(data: st.DataObject) -> None:
    """Exports that somebody wrote, with the right checksum."""
    lines = [json.loads(line) for line in EXPORT.splitlines()[:-1]]
    for _ in range(data.draw(st.integers(1, 3))):
        place: Any = lines
        while True:
            keys = sorted(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            if isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
                place = place[key]
                continue
            place[key] = data.draw(VALUES)
            break
        if not all(isinstance(line, dict) for line in lines):
            break
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    take_in(body + json.dumps({"subjects": 2, "sha256": sha256(body).hexdigest()}).encode() + b"\n")


@fuzzed
@given(damaged([BACKUP]))
def galleries(content: bytes) -> None:
    """Files of galleries."""
    for left in FOLDER.glob("here.db*"):
        left.unlink()
    HERE.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamageWarning)
        for use in ("check", "people", "audit", "names"):
            with bounded(FaceloupeError), open_gallery(HERE) as gallery:
                getattr(gallery, use)()


@fuzzed
@given(st.data())
def foreign_rows(data: st.DataObject) -> None:
    """Galleries into which another program wrote."""
    for left in FOLDER.glob("here.db*"):
        left.unlink()
    HERE.write_bytes(BACKUP)
    columns = {
        "subjects": ("name", "consent", "created"), "audit": ("at", "who", "what", "details", "chain", "subject_id"),
        "face_references": ("subject_id", "embedder", "dimensions", "vector", "quality", "source_sha256", "face",
                            "created"),
    }  # fmt: skip
    table = data.draw(st.sampled_from(sorted(columns)))
    value = data.draw(
        st.binary(max_size=80) | st.text() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
    )
    if isinstance(value, str):
        value = value.encode(errors="replace").decode()
    connection = sqlite3.connect(HERE)
    column = data.draw(st.sampled_from(columns[table]))
    connection.execute(f"UPDATE {table} SET {column} = ? WHERE id = 1", (value,))  # noqa: S608
    connection.commit()
    connection.close()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamageWarning)
        with bounded(), open_gallery(HERE) as gallery:
            gallery.check()
            assert len(gallery.people()) == 2
            gallery.audit()
            gallery.person(2)
            [answer] = gallery.identify(photograph("3.jpg").templates, point=_point())
            assert answer.n_references >= 1
            (FOLDER / "again.json").unlink(missing_ok=True)
            gallery.export(FOLDER / "again.json")


def _point() -> Any:
    from helpers.galleries import POINT

    return POINT


KEYS = FOLDER / "keys.json"
add_key(KEYS, "me", ["admin"])


@fuzzed
@given(
    damaged([KEYS.read_bytes()])
    | VALUES.map(lambda value: json.dumps({"format": "faceloupe-keys", "keys": value}).encode())
)
def keys(content: bytes) -> None:
    """Files of keys."""
    path = FOLDER / "other-keys.json"
    path.write_bytes(content)
    path.chmod(0o600)
    with bounded(FaceloupeError):
        read_keys(path)


DOORS = {
    door.__name__: door
    for door in (images, clips, documents, arrays, exports, forged_exports, galleries, foreign_rows, keys)
}

if __name__ == "__main__":
    main()
