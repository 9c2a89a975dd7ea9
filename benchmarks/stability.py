"""Whether a study's verdicts stay the same on another draw: finished studies side by side, as a table in Markdown.

Make the studies first, of one data set and of another, with several seeds, which draw other pairs of people, splits,
weights and orders::

    faceloupe study --data olivetti --seed 1 --out olivetti-1
    faceloupe study --data orl --seed 1 --out orl-1
    python benchmarks/stability.py olivetti-1 orl-1

Each cell is a verdict, ✓ supported, ✕ contradicted or ? not shown, with the quantity that it rests on (a share in per
cent, or a difference in points). Exit status 1 if somewhere a verdict stands against its opposite.
"""

import sys
from pathlib import Path

from faceloupe import open_study

SIGNS = {"supported": "✓", "contradicted": "✕", "not shown": "?"}


def verdicts_of(folder: str) -> dict[tuple[str, str], tuple[str, float]]:
    """Return verdict and estimate of everything in a study that rests on an interval."""
    return {
        (statement["id"], judged["of"]): (judged["verdict"], judged["interval"]["estimate"])
        for statement in open_study(folder).to_document()["statements"]
        for judged in statement["judged"]
        if judged["interval"]
    }


def main(folders: list[str]) -> int:
    """Print the table, and how many verdicts agree."""
    studies = [verdicts_of(folder) for folder in folders]
    print("| statement | of | " + " | ".join(Path(folder).name for folder in folders) + " |")
    print("|---|---|" + "---|" * len(folders))
    same, opposite = 0, 0
    for key in studies[0]:
        cells = [study[key] for study in studies]
        kinds = {verdict for verdict, _ in cells}
        same += len(kinds) == 1
        opposite += {"supported", "contradicted"} <= kinds
        shown = " | ".join(f"{SIGNS[verdict]} {100 * value:.1f}" for verdict, value in cells)
        print(f"| {key[0]} | {key[1]} | {shown} |")
    print(f"\n{len(studies[0])} verdicts in {len(studies)} studies: {same} the same in all, {opposite} opposed.")
    return int(opposite > 0)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
