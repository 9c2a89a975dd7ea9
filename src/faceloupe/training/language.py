"""The language of small networks: ``conv 16 5x5 relu, pool 2, dense 64 relu; optimiser adam, epochs 40``.

Layers are separated by commas; after a semicolon stands how the network is trained. The reference is
``docs/reference/network-language.md``. A sentence that cannot be read is shown with the word marked, and the remedy.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from faceloupe.errors import InputError
from faceloupe.training.phrases import LARGEST, Phrase, phrases
from faceloupe.training.preprocessing import KINDS
from faceloupe.training.specs import (
    ACTIVATIONS,
    INITIALISATIONS,
    OPTIMISERS,
    Activation,
    Augmentation,
    BatchNormalisation,
    Convolution,
    Dense,
    Dropout,
    GlobalPooling,
    Layer,
    NetworkSpec,
    Pooling,
    Training,
    mark,
)

FCNN_SENTENCE = "dense 4 relu"
CNN_SENTENCE = "conv 4 8x8 relu, pool 4, dense 4 relu"
"""The tutorial's two networks; its way of training them is what a sentence leaves out."""

EXAMPLES = {
    "conv": "conv 16 5x5 relu",
    "pool": "pool 2",
    "average": "average pool 2",
    "global": "global pool",
    "dense": "dense 64 relu",
    "dropout": "dropout 0.25",
    "batchnorm": "batchnorm relu",
}
OPTIONS = {
    "optimiser": "optimiser adam",
    "rate": "rate 0.001",
    "batch": "batch 5",
    "epochs": "epochs 20",
    "decay": "decay 0.0001",
    "initialisation": "initialisation he_normal",
    "preprocess": "preprocess centre",
    "augment": "augment mirror shift 2 rotate 5 zoom 5",
}
AMOUNTS = {"shift": ("pixels", LARGEST), "rotate": ("degrees", 180), "zoom": ("per cent", 90)}
FIELDS = {"rate": "learning_rate", "batch": "batch_size", "decay": "weight_decay"}


def parse_network(sentence: str, defaults: Training | None = None) -> NetworkSpec:
    """Read a sentence of the language of networks.

    Parameters
    ----------
    sentence : str
        Layers separated by commas, then, after a semicolon, how to train, separated by commas.
    defaults : Training, optional
        Values for what the sentence leaves out; the tutorial's if not given.

    Returns
    -------
    NetworkSpec

    Raises
    ------
    InputError
        If the sentence cannot be read; the message shows the place and says what to write.

    Examples
    --------
    >>> spec = parse_network("conv 16 5x5 relu, pool 2, dense 64 relu; optimiser adam, epochs 40")
    >>> spec.layers[0]
    Convolution(filters=16, kernel=(5, 5), stride=(1, 1), padding=(0, 0), activation='relu')
    >>> str(spec)
    'conv 16 5x5 relu, pool 2, dense 64 relu; optimiser adam, epochs 40'
    >>> parse_network("dense 4 relo")
    Traceback (most recent call last):
    ...
    faceloupe.errors.InputError: network: expected one of none, relu, leaky, tanh; "relo" is none of them.
      dense 4 relo
              ^^^^
      Did you mean relu?
    """
    if not isinstance(sentence, str):
        raise InputError(f"network must be a sentence such as {CNN_SENTENCE!r}, but is {sentence!r:.80}.")
    before, semicolon, after = sentence.partition(";")
    layers = tuple(_read_layer(phrase) for phrase in phrases(sentence, 0, before, "a layer", EXAMPLES["conv"]))
    options: dict[str, Any] = {}
    if semicolon:
        for phrase in phrases(sentence, len(before) + 1, after, "how to train", OPTIONS["optimiser"]):
            name, value = _read_option(phrase, options)
            options[name] = value
    if "optimiser" in options:
        options.setdefault("learning_rate", None)  # a rate of another optimiser would not do
    _check_order(sentence, layers)
    return NetworkSpec(layers, replace(defaults or Training(), **options))


