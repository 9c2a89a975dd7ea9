"""The choice of frames of a clip: those that differ from the last one looked at."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError

_TILES = 8  # along each side of the small copy; a face is a few of them


@dataclass(frozen=True, slots=True)
class Sampling:
    """The density at which a clip is looked at.

    Parameters
    ----------
    least : float
        Seconds between two frames that are looked at, at least, however much changes.
    most : float
        Seconds after which a frame is looked at even if nothing changes.
    change : float
        Grey levels, 0 to 255, by which the mean of some part of the picture, an eighth of each side, must differ from
        the frame last looked at.

    Raises
    ------
    InputError
        If ``0 <= least <= most`` or ``change >= 0`` does not hold.
    """

    least: float = 0.1
    most: float = 1.0
    change: float = 3.0

    def __post_init__(self) -> None:
        if not 0 <= self.least <= self.most < float("inf"):
            raise InputError(f"sampling: expected 0 <= least <= most in seconds, got {self.least} and {self.most}")
        if not 0 <= self.change <= 255:
            raise InputError(f"sampling: expected a change of 0 to 255 grey levels, got {self.change}")


class Chooser:
    """Chooses frames as they come; it remembers the last one chosen.

    Attributes
    ----------
    changed : dict
        Time of a chosen frame -> time of the first frame after it that differs, whether that was chosen or not.
    """

    def __init__(self, sampling: Sampling) -> None:
        self.changed: dict[float, float] = {}
        self._sampling = sampling
        self._time = -float("inf")
        self._tiles: NDArray[np.float32] | None = None

    def __call__(self, time: float, grey: NDArray[np.uint8]) -> bool:
        """Return whether to look at a frame, given its time in seconds and a small grey copy, (H, W)."""
        tiles, since = _tile_means(grey), time - self._time
        changed = self._tiles is None or float(np.abs(tiles - self._tiles).max()) > self._sampling.change
        if changed and self._tiles is not None:
            self.changed.setdefault(self._time, time)
        if since < self._sampling.least or (since < self._sampling.most and not changed):
            return False
        self._time, self._tiles = time, tiles
        return True


def _tile_means(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the means of 8 x 8 parts."""
    rows, columns = (np.linspace(0, side, _TILES, endpoint=False).astype(int) for side in grey.shape)
    sums = np.add.reduceat(np.add.reduceat(grey.astype(np.float32), rows, axis=0), columns, axis=1)
    heights, widths = np.diff([*rows, grey.shape[0]]), np.diff([*columns, grey.shape[1]])
    means: NDArray[np.float32] = (sums / np.outer(heights, widths)).astype(np.float32)
    return means
