"""The default study against the tutorial's own script, each as a whole process, start-up and all.

The script loads the faces, trains both of the tutorial's networks in Keras, evaluates them and draws its pictures, on
every backend that is installed; the fastest counts. The study is ``faceloupe study`` at its default size, its page
included. Both are given in seconds by the clock and in seconds of processor time, which other work on the machine
disturbs less; the last column is how many scripts the study is worth. docs/concepts/many-fits.md says what was
measured, and where the time goes.

    python benchmarks/study.py [--data orl]
"""

import os
import resource
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

BACKENDS = ("jax", "torch", "tensorflow")


def tutorial() -> None:
    """Do what the tutorial's script does, in Keras on the backend of ``KERAS_BACKEND``, on ORL's photographs."""
    import keras
    import matplotlib as mpl
    import numpy as np
    from keras import layers

    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from PIL import Image

    from faceloupe.faces.sources import find_orl

    files = [find_orl() / f"s{who}" / f"{number}.pgm" for who in range(1, 41) for number in range(1, 11)]
    crop = (10, 34, 83, 107)
    faces = np.stack([np.asarray(Image.open(file).crop(crop).resize((64, 64))) / 255 for file in files])[..., None]
    images, labels = faces[:20], np.arange(400)[:20] // 10
    for body in ([], [layers.Conv2D(4, 8, activation="relu"), layers.MaxPooling2D(4)]):
        model = keras.Sequential(
            [
                keras.Input((64, 64, 1)),
                *body,
                layers.Flatten(),
                layers.Dense(4, activation="relu"),
                layers.Dense(1, activation="sigmoid"),
            ]
        )
        model.summary()
        model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
        model.fit(images, labels, batch_size=5, epochs=20, verbose=0)
        print(model.evaluate(images, labels, verbose=0))
    convolution, pooling = keras.Model(model.inputs, [layer.output for layer in model.layers[:2]])(images[:1])
    kernels = model.layers[0].get_weights()[0].transpose(3, 0, 1, 2)
    for maps in (kernels, *(keras.ops.convert_to_numpy(part).transpose(3, 1, 2, 0) for part in (convolution, pooling))):
        _, axes = plt.subplots(1, 4)
        for axis, image in zip(axes, maps, strict=True):
            axis.imshow(image[..., 0], cmap="gray")
        plt.savefig("tutorial.png")


def measure(command: list[str], folder: str, **environment: str) -> tuple[float, float] | None:
    """Return the seconds of a process by the clock and of the processor; None if it failed."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    run = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    wall, after = perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if run.returncode:
        print(f"{' '.join(command)} failed: {run.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print one line a process."""
    data = sys.argv[sys.argv.index("--data") + 1] if "--data" in sys.argv else "orl"
    script = [sys.executable, str(Path(__file__).resolve()), "tutorial"]
    with TemporaryDirectory() as folder:
        scripts = {
            f"the tutorial, Keras on {backend}": seconds
            for backend in BACKENDS
            if find_spec(backend) and (seconds := measure(script, folder, KERAS_BACKEND=backend))
        }
        study = measure([sys.executable, "-m", "faceloupe", "study", "--data", data, "--out", "study"], folder)
        rows = len((Path(folder) / "study" / "trials.csv").read_text().splitlines()) - 1 if study else 0
    best = min((seconds[0] for seconds in scripts.values()), default=float("nan"))
    least = min((seconds[1] for seconds in scripts.values()), default=float("nan"))
    print(f"{'':42s} {'clock':>8s} {'processor':>10s} {'scripts by clock':>17s} {'by processor':>13s}")
    for label, (wall, work) in {**scripts, f"faceloupe study, {rows:,} trials": study or (0.0, 0.0)}.items():
        print(f"{label:42s} {wall:6.1f} s {work:8.1f} s {wall / best:17.1f} {work / least:13.1f}")


if __name__ == "__main__":
    tutorial() if sys.argv[1:2] == ["tutorial"] else main()
