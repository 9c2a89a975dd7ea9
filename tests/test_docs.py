"""The documentation says what is so: its Python runs, its links lead somewhere, every command and file is described."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from faceloupe.cli.app import COMMANDS, app
from faceloupe.studies.trials import COLUMNS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")


def _name(page):
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize(
    "page", [page for page in PAGES if PYTHON.search(page.read_text()) and page.stem != "integrate"], ids=_name
)
def test_the_python_on_a_page_runs(page, request, tmp_path, monkeypatch):
    """In order, as a reader would type it; on ten people's ORL photographs, which are always there, and few fits."""
    monkeypatch.chdir(tmp_path)
    code = "\n".join(PYTHON.findall(page.read_text()))
    if "faceloupe.recognition" in code or "verify" in code or "open_gallery" in code:
        request.getfixturevalue("workplace")  # skips where the published weights are not on this machine
    code = re.sub(r'load_faces\("(olivetti|orl)"\)', 'load_faces("orl", subjects=range(4))', code)
    code = code.replace("pairs=6, seeds=4", "pairs=2, seeds=1, epochs=1, n_jobs=1")
    exec(compile(code, str(page), "exec"), {"__name__": "docs"})  # noqa: S102 - our own pages


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_nothing_is_left_to_fill_in(page):
    assert not re.search("@@|TODO|TBD", page.read_text())


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page):
    for target in LINK.findall(page.read_text()):
        if not target.startswith(("http:", "https:")):
            assert (page.parent / target).exists(), f"{target} in {_name(page)}"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_described(command):
    written = set(re.findall(r"--[a-z-]+", "\n".join(page.read_text() for page in PAGES)))
    text = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"}).stdout
    options = re.findall(r"^  (--[a-z-]+)(?: / (--[a-z-]+))?", text, re.MULTILINE)
    assert ("--help", "") in options
    assert [pair for pair in options if not written & set(pair)] == []
    assert not re.search(r"[.,;:] {2,}\w", text.partition("Arguments:")[0].partition("Options:")[0])


def test_every_column_of_trials_is_described():
    described = set(re.findall(r"`(\w+)`", (ROOT / "docs/reference/files.md").read_text()))
    assert set(COLUMNS) <= described


def test_the_readmes_conclusion_names_its_data_its_seed_and_its_size():
    """Each sentence that compares the networks by a figure says of which faces it is; the table has both data sets."""
    text = (ROOT / "README.md").read_text()
    told = " ".join(text.partition("A tutorial trains")[2].partition("## One command per job")[0].split())
    assert "24 pairs × 8 seeds" in told
    assert "seed 0" in told
    assert "| | Olivetti: FCNN | CNN | ORL: FCNN | CNN |" in told
    compared = [sentence for sentence in re.split(r"(?<=\.) (?=[A-Z])", told) if "points" in sentence]
    assert compared
    assert all("Olivetti" in sentence and "ORL" in sentence for sentence in compared)
