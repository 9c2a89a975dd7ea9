"""The page's four places with made-up faces: the token, the keyboard, phones, themes, hostile names, a study."""

import re

import pytest

from faceloupe.cli.serve import _HAND_OVER
from faceloupe.client import Client
from helpers import pages, serving

PLACES = (
    "recognise", "recognise/compare", "recognise/camera", "people", "people/enrol", "people/audit", "look",
    "studies", "studies/train",
)  # fmt: skip
CHROMIUM = "/usr/bin/chromium"
HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>'


@pytest.fixture(scope="module")
def visit(browser, mosaic_page):
    opened = pages.visit(browser, mosaic_page)
    opened.go("people")
    opened.page.get_by_text("Nobody is enrolled yet").wait_for()
    for name, person in (("Ann", 1), ("Ben", 2), (HOSTILE, 3)):
        opened.enrol(name, *((f"{capture}.png", serving.photo(person, capture=capture)) for capture in (0, 1)))
    return opened


def test_the_token_leaves_the_address_and_stays_in_the_tab(visit):
    assert pages.TOKEN not in visit.page.url
    assert visit.page.evaluate("Object.values(sessionStorage)") == [pages.TOKEN]
    visit.page.reload()
    visit.page.get_by_role("heading", level=1).wait_for()
    assert visit.page.get_by_label("Token").count() == 0


def test_without_a_token_the_page_asks_for_one_and_takes_it(browser, mosaic_page):
    where = mosaic_page.partition("#")[0]
    stranger = pages.visit(browser, where)
    page = stranger.page
    assert page.get_by_role("heading", level=1).inner_text() == "This page needs its token"
    assert not [url for url in stranger.requests if "/api/" in url]
    page.get_by_label("Token").fill("wrong")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="The server does not take this token").wait_for()
    page.locator("h1:focus").wait_for()
    page.get_by_label("Token").fill(mosaic_page)  # the whole address does too
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Recognise", exact=True).wait_for()
    page.context.close()


def test_a_name_is_text_wherever_it_stands(visit):
    visit.go("people")
    visit.page.get_by_role("link", name=HOSTILE).click()
    visit.page.get_by_role("heading", name=HOSTILE).wait_for()
    visit.go("recognise")
    visit.show(("group.png", serving.photo(3, 1, capture=2)))
    visit.page.locator(".faces-found th").first.wait_for()
    assert HOSTILE in visit.page.locator(".faces-found").inner_text()
    visit.page.get_by_role("button", name="Remove").click()
    assert visit.page.title() == "Recognise · faceloupe"
    visit.page.locator("h1:focus", has_text="Recognise").wait_for()


def test_of_several_faces_that_cannot_be_cut_out_none_is_enrolled_or_compared(visit):
    visit.go("recognise")
    visit.show(("group.tif", serving.photo(8, 1, 2, kind="TIFF")))
    page = visit.page
    page.locator(".face-panel", has_text="Ann").wait_for()  # one with a name comes first
    page.get_by_role("button", name="Face 3, Ben").click()
    page.locator(".face-panel", has_text="no single face can be cut out").wait_for()
    assert page.get_by_role("button", name="Enrol this face").count() == 0
    assert page.get_by_role("button", name="Compare with another photograph").count() == 0
    page.get_by_role("button", name="Remove").click()
    visit.show(("one.tif", serving.photo(8, kind="TIFF")))
    page.get_by_role("button", name="Enrol this face").wait_for()
    page.get_by_role("button", name="Remove").click()


def test_a_verdict_is_of_the_two_photographs_that_are_shown(visit):
    page = visit.page
    visit.go("recognise/compare")
    for index, person in enumerate((1, 1)):
        visit.show((f"{index}.png", serving.photo(person, capture=3 + index)), index=index)
        page.locator(".slot figure").nth(index).wait_for()
    page.route("**/verify", lambda _: None)
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_text("Comparing").wait_for()
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/verify")):
        visit.show(("other.png", serving.photo(2)), index=1)
    page.locator(".slot figure", has_text="other.png").wait_for()
    page.unroute("**/verify")
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_role("heading", name="Two people").wait_for()
    page.get_by_label("Of several faces take the central one").check()
    page.locator(".verdict-of-two").wait_for(state="detached")


