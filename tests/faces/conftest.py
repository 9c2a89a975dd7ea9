"""A photograph read from a file."""

import pytest

from faceloupe.faces import read_image


@pytest.fixture
def read(tmp_path):
    def read_bytes(content, name="face.png", **options):
        (tmp_path / name).write_bytes(content)
        return read_image(tmp_path / name, **options)

    return read_bytes
