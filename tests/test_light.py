"""The light base: recognition, gallery, evaluation and server without PyTorch, scikit-learn and Matplotlib."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from faceloupe.faces.sources import find_orl

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "sklearn", "matplotlib", "captum", "joblib", "safetensors", "keras", "onnx", "onnxruntime", "av")

WITHOUT = f"""
import sys
from importlib.abc import MetaPathFinder
class Missing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
"""


def without(code, *arguments, folder):
    return subprocess.run(
        [sys.executable, "-c", WITHOUT + code, *map(str, arguments)], capture_output=True, text=True, cwd=folder,
        env={**os.environ, "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))},
        check=False,
    )  # fmt: skip


def test_the_base_depends_on_nothing_heavy():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[<>=\[;]", requirement)[0] for requirement in project["dependencies"]}
    assert names == {"numpy", "pillow", "rich", "scipy", "typer"}
    for light in ("recognition", "web", "postgres", "heic"):
        assert not any(
            name in requirement for requirement in project["optional-dependencies"][light] for name in HEAVY[:6]
        )


def test_every_light_part_is_imported_without_them(tmp_path):
    parts = ("faces", "scores", "recognition", "gallery", "evaluation", "explaining", "report", "web.app", "client",
             "looking", "inspection", "pages", "video", "cli.app")  # fmt: skip
    run = without("\n".join(f"import faceloupe.{part}" for part in parts), folder=tmp_path)
    assert run.stderr == ""


def test_people_are_recognised_without_them(tmp_path):
    photographs = [find_orl() / who / f"{number}.pgm" for who, number in (("s1", 1), ("s1", 2), ("s2", 1))]
    run = without(
        "from faceloupe import open_gallery, verify\n"
        "first, second, other = sys.argv[1:]\n"
        "print(verify(first, second).match, verify(first, other).match)\n"
        "with open_gallery('faces.db', create=True) as gallery:\n"
        "    gallery.enrol('Ann', [first], force=True)\n"
        "    [answer] = gallery.identify(second)\n"
        "    print(answer.name, len(gallery.check().faults))\n",
        *photographs,
        folder=tmp_path,
    )
    assert (run.stdout, run.stderr) == ("True False\nAnn 0\n", "")


@pytest.mark.parametrize("arguments", [["study"], ["evaluate", "orl", "--embedder", "pca"]])
def test_what_is_missing_is_said_with_the_extra_that_brings_it(tmp_path, arguments):
    code = "sys.argv[0] = 'faceloupe'; from faceloupe.cli import main; main()"
    run = without(code, *arguments, folder=tmp_path)
    assert (run.returncode, "Traceback" in run.stderr) == (2, False)
    assert "pip install 'faceloupe[study]'" in run.stderr


def test_the_facade_says_so_too(tmp_path):
    run = without("import faceloupe; faceloupe.CNNClassifier", folder=tmp_path)
    assert "UnavailableError: This needs torch: pip install 'faceloupe[study]'" in run.stderr
