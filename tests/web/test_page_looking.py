"""The page's Look: the live page of a network in a frame of its own, and jobs that are watched over one stream."""

import json

import httpx
import pytest

from helpers import pages, serving

LEFT_OUT = """async () => {
    const kept = async attempt => { try { await attempt(); return "read" } catch { return "kept out" } };
    return [origin, await kept(() => parent.document.title), await kept(() => sessionStorage.length),
        await kept(() => fetch("/api/v1/health")), await kept(() => fetch("/icon.svg", { mode: "no-cors" }))];
}"""


@pytest.fixture(scope="module")
def visit(browser, mosaic_page):
    opened = pages.visit(browser, mosaic_page)
    look(opened)
    opened.page.frame_locator(".frame iframe").get_by_role("tab", name="Microscope").wait_for()
    return opened


def look(visit):
    visit.go("look/small-net")
    visit.show(("one.png", serving.photo(1)))
    visit.page.get_by_role("button", name="Look", exact=True).click()
    visit.page.locator(".job.done .frame iframe[src]").wait_for(timeout=30_000)


def framed(visit):
    """The frame with the page of the look."""
    [frame] = [one for one in visit.page.frames if "/pages/" in one.url]
    return frame


def test_a_small_network_is_live_in_the_place_and_answers_to_keys(visit):
    frame = framed(visit)
    frame.get_by_label("Brightness").press("End")
    frame.wait_for_url("**brightness=0.5")  # the view, that the frame keeps in an address of its own
    frame.get_by_role("tab", name="Microscope").press("Enter")
    frame.locator(".view-microscope .map.live").first.focus()
    for key in ("Home", "ArrowDown", "ArrowRight"):
        visit.page.keyboard.press(key)
    frame.get_by_text("column 2").first.wait_for()
    assert visit.messages == []


def test_the_framed_page_reads_neither_the_server_nor_the_page_around_it(visit):
    assert framed(visit).evaluate(LEFT_OUT) == ["null", *["kept out"] * 4]
    visit.messages.clear()  # the browser says what it refused


def test_a_page_is_good_once_and_another_site_may_not_frame_it(browser, visit):
    job = visit.page.locator(".job").first
    with visit.page.expect_response("**/page") as answer, visit.page.expect_popup() as popup:
        job.get_by_role("button", name="Open in a tab").click()
    popup.value.get_by_role("heading", name="A look inside small-net").wait_for()
    popup.value.reload()
    popup.value.get_by_role("heading", name="This page was opened before").wait_for()
    popup.value.get_by_role("link", name="To the page").wait_for()
    popup.value.close()

    host = visit.page.url.partition("/#")[0]
    again = httpx.post(answer.value.url, headers={"Authorization": f"Bearer {pages.TOKEN}"}).json()["address"]
    body = f"<iframe src={host}{again}></iframe>"
    stolen = browser.new_page()
    stolen.route("http://elsewhere.example/", lambda route: route.fulfill(content_type="text/html", body=body))
    stolen.goto("http://elsewhere.example/")
    assert stolen.frames[1].url.startswith("chrome-error:")
    stolen.close()


def test_a_frame_that_loads_again_gets_a_new_ticket(visit):
    spent = visit.page.locator(".frame iframe").get_attribute("src")
    visit.page.locator(".frame").evaluate("frame => frame.parentNode.append(frame)")  # which loads it again
    visit.page.locator(f".frame iframe:not([src='{spent}'])").wait_for()
    visit.page.frame_locator(".frame iframe").get_by_role("tab", name="Microscope").wait_for()
    visit.messages.clear()


