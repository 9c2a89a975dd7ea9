"""Large documents on their way out."""

from asyncio import to_thread
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import StreamingResponse

from faceloupe.documents import json_text

PART = 2**16
"""Bytes that are handed over at once."""


async def in_parts(document: dict[str, Any]) -> StreamingResponse:
    """Return an answer that goes out as fast as the caller reads it.

    The request is in work until then, and so the number of answers that are held for slow readers is bounded. Writing
    the document and checking it against its shape, as FastAPI would, keeps nobody waiting.
    """
    content = (await to_thread(json_text, document)).encode()

    async def parts() -> AsyncIterator[bytes]:
        for start in range(0, len(content), PART):
            yield content[start : start + PART]

    headers = {"Content-Length": str(len(content)), "Cache-Control": "no-store"}
    return StreamingResponse(parts(), media_type="application/json", headers=headers)