def test_people_are_searched_renamed_merged(visit, mosaic_page):
    visit.enrol("Annie", ("2.png", serving.photo(1, capture=2)))
    page = visit.page
    visit.go("people")
    page.get_by_label("Search by name").fill("ann")
    page.get_by_role("link", name="Annie").click()
    page.get_by_role("heading", name="Annie", exact=True).wait_for()
    page.wait_for_function("document.title === 'Annie · People · faceloupe'")
    page.go_back()
    page.get_by_role("link", name="Annie").wait_for()
    assert page.get_by_label("Search by name").input_value() == "ann"
    page.get_by_role("link", name="Annie").click()
    page.get_by_role("button", name="Name and id").click()
    page.locator("dialog").get_by_label("Name", exact=True).fill("Anne")
    page.locator("dialog").get_by_label("External id").fill("E-17")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Anne (E-17)", exact=True).wait_for()
    assert page.evaluate("document.activeElement.textContent") == "Name and id", "where it was before"
    page.locator(".history li", has_text="Described: changed external id").wait_for()
    page.get_by_role("button", name="Notes").click()
    page.locator("dialog").get_by_label("What").fill("floor")
    page.locator("dialog").get_by_label("Note", exact=True).fill("third")
    other = Client(mosaic_page)
    other.describe("id:E-17", metadata={"number": 2**53 + 1})  # meanwhile
    page.keyboard.press("Enter")
    page.locator(".noted", has_text="third").wait_for()
    page.get_by_role("button", name="Notes").click()
    page.locator("dialog").get_by_role("button", name="Remove note 2").click()
    page.locator("dialog").get_by_role("button", name="Save").click()
    page.locator(".noted", has_text="third").wait_for(state="detached")
    assert other.show("id:E-17").person.metadata == {"number": 2**53 + 1}
    other.close()
    page.get_by_role("button", name="Merge").click()
    dialog = page.locator("dialog")
    dialog.get_by_role("radio", name=re.compile("Ben")).check()
    dialog.get_by_role("button", name="Merge into Ben").wait_for()
    dialog.get_by_label("Search for the other").fill("ann")
    assert dialog.get_by_role("button", name="Merge").is_disabled(), "whoever is out of sight is not chosen"
    dialog.get_by_role("radio", name=re.compile("Ann 2")).check()
    dialog.get_by_role("button", name="Merge into Ann").click()
    page.get_by_role("heading", name="Ann (E-17)", exact=True).wait_for()  # she had no external id herself
    assert page.locator(".references li").count() == 3
    page.get_by_role("heading", name="History").wait_for()
    visit.go("people/audit")
    page.locator("tbody th", has_text="Merged: into 1").wait_for()


def test_a_study_is_begun_watched_stopped_and_resumed(visit, monkeypatch):
    monkeypatch.setattr("faceloupe.web.studies.carry_out", serving.study_endlessly)
    visit.go("studies")
    page = visit.page
    page.get_by_label("Faces").select_option("mosaics")
    for label, number in (("Pairs of people", "2"), ("Seeds", "1"), ("Epochs", "1")):
        page.get_by_label(label).fill(number)
    page.get_by_label("as they are, 0 to 1").uncheck()
    page.get_by_role("button", name="Begin").click()
    page.locator(".study").get_by_role("progressbar").wait_for(timeout=60_000)  # it has begun its folder
    with page.expect_response(lambda answer: answer.request.method == "DELETE"):
        page.get_by_role("button", name="Stop").click()
    monkeypatch.undo()
    page.locator(".study .state", has_text="stopped").wait_for()
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("link", name="Read the report").click(timeout=120_000)
    page.frame_locator("iframe").get_by_role("heading", level=1).wait_for()
    assert re.fullmatch(r"#studies/[\w-]+", page.evaluate("location.hash"))


