"""Convolution and max-pooling in one pass, with the kernels of many fits.

No feature map is ever written to memory, and no two fits need to share a face. The pixels that the windows of a row
need for one tap of a kernel must lie side by side, so those of a row are dealt out: with windows 4 apart, first the
columns 0, 4, 8 ..., then 1, 5, 9 ... A face stays in the first cache.
"""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from faceloupe.training.compiling import processor
from faceloupe.training.pooling_code import Geometry, compiled_gradient, compiled_pooling

FEW = 4  # pooled columns, below which most lanes of a vector would be idle


class PooledMaps:
    """The largest value in each pooling window of faces convolved with kernels, and the kernels' gradient.

    Shapes below: M faces of H x W pixels; S fits, each with B captures and F kernels of k x l; P pooled places.

    Parameters
    ----------
    images : Tensor, (M, H, W)
        In single or double precision.
    shape : Geometry
        The sizes of the images and of everything that passes over them.
    """

    def __init__(self, images: Tensor, shape: Geometry) -> None:
        self.rows, self.columns = shape.pooled
        self.filters, self.taps = shape.filters, shape.kernel[0] * shape.kernel[1]
        self._together = shape.window[1] if self.columns < FEW and shape.step[1] == shape.window[1] else 1
        if self._together > 1:  # the columns of a window are compiled as windows of their own, and pooled afterwards
            seen = (self.columns * self._together - 1) * shape.stride[1] + shape.kernel[1]
            images = images[:, :, :seen]
            shape = replace(shape, image=(shape.image[0], seen), window=(shape.window[0], 1), step=(shape.step[0], 1))
        self._pool, self._gather = compiled_pooling(shape), compiled_gradient(shape)
        self._faces = len(images)
        rest = shape.dealt * shape.apart - images.shape[2]
        columns = functional.pad(images, (0, rest)).view(*images.shape[:2], shape.dealt, shape.apart)
        self._dealt = _with_room(columns.mT)
        self._pixels = _with_room(images)

    def pool(self, faces: Tensor, kernels: Tensor, factors: Tensor, offsets: Tensor) -> tuple[Tensor, Tensor]:
        """Convolve faces with kernels and take the largest value of each window.

        Parameters
        ----------
        faces : Tensor of int64, (S, B)
        kernels : Tensor, (S, F, k, l)
        factors, offsets : Tensor, (S,) and (S, F)
            Each value is multiplied by the factor of its fit, above 0, and then added to the offset.

        Returns
        -------
        values : Tensor, (S, B, F, P)
        winners : Tensor of int32, (S, B, F, P)
            The number of the first pixel of the patch that each is from.

        Raises
        ------
        IndexError
            If there is no such face.
        """
        faces = self._checked(faces)
        numbers = kernels.contiguous(), factors.contiguous(), offsets.contiguous()
        shape = *faces.shape, self.filters, self.rows, self.columns, self._together
        values, winners = kernels.new_empty(shape), torch.empty(shape, dtype=torch.int32)
        self._pool(*_addresses(self._dealt, faces, *numbers, values, winners), *faces.shape)
        if self._together == 1:
            return values.flatten(3), winners.flatten(3)
        values, where = values.max(5, keepdim=True)
        return values.flatten(3), winners.gather(5, where).flatten(3)

    def gradient(self, faces: Tensor, winners: Tensor, slopes: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss's slopes by the kernels, (S, F, k·l), for factors of 1, and by the offsets, (S, F).

        `slopes` are those by the values, (S, B, F, P); `winners` come from :meth:`pool` for the same faces.
        """
        faces, slopes = self._checked(faces), slopes.contiguous()
        sums = slopes.new_empty(len(faces), self.filters, self.taps)
        totals = slopes.new_empty(sums.shape[:2])
        addresses = _addresses(self._pixels, faces, winners, slopes, sums, totals)
        self._gather(*addresses, *faces.shape, self.rows * self.columns)
        return sums, totals

    def _checked(self, faces: Tensor) -> Tensor:
        least, most = (int(number) for number in faces.aminmax())
        if least < 0 or most >= self._faces:
            raise IndexError(f"faces must be numbers from 0 to {self._faces - 1}, but go from {least} to {most}.")
        return faces.contiguous()


def _with_room(images: Tensor) -> Tensor:
    """Return images as one vector, with room at the end for what idle lanes read."""
    return functional.pad(images.flatten(), (0, images.shape[-1] + processor().vector_bytes))


def _addresses(*tensors: Tensor) -> Iterator[int]:
    return (tensor.data_ptr() for tensor in tensors)
