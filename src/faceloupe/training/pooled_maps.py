"""Convolution and max-pooling in one pass, with the kernels of many fits.

No feature map is ever written to memory, and no two fits need to share a face. The pixels that the windows of a row
need for one tap of a kernel must lie side by side, so a row is stored in phases: with windows 4 apart, first the
columns 0, 4, 8 ..., then 1, 5, 9 ... A face stays in the first cache.

Compiled code reads and writes any address it is given: everything that reaches it is checked here.
"""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from faceloupe.errors import InputError
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

    Raises
    ------
    InputError
        If the images are of another size or precision; from the methods, if a tensor has not the shape and type that
        it should have, or is not on the CPU.
    """

    def __init__(self, images: Tensor, shape: Geometry) -> None:
        _checked("images", images, shape.dtype, (len(images), *shape.image))
        self.rows, self.columns = shape.pooled
        self.filters, self.kernel = shape.filters, shape.kernel
        self._together = shape.window[1] if self.columns < FEW and shape.step[1] == shape.window[1] else 1
        if self._together > 1:  # the columns of a window are compiled as windows of their own, and pooled afterwards
            side = (self.columns * self._together - 1) * shape.stride[1] + shape.kernel[1]
            images = images[:, :, :side]
            shape = replace(shape, image=(shape.image[0], side), window=(shape.window[0], 1), step=(shape.step[0], 1))
        self._pool, self._gather = compiled_pooling(shape), compiled_gradient(shape)
        self._dtype, self._faces = shape.dtype, len(images)
        height, width = shape.image
        self._last = (height - shape.kernel[0]) * width + width - shape.kernel[1]  # patch's first pixel
        columns = functional.pad(images, (0, shape.phase * shape.spacing - width))
        self._phases = _with_room(columns.reshape(-1, height, shape.phase, shape.spacing).mT)
        self._pixels = _with_room(images)

    def pool(self, faces: Tensor, kernels: Tensor, factors: Tensor, offsets: Tensor) -> tuple[Tensor, Tensor]:
        """Convolve faces with kernels and take the largest value of each window.

        Parameters
        ----------
        faces : Tensor of integers, (S, B)
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
        faces = self._numbers(faces)
        fits, batch = faces.shape
        kernels = _checked("kernels", kernels, self._dtype, (fits, self.filters, *self.kernel))
        factors = _checked("factors", factors, self._dtype, (fits,))
        offsets = _checked("offsets", offsets, self._dtype, (fits, self.filters))
        shape = fits, batch, self.filters, self.rows, self.columns, self._together
        values, winners = kernels.new_empty(shape), torch.empty(shape, dtype=torch.int32)
        if faces.numel():
            tensors = self._phases, faces, kernels, factors, offsets, values, winners
            self._pool(*(tensor.data_ptr() for tensor in tensors), fits, batch)
        if self._together == 1:
            return values.flatten(3), winners.flatten(3)
        values, where = values.max(5, keepdim=True)
        return values.flatten(3), winners.gather(5, where).flatten(3)

    def gradient(self, faces: Tensor, winners: Tensor, slopes: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss's slopes by the kernels, (S, F, k·l), for factors of 1, and by the offsets, (S, F).

        `slopes` are those by the values, (S, B, F, P); `winners` come from :meth:`pool` for the same faces.
        """
        faces = self._numbers(faces)
        fits, batch = faces.shape
        shape = fits, batch, self.filters, self.rows * self.columns
        slopes = _checked("slopes", slopes, self._dtype, shape)
        winners = _checked("winners", winners, torch.int32, shape)
        _check_range("winners", winners, self._last)
        sums = slopes.new_zeros(fits, self.filters, self.kernel[0] * self.kernel[1])
        totals = slopes.new_zeros(fits, self.filters)
        if faces.numel():
            tensors = self._pixels, faces, winners, slopes, sums, totals
            self._gather(*(tensor.data_ptr() for tensor in tensors), fits, batch, self.rows * self.columns)
        return sums, totals

    def _numbers(self, faces: Tensor) -> Tensor:
        if faces.ndim != 2 or faces.is_floating_point() or faces.dtype == torch.bool:
            raise InputError(f"faces must be whole numbers (S, B), but are {faces.dtype} {tuple(faces.shape)}.")
        _check_range("faces", faces, self._faces - 1)
        return _checked("faces", faces.long(), torch.int64, tuple(faces.shape))


def _checked(name: str, tensor: Tensor, dtype: torch.dtype, shape: tuple[int, ...]) -> Tensor:
    """Return a tensor side by side in memory, or raise InputError if it is not what compiled code expects."""
    if tensor.dtype != dtype or tensor.shape != shape or tensor.device.type != "cpu":
        raise InputError(
            f"{name} must be {dtype} of shape {shape} on the CPU, but are {tensor.dtype} of shape "
            f"{tuple(tensor.shape)} on {tensor.device}."
        )
    return tensor.contiguous()


def _check_range(name: str, numbers: Tensor, most: int) -> None:
    if not numbers.numel():
        return
    low, high = (int(number) for number in numbers.aminmax())
    if low < 0 or high > most:
        raise IndexError(f"{name} must be numbers from 0 to {most}, but go from {low} to {high}.")


def _with_room(images: Tensor) -> Tensor:
    """Return images as one vector, with room at the end for what idle lanes read."""
    return functional.pad(images.flatten(), (0, images.shape[-1] + processor().vector_bytes))