def parse_augmentation(words: str) -> Augmentation:
    """Read how training faces are varied, as it stands in a sentence after ``augment``.

    Examples
    --------
    >>> parse_augmentation("mirror shift 2")
    Augmentation(mirror=True, shift=2.0, rotate=0.0, zoom=0.0)

    Raises
    ------
    InputError
        If it cannot be read; the message shows the place.
    """
    if not isinstance(words, str):
        raise InputError(f"augment must be words such as 'mirror shift 2', but is {words!r:.80}.")
    phrase = Phrase(words, 0, words)
    augment = _read_augmentation(phrase, "Write it as in: mirror shift 2 rotate 5 zoom 5")
    phrase.close("Write it as in: mirror shift 2 rotate 5 zoom 5")
    return augment


def _read_layer(phrase: Phrase) -> Layer:
    if phrase.word == "batch" and phrase.after.startswith("norm"):
        phrase.fail("a batch normalisation is one word here.", f"Write it as in: {EXAMPLES['batchnorm']}")
    if phrase.word in OPTIONS:
        phrase.fail(
            f'"{phrase.word}" says how to train, and stands among the layers.', "Put a semicolon before how to train."
        )
    kind = phrase.choice(EXAMPLES, f"Layers are written as in: {', '.join(EXAMPLES.values())}")
    layer = _LAYERS[kind](phrase)
    if phrase.word in EXAMPLES:
        phrase.fail(f'a comma is missing before "{phrase.word}".', "Separate layers by commas.")
    phrase.close(f"Write the layer as in: {EXAMPLES[kind]}")
    return layer


