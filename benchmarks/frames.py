"""How long the loupe takes to answer a move, in Debian's Chromium, against a frame of 16 ms.

A move is what a person does: a slider, the microscope's cursor, the scrubber of the epochs. Its time runs from the
start of the frame that answers it until the browser has drawn: changed face, both networks, pictures and words.

    faceloupe study --out study
    python benchmarks/frames.py study/report.html
"""

import sys
from pathlib import Path
from statistics import median, quantiles
from typing import Any

FRAME = 16.0  # milliseconds
MOVES = 60
CHROMIUM = "/usr/bin/chromium"

# The message comes after the frame's callbacks, its styles, its layout and its paint.
TIMED = """async ([act, times]) => {
    const move = new Function("step", act), spent = []
    for (let step = 0; step < times; step++) {
        move(step)
        spent.push(await new Promise(done => requestAnimationFrame(() => {
            const start = performance.now(), { port1, port2 } = new MessageChannel()
            port1.onmessage = () => done(performance.now() - start)
            port2.postMessage(0)
        })))
        await new Promise(done => setTimeout(done, 30))
    }
    return spent
}"""
SLIDE = """
    const slider = [...document.querySelectorAll('#loupe input[type=range]')].find(one => one.closest('label, div').
        textContent.includes('%s'))
    slider.value = Number(slider.min) + step %% (Number(slider.max) - Number(slider.min) + 1)
    slider.dispatchEvent(new Event('input', { bubbles: true }))
"""
WALK = """
    const map = document.activeElement
    map.dispatchEvent(new KeyboardEvent('keydown', { key: step % 2 ? 'ArrowRight' : 'ArrowDown', bubbles: true }))
"""
MAP = "[role=application]"
VIEWS = {
    "shift the face": ("Face", SLIDE % "Shift right", None),
    "walk in a layer": ("Layers", WALK, MAP),
    "slide the kernel": ("Convolution", WALK, MAP),
    "move the microscope": ("Microscope", WALK, MAP),
    "go through the epochs": ("Time", SLIDE % "poch", None),
}
OPENED = "() => performance.getEntriesByName('loupe')[0].startTime"  # which mounting it marks


def times(page: Any, tab: str, act: str, focus: str | None) -> list[float]:
    """Return the milliseconds of each move in one view; the first go over them warms the code up."""
    page.locator("#loupe").get_by_role("tab", name=tab).click()
    page.wait_for_timeout(300)
    if focus:
        page.locator("#loupe-panel").locator(focus).first.focus()
    page.evaluate(TIMED, [act, MOVES])
    spent: list[float] = page.evaluate(TIMED, [act, MOVES])
    return spent


def main(report: Path) -> None:
    """Print the median and the 95th percentile of each kind of move, and their ratio to a frame."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(report.resolve().as_uri())
        page.locator("#loupe [role=tab]").first.wait_for()
        opened = page.evaluate(OPENED)
        print(f"{'':24s} {'median, ms':>11s} {'x frame':>8s} {'95 %, ms':>9s} {'x frame':>8s}")
        for label, view in VIEWS.items():
            spent = times(page, *view)
            middle, high = median(spent), quantiles(spent, n=20)[-1]
            print(f"{label:24s} {middle:11.1f} {middle / FRAME:8.2f} {high:9.1f} {high / FRAME:8.2f}")
        print(f"{'open the page':24s} {opened:11.1f} {opened / FRAME:8.2f}")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "study/report.html"))
