"""The loupe in a real JupyterLab, driven in a browser; where JupyterLab is not installed, this is skipped.

JupyterLab is in no extra: it takes minutes to install. ``pip install jupyterlab`` beside the extra ``test`` runs this.
And the widget, whose state goes through the kernel and back.
"""

import json
import os
import subprocess
import sys
import time
from importlib.util import find_spec

import pytest

FITTED = """
from faceloupe import CNNClassifier, LoupeWidget, load_faces, look
faces = load_faces("orl", subjects=[0, 1])
inside = look(CNNClassifier(preprocess="centre", epochs=3).fit(faces.images, faces.subject), faces, methods=[])
"""
SHOWN = FITTED + "inside"
# The kernel answers every move of the face sideways with the same move down, and begins with a face that it names.
WIDGET = (
    FITTED
    + """
widget = LoupeWidget(inside)
widget.state = {"face": 2}
def follow(change):
    if change.new["dx"] != change.new["dy"]:
        widget.state = {**change.new, "dy": change.new["dx"]}
widget.observe(follow, "state")
widget
"""
)


def notebook(cell):
    return json.dumps(
        {
            "cells": [
                {"cell_type": "code", "id": "one", "metadata": {}, "source": cell, "outputs": [],
                 "execution_count": None}
            ],
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )  # fmt: skip


PATIENCE = 180  # seconds for whatever is waited for: a machine that tests is busy


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Serve a folder of notebooks, and yield the address of a notebook with its name left open."""
    if find_spec("jupyterlab") is None:
        pytest.skip("JupyterLab is not installed")
    root = tmp_path_factory.mktemp("lab")
    (root / "shown.ipynb").write_text(notebook(SHOWN))
    (root / "widget.ipynb").write_text(notebook(WIDGET))
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
        yield _address(root, server) + "lab/workspaces/{0}/tree/{0}.ipynb?token=a-token"
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


def run_cell(browser, address):
    """Open a notebook, run its cell, and return the page, once an output with a frame is there."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(1000 * PATIENCE)
    page.goto(address)
    page.locator(".jp-Notebook-ExecutionIndicator[data-status]").wait_for()
    output = page.locator(".jp-OutputArea-output iframe")
    for second in range(PATIENCE):
        if output.count():
            break
        if second % 15 == 0:  # again: JupyterLab drops what comes before its kernel listens
            page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells'); }")
        page.wait_for_timeout(1000)
    return page


def test_a_cell_shows_the_loupe_and_a_moved_face_changes_the_answer(lab, browser):
    page = run_cell(browser, lab.format("shown"))
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


@pytest.mark.skipif(find_spec("anywidget") is None, reason="anywidget is not installed")
def test_the_widget_tells_the_kernel_what_is_moved_and_shows_what_the_kernel_sets(lab, browser):
    page = run_cell(browser, lab.format("widget"))
    loupe = page.frame_locator(".jp-OutputArea-output iframe").last.locator("#loupe")
    right, down = loupe.get_by_label("Shift right"), loupe.get_by_label("Shift down")
    right.press("ArrowRight")
    expect = pytest.importorskip("playwright.sync_api").expect
    expect(right).to_have_value("1", timeout=1000 * PATIENCE)
    expect(down).to_have_value("1", timeout=1000 * PATIENCE)
    page.close()
