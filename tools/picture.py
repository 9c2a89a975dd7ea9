"""Make README's picture: the title, the lead and the first chart of a study's page, as Chromium shows them.

python tools/picture.py STUDY docs/images/study.png

STUDY is the folder of a finished study. No face is shown, for the faces are not part of this repository.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from faceloupe import open_study, page, render_page

WIDTH, HEIGHT, SCALE = 1000, 940, 1.5


def main(study: str, picture: str) -> None:
    """Write the picture of a study's page."""
    document = page(open_study(study), show_faces=False)
    charts = [block for block in document["opening"] if block["type"] == "chart"]
    html = render_page({**document, "opening": charts, "sections": []})
    with tempfile.TemporaryDirectory() as folder:
        shown = Path(folder, "page.html")
        shown.write_text(html)
        subprocess.run(  # noqa: S603 - Chromium, from the path
            [  # noqa: S607
                "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                f"--user-data-dir={folder}/profile", f"--window-size={WIDTH},{HEIGHT}",
                f"--force-device-scale-factor={SCALE}", f"--screenshot={Path(picture).absolute()}", shown.as_uri(),
            ],
            check=True, timeout=120,
        )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
