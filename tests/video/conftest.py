from fractions import Fraction

import numpy as np
import pytest

av = pytest.importorskip("av")

MILLISECOND = Fraction(1, 1000)


def write_clip(path, frames, times=None, *, codec="libx264", rotation=None, mirrored=False, aspect=None, crf=18):
    """Write pictures (H, W, 3) of uint8 as a clip; `times` are milliseconds, by default 25 frames a second."""
    frames = iter(frames)
    first = next(frames)
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25, options={"crf": str(crf)} if codec == "libx264" else {"qscale": "2"})
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt, stream.bit_rate = "yuv420p", 4_000_000
        stream.codec_context.time_base = MILLISECOND
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if rotation is not None:
            stream.set_display_rotation(rotation, hflip=mirrored)
        for place, image in enumerate((first, *frames)):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            picture.pts, picture.time_base = place * 40 if times is None else times[place], MILLISECOND
            out.mux(stream.encode(picture))
        out.mux(stream.encode())
    return path


@pytest.fixture(name="write_clip", scope="session")
def _write_clip():
    return write_clip
