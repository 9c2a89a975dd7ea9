"""The notebooks of ``docs/lessons`` run from top to bottom, and end without an error."""

import asyncio
import json
import re
from pathlib import Path

import pytest

LESSONS = Path(__file__).parents[1] / "docs" / "lessons"
NOTEBOOKS = sorted(LESSONS.glob("*.ipynb"))
# As a reader would run it, but on ORL, which is always there, with fewer people and fits.
QUICKER = [
    (r'load_faces\("olivetti"\)', 'load_faces("orl", subjects=range(6))'),
    ("olivetti", "orl"),
    (r"range\(8\)", "range(2)"),
    (r"epochs=40", "epochs=2"),
    (r"for who in range\(6\)", "for who in range(2)"),
]


def _quicker(source):
    for pattern, replacement in QUICKER:
        source = re.sub(pattern, replacement, source)
    return source


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """One kernel for all notebooks, which takes longer to start and to import than they take to run."""
    manager = pytest.importorskip("jupyter_client").AsyncKernelManager(kernel_name="python3")
    pytest.importorskip("ipykernel")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        yield manager
    asyncio.run(manager.shutdown_kernel(now=True))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, kernel, tmp_path):
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient")
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = _quicker(cell.source)
    notebook.cells.insert(0, nbformat.v4.new_code_cell("%reset -f"))  # no name of another notebook's is there
    runner = client.NotebookClient(notebook, km=kernel, timeout=300, resources={"metadata": {"path": tmp_path}})
    runner.execute()
    runner.kc.stop_channels()
    assert any(output.get("data", {}).get("image/png") for cell in notebook.cells for output in cell.get("outputs", []))


def test_the_tutorial_takes_twenty_lines():
    cells = json.loads((LESSONS / "1-tutorial.ipynb").read_text())["cells"]
    code = "".join("".join(cell["source"]) + "\n" for cell in cells if cell["cell_type"] == "code")
    assert len([line for line in code.splitlines() if line.strip()]) <= 20


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_kept_without_outputs_and_have_answers(path):
    notebook = json.loads(path.read_text())
    assert not any(cell.get("outputs") for cell in notebook["cells"])
    text = "".join("".join(cell["source"]) for cell in notebook["cells"])
    exercises = len(re.findall(r"^\d\. ", text.partition("## Exercises")[2], re.MULTILINE))
    number = path.stem[0]
    answers = (LESSONS / "answers.md").read_text().partition(f"## {number}. ")[2].partition("\n## ")[0]
    assert exercises == len(re.findall(r"^\d\. ", answers, re.MULTILINE)) > 2