def test_what_cannot_be_shown_is_said_before_it_is_asked_for(browser, mosaic_page):
    opened = pages.visit(browser, mosaic_page, bypass_csp=True, viewport={"width": 320, "height": 800})
    opened.page.route("**/api/v1/networks", with_a_template)
    opened.go("look")
    page = opened.page
    page.get_by_text("Choose at least one face.").wait_for()
    assert page.get_by_label("Beside another network").count() == 0, "one answers with a template, the other does not"
    page.get_by_label("Or captures of a data set").fill("orl:1 orl:1 orl")
    page.get_by_text("“orl” is no capture").wait_for()
    page.get_by_label("Or captures of a data set").fill("orl:1 orl:1")
    page.get_by_text("Which places decide").click()
    assert page.get_by_label("Gradient").count() == 0
    page.get_by_label("Occlusion").check()
    page.get_by_text("choose a second face, or no map").wait_for()
    page.get_by_role("button", name="Look", exact=True).press("Enter")
    page.get_by_label("Occlusion").uncheck()
    with page.expect_request("**/look") as asked:
        page.get_by_role("button", name="Look", exact=True).click()
    assert asked.value.post_data_json["photos"] == ["orl:1"]
    assert asked.value.post_data_json["methods"] == []
    page.locator(".job.done iframe[src]").wait_for(timeout=30_000)
    opened.check("a look")
    page.context.close()


def with_a_template(route):
    """Answer as if there were a network beside that can only be run and answers with a template."""
    answer = route.fetch()
    [network] = answer.json()["networks"][-1:]
    other = {**network, "id": "other", "name": "Other"}
    first = {**network, "template": True, "methods": ["occlusion", "correlation"]}
    route.fulfill(response=answer, json={"networks": [first, {**other, "template": False}]})


def test_every_job_at_work_is_watched_over_one_stream_that_is_taken_up_again(browser, mosaic_page):
    opened = pages.visit(browser, mosaic_page)
    page, streams = opened.page, []
    old = [made(f"old {number}", "done", number) for number in range(8)]
    begun = [made(f"begun {number}", "running", number) for number in range(7)]
    later = [[*old, *begun], [*old[:7], {**begun[0], "done": 3}], old[:1]]

    def stream(route):
        streams.append(route.request.url)
        told = json.dumps({"jobs": later[min(len(streams), 3) - 1]})
        route.fulfill(content_type="text/event-stream", body=f"event: jobs\ndata: {told}\n\n")

    page.route("**/jobs/events", stream)
    opened.go("look")
    jobs = page.locator(".job h2")
    jobs.nth(11).wait_for()
    assert [words[6:] for words in jobs.all_inner_texts()] == [f"begun {number}" for number in range(7)] + [
        f"old {number}" for number in range(5)
    ]
    assert page.get_by_text("Connection lost, trying again.").count() == 7
    assert len(streams) == 1
    page.locator(".job", has_text="begun 1").wait_for(state="detached")
    page.locator(".job", has_text="begun 0").wait_for(state="detached")  # the server was started anew
    assert jobs.all_inner_texts() == ["Look: old 0"]
    assert page.get_by_text("Connection lost").count() == 0
    page.wait_for_timeout(1200)
    assert len(streams) == 3, "nothing is at work: nothing is watched"
    assert opened.messages == []
    page.context.close()


def made(about, state, number):
    ended = None if state == "running" else "2026-01-02T03:04:05+00:00"
    return {"id": about, "kind": "look", "about": about, "state": state, "done": number, "whole": 9,
            "created": "2026-01-02T03:04:05+00:00", "ended": ended, "error": None}  # fmt: skip


def test_stopping_is_said_at_once(browser, mosaic_page):
    opened = pages.visit(browser, mosaic_page)
    page = opened.page
    told = json.dumps({"jobs": [made("slow", "running", 1)]})
    page.route(
        "**/jobs/events", lambda route: route.fulfill(content_type="text/event-stream", body=f"data: {told}\n\n")
    )
    page.route("**/jobs/slow", lambda _: None)  # no answer comes
    opened.go("look")
    stop = page.get_by_role("button", name="Stop")
    stop.click()
    assert opened.said() == "Stopping."
    assert stop.evaluate("button => document.activeElement === button && button.ariaDisabled")
    page.context.close()