def test_a_network_is_trained_and_then_there_to_be_looked_at(visit):
    visit.go("studies/train")
    page = visit.page
    page.get_by_label("Faces").select_option("mosaics")
    page.get_by_label("Kind").select_option("fcnn")
    page.get_by_label("Name").fill("trained.1")
    page.get_by_label("Epochs").fill("1")
    page.get_by_role("button", name="Train", exact=True).click()
    page.locator(".lead-score", has_text="trained.1").wait_for(timeout=30_000)
    assert "chance is 33.3 %" in page.locator(".job").inner_text()
    page.get_by_role("link", name="small-net").wait_for()  # to look at it beside
    page.get_by_role("link", name="Look at it").click()
    page.get_by_role("radio", name=re.compile("trained.1"), checked=True).wait_for()


def test_a_training_with_a_bad_name_is_refused_in_words(visit):
    visit.go("studies/train")
    name = visit.page.get_by_label("Name")
    name.fill("../elsewhere")
    visit.page.get_by_role("button", name="Train", exact=True).click()
    assert name.evaluate("field => field.validity.patternMismatch && document.activeElement === field")
    assert "digits" in name.get_attribute("title")


def test_the_keyboard_alone_recognises_and_enrols(browser, mosaic_page):
    visit = pages.visit(browser, mosaic_page)
    page, press = visit.page, visit.page.keyboard.press
    two = {"name": "two.png", "mimeType": "image/png", "buffer": serving.photo(1, 8, capture=2)}
    page.on("filechooser", lambda chooser: chooser.set_files(two))
    press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    reach(page, "Choose photographs")
    press("Enter")
    page.locator(".faces-found tbody tr").nth(1).wait_for()
    reach(page, "Face 2, nobody")
    press("Enter")
    reach(page, "Enrol this face")
    press("Enter")
    page.locator("dialog").wait_for()
    assert page.evaluate("document.activeElement.closest('dialog') !== null")
    press("Escape")
    page.locator("dialog").wait_for(state="detached")
    assert page.evaluate("document.activeElement.textContent") == "Enrol this face"
    page.context.close()


