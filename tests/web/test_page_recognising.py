"""The page with real photographs and the published weights: enrol, recognise, compare, forget, and the camera."""

import re
from itertools import count

import pytest

from helpers import pages, serving

NUMBERS = count()


@pytest.fixture(scope="module")
def address(published, tmp_path_factory):  # noqa: ARG001 - a fixture that skips
    with pages.served(tmp_path_factory.mktemp("page")) as where:
        yield where


@pytest.fixture(scope="module")
def visit(browser, address):
    """A visit in which two people are enrolled, each by two photographs."""
    opened = pages.visit(browser, address, bypass_csp=True)
    for subject, name in ((1, "Ada"), (2, "Bo")):
        opened.enrol(name, *((f"{number}.png", pages.picture(pages.orl(subject, number))) for number in (1, 2)))
    return opened


def recognise(visit, *portraits):
    visit.go("recognise")
    name = f"group {next(NUMBERS)}.png"
    visit.show((name, pages.picture(*portraits)))
    shown = visit.page.get_by_role("region", name=name)
    shown.locator(".faces-found tbody tr").nth(len(portraits) - 1).wait_for()


def named(visit):
    return [re.sub(r"^\d+\s*", "", words) for words in visit.page.locator(".faces-found tbody th").all_inner_texts()]


@pytest.fixture
def explained(visit, monkeypatch):
    """Ask for an explanation by a button: faces must be found on both pictures; the slow maps are not made."""
    monkeypatch.setattr("faceloupe.web.api.explaining.explain_pair", serving.explain_briefly)

    def asked(button):
        with visit.page.expect_response("**/explain") as answer:
            visit.page.get_by_role("button", name=button).click()
        assert answer.value.status == 202
        visit.page.locator(".job.done").get_by_role("button", name="Open in a tab").wait_for()

    return asked


def test_two_people_are_recognised_in_a_third_picture_and_a_stranger_is_nobody(visit):
    recognise(visit, pages.orl(1, 5), pages.orl(2, 5), pages.orl(9, 1))
    assert named(visit) == ["Ada", "Bo", "nobody"]
    assert visit.page.locator(".outline.known").count() == 2
    assert visit.said() == "3 faces: Ada, Bo, nobody."
    assert "4 references of 2 people" in visit.page.locator(".faces-found").inner_text()
    assert visit.messages == []


def test_an_outline_lies_on_its_face_and_opens_it(visit):
    recognise(visit, pages.orl(1, 6), pages.orl(2, 6))
    picture = visit.page.locator(".picture-of-faces").bounding_box()
    outline = visit.page.locator(".outline").nth(1)
    box = outline.bounding_box()
    middle = (box["x"] + box["width"] / 2 - picture["x"]) / picture["width"]
    assert middle == pytest.approx((80 + 276 + 80 + 138) / (80 + 2 * 356), abs=0.04)
    outline.focus()
    visit.page.keyboard.press("Enter")
    panel = visit.page.locator(".face-panel")
    panel.locator(".who", has_text="Bo").wait_for()
    assert panel.locator(".candidates tbody tr").count() == 2
    visit.page.get_by_label("Show the five landmarks").check()
    assert visit.page.locator(".landmark").count() == 5
    panel.locator("summary").click()
    assert "Eyes apart" in panel.locator("dl").inner_text()


def test_a_stranger_is_enrolled_from_the_picture(visit):
    recognise(visit, pages.orl(1, 7), pages.orl(12, 1))
    visit.page.locator(".outline").nth(1).click()
    visit.page.get_by_role("button", name="Enrol this face").click()
    dialog = visit.page.locator("dialog")
    dialog.get_by_label("Name", exact=True).fill("Cy")
    dialog.get_by_role("button", name="Enrol", exact=True).click()
    visit.page.locator(".faces-found th", has_text="Cy").wait_for()
    assert named(visit) == ["Ada", "Cy"]
    assert visit.page.locator("dialog").count() == 0


