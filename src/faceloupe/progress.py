"""Progress reports of work that takes long."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Progress = Callable[[float, float], None]
"""Called with how much is done, and of how much."""


@contextmanager
def shown(progress: Progress | bool | None, doing: str) -> Iterator[Progress | None]:
    """Yield what to report progress to: the caller's function, or for True a bar in the terminal or notebook."""
    if not isinstance(progress, bool):
        yield progress
    elif not progress:
        yield None
    else:
        with bar(doing) as tell:
            yield tell


@contextmanager
def bar(doing: str, **options: Any) -> Iterator[Progress]:
    """Show how far the work is and how long it will still take; `options` are those of Rich's bar."""
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn(doing), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn(),
               TextColumn("passed,"), TimeRemainingColumn(), TextColumn("left"))  # fmt: skip
    with Bar(*columns, **options) as drawn:
        work = drawn.add_task(doing, total=None)
        yield lambda done, whole: drawn.update(work, completed=done, total=whole)
