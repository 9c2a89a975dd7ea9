"""Where the time and the memory of an evaluation go: networks, decoding, and all the rest.

    python benchmarks/evaluate_whole.py DATA [--embedder sface] [--folder]

DATA is what ``faceloupe evaluate`` takes. Nothing is cached. The evaluation runs in a process of its own, and a thread
there asks every 5 ms what each thread is doing, and how much processor time it took since (Linux only). Threads that
run no Python are those of OpenVINO and OpenCV, at work for the networks.
"""

import argparse
import os
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

STAGES = {  # the innermost of these functions, by module and name, is what a thread is doing
    ("yunet", "find"): "detector",
    ("onnx_detector", "find"): "detector",
    ("engines", "_run"): "embedder",
    ("engines", "_run_many"): "embedder",
    ("engines", "_onnxruntime"): "embedder",
    ("images", "_decode"): "decoding",
    ("pictures", ""): "shrinking and turning for the detector",
    ("detect", ""): "search for faces, the rest",
    ("align", ""): "alignment",
    ("quality", ""): "quality",
    ("files", "sha256_of"): "hashes",
    ("cache", ""): "cache",
    ("speed", ""): "timing of the stages",
    ("bench", ""): "statistics",
    ("embedding", ""): "collecting of templates",
    ("recognise", ""): "collecting of templates",
}
NETWORKS = ("detector", "embedder", "threads of the networks", "decoding")
TICK = 0.005
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def stage_of(frame: FrameType | None) -> str:
    """Return what a thread is doing."""
    while frame is not None:
        module = Path(frame.f_code.co_filename).stem if "faceloupe" in frame.f_code.co_filename else ""
        for name in (frame.f_code.co_name, ""):
            if (module, name) in STAGES:
                return STAGES[module, name]
        frame = frame.f_back
    return "other"


class Watch(threading.Thread):
    """Adds up the processor time of every thread by what it was doing when it was looked at."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.over = threading.Event()
        self._before = dict(_threads())

    def run(self) -> None:
        """Look until it is over."""
        own = threading.get_native_id()
        while not self.over.wait(TICK):
            stages = {
                thread.native_id: stage_of(sys._current_frames().get(thread.ident or 0))
                for thread in threading.enumerate()
            }
            for number, seconds in _threads():
                if number != own:
                    stage = stages.get(number, "threads of the networks")
                    self.seconds[stage] += seconds - self._before.get(number, 0.0)
                self._before[number] = seconds


def _threads() -> Iterator[tuple[int, float]]:
    """Yield each thread's number and its processor time in seconds."""
    for folder in Path("/proc/self/task").iterdir():
        try:
            nanoseconds = (folder / "schedstat").read_text().split()[0]
        except (OSError, IndexError):  # it ended
            continue
        yield int(folder.name), int(nanoseconds) / 1e9


def held() -> tuple[float, float]:
    """Return the MB that this process holds, and held at most."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    now, most = (int(lines[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return now, most


def measure(data: str, embedder: str) -> None:
    """Evaluate, and print what was held and what took the time."""
    from faceloupe.evaluation.evaluate import evaluate

    stages: list[tuple[float, float]] = []
    marks: dict[str, tuple[float, float]] = {"at the start": held()}

    def told(done: float, whole: float) -> None:
        stages.append((done, whole))
        if done == whole:
            marks["after the photographs" if "after the photographs" not in marks else "after the statistics"] = held()
        elif done == 64:
            marks["after 64 photographs"] = held()

    watch = Watch()
    watch.start()
    evaluation = evaluate(data, (embedder,), cached=False, progress=told)
    watch.over.set()
    watch.join()
    marks["at the end"] = held()
    print(evaluation)
    for when, (now, most) in marks.items():
        print(f"{when:24} {now:6.0f} MB held, {most:6.0f} MB at most so far")
    whole = sum(watch.seconds.values())
    for stage, seconds in sorted(watch.seconds.items(), key=lambda stage: -stage[1]):
        print(f"{stage:40} {seconds:7.1f} s {100 * seconds / whole:5.1f} %")
    share = sum(watch.seconds[stage] for stage in NETWORKS) / whole
    print(f"networks and decoding: {100 * share:.1f} % of {whole:.0f} s of the processor")


def main() -> None:
    """Run it in a process of its own, which holds nothing else."""
    choices = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    choices.add_argument("data")
    choices.add_argument("--embedder", default="sface")
    choices.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    chosen = choices.parse_args()
    if chosen.alone:
        measure(chosen.data, chosen.embedder)
        return
    subprocess.run([sys.executable, __file__, chosen.data, "--embedder", chosen.embedder, "--alone"], check=True)


if __name__ == "__main__":
    main()
