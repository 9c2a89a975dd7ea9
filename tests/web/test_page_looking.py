"""The page's Look: a small network's maps of a face as soon as it is chosen, and a look that is asked for."""

import re

import httpx
import pages
import pytest
import serving

from faceloupe.documents import decode_array

PIXEL = "(canvas, [x, y]) => [...canvas.getContext('2d').getImageData(x, y, 1, 1).data]"


@pytest.fixture(scope="module")
def visit(browser, mosaic_page):
    opened = pages.visit(browser, mosaic_page, bypass_csp=True)
    opened.go("look")
    opened.page.get_by_role("radio", name=re.compile("small-net")).check()
    opened.show(("one.png", serving.photo(1)))
    opened.page.locator(".maps canvas").first.wait_for()
    return opened


def test_maps_are_drawn_and_told_under_the_cursor(visit, mosaic_page):
    answer = httpx.post(
        f"{mosaic_page.partition('/#')[0]}/api/v1/networks/small-net/trace", data={"layers": "conv"},
        files={"photo": serving.photo(1)}, headers={"Authorization": f"Bearer {pages.TOKEN}"},
    )  # fmt: skip
    maps = decode_array(answer.json()["layers"][0]["output"])[0]
    layer = visit.page.locator(".layer", has=visit.page.get_by_role("img", name="conv, map 1", exact=True))
    assert layer.locator("canvas").count() == len(maps)
    tile = layer.get_by_role("img", name="conv, map 2", exact=True)
    box = tile.bounding_box()
    rows, columns = maps[1].shape
    row, column = rows // 2, columns // 3
    tile.hover(position={"x": (column + 0.5) * box["width"] / columns, "y": (row + 0.5) * box["height"] / rows})
    told = layer.locator("output").inner_text()
    assert told.startswith(f"map 2, row {row + 1}, column {column + 1}: ")
    assert float(told.rpartition(" ")[2].replace("−", "-")) == pytest.approx(maps[1, row, column], rel=6e-3)
    red, _, blue, _ = tile.evaluate(PIXEL, [column, row])
    assert (red > blue) == (maps[1, row, column] > 0), "orange is positive, blue negative"


def test_the_maps_fit_and_are_accessible(visit):
    visit.page.set_viewport_size({"width": 320, "height": 800})
    visit.check("maps")
    visit.page.set_viewport_size({"width": 1280, "height": 900})


def test_a_look_without_maps_shows_the_layers_that_were_chosen(visit):
    page = visit.page
    page.get_by_text("Its layers, and which to show").click()
    page.get_by_label("Show conv", exact=True).check()
    page.wait_for_function("document.querySelectorAll('.maps .layer').length === 2")  # the face and the layer
    page.get_by_label("Occlusion").uncheck()
    with page.expect_request("**/look") as asked:
        page.get_by_role("button", name="Look", exact=True).click()
    sent = asked.value.post_data_json
    assert (sent["methods"], sent["layers"], len(sent["photos"])) == ([], ["conv"], 1)
    page.get_by_role("button", name="Open the page").wait_for(timeout=30_000)
    with page.expect_popup() as popup:
        page.get_by_role("button", name="Open the page").click()
    popup.value.get_by_role("heading", level=1).wait_for()
    popup.value.close()
    assert visit.messages == []