def test_two_photographs_are_compared(visit, explained):
    visit.go("recognise/compare")
    visit.show(("one.png", pages.picture(pages.orl(3, 1))), index=0)
    visit.page.locator(".slot figure").wait_for()
    visit.show(("other.png", pages.picture(pages.orl(3, 2))), index=1)
    visit.page.locator(".slot figure").nth(1).wait_for()
    visit.page.get_by_role("button", name="Compare", exact=True).click()
    visit.page.get_by_role("heading", name="One person").wait_for()
    assert visit.page.evaluate("document.activeElement.textContent") == "One person"
    assert "threshold" in visit.page.locator(".verdict-of-two").inner_text()
    assert visit.said().startswith("Match: score")
    explained("Why this score?")


def test_a_score_is_explained_against_the_face_that_was_kept(visit, explained):
    recognise(visit, pages.orl(1, 9), pages.orl(9, 2))
    explained("Why is it like Ada?")


def test_what_shows_no_face_is_refused_in_words(visit):
    visit.go("recognise")
    visit.show(("wall.png", pages.picture()))
    visit.page.locator(".findings .empty", has_text="No face was found").wait_for()
    visit.go("people/enrol")
    visit.show(("wall.png", pages.picture()))
    visit.page.locator(".to-enrol .short", has_text=re.compile("face", re.IGNORECASE)).wait_for()
    assert visit.page.get_by_role("button", name="Enrol", exact=True).is_disabled()
    visit.page.get_by_role("button", name="Remove wall.png").click()


def test_the_hints_come_before_anything_is_kept(visit):
    visit.go("people/enrol")
    small = pages.picture(pages.orl(5, 1).resize((18, 22)).resize(pages.SIZE))
    visit.show(("blurred.png", small))
    visit.page.locator(".to-enrol .short li").first.wait_for()
    assert "expected at least" in visit.page.locator(".to-enrol .short").inner_text()
    assert visit.page.get_by_label("Enrol it although the quality is poor").count() == 1
    visit.page.get_by_role("button", name="Remove blurred.png").click()
    assert visit.page.locator(".to-enrol li").count() == 0


def test_whom_the_gallery_forgets_is_nobody(visit):
    visit.enrol("Di", ("1.png", pages.picture(pages.orl(15, 1))))
    recognise(visit, pages.orl(15, 2))
    assert named(visit) == ["Di"]
    visit.go("people")
    visit.page.get_by_role("link", name="Di", exact=True).click()
    visit.page.get_by_role("heading", name="Di", exact=True).wait_for()
    visit.page.locator(".references img").wait_for()
    visit.page.get_by_role("button", name="Forget").click()
    dialog = visit.page.locator("dialog")
    assert "1 template" in dialog.inner_text()
    assert "1 face chip" in dialog.inner_text()
    assert dialog.get_by_role("button", name="Forget").is_disabled()
    dialog.get_by_label("Type Di to go on").fill("Di")
    dialog.get_by_role("button", name="Forget").click()
    visit.page.locator(".people").wait_for()
    assert visit.page.get_by_role("link", name="Di", exact=True).count() == 0
    visit.page.locator("#said", has_text="Di is forgotten: 1 reference erased.").wait_for(state="attached")
    visit.go("recognise")  # where the photograph still is
    visit.page.locator(".faces-found th", has_text="nobody").wait_for()
    recognise(visit, pages.orl(15, 2))
    assert named(visit) == ["nobody"]


