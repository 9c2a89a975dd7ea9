"""Softmax losses over cosines with a margin: what makes vectors of people nobody trained on fall apart, too.

The output layer has one direction for each person of the training. Its logits are ``scale`` times the cosine between a
face's vector and each direction; for the right person the cosine is first made smaller by the margin, so that a face
counts as learned only once it is nearer to its person than to all others by that much.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Kind = Literal["cosface", "arcface"]

EDGE = 1e-7  # the arc cosine has no gradient at 1


def with_margin(cosines: Tensor, labels: Tensor, margin: float, kind: Kind) -> Tensor:
    """Return cosines (N, C) with the margin taken from those of the right person.

    Parameters
    ----------
    cosines : Tensor, (N, C)
    labels : Tensor of int64, (N,)
    margin : float
        0 or more: for "cosface" a cosine, for "arcface" an angle in radians.
    kind : {"cosface", "arcface"}
        ``cos θ - m`` (Wang et al. 2018, arXiv:1801.09414), or ``cos(θ + m)`` (Deng et al. 2019, arXiv:1801.07698),
        which past ``θ = π - m``, where it would rise again, goes on falling in a line as ``cos θ - m sin m``.
    """
    own = cosines.gather(1, labels[:, None])
    if kind == "cosface":
        lowered = own - margin
    else:
        angle = torch.acos(own.clamp(-1 + EDGE, 1 - EDGE))
        lowered = torch.where(
            angle + margin < torch.pi, torch.cos(angle + margin), own - margin * torch.sin(torch.tensor(margin))
        )
    return cosines.scatter(1, labels[:, None], lowered)


class MarginLoss(nn.Module):
    """A direction for each of C people, and the cross entropy of scaled cosines with a margin.

    Parameters
    ----------
    dimensions, people : int
        D and C.
    scale : float
        By which cosines are multiplied.
    margin, kind
        As for :func:`with_margin`.
    """

    def __init__(self, dimensions: int, people: int, *, scale: float, margin: float, kind: Kind) -> None:
        super().__init__()
        self.directions = nn.Parameter(torch.empty(people, dimensions))
        nn.init.xavier_normal_(self.directions)
        self.scale, self.margin, self.kind = scale, margin, kind

    def forward(self, vectors: Tensor, labels: Tensor) -> Tensor:
        """Return the mean loss of vectors (N, D) of any length, in nats, in the directions' precision."""
        vectors = vectors.to(self.directions.dtype)
        cosines = functional.linear(functional.normalize(vectors), functional.normalize(self.directions))
        return functional.cross_entropy(self.scale * with_margin(cosines, labels, self.margin, self.kind), labels)
