"""The door for photographs: whatever bytes come, an image or an ImageError that says why not."""

import asyncio

import httpx
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from faceloupe.errors import ImageError
from faceloupe.faces.images import decode
from faceloupe.web.uploads import Photo
from helpers.serving import TOKENS, photo

FILES = {kind: photo(1, kind=kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "PPM")}


@st.composite
def damaged(draw):
    """A file with some bytes changed, and perhaps cut, lengthened or with a part doubled."""
    content = bytearray(FILES[draw(st.sampled_from(sorted(FILES)))])
    places = st.integers(0, len(content) - 1) | st.integers(0, 200)  # the head decides most
    for place, value in draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=12)):
        content[min(place, len(content) - 1)] = value
    start, end = sorted(draw(st.tuples(places, places)))
    return bytes(draw(st.sampled_from([content, content[:end], content + content[start:end], content[start:]])))


@given(damaged() | st.binary(max_size=300))
@example(b"")
@settings(max_examples=400)
def test_any_bytes_are_a_picture_or_an_error_of_the_picture(content):
    try:
        samples = decode(content, "photo", colour=True)
    except ImageError as problem:
        assert str(problem).startswith("photo: ")  # noqa: PT017 - some examples raise, others do not
    else:
        assert samples.dtype in (np.uint8, np.float32)
        assert samples.ndim == 3


@pytest.mark.parametrize("kind", sorted(FILES))
def test_every_kind_of_file_is_taken(ask, kind):
    answer = ask("POST", "/detect", files={"photo": FILES[kind]})
    assert answer.status_code == 200
    assert len(answer.json()["faces"]) == 1


class Holder(BaseModel):
    photo: Photo


@given(st.binary(max_size=50))
def test_base64_is_read_back(content):
    import base64

    text = base64.b64encode(content).decode()
    assert Holder(photo=text).photo == Holder(photo=f"data:image/png;base64,{text}").photo == content
    assert Holder(photo=base64.encodebytes(content).decode()).photo == content  # MIME breaks its lines


@pytest.mark.parametrize("sent", ["a", "!!!!", "data:image/png,x", "é"])
def test_what_is_no_base64(sent):
    with pytest.raises(ValueError, match="base64"):
        Holder(photo=sent)


def test_a_form_is_checked_as_json_is(ask):
    def refused(**given):
        answer = ask("POST", "/identify", **given)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems#input")
        return answer.json()["detail"]

    assert "other: Extra inputs" in refused(files={"photo": photo(1)}, data={"other": "1"})
    assert "ranks: Input should be a valid integer" in refused(files={"photo": photo(1)}, data={"ranks": "many"})
    assert "photo: expected once, got 2 times" in refused(files=[("photo", photo(1))] * 2)
    assert "photo: Field required" in refused(files={"other": photo(1)})
    assert "not a form" in refused(content=b"x", headers={"Content-Type": "multipart/form-data"})
    assert "not a form" in refused(content=b"--x\r\n\r\n", headers={"Content-Type": "multipart/form-data; boundary=y"})
    whole = b'--x\r\nContent-Disposition: form-data; name="person"\r\n\r\n1\r\n--x--\r\n'
    for cut in (0, 3, 30, len(whole) - 10, len(whole) - 4):
        said = refused(content=whole[:cut], headers={"Content-Type": "multipart/form-data; boundary=x"})
        assert "stops before its last boundary" in said
    assert "Too many files" in refused(files=[("photo", b"")] * 65)


JSON = {"Content-Type": "application/json"}
HOSTILE = {
    "deep": b"[" * 60_000,
    "many": b"{" + b",".join(b'"a%d":1' % number for number in range(5000)) + b"}",
    "twice": b'{"name": "Ann", "name": "Bo"}',
    "no number": b'{"into": NaN}',
    "text": b"Ann",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/detect"), ("POST", "/people"), ("PATCH", "/people/1"), ("POST", "/people/1/merge"),
        ("POST", "/calibrate"), ("POST", "/studies"), ("POST", "/networks"), ("POST", "/networks/x/look"),
    ],
)  # fmt: skip
def test_json_is_bounded_before_it_is_read(ask, method, path, body):
    answer = ask(method, path, content=body, headers=JSON)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems#input")


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=b"])
def test_a_body_without_photographs_is_a_small_one(ask, kind):
    async def endless():
        while True:
            yield b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\n' + b"a" * 20_000 + b"\r\n"

    for method, path in (("PATCH", "/people/1"), ("POST", "/people/1/merge"), ("POST", "/calibrate")):
        answer = ask(method, path, content=endless(), headers={"Content-Type": kind})
        assert (answer.status_code, answer.json()["type"]) == (413, "/problems#too-large")
        assert "65,536 bytes" in answer.json()["detail"]


def test_many_fields_keep_nobody_waiting(ask):
    many = b"{" + b",".join(b'"a%d":1' % number for number in range(2_000_000)) + b"}"
    ended = []

    async def main():
        transport = httpx.ASGITransport(app=ask.app)
        headers = {"Authorization": f"Bearer {TOKENS['admin']}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:

            async def post():
                ended.append((await client.post("/api/v1/detect", content=many, headers=JSON)).status_code)

            async def get():
                ended.append((await client.get("/api/v1/jobs")).status_code)

            await asyncio.gather(post(), *(get() for _ in range(3)))

    asyncio.run(main())
    assert ended == [200, 200, 200, 422]
