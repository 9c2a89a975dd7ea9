"""Progress reports of work that takes long."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Progress", "shown"]

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
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        with Bar(TextColumn(doing), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn()) as bar:
            work = bar.add_task(doing, total=None)
            yield lambda done, whole: bar.update(work, completed=done, total=whole)