def reach(page, name):
    """Press Tab until something of this name has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        here = page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent")
        if here.strip() == name:
            return
    pytest.fail(f"Tab never came to {name!r}")


@pytest.mark.parametrize("address", ["people/%E0%A4%A", "people/constructor", "constructor", "recognise/valueOf"])
def test_an_address_that_leads_nowhere_leads_to_a_place(visit, address):
    visit.messages.clear()
    visit.go(address)
    assert visit.page.locator("main h1").inner_text() in {"Recognise", "People"}
    assert visit.page.locator(".notice").count() == 0
    assert visit.messages == []


def test_no_photograph_of_an_enrolment_is_lost(visit):
    page, held = visit.page, []
    visit.go("people/enrol")
    visit.show(
        ("wall.png", serving.photo()), *((f"{number}.png", serving.photo(20, capture=number)) for number in range(21))
    )
    page.get_by_text("20 at once; 2 left out.").wait_for()
    for number in (4, *range(6, 19)):
        page.get_by_role("button", name=f"Remove {number}.png", exact=True).click()
    page.get_by_label("Name", exact=True).fill("Eve")
    visit.go("people")
    visit.go("people/enrol")
    assert page.get_by_label("Name", exact=True).input_value() == "Eve"
    assert page.locator(".to-enrol > li").count() == 6
    page.locator(".to-enrol .fit").nth(4).wait_for()
    page.route("**/api/v1/people", lambda route: held.append(route))
    page.get_by_role("button", name="Enrol", exact=True).click()
    visit.show(("late.png", serving.photo(20, capture=30)))
    page.locator(".to-enrol > li", has_text="late.png").wait_for()
    held[0].continue_()
    page.unroute("**/api/v1/people")
    page.locator(".done", has_text="5 photographs enrolled").wait_for()
    page.locator(".done:focus").wait_for()
    assert page.locator(".to-enrol .file-name").all_inner_texts() == ["wall.png", "late.png"]
    assert "Refused" in page.locator(".to-enrol > li").first.inner_text()
    for name in ("wall.png", "late.png"):
        page.get_by_role("button", name=f"Remove {name}").click()
    visit.messages.clear()


def test_a_key_is_offered_what_it_may(browser, mosaic_page):
    seen = pages.visit(browser, mosaic_page.partition("#")[0])

    def few(route):
        route.fulfill(json={"people": 3, "embedder": "toy", "scopes": ["recognise"]})

    seen.page.route("**/api/v1/health", few)
    seen.page.goto(mosaic_page)
    seen.page.get_by_role("heading", name="Recognise", exact=True).wait_for()
    assert seen.page.locator(".top nav a").all_inner_texts() == ["Recognise", "People"]
    seen.go("people/1")
    seen.page.get_by_role("heading", name="References").wait_for()
    assert seen.page.locator("main button").count() == 0
    seen.go("look")
    seen.page.get_by_text("Your key is not for this").wait_for()
    seen.page.context.close()


BRINGS = {
    "pasted": "document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: carried }))",
    "dropped": "document.querySelector('.picker').dispatchEvent(new DragEvent('drop', { dataTransfer: carried }))",
    "dropped beside": """
        const drop = new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true });
        document.querySelector("h1").dispatchEvent(drop);
        if (!drop.defaultPrevented) throw Error("the browser would open it")""",
}


@pytest.mark.parametrize("how", BRINGS)
def test_a_picture_is_pasted_and_dropped(visit, how):
    visit.go("recognise")
    visit.page.evaluate(
        f"""bytes => {{
            const carried = new DataTransfer();
            carried.items.add(new File([new Uint8Array(bytes)], "brought.png", {{ type: "image/png" }}));
            {BRINGS[how]};
        }}""",
        list(serving.photo(2, capture=2)),
    )
    visit.page.locator(".faces-found th", has_text="Ben").wait_for()
    visit.page.get_by_role("button", name="Remove").click()


@pytest.mark.parametrize(("width", "theme"), [(320, "dark"), (1280, "light")])
def test_every_place_fits_is_silent_and_accessible(browser, mosaic_page, visit, width, theme):  # noqa: ARG001 - it enrolled
    seen = pages.visit(
        browser, mosaic_page, viewport={"width": width, "height": 800}, color_scheme=theme, bypass_csp=True,
        reduced_motion="reduce",
    )  # fmt: skip
    page = seen.page
    for place in PLACES:
        seen.go(place)
        page.wait_for_function("!document.querySelector('.loading')")
        seen.check(place)
    seen.go("people")
    page.locator(".people a").first.click()
    page.locator(".history").wait_for()
    seen.check("a person")
    page.get_by_role("button", name="Remove reference").first.click()
    seen.check("remove a reference")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Forget").click()
    seen.check("forget")
    page.keyboard.press("Escape")
    seen.go("recognise")
    seen.show(("group.png", serving.photo(1, 3, 7, capture=3)))
    page.locator(".face-panel").wait_for()
    seen.check("faces")
    assert seen.messages == []
    page.context.close()


def test_a_server_that_is_gone_and_a_part_that_is_missing_are_told(browser, mosaic_page):
    visit = pages.visit(browser, mosaic_page)
    visit.page.route("**/api/v1/networks", lambda route: route.fulfill(status=405, json={}))
    visit.go("look")
    visit.page.get_by_text("This server does not offer it").wait_for()
    visit.page.route("**/api/v1/people?*", lambda route: route.abort())
    visit.go("people")
    visit.page.get_by_text("The server does not answer").wait_for()
    visit.page.unroute("**/api/v1/people?*")
    visit.page.get_by_role("button", name="Try again").click()
    visit.page.locator(".people, .empty").first.wait_for()
    visit.page.context.close()


def test_the_browser_that_serve_opens_keeps_no_token(browser, mosaic_page, tmp_path):
    where, _, token = mosaic_page.partition("/#token=")
    opens, profile = tmp_path / "open.html", tmp_path / "profile"
    opens.write_text(_HAND_OVER.format(page=where, token=token))
    kept = browser.browser_type.launch_persistent_context(
        profile, executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
    )
    page = kept.pages[0]
    page.goto(opens.as_uri())
    page.get_by_role("heading", name="Recognise", exact=True).wait_for()
    assert page.url == f"{where}/"
    page.reload()
    page.get_by_role("heading", name="Recognise", exact=True).wait_for()
    kept.close()
    files = [path for path in profile.rglob("*") if path.is_file() and not path.is_symlink()]
    assert any(path.name == "History" for path in files)
    assert [path.name for path in files if token.encode() in path.read_bytes()] == []
