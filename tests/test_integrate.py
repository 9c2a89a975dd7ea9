"""The programs of docs/guides/integrate.md run, and are clean under ``mypy --strict``."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "guides" / "integrate.md").read_text()
PROGRAMS = re.findall(r"^## (\d+\. .*?)$.*?```python\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)


EXPECTED = {
    1: r"^True 0\.\d+",
    2: r"^False$",
    3: r"^True\nphoto 1: no image that can be read",
    4: r"ann\.jpg Box\(x=.*party\.jpg Box",
    5: r"^Bob Box.*\nAnn Box.*\nnobody Box",
    6: r"^\[\('Ann', 1\), \('Bob', 2\)\]$",
    7: r"^Decision\(match.*\nTrue\nTrue$",
    8: r"^Decision\(.*\n\(Candidates\(",
    9: r"^\[\['Ann'\], \[None\]\]$",
    10: r"^\['Ann'\]\n\[None\]\n\[None, 'Ann', None\]$",
    11: r"^\[\['Ann'\], \[None\]\]$",
    12: r"^\[0\.\d+\]$",
    13: r"^E-17 \{'floor': 3\}\n'Ann Lee' may be 2 subjects: .*id:E-17; .*id:E-23.*\nAnn Lee$",
}


ALONE = (1, 11)  # in a process of their own: the shortest, as whoever tries it does, and the one that starts others


def test_there_are_thirteen():
    assert [int(title.partition(".")[0]) for title, _ in PROGRAMS] == list(EXPECTED) == list(range(1, 14))


def test_the_pages_that_lead_to_them_count_them_alike():
    for page, places in {"README.md": 2, "docs/guides/recognise.md": 1, "docs/guides/integrate.md": 1}.items():
        assert len(re.findall("thirteen", (ROOT / page).read_text(), re.IGNORECASE)) == places, page


@pytest.mark.parametrize(("title", "program"), PROGRAMS, ids=[title for title, _ in PROGRAMS])
def test_a_program_runs(title, program, workplace, monkeypatch, capsys):
    (workplace / "program.py").write_text(program)
    number = int(title.partition(".")[0])
    if number in ALONE:
        command = [sys.executable, "-W", "error", "program.py"]
        run = subprocess.run(command, cwd=workplace, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        printed = run.stdout
    else:
        monkeypatch.chdir(workplace)
        runpy.run_path("program.py", run_name="__main__")
        printed = capsys.readouterr().out
    assert re.search(EXPECTED[number], printed.strip(), re.DOTALL), printed


def test_the_programs_are_typed(tmp_path):
    pytest.importorskip("mypy")
    files = []
    for number, (_, program) in enumerate(PROGRAMS, 1):
        files.append(tmp_path / f"program_{number}.py")
        files[-1].write_text(program)
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", *map(str, files)],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "MYPYPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert run.returncode == 0, run.stdout
