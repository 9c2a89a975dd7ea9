"""How long the command line takes to answer, against a bare Python that does nothing.

python benchmarks/startup.py
"""

import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

REPEATS = 15
GOAL = 0.3  # seconds to answer --help
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import faceloupe": [sys.executable, "-c", "import faceloupe"],
    "faceloupe --help": [str(Path(sys.executable).with_name("faceloupe")), "--help"],
}


def seconds(command: list[str]) -> float:
    """Return the median seconds of a command, after one run that fills the disk's cache."""
    times = []
    for _ in range(REPEATS + 1):
        started = perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(perf_counter() - started)
    return median(times[1:])


def main() -> None:
    """Print each command's time and its ratio to a bare Python."""
    times = {label: seconds(command) for label, command in COMMANDS.items()}
    bare = times["python -c pass"]
    print(f"{'':20s} {'seconds':>8s} {'x python':>9s}")
    for label, time in times.items():
        print(f"{label:20s} {time:8.3f} {time / bare:9.1f}")
    print(f"--help within {GOAL} s: {'yes' if times['faceloupe --help'] < GOAL else 'no'}")


if __name__ == "__main__":
    main()
