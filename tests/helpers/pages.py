"""The page in a real browser against a server that listens, and photographs to show it."""

import io
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files

import numpy as np
from PIL import Image

from faceloupe.faces.sources import find_orl
from faceloupe.web.app import make_app
from faceloupe.web.keys import key_of
from faceloupe.web.server import address, listen, make_server
from faceloupe.web.service import Service
from faceloupe.web.settings import ServerLimits, Settings
from helpers import serving

TOKEN = "a-token-for-the-page-alone"  # noqa: S105
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
GO = """place => new Promise(done => {
    const drawn = () => requestAnimationFrame(() => setTimeout(done)); // Preact's effects run after a frame
    if (location.hash.slice(1) === place) return drawn();
    addEventListener("hashchange", drawn, { once: true });
    location.hash = place;
})"""
WALL, SIZE = 128, (276, 336)  # a photograph of ORL, three times as large


@contextmanager
def served(folder, embedder=None, point=None, **changes):
    """Serve a gallery of its own, and yield the address with the token; settings may be changed."""
    changes.setdefault("limits", ServerLimits(seconds=120.0, patience=60.0))  # a machine that tests is busy
    settings = Settings(
        keys=(key_of(TOKEN, name="owner", per_minute=100_000),), port=0, gallery=str(folder / "faces.db"),
        studies=folder / "studies", **changes,
    )  # fmt: skip
    listening = listen(settings)
    service = Service(settings, embedder=embedder, log=lambda _: None)
    if point is not None:
        service.gallery.save_point(point)
    server = make_server(make_app(service), settings, ending=service.jobs.end)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"{address(listening)}/#token={TOKEN}"
    server.should_exit = True
    thread.join()


@dataclass
class Visit:
    """A tab with what it asked for and what went wrong in it."""

    page: object
    requests: list = field(default_factory=list)
    messages: list = field(default_factory=list)

    def __post_init__(self):
        self.page.set_default_timeout(90_000)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.on("console", lambda message: self.messages.append(message.text))

    def go(self, place):
        """Go to a place of the page, such as "people/enrol"."""
        self.page.evaluate(GO, place)
        self.page.locator("main h1").wait_for()

    def show(self, *files, index=0):
        """Choose files, each a name and bytes."""
        told = [{"name": name, "mimeType": "image/png", "buffer": content} for name, content in files]
        self.page.locator("main input[type=file]").nth(index).set_input_files(told)

    def enrol(self, name, *files):
        """Enrol somebody by the form, with the face chips, and wait until it is done."""
        self.go("people/enrol")
        self.show(*files)
        self.page.locator(".to-enrol .fit").nth(len(files) - 1).wait_for()
        self.page.get_by_label("Name", exact=True).fill(name)
        keep = self.page.get_by_label("Keep the face chips too")
        assert not keep.is_checked(), "nobody's face is kept without saying so"
        keep.check()
        self.page.get_by_role("button", name="Enrol", exact=True).click()
        self.page.locator(".done", has_text="is enrolled").wait_for()

    def check(self, what):
        """Let through a page that fits its width and in which axe finds nothing; the policy must be off for axe."""
        if self.page.evaluate("typeof axe") == "undefined":
            self.page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), what
        found = self.page.evaluate("runOnly => axe.run({ runOnly, resultTypes: ['violations'] })", RULES)["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == [], what

    def said(self):
        """Return what was last said to those who hear the page."""
        return self.page.locator("#said").text_content()


def visit(browser, where, **context):
    """Open the page in a tab of its own."""
    found = Visit(browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **context}).new_page())
    found.page.goto(where)
    found.page.locator("main h1").wait_for()
    return found


def orl(subject, number):
    """Return a photograph of ORL by the numbers of its subject and capture, from 1, enlarged."""
    root = find_orl()
    return Image.open(root / f"s{subject}" / f"{number}.pgm").resize(SIZE, Image.Resampling.BICUBIC)


def picture(*portraits, kind="PNG"):
    """Return a file of some portraits side by side before a wall."""
    wide, high = SIZE
    wall = Image.new("RGB", (80 + len(portraits) * (wide + 80), high + 120), (WALL, WALL, WALL))
    for place, portrait in enumerate(portraits):
        wall.paste(portrait, (80 + place * (wide + 80), 60))
    content = io.BytesIO()
    wall.save(content, kind, quality=95)
    return content.getvalue()


def film(*portraits, held=7):
    """Return a film for Chromium's camera, Y4M at 10 frames a second, each portrait for so many frames."""
    frames = []
    for portrait in portraits:
        luma = np.asarray(Image.open(io.BytesIO(picture(portrait))).convert("L"))
        height, width = luma.shape
        frames += held * [b"FRAME\n" + luma.tobytes() + bytes([128]) * (2 * (height // 2) * (width // 2))]
    return f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420jpeg\n".encode() + b"".join(frames)


def small_network(folder):
    """Save a CNN of few parameters that was trained on noise, 16×16, and return its folder."""
    from faceloupe.training import CNNClassifier

    faces = np.random.default_rng(0).random((8, 16, 16), dtype=np.float32)
    saved = folder / "small-net"
    CNNClassifier(kernel_size=5, epochs=1, preprocess="centre").fit(faces, ["ann", "bo"] * 4).save(saved)
    return saved


def mosaics(folder):
    """Make data of the name `mosaics`, three subjects of four captures each, and return the folder that it is in."""
    for person, name in enumerate(("ann", "bo", "cy")):
        (folder / "data" / "mosaics" / name).mkdir(parents=True)
        for capture in range(4):
            content = serving.photo(person, capture=capture)
            (folder / "data" / "mosaics" / name / f"{capture}.png").write_bytes(content)
    return folder / "data"