def _read_convolution(phrase: Phrase) -> Layer:
    example = "Write it as in: conv 16 5x5 stride 2 padding 1 relu"
    filters = phrase.whole("the number of filters", 1, example)
    kernel = phrase.size("the size of the kernel", 1, example)
    stride, padding = (1, 1), (0, 0)
    same: int | None = None  # the place of that word
    earlier: set[str] = set()
    while phrase.word in ("stride", "padding"):
        phrase.once(earlier)
        if phrase.take("stride"):
            stride = phrase.size("the stride", 1, example)
        elif phrase.take("padding") and phrase.word == "same":
            same, padding = phrase.next, (kernel[0] // 2, kernel[1] // 2)
            phrase.next += 1
        else:
            padding = phrase.size("the padding", 0, example)
            if padding[0] >= kernel[0] or padding[1] >= kernel[1]:
                phrase.next -= 1
                phrase.fail("the padding must be smaller than the kernel.", "With more, some outputs see only padding.")
    if same is not None and (kernel[0] % 2 == 0 or kernel[1] % 2 == 0 or stride != (1, 1)):
        phrase.next = same
        phrase.fail(
            "padding same needs a kernel of odd sides and stride 1.", "Give the padding in pixels, such as padding 1."
        )
    return Convolution(filters, kernel, stride, padding, _read_activation(phrase))


def _read_pooling(phrase: Phrase, *, average: bool = False) -> Layer:
    size = phrase.size("the size of the pooling window", 1, "Write it as in: pool 2, or pool 3 stride 2")
    stride = phrase.size("the stride", 1, "Write it as in: pool 3 stride 2") if phrase.take("stride") else size
    return Pooling(size, stride, average)


def _read_average(phrase: Phrase) -> Layer:
    phrase.choice(("pool",), "Write it as in: average pool 2")
    return _read_pooling(phrase, average=True)


def _read_global(phrase: Phrase) -> Layer:
    average = phrase.take("average")
    phrase.choice(("pool",), "Write: global pool, or global average pool")
    return GlobalPooling(average)


def _read_dense(phrase: Phrase) -> Layer:
    return Dense(phrase.whole("the number of units", 1, "Write it as in: dense 64 relu"), _read_activation(phrase))


def _read_dropout(phrase: Phrase) -> Layer:
    share = phrase.number("a share above 0 and below 1", lambda value: 0 < value < 1, "Write it as in: dropout 0.25")
    return Dropout(share)


def _read_batch_normalisation(phrase: Phrase) -> Layer:
    return BatchNormalisation(_read_activation(phrase))


_LAYERS: dict[str, Callable[[Phrase], Layer]] = {
    "conv": _read_convolution,
    "pool": _read_pooling,
    "average": _read_average,
    "global": _read_global,
    "dense": _read_dense,
    "dropout": _read_dropout,
    "batchnorm": _read_batch_normalisation,
}


def _read_activation(phrase: Phrase) -> Activation:
    if not phrase.word or phrase.word in EXAMPLES:
        return "none"
    chosen = phrase.choice(ACTIVATIONS, "Without an activation, write nothing there.")
    if chosen == "leaky":
        phrase.take("relu")  # "leaky relu" says the same
    return next(activation for activation in ACTIVATIONS if activation == chosen)


def _read_option(phrase: Phrase, before: dict[str, Any]) -> tuple[str, Any]:
    if phrase.word in EXAMPLES:
        phrase.fail(
            f'"{phrase.word}" is a layer, and stands where it is said how to train.', "Put it before the semicolon."
        )
    if FIELDS.get(phrase.word, phrase.word) in before:
        phrase.fail(f'"{phrase.word}" is said twice.', "Leave one out.")
    if phrase.word in OPTIMISERS:
        phrase.fail(f'"{phrase.word}" is an optimiser.', f"Write: optimiser {phrase.word}")
    name = phrase.choice(OPTIONS, f"What can be said: {', '.join(OPTIONS.values())}")
    value = _OPTIONS[name](phrase, f"Write it as in: {OPTIONS[name]}")
    phrase.close("Separate what is said by commas." if phrase.word in OPTIONS else f"Write it as in: {OPTIONS[name]}")
    return FIELDS.get(name, name), value


def _read_augmentation(phrase: Phrase, remedy: str) -> Augmentation:
    if phrase.take("none"):
        return Augmentation()
    amounts: dict[str, Any] = {}
    earlier: set[str] = set()
    while not amounts or phrase.word in ("mirror", *AMOUNTS):
        phrase.once(earlier)
        name = phrase.choice(("mirror", *AMOUNTS), remedy)
        if name == "mirror":
            amounts[name] = True
        else:
            unit, most = AMOUNTS[name]
            fits = partial(_below, most=most)
            amounts[name] = phrase.number(f"the most {unit}, from 0 and below {most:g}", fits, remedy)
    return Augmentation(**amounts)


def _below(value: float, most: float) -> bool:
    return 0 <= value < most


_OPTIONS: dict[str, Callable[[Phrase, str], Any]] = {
    "optimiser": lambda phrase, remedy: phrase.choice(OPTIMISERS, remedy),
    "rate": lambda phrase, remedy: phrase.number(
        "a learning rate, a finite number above 0", lambda value: 0 < value < float("inf"), remedy
    ),
    "batch": lambda phrase, remedy: phrase.whole("the captures a step", 1, remedy),
    "epochs": lambda phrase, remedy: phrase.whole("the number of epochs", 0, remedy),
    "decay": lambda phrase, remedy: phrase.number(
        "a weight decay, a finite number from 0", lambda value: 0 <= value < float("inf"), remedy
    ),
    "initialisation": lambda phrase, remedy: phrase.choice(INITIALISATIONS, remedy),
    "preprocess": lambda phrase, remedy: phrase.choice(KINDS, remedy),
    "augment": _read_augmentation,
}


def _check_order(sentence: str, layers: tuple[Layer, ...]) -> None:
    """Refuse layers that need rows and columns where none are left."""
    flat: Layer | None = None
    for place, layer in enumerate(layers):
        if flat is not None and isinstance(layer, Convolution | Pooling | GlobalPooling):
            phrase = Phrase(sentence, *_place(sentence, place))
            raise InputError(
                f'network: "{layer}" needs rows and columns, and after "{flat}" there are none.\n'
                f"{mark(sentence, phrase.begin, phrase.end)}\n  Put it before."
            )
        if flat is None and isinstance(layer, Dense | GlobalPooling):
            flat = layer


def _place(sentence: str, layer: int) -> tuple[int, str]:
    """Return where the text of a layer starts in a sentence, and the text."""
    parts = sentence.partition(";")[0].split(",")
    return sum(len(part) + 1 for part in parts[:layer]), parts[layer]
