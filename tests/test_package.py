"""The front door: light, with chosen names, and rooms that know each other in one direction only.

Also tests ``errors.py``.
"""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import faceloupe

SOURCE = Path(faceloupe.__file__).parent
TESTS = Path(__file__).parent
HEAVY = ("torch", "sklearn", "scipy", "matplotlib", "PIL", "joblib")

# What each part may import of the others. A result shows itself in a notebook by ``pages``, which asks for its writer
# by name; the report draws plain documents and knows no result.
DOCUMENTS = "documents files arrays seals csv_tables"
MAY_KNOW = {
    "errors": "",
    "numerals": "",
    "progress": "",
    "files": "errors",
    "arrays": "errors",
    "documents": "errors files",
    "seals": "errors files",
    "csv_tables": "errors files",
    "scores": "errors",
    "faces": f"errors {DOCUMENTS} numerals pages blocks report",
    "cluster": "errors",
    "growing": f"errors {DOCUMENTS} faces",
    "recognition": f"errors {DOCUMENTS} numerals progress growing cluster faces scores",
    "gallery": f"errors {DOCUMENTS} numerals progress growing faces scores recognition embedders",
    "collection": f"errors {DOCUMENTS} numerals progress pages blocks faces scores recognition gallery video",
    "training": f"errors {DOCUMENTS} progress pages blocks faces scores inspection",
    "blocks": f"errors {DOCUMENTS}",
    "pages": "errors report",
    "loupe": f"errors {DOCUMENTS}",
    "inspection": f"errors {DOCUMENTS} numerals progress pages blocks faces report",
    "studies": f"errors {DOCUMENTS} numerals progress pages blocks loupe scores faces training inspection",
    "report": f"errors {DOCUMENTS} numerals",
    "widget": "errors pages report",
    "embedders": "errors faces scores recognition training",
    "evaluation": (
        f"errors {DOCUMENTS} numerals progress pages blocks faces scores recognition training embedders gallery"
    ),
    "explaining": (
        f"errors {DOCUMENTS} numerals progress pages blocks faces scores recognition inspection gallery report"
    ),
    "looking": (f"errors {DOCUMENTS} numerals progress pages blocks loupe faces recognition training inspection"),
    "video": f"errors {DOCUMENTS} numerals progress pages blocks faces scores recognition gallery",
    "strangers": (
        f"errors {DOCUMENTS} numerals progress pages blocks faces scores recognition training embedders evaluation "
        "report"
    ),
    "web": (
        f"errors {DOCUMENTS} numerals progress pages faces scores recognition gallery training embedders evaluation "
        "explaining inspection looking studies report collection __init__"
    ),
    "client": "documents errors faces web",
    "cli": (
        f"errors {DOCUMENTS} numerals progress growing cluster pages faces scores recognition gallery training "
        "embedders evaluation explaining inspection studies report looking collection strangers video web "
        "__init__"
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
    assert len(faceloupe.__all__) == len(set(faceloupe.__all__)) <= 50


def test_no_object_is_shown_by_its_address():
    classes = [value for name in faceloupe.__all__ if isinstance(value := getattr(faceloupe, name), type)]
    assert [each.__name__ for each in classes if each.__repr__ is object.__repr__] == []


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


CIRCLES = 0  # imports inside functions that lead back to their module
CHAIN = 14  # modules in the longest chain of imports


def _names(node):
    """Which modules of faceloupe an import statement loads, by their whole names."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.module:
        return {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return set()


def _is_for_types(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _loads(node, inside=False):
    """Yield (module, whether inside a function) for each import below a node that runs."""
    for child in ast.iter_child_nodes(node):
        yield from ((name, inside) for name in _names(child))
        if not _is_for_types(child):
            yield from _loads(child, inside or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.fixture(scope="module")
def graph():
    """Return for each module what it imports as it is loaded, and what it imports inside functions."""
    files = {}
    for path in SOURCE.rglob("*.py"):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    loads = {module: list(_loads(ast.parse(path.read_text()))) for module, path in files.items()}
    return tuple(
        {module: {name for name, where in found if where is inside and name in files} - {module} - _parents(module)
         for module, found in loads.items()}
        for inside in (False, True)
    )  # fmt: skip


def _parents(module):
    """Packages above a module: ``from package import name`` in it asks for the name, and the package is loaded."""
    parts = module.split(".")
    return {".".join(parts[:end]) for end in range(1, len(parts))}


def _reached(module, graph):
    seen, left = set(), [module]
    while left:
        new = graph[left.pop()] - seen
        seen |= new
        left += new
    return seen


def test_no_import_inside_a_function_leads_back_to_its_module(graph):
    outside, inside = graph
    everything = {module: outside[module] | inside[module] for module in outside}
    circles = [
        f"{module} -> {other}" for module in inside for other in inside[module] if module in _reached(other, everything)
    ]
    assert len(circles) <= CIRCLES, circles


def test_no_chain_of_imports_is_long(graph):
    outside, _ = graph

    @cache
    def chain(module):
        return (module, *max((chain(other) for other in outside[module]), key=len, default=()))

    longest = max((chain(module) for module in outside), key=len)
    assert len(longest) <= CHAIN, " -> ".join(longest)


def _has_a_test(module, described):
    named = TESTS / module.parent / f"test_{module.name}"
    return named.exists() or f"``{module.as_posix()}``" in described


def test_it_is_a_rule_that_the_tests_of_a_module_are_found_by_its_name():
    """A module has tests/PACKAGE/test_MODULE.py, or the docstring of a test file names it: "Also tests ``...``."."""
    modules = {path.relative_to(SOURCE) for path in SOURCE.rglob("*.py") if not path.name.startswith("__")}
    modules = {module for module in modules if "migrations" not in module.parts}
    described = " ".join(ast.get_docstring(ast.parse(path.read_text())) or "" for path in TESTS.rglob("test_*.py"))
    assert sorted(str(module) for module in modules if not _has_a_test(module, described)) == []
    said = {name for name in re.findall(r"``([\w/]+\.py)``", described) if "tests" not in name}
    assert sorted(name for name in said if Path(name) not in modules) == []
