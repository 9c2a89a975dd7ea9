"""The front door: light, with chosen names, and rooms that know each other in one direction only."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import faceloupe

SOURCE = Path(faceloupe.__file__).parent
HEAVY = ("torch", "sklearn", "scipy", "matplotlib", "PIL", "joblib")

# What each part may import of the others. A result shows itself in a notebook, so the inspection may know the report:
# the report draws plain documents and knows no result.
DOCUMENTS = "documents files arrays"
MAY_KNOW = {
    "errors": "",
    "numerals": "",
    "progress": "",
    "files": "errors",
    "arrays": "errors",
    "documents": "errors files",
    "scores": "errors",
    "faces": "errors documents",
    "recognition": f"errors {DOCUMENTS} faces scores",
    "gallery": f"errors {DOCUMENTS} progress faces scores recognition",
    "training": f"errors {DOCUMENTS} progress faces",
    "blocks": f"errors {DOCUMENTS}",
    "loupe_data": f"errors {DOCUMENTS}",
    "inspection": f"errors {DOCUMENTS} numerals progress blocks faces report",
    "studies": f"errors {DOCUMENTS} numerals progress blocks loupe_data scores faces training inspection",
    "report": f"errors {DOCUMENTS} numerals",
    "embedders": "errors faces recognition training",
    "evaluation": f"errors {DOCUMENTS} progress blocks faces scores recognition training embedders gallery report",
    "explaining": f"errors {DOCUMENTS} numerals progress blocks faces scores recognition inspection gallery report",
    "looking": f"errors {DOCUMENTS} numerals progress blocks loupe_data faces recognition training inspection report",
    "web": (
        f"errors {DOCUMENTS} numerals progress faces scores recognition gallery training embedders evaluation "
        "explaining inspection looking studies report __init__"
    ),
    "client": "errors faces web",
    "cli": (
        f"errors {DOCUMENTS} numerals progress faces scores recognition gallery training embedders evaluation "
        "explaining inspection studies report looking web __init__"
    ),
    "__main__": "cli",
}


def _loaded_after(statement):
    code = f"{statement}; import sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


@pytest.mark.parametrize("statement", ["import faceloupe", "import faceloupe.cli", "import faceloupe.errors"])
def test_the_front_door_is_light(statement):
    assert not _loaded_after(statement) & {*HEAVY, "numpy"}


@pytest.mark.parametrize("statement", ["import faceloupe.report", "from faceloupe import render_page"])
def test_the_report_needs_no_torch(statement):
    assert not _loaded_after(statement) & {"torch", "sklearn", "matplotlib"}


def test_every_chosen_name_is_there_and_documented():
    for name in faceloupe.__all__:
        assert getattr(faceloupe, name).__doc__, name
    assert sorted(faceloupe.__all__) == dir(faceloupe)
    assert len(faceloupe.__all__) == len(set(faceloupe.__all__)) <= 36


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'resnet'"):
        _ = faceloupe.resnet


def test_version_is_that_of_the_distribution():
    from importlib.metadata import version

    assert faceloupe.__version__ == version("faceloupe")


def _imports(path):
    """Which parts of faceloupe a file imports, inside functions and for type checking too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "faceloupe":
            parts = node.module.split(".")[1:2]
            yield from parts or (_home(alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("faceloupe."))


def _home(name):
    return name if (SOURCE / name).exists() or (SOURCE / f"{name}.py").exists() else "__init__"


@pytest.mark.parametrize("part", [name for name in MAY_KNOW if name != "__init__"])
def test_imports_go_one_way(part):
    files = sorted((SOURCE / part).rglob("*.py")) or [SOURCE / f"{part}.py"]
    known = {other for file in files for other in _imports(file)} - {part}
    assert known <= set(MAY_KNOW[part].split())


def test_every_part_has_a_rule():
    parts = {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert parts - {"__init__"} == set(MAY_KNOW)