@pytest.mark.usefixtures("visit")  # it enrolled
def test_the_camera_names_who_stands_before_it_until_it_is_stopped(launch, address, tmp_path_factory):
    film = tmp_path_factory.mktemp("film") / "ada.mjpeg"
    film.write_bytes(10 * pages.picture(pages.orl(1, 8), kind="JPEG"))
    fake = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    film_of = f"--use-file-for-fake-video-capture={film}"
    with_camera = launch(*fake, film_of)
    watch = pages.visit(with_camera, address)
    watch.go("recognise/camera")
    assert watch.page.locator("video").count() == 0
    watch.page.get_by_role("button", name="Start the camera").click()
    watch.page.locator("button:focus", has_text="Pause").wait_for()
    watch.page.locator(".findings th", has_text="Ada").wait_for()
    assert watch.said() == "In the picture: Ada."
    watch.page.get_by_role("button", name="Pause").click()

    def nothing_is_sent():
        asked = len(watch.requests)
        watch.page.wait_for_timeout(900)
        return len(watch.requests) == asked

    assert any(nothing_is_sent() for _ in range(60)), "while it is paused, and what was on its way has come"
    watch.page.evaluate("window.track = document.querySelector('video').srcObject.getTracks()[0]")
    watch.page.get_by_role("button", name="Stop the camera").click()
    watch.page.get_by_role("button", name="Start the camera").wait_for()
    watch.page.locator("button:focus", has_text="Start the camera").wait_for()
    assert watch.page.evaluate("window.track.readyState") == "ended"
    watch.go("recognise")
    watch.page.get_by_role("button", name="Use the camera").click()
    watch.page.get_by_role("button", name="Take the photograph").click()
    watch.page.locator(".faces-found th", has_text="Ada").wait_for()
    watch.go("people/enrol")
    watch.page.get_by_role("button", name="Use the camera").click()
    watch.page.locator(".hints .fit").wait_for()
    watch.page.get_by_role("button", name="Close the camera").click()
    assert watch.messages == []
    with_camera.close()


def test_two_people_before_the_camera_are_studied_and_the_study_deleted(launch, address, tmp_path_factory):
    """The whole way: a film of each, the faces found by YuNet, the study begun, stopped and erased."""
    film = tmp_path_factory.mktemp("film") / "people.y4m"
    film.write_bytes(pages.film(*(pages.orl(1, number) for number in range(1, 11))))
    with_camera = launch(
        "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    )  # fmt: skip
    two = pages.visit(with_camera, address, bypass_csp=True)
    two.go("studies/two")
    page = two.page
    begin = page.get_by_role("button", name="Begin the study")
    assert begin.get_attribute("aria-disabled") == "true"
    first = page.get_by_role("group", name="The first")
    first.get_by_label("Name").fill("Ada")
    page.evaluate(
        "() => { window.works = HTMLCanvasElement.prototype.toBlob;"
        " HTMLCanvasElement.prototype.toBlob = (done) => done(null); }"
    )
    first.get_by_role("button", name="Take 10 photographs").click()
    page.get_by_role("alert").get_by_text("The browser made no picture").wait_for()
    page.evaluate("() => { HTMLCanvasElement.prototype.toBlob = window.works; }")
    for place, name in enumerate(("Ada", "Bo")):
        side = page.get_by_role("group", name=("The first", "The second")[place])
        side.get_by_label("Name").fill(name)
        side.get_by_role("button", name="Take 10 photographs").click()
        side.locator(".taken img").nth(9).wait_for()
        side.get_by_role("button", name="Take them again", disabled=False).wait_for()
    page.locator("video").wait_for(state="detached")  # the camera is off
    two.check("two people")
    begin.click()
    page.locator(".study, .job").first.wait_for()
    assert page.evaluate("location.hash") == "#studies"
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("button", name="Stop", exact=True).wait_for(state="detached")
    page.reload()
    page.locator("main h1").wait_for()
    page.locator(".study, .empty").first.wait_for()
    if page.locator(".study").count():  # it had begun to write
        assert page.get_by_role("button", name="Resume").count() == 0, "its photographs are gone"
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_text("No study yet").wait_for()
    assert two.messages == []
    with_camera.close()


def test_the_threshold_is_told_in_words(visit):
    visit.go("people/threshold")
    visit.page.locator(".in-use").wait_for()
    assert "0.415" in visit.page.locator(".in-use").inner_text()
    assert "about 1 in 10,000 comparisons" in visit.page.locator("main").inner_text()
    assert visit.page.locator("tbody tr").count() == 4
    visit.check("the threshold")
    visit.page.get_by_role("button", name="Calibrate").click()
    visit.page.locator(".notice", has_text=re.compile("comparisons")).wait_for()


def test_nothing_is_asked_of_anybody_else(visit, address):
    own = address.partition("#")[0]
    strangers = [url for url in visit.requests if not url.startswith((own, "blob:", "data:"))]
    assert strangers == []
