"""What several folders of tests need: the published weights, a PostgreSQL server of the tests' own, a browser."""

import signal
import sys
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings

NUMBERS = count()
CHROMIUM = Path("/usr/bin/chromium")

# How long an example takes is up to what else the machine does. A run says whether the code has changed for the worse,
# and so tries what the last one tried: `make fuzz` looks for what nobody has thought of.
settings.register_profile(
    "steady", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, database=None
)
settings.load_profile("steady")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell lets what it runs in the background ignore Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)

LONG = {
    "test_estimator_battery.py", "test_server.py", "test_page_places.py", "test_run.py", "test_schema.py",
    "test_networks.py", "test_client.py", "test_study.py", "test_lessons.py", "test_integrate.py", "test_indexing.py",
    "test_foreign_networks.py", "test_cluster.py", "test_training.py", "test_page_recognising.py", "test_studies.py",
}  # fmt: skip
"""Files that take longest: first, so that at the end no core waits for the other."""


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.name not in LONG)


def pytest_runtest_setup():
    """Let no test's random numbers depend on which ran before it, nor a server's log end what pytest captures."""
    if "torch" in sys.modules:
        import torch  # waits where a thread is still importing it

        torch.manual_seed(0)
    if "absl.logging" in sys.modules:  # Keras brings it. Its handler closes the stderr that it met, when logging is
        from absl import logging  # configured anew: then pytest cannot capture any more, and all tests fail.

        logging.get_absl_handler().python_handler.setStream(sys.__stderr__)


@pytest.fixture(scope="session")
def published():
    """Skip what needs the published weights where they are not on this machine: tests fetch nothing."""
    pytest.importorskip("cv2")
    from faceloupe.errors import UnavailableError
    from faceloupe.recognition import weights

    try:
        missing = [file.name for file in weights() if file.state != "ok"]
    except UnavailableError as problem:
        pytest.skip(str(problem))
    if missing:
        pytest.skip(f"no weights of {', '.join(missing)} on this machine")


@pytest.fixture
def workplace(published, tmp_path):  # noqa: ARG001 - a fixture that skips
    """A folder of photographs with the names that the documentation's programs use."""
    import numpy as np
    from PIL import Image

    from faceloupe.faces import read_image
    from faceloupe.faces.sources import find_orl

    def face(who, number):
        pixels = read_image(find_orl() / f"s{who}" / f"{number}.pgm")
        return np.rint(np.kron(pixels, np.ones((2, 2))) * 255).astype(np.uint8)

    pictures = {"ann": face(1, 1), "ann_later": face(1, 2), "bob": face(2, 1)}
    pictures |= {"people/Ann/1": face(1, 1), "people/Bob/1": face(2, 1), "people/Bob/2": face(2, 2)}
    pictures["party"] = np.hstack([face(2, 2), face(1, 3), face(5, 1)])
    for name, picture in pictures.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(tmp_path / f"{name}.jpg", quality=95)
    _write_clip(tmp_path / "party.mp4", [np.roll(pictures["party"], step // 5, axis=0) for step in range(15)])
    return tmp_path


def _write_clip(path, pictures):
    """Write grey pictures as a clip of 25 frames a second, where PyAV is installed."""
    try:
        import av
    except ImportError:
        return
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=25, options={"qscale": "2"})
        stream.height, stream.width = pictures[0].shape
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="gray")))
        out.mux(stream.encode())


@pytest.fixture(scope="session")
def server():
    """URL of a server that lives as long as the session; each worker of pytest-xdist has its own."""
    # Not in a folder of pytest's: who runs as root has the server run as somebody else, and pytest closes those to him.
    psycopg = pytest.importorskip("psycopg")
    with TemporaryDirectory(prefix="faceloupe-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", folder)  # pgserver warns where there is none
        import pgserver

        running = pgserver.get_server(Path(folder) / "pg", cleanup_mode="delete")
        with psycopg.connect(running.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")  # or stopping it takes as long as all tests
            connection.execute("SELECT pg_reload_conf()")
        yield running.get_uri()
        running.cleanup()


@pytest.fixture
def postgres(server):
    """URL of an empty database."""
    import psycopg

    name = f"gallery{next(NUMBERS)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture(scope="module")  # no longer, for asyncio.run() is refused while Playwright runs
def launch():
    """Start Debian's Chromium: ``launch("--an-argument")``."""
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        yield lambda *arguments: playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", *arguments]
        )


@pytest.fixture(scope="module")
def browser(launch):
    """A real browser."""
    opened = launch()
    yield opened
    opened.close()
