"""The page of the API: every operation of the document, with what it takes and a line that calls it."""

import subprocess

import httpx
import pytest

from helpers import pages


@pytest.fixture(scope="module")
def address(mosaic_page):
    return mosaic_page.replace("/#", "/api.html#")


@pytest.fixture(scope="module")
def document(mosaic_page):
    where = f"{mosaic_page.partition('/#')[0]}/api/v1/openapi.json"
    return httpx.get(where, headers={"Authorization": f"Bearer {pages.TOKEN}"}).json()


@pytest.fixture(scope="module")
def visit(browser, address):
    opened = pages.visit(browser, address, viewport={"width": 320, "height": 800}, bypass_csp=True)
    opened.page.locator(".operation").first.wait_for()
    return opened


def at(visit, operation):
    """Follow a link to an operation."""
    visit.page.evaluate("hash => { location.hash = hash }", operation)
    found = visit.page.locator(f"#{operation}")
    found.locator(".told").wait_for()
    return found


def test_every_operation_is_listed_and_can_be_opened(visit, document):
    heads = visit.page.locator(".operation > summary")
    listed = {tuple(words.split()[:2]) for words in heads.all_inner_texts()}
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert listed == described
    ids = visit.page.locator(".operation").evaluate_all("all => all.map(({ id }) => id)")
    assert len(set(ids)) == len(described)
    visit.page.evaluate("document.querySelectorAll('.operation').forEach(one => { one.open = true })")
    visit.page.locator(".told").nth(len(described) - 1).wait_for()
    assert "undefined" not in visit.page.locator("main").inner_text()
    visit.page.evaluate("document.querySelectorAll('.operation').forEach(one => { one.open = false })")
    assert visit.messages == []


def test_a_link_opens_its_operation_with_the_fields_of_each_body(visit):
    operation = at(visit, "post-people")
    assert visit.page.evaluate("document.activeElement.closest('details').id") == "post-people"
    json, form = operation.locator(".body").all()
    assert "photos list of 1 to 20 base64 required" in " ".join(json.inner_text().split())
    assert "photos list of 1 to 20 file, image/* required" in " ".join(form.inner_text().split())
    assert "consent text, at most 2000 characters" in json.inner_text()
    assert "Idempotency-Key" in operation.inner_text()
    assert "already_enrolled" in operation.locator(".answer").first.inner_text()
    operation.get_by_text("Or a problem").click()
    operation.get_by_text("This occurrence of the problem.").wait_for()
    visit.check("an operation")


def test_the_keyboard_opens_what_an_object_holds(visit):
    operation = at(visit, "get-people-person")
    quality = operation.locator("summary", has_text="quality")
    assert operation.get_by_text("eye_distance").count() == 0
    quality.focus()
    visit.page.keyboard.press("Enter")
    operation.get_by_text("eye_distance").first.wait_for()


@pytest.mark.parametrize("operation", ["get-people", "post-calibrate", "get-points"])
def test_the_line_calls_the_operation_once_the_token_is_set(visit, operation):
    line = at(visit, operation).locator(".line pre").inner_text()
    assert "$TOKEN" in line
    assert pages.TOKEN not in visit.page.content()
    told = subprocess.run(  # noqa: S602 - the line is for a shell
        f"{line} -s -o /dev/null -w '%{{http_code}}'", shell=True, capture_output=True, text=True, check=True,
        env={"TOKEN": pages.TOKEN, "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert told.stdout in ("200", "422")  # the gallery is too small to be calibrated on


def test_a_line_is_copied(visit):
    visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    line = at(visit, "post-identify").locator(".line")
    line.get_by_role("button", name="Copy").click()
    visit.page.wait_for_function("document.getElementById('said').textContent === 'The line is copied.'")
    copied = visit.page.evaluate("navigator.clipboard.readText()")
    assert copied == line.locator("pre").inner_text()
    assert "-F photo=@photo.jpg" in copied


def test_without_a_token_it_asks_for_one_and_the_page_links_to_it(browser, address):
    stranger = pages.visit(browser, address.partition("#")[0])
    stranger.page.get_by_label("Token").fill(pages.TOKEN)
    stranger.page.keyboard.press("Enter")
    stranger.page.locator(".operation").first.wait_for()
    stranger.page.get_by_role("link", name="The page").click()
    stranger.page.get_by_role("link", name="The API").click()
    stranger.page.locator(".operation").first.wait_for()
    assert pages.TOKEN not in stranger.page.url
    stranger.page.context.close()
