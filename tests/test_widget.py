"""The loupe as a widget: its document and state in Python; JupyterLab moves both, where it is installed.

Here the widget's script runs in Chromium as anywidget would run it, with a stand-in for the notebook's model.
"""

import base64
import json

import pytest

from faceloupe import CNNClassifier, FCNNClassifier, InputError, anatomy, load_faces, look
from faceloupe.training.networks import CNN

pytest.importorskip("anywidget", reason="anywidget is not installed")

from faceloupe import LoupeWidget

NOTEBOOK = """<!doctype html><title>A notebook</title><div id="cell"></div><script type="module">
import widget from %(script)s;
const heard = [];
const state = { document: %(document)s, state: { face: 2, dx: -3 } };
globalThis.model = {
  get: name => state[name],
  set(name, value) { state[name] = value; heard.forEach(listener => listener()); },
  save_changes() {},
  on: (event, listener) => heard.push(listener),
  off: (event, listener) => heard.splice(heard.indexOf(listener), 1),
};
globalThis.leave = widget.render({ model, el: document.getElementById("cell") });
globalThis.listeners = heard;
</script>"""


@pytest.fixture(scope="module")
def inside():
    """Two fitted classifiers, side by side."""
    faces = load_faces("orl", subjects=[0, 1])
    first, second = (
        kind(preprocess="centre", epochs=2).fit(faces.images, faces.subject) for kind in (CNNClassifier, FCNNClassifier)
    )
    return look(first, faces, compare=second, methods=[])


def test_it_holds_the_loupe_of_both_networks_and_nothing_else_of_the_page(inside):
    document = LoupeWidget(inside).document
    assert 'id="loupe-data"' in document
    assert '"cnn/centre"' in document
    assert '"fcnn/centre"' in document
    assert "What the answers rest on" not in document


def test_its_state_is_heard_and_checked(inside):
    widget = LoupeWidget(inside)
    heard = []
    widget.observe(lambda change: heard.append(change.new), "state")
    assert widget.state == {}
    widget.state = {"face": 3, "dx": -4, "view": "layers", "on-cnn": "cnn/centre.fit.0"}
    assert heard == [widget.state]
    with pytest.raises(InputError, match=r"the loupe knows dx, .*on-fcnn; got turn"):
        widget.state = {"turn": 3}
    for name, value in (("face", None), ("relu", True), ("dx", float("nan")), ("zoom", float("inf"))):
        with pytest.raises(InputError, match=f"expected texts and finite numbers; got {value} for '{name}'"):
            widget.state = {name: value}
    assert widget.state["face"] == 3
    assert "face" in repr(widget)
    assert "base64" not in repr(widget)


def test_a_result_without_a_loupe_is_refused_with_what_to_do():
    with pytest.raises(InputError, match=r"this Anatomy has no loupe.*show_faces=True"):
        LoupeWidget(anatomy(CNN((64, 64)), (64, 64)))


@pytest.fixture(scope="module")
def address(inside, tmp_path_factory):
    """Where a notebook lies with the widget in it, and a state that Python had set."""
    widget = LoupeWidget(inside)
    script = "data:text/javascript;base64," + base64.b64encode(widget._esm.encode()).decode()
    parts = {"script": json.dumps(script), "document": json.dumps(widget.document).replace("<", "\\u003c")}
    path = tmp_path_factory.mktemp("notebook") / "notebook.html"
    path.write_text(NOTEBOOK % parts, encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def notebook(browser, address):
    """The notebook, just opened."""
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    page.set_default_timeout(60_000)
    page.goto(address)
    page.wait_for_function("() => model.get('state').view")
    yield page
    page.close()


def shown(notebook, **state):
    """Wait until the state that Python sees holds these values."""
    notebook.wait_for_function(
        "wanted => Object.entries(wanted).every(([name, value]) => model.get('state')[name] === value)", arg=state
    )


def test_the_loupe_opens_as_python_had_set_it(notebook):
    shown(notebook, face=2, dx=-3, dy=0, view="face")
    loupe = notebook.frame_locator("iframe").locator("#loupe")
    assert loupe.get_by_label("Shift right").input_value() == "-3"


def test_what_a_reader_moves_is_told_and_what_python_sets_is_shown(notebook):
    loupe = notebook.frame_locator("iframe").locator("#loupe")
    before = notebook.evaluate("() => model.get('state').dx")
    loupe.get_by_label("Shift right").press("ArrowRight")
    shown(notebook, dx=before + 1)
    notebook.evaluate("() => model.set('state', { face: 5, view: 'layers', layer: 2 })")
    loupe.get_by_role("tab", name="Layers", selected=True).wait_for()
    shown(notebook, face=5, view="layers", layer=2, dx=0)


def test_what_is_not_possible_is_put_right(notebook):
    notebook.evaluate("() => model.set('state', { face: 999, dx: 400, view: 'kitchen' })")
    shown(notebook, dx=16, view="face")
    assert notebook.evaluate("() => model.get('state').face") < 20


def test_the_frame_cannot_reach_the_notebook(notebook):
    frame = notebook.locator("iframe")
    assert frame.get_attribute("sandbox") == "allow-scripts allow-modals"
    assert notebook.frames[1].evaluate("() => { try { return parent.document.title } catch { return 'apart' } }") == (
        "apart"
    )


def test_a_cell_that_is_left_hears_no_more(notebook):
    assert notebook.evaluate("() => (leave(), listeners.length)") == 0
