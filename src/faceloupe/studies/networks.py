"""The networks of a study: one sentence each, built for faces of a size."""

import math

from faceloupe.training.language import CNN_SENTENCE, FCNN_SENTENCE, parse_network
from faceloupe.training.networks import CNN, SmallNetwork
from faceloupe.training.specs import NetworkSpec

SENTENCES = {
    "fcnn": FCNN_SENTENCE,
    "cnn": CNN_SENTENCE,
    "fcnn-equal": FCNN_SENTENCE,
    "fcnn-wide": "dense 64 relu",
    "fcnn-slow": FCNN_SENTENCE,
    "fcnn-leaky": "dense 4 leaky",
    "fcnn-he": "dense 4 relu; initialisation he_normal",
}
"""The study's networks: the tutorial's two, and the FCNN with one thing changed; ``fcnn-slow`` learns at a tenth."""

SMALL = 40  # pixels a side below which the kernel of the network that learns its filters is halved


def build(network: str | NetworkSpec, image_shape: tuple[int, int], n_subjects: int = 2) -> SmallNetwork:
    """Return one of the study's networks (:data:`SENTENCES`), or any other by its spec, untrained.

    ``"fcnn-equal"`` is the FCNN on faces made so small that it has the CNN's number of parameters.
    """
    shape = (equal_side(image_shape),) * 2 if network == "fcnn-equal" else image_shape
    spec = network if isinstance(network, NetworkSpec) else parse_network(SENTENCES[network])
    return SmallNetwork(spec, shape, outputs=1 if n_subjects == 2 else n_subjects)


def equal_side(image_shape: tuple[int, int]) -> int:
    """Return the side of the square face on which an FCNN has as many parameters as the CNN on the whole face.

    >>> equal_side((64, 64))
    29
    """
    wanted = sum(weights.numel() for weights in CNN(image_shape).parameters())
    return round(math.sqrt((wanted - 9) / 4))  # 4·side² weights, 4 biases, and 5 in the output unit


def filter_learner(image_shape: tuple[int, int], epochs: int) -> NetworkSpec:
    """Return a network that has to learn its filters: a hard task, and no more than two by two places after pooling."""
    side = min(image_shape)
    kernel = 8 if side >= SMALL else 4
    pool = ((side - kernel) // 2 + 1) // 2
    return parse_network(
        f"conv 16 {kernel}x{kernel} stride 2 relu, pool {pool}, dense 64 relu; optimiser adam, rate 0.003, batch 20, "
        f"epochs {epochs}, preprocess standardise, augment mirror shift 3"
    )
