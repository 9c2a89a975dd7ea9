"""Small networks as ordinary PyTorch modules with named layers; the tutorial's two among them."""

import math
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

import torch
from torch import Tensor, nn

from faceloupe.errors import InputError
from faceloupe.training.specs import (
    LEAK,
    BatchNormalisation,
    Convolution,
    Dense,
    Dropout,
    GlobalPooling,
    Layer,
    NetworkSpec,
    Pair,
    Pooling,
    mark,
    pair,
)

SMALLEST_VARIANCE = 1e-3  # what batch normalisation adds to a variance, in Keras
MOST_LAYERS, MOST_NUMBERS = 1000, 2**27  # of a network that somebody else saved
TRUNCATED = 0.87962566103423978  # standard deviation of a unit normal that is cut off at two

Shape = tuple[int, ...]
Network = TypeVar("Network", bound=nn.Module)


class SeededDropout(nn.Dropout):
    """Dropout that draws from a generator of its own while one is lent to it, else from PyTorch's global one."""

    generator: torch.Generator | None = None

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the inputs; in training a share of them zero, the others larger to make up for it."""
        if not self.training:
            return inputs
        passed = torch.empty_like(inputs).bernoulli_(1 - self.p, generator=self.generator)
        return inputs * passed / (1 - self.p)


class SmallNetwork(nn.Sequential):
    """A network of the language: faces (N, 1, H, W) -> logits (N, outputs).

    It begins as :func:`initialise` leaves it with seed 0, and PyTorch's global generator is not touched. Layers are
    called ``conv``, ``pool``, ``norm``, ``dropout`` and ``hidden``, numbered from 1 where there are several of a kind;
    an activation is called after its layer, such as ``conv_relu``; ``flatten`` stands before the first that needs no
    rows and columns, and ``output`` at the end.

    Parameters
    ----------
    spec : NetworkSpec
        From :func:`~faceloupe.training.language.parse_network`. How it is trained does not matter here, but for how its
        weights begin.
    image_shape : (int, int)
        Height and width of the faces.
    outputs : int
        1 for two classes (the logit of class 1), else one logit a class.

    Attributes
    ----------
    spec, image_shape, outputs
        As they were given.

    Raises
    ------
    InputError
        If a kernel or a pooling window is larger than what reaches it.

    Examples
    --------
    >>> from faceloupe.training import parse_network
    >>> network = SmallNetwork(parse_network("conv 8 3x3 relu, pool 2, dense 16 relu"), (64, 64))
    >>> [name for name, _ in network.named_children()]
    ['conv', 'conv_relu', 'pool', 'flatten', 'hidden', 'hidden_relu', 'output']
    """

    def __init__(self, spec: NetworkSpec, image_shape: Pair, outputs: int = 1) -> None:
        with torch.device("meta"):  # nothing is drawn yet
            super().__init__(OrderedDict(modules(spec, pair(image_shape), outputs)))
        self.spec = spec
        self.image_shape = pair(image_shape)
        self.outputs = outputs
        initialise(self.to_empty(device="cpu"), seed=0, initialisation=spec.training.initialisation)


class FCNN(SmallNetwork):
    """The tutorial's fully-connected network, one hidden ReLU layer: faces (N, 1, H, W) -> logits (N, outputs).

    Parameters
    ----------
    image_shape : (int, int)
        Height and width of the faces.
    hidden : int
        Units in the hidden layer.
    outputs : int
        1 for two classes (the logit of class 1), else one logit a class.

    Examples
    --------
    >>> sum(weights.numel() for weights in FCNN((64, 64)).parameters())
    16393
    """

    hidden: nn.Linear

    def __init__(self, image_shape: Pair, hidden: int = 4, outputs: int = 1) -> None:
        super().__init__(NetworkSpec((Dense(hidden, "relu"),)), image_shape, outputs)


class CNN(SmallNetwork):
    """The tutorial's convolutional network: convolution, max-pooling, a hidden layer; faces (N, 1, H, W) -> logits.

    The convolution is "valid" (no padding); pooling windows do not overlap, and what is left over at the right and
    lower edges is not seen.

    Parameters
    ----------
    image_shape : (int, int)
        Height and width of the faces.
    filters : int
        Kernels of the convolution.
    kernel_size, stride, pool_size : int or (int, int)
        Side, or height and width, of a kernel, of its step, and of a pooling window, which steps by its own size.
    hidden : int
        Units in the hidden layer.
    outputs : int
        1 for two classes (the logit of class 1), else one logit a class.

    Raises
    ------
    InputError
        If the kernel is larger than the faces, or the pooling window larger than the feature map.

    Examples
    --------
    >>> sum(weights.numel() for weights in CNN((64, 64)).parameters())
    3405
    """

    conv: nn.Conv2d
    pool: nn.MaxPool2d
    hidden: nn.Linear

    def __init__(
        self,
        image_shape: Pair,
        filters: int = 4,
        kernel_size: int | Pair = 8,
        stride: int | Pair = 1,
        pool_size: int | Pair = 4,
        hidden: int = 4,
        outputs: int = 1,
    ) -> None:
        convolution = Convolution(filters, pair(kernel_size), pair(stride), activation="relu")
        pooling = Pooling(pair(pool_size), pair(pool_size))
        super().__init__(NetworkSpec((convolution, pooling, Dense(hidden, "relu"))), image_shape, outputs)


def clip(spec: NetworkSpec, image_shape: Pair) -> tuple[NetworkSpec, tuple[str, ...]]:
    """Make kernels and pooling windows as small as what reaches them.

    Returns
    -------
    (NetworkSpec, tuple of str)
        With what was clipped, in words.
    """
    shape: Shape = (1, *image_shape)
    layers: list[Layer] = []
    notes = []
    for layer in spec.layers:
        clipped = layer
        if isinstance(layer, Convolution):
            clipped = replace(layer, kernel=_at_most(layer.kernel, _room(layer, shape)))
        elif isinstance(layer, Pooling):
            size = _at_most(layer.size, _room(layer, shape))
            clipped = replace(layer, size=size, stride=size if layer.stride == layer.size else layer.stride)
        if clipped != layer:
            notes.append(f'"{layer}" is larger than what reaches it, {shape[-2]}x{shape[-1]}: clipped to "{clipped}"')
        layers.append(clipped)
        shape = _after(clipped, shape)
    return replace(spec, layers=tuple(layers)), tuple(notes)


def check_size(spec: NetworkSpec, image_shape: Pair) -> None:
    """Refuse a network that would take gigabytes for one face.

    Raises
    ------
    InputError
        If it has more than 1,000 layers, or one of them puts out more than 2**27 numbers.
    """
    if len(spec.layers) > MOST_LAYERS:
        raise InputError(f"a network of {len(spec.layers):,} layers; at most {MOST_LAYERS:,} are taken")
    shape: Shape = (1, *image_shape)
    for place, layer in enumerate(spec.layers):
        shape = _checked(spec, place, shape)
        if math.prod(shape) > MOST_NUMBERS:
            raise InputError(f'"{layer}" puts out {math.prod(shape):,} numbers; at most {MOST_NUMBERS:,} are taken')


def initialise(network: Network, seed: int, initialisation: str = "glorot_uniform") -> Network:
    """Draw fresh weights, with zero biases, and return the same network.

    The default, Glorot uniform, is uniform within ±sqrt(6 / (fan in + fan out)), where a convolution's fans count the
    kernel's pixels, as in Keras (Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward
    neural networks"); He's have variance 2 / fan in (He et al. 2015, arXiv:1502.01852). Normal ones are cut off at two
    standard deviations, as in Keras.

    Parameters
    ----------
    network : torch module
        Its linear and convolutional layers are drawn anew, in order; batch normalisations begin afresh.
    seed : int
        Seed of a generator of its own; PyTorch's global generator is not touched.
    initialisation : {"glorot_uniform", "glorot_normal", "he_uniform", "he_normal"}
    """
    generator = torch.Generator().manual_seed(int(seed))
    name, distribution = initialisation.split("_")
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            pixels = layer.weight[0, 0].numel()
            ins, outs = layer.weight.shape[1] * pixels, layer.weight.shape[0] * pixels
            spread = math.sqrt(2 / ins if name == "he" else 2 / (ins + outs))  # the standard deviation
            with torch.no_grad():
                if distribution == "uniform":
                    layer.weight.uniform_(-math.sqrt(3) * spread, math.sqrt(3) * spread, generator=generator)
                else:
                    spread /= TRUNCATED
                    nn.init.trunc_normal_(layer.weight, 0, spread, -2 * spread, 2 * spread, generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.reset_parameters()
    return network


def modules(spec: NetworkSpec, image_shape: Pair, outputs: int) -> Iterator[tuple[str, nn.Module]]:
    """Yield the layers of a network of the language, each with its name."""
    shape: Shape = (1, *image_shape)
    counts = Counter(_NAMES[type(layer)] for layer in spec.layers)
    counted: Counter[str] = Counter()
    for place, layer in enumerate(spec.layers):
        name = _NAMES[type(layer)]
        counted[name] += 1
        name += str(counted[name]) * (counts[name] > 1)
        if isinstance(layer, Dense) and len(shape) == 3:
            yield "flatten", nn.Flatten()
            shape = (math.prod(shape),)
        after = _checked(spec, place, shape)
        yield name, _module(layer, shape)
        activation = getattr(layer, "activation", "none")
        if activation != "none":
            yield f"{name}_{activation}", _ACTIVATIONS[activation]()
        if isinstance(layer, GlobalPooling):
            yield "flatten", nn.Flatten()
        shape = after
    if len(shape) == 3:
        yield "flatten", nn.Flatten()
    yield "output", nn.Linear(math.prod(shape), outputs)


_NAMES: dict[type, str] = {
    Convolution: "conv",
    Pooling: "pool",
    GlobalPooling: "pool",
    Dense: "hidden",
    Dropout: "dropout",
    BatchNormalisation: "norm",
}
_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky": lambda: nn.LeakyReLU(LEAK),
    "tanh": nn.Tanh,
}


def _module(layer: Layer, shape: Shape) -> nn.Module:
    match layer:
        case Convolution():
            return nn.Conv2d(shape[0], layer.filters, layer.kernel, layer.stride, layer.padding)
        case Pooling(average=True):
            return nn.AvgPool2d(_side(layer.size), _side(layer.stride))
        case Pooling():
            return nn.MaxPool2d(_side(layer.size), _side(layer.stride))
        case GlobalPooling(average=True):
            return nn.AvgPool2d((shape[1], shape[2]))
        case GlobalPooling():
            return nn.MaxPool2d((shape[1], shape[2]))
        case Dense():
            return nn.Linear(shape[0], layer.units)
        case Dropout():
            return SeededDropout(layer.rate)
    return (nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d)(shape[0], eps=SMALLEST_VARIANCE)


def _side(size: Pair) -> int | Pair:
    """Return the side of a square, as PyTorch shows it, else height and width."""
    return size[0] if size[0] == size[1] else size


def _after(layer: Layer, shape: Shape) -> Shape:
    """Return the shape, (C, H, W) or (D,), of what a layer makes of a shape; sides may be 0 or less."""
    match layer:
        case Convolution():
            sides = zip(_room(layer, shape), layer.kernel, layer.stride, strict=True)
            return layer.filters, *((room - kernel) // stride + 1 for room, kernel, stride in sides)
        case Pooling():
            sides = zip(shape[1:], layer.size, layer.stride, strict=True)
            return shape[0], *((room - size) // stride + 1 for room, size, stride in sides)
        case GlobalPooling():
            return (shape[0],)
        case Dense():
            return (layer.units,)
    return shape


def _room(layer: Layer, shape: Shape) -> Pair:
    """Return the height and width over which a layer's window moves."""
    padding = layer.padding if isinstance(layer, Convolution) else (0, 0)
    return shape[1] + 2 * padding[0], shape[2] + 2 * padding[1]


def _at_most(size: Pair, room: Pair) -> Pair:
    return min(size[0], room[0]), min(size[1], room[1])


def _checked(spec: NetworkSpec, place: int, shape: Shape) -> Shape:
    """Return the shape after a layer, or say with its place that nothing is left."""
    layer = spec.layers[place]
    after = _after(layer, shape)
    if min(after) > 0:
        return after
    texts = [str(each) for each in spec.layers]
    start = sum(len(text) + 2 for text in texts[:place])
    raise InputError(
        f'network: "{layer}" is larger than what reaches it, {shape[-2]}x{shape[-1]} pixels; take a smaller kernel or '
        f"pooling window, or larger faces.\n{mark(', '.join(texts), start, start + len(texts[place]))}"
    )
