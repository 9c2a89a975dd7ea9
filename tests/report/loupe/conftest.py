"""The loupe of a small study, opened from disk with the network cut."""

from collections.abc import Iterator
from typing import Any

import pytest

from helpers.loupe_data import make_study
from helpers.loupe_page import open_at, page_of


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("loupe") / "loupe.html"
    path.write_text(page_of(make_study()), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def tab(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    yield context.new_page()
    context.close()


@pytest.fixture
def page(tab: Any, address: str) -> Any:
    return open_at(tab, address)
