"""The loupe in a real JupyterLab, driven in a browser; where JupyterLab is not installed, this is skipped.

JupyterLab is in no extra: it takes minutes to install. ``pip install jupyterlab`` beside the extra ``test`` runs this.
"""

import json
import os
import subprocess
import sys
import time
from importlib.util import find_spec

import pytest

CELL = """
from faceloupe import CNNClassifier, load_faces, look
faces = load_faces("orl", subjects=[0, 1])
look(CNNClassifier(preprocess="centre", epochs=3).fit(faces.images, faces.subject), faces.images, methods=[])
"""
NOTEBOOK = {
    "cells": [
        {"cell_type": "code", "id": "one", "metadata": {}, "source": CELL, "outputs": [], "execution_count": None}
    ],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}
PATIENCE = 180  # seconds for whatever is waited for: a machine that tests is busy


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Serve a folder with a notebook in it, and yield the notebook's address."""
    if find_spec("jupyterlab") is None:
        pytest.skip("JupyterLab is not installed")
    root = tmp_path_factory.mktemp("lab")
    (root / "loupe.ipynb").write_text(json.dumps(NOTEBOOK))
    own = {f"JUPYTER_{name}_DIR": str(root / f".{name.lower()}") for name in ("RUNTIME", "CONFIG", "DATA")}
    options = ["--no-browser", "--allow-root", "--ServerApp.port=0", f"--ServerApp.root_dir={root}",
               "--LabApp.expose_app_in_browser=True"]  # fmt: skip
    with (root / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options, "--IdentityProvider.token=a-token"],
            env={**os.environ, **own},
            stdout=log,
            stderr=log,
        )
    try:
        yield _address(root, server) + "lab/tree/loupe.ipynb?token=a-token"
    finally:
        server.terminate()
        server.wait(timeout=PATIENCE)


def _address(root, server):
    """Return where the server listens, once it has written that down."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.poll() is None:
        for file in (root / ".runtime").glob("jpserver-*.json"):
            try:
                return json.loads(file.read_text())["url"]
            except ValueError:  # it is being written
                pass
        time.sleep(0.1)
    pytest.fail(f"JupyterLab did not start: {(root / 'log').read_text()[-2000:]}")


def test_a_cell_shows_the_loupe_and_a_moved_face_changes_the_answer(lab, browser):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(1000 * PATIENCE)
    page.goto(lab)
    page.locator(".jp-Notebook-ExecutionIndicator[data-status]").wait_for()
    output = page.locator(".jp-OutputArea-output iframe")
    for second in range(PATIENCE):
        if output.count():
            break
        if second % 15 == 0:  # again: JupyterLab drops what comes before its kernel listens
            page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells'); }")
        page.wait_for_timeout(1000)
    loupe = page.frame_locator(".jp-OutputArea-output iframe").locator("#loupe")
    logit = loupe.locator(".answer dl div", has_text="Logit").locator("dd").first
    before = logit.inner_text()
    loupe.get_by_label("Shift right").press("ArrowRight")
    page.wait_for_function(
        """before => [...document.querySelectorAll(".jp-OutputArea-output iframe")].some(frame => {
            const said = frame.contentDocument?.querySelector("#loupe .answer dl dd");
            return said && said.innerText !== before;
        })""",
        arg=before,
    )
    page.close()
