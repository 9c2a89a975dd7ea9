"""The methods of attribution by name: which there are, which only run the network, and how each is written."""

from typing import Literal, get_args

MethodName = Literal[
    "occlusion", "correlation", "gradient", "gradient-x-activation", "grad-cam", "integrated-gradients"
]

METHOD_NAMES: tuple[MethodName, ...] = get_args(MethodName)

RUN_ONLY: tuple[MethodName, ...] = ("occlusion", "correlation")
"""The methods that need no gradients: they work on whatever can be run, such as an ONNX file."""

_WRITTEN = {"grad-cam": "Grad-CAM", "gradient-x-activation": "gradient × activation"}


def name_of(method: str) -> str:
    """Return a method's name as a sentence writes it.

    >>> name_of("grad-cam"), name_of("integrated-gradients")
    ('Grad-CAM', 'integrated gradients')
    """
    return _WRITTEN.get(method, method.replace("-", " "))
