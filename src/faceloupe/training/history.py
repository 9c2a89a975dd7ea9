"""The course of a fit, as a value."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceloupe.pages import Shown


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class History(Shown):
    """Loss and accuracy of a fit, by epoch.

    Attributes
    ----------
    loss, accuracy : ndarray of shape (epochs,)
        Running means over the epoch's training captures, each before the update it leads to, as Keras prints them.
    validation_loss, validation_accuracy : ndarray of shape (epochs,) or None
        On the validation captures after each epoch; None without them.
    """

    loss: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    validation_loss: NDArray[np.float64] | None = None
    validation_accuracy: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.loss)

    def __repr__(self) -> str:
        if not len(self):
            return "History(no epochs)"
        text = f"History({len(self)} epochs: loss {self.loss[0]:.4f} → {self.loss[-1]:.4f}"
        text += f", accuracy {self.accuracy[0]:.3f} → {self.accuracy[-1]:.3f}"
        if self.validation_accuracy is not None:
            text += f", validation accuracy {self.validation_accuracy[0]:.3f} → {self.validation_accuracy[-1]:.3f}"
        return text + ")"

    def to_document(self) -> dict[str, Any]:
        """Return the curves as a plain dictionary."""
        curves = {field.name: getattr(self, field.name) for field in fields(self)}
        return {"schema": "faceloupe.history/1"} | {
            name: None if curve is None else curve.tolist() for name, curve in curves.items()
        }
