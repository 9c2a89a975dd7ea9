"""``faceloupe hnsw``: the index for approximate search in a large gallery on PostgreSQL."""

from typing import TYPE_CHECKING, Annotated

import typer

from faceloupe.cli.options import AsJson, EmbedderName, GalleryName
from faceloupe.cli.terminal import aligned, echo, echo_json, progress, say
from faceloupe.numerals import counted

if TYPE_CHECKING:
    from faceloupe.gallery.hnsw_state import HnswState
    from faceloupe.gallery.recall import RecallTable

SHOWN = (1, 5, 20)
"""Numbers of candidates whose recall is printed."""

hnsw = typer.Typer(
    name="hnsw",
    help="Build, measure, show and drop the index for approximate search in a gallery on PostgreSQL.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Probes = Annotated[int, typer.Option(min=100, help="Made-up probes that recall is measured with.")]


@hnsw.command()
def build(
    m: Annotated[int, typer.Option("--m", min=2, max=100, help="Links of a reference on each layer.")] = 16,
    ef_construction: Annotated[
        int, typer.Option(min=4, max=1000, help="Breadth of the search for these links; at least twice --m.")
    ] = 64,
    probes: Probes = 1000,
    gallery: GalleryName = "faceloupe.db",
    embedder: EmbedderName = None,
    json: AsJson = False,
) -> None:
    """Build the index and measure its recall.

    Others may read and write meanwhile. Then identify --recall 0.99 takes the smallest breadth of search that was shown
    to reach this recall. Without --recall search stays exact.
    """
    from faceloupe.gallery.opening import open_gallery

    with open_gallery(gallery, embedder=embedder) as people:
        index = people.hnsw
        with progress("building", transient=True) as show:
            remarks = index.build(m, ef_construction, progress=show)
        for remark in remarks:
            say(f"Note: {remark}.")
        with progress("measuring", transient=True) as show:
            index.measure(probes, progress=show)
        _print(index.state(), json=json)


@hnsw.command()
def measure(
    probes: Probes = 1000, gallery: GalleryName = "faceloupe.db", embedder: EmbedderName = None, json: AsJson = False
) -> None:
    """Measure the recall again.

    So when the gallery has grown, or when more probes are to narrow the interval.
    """
    from faceloupe.gallery.opening import open_gallery

    with open_gallery(gallery, embedder=embedder) as people:
        with progress("measuring", transient=True) as show:
            people.hnsw.measure(probes, progress=show)
        _print(people.hnsw.state(), json=json)


@hnsw.command()
def show(gallery: GalleryName = "faceloupe.db", embedder: EmbedderName = None, json: AsJson = False) -> None:
    """Show the index and the recall at each breadth of search."""
    from faceloupe.gallery.opening import open_gallery

    with open_gallery(gallery, embedder=embedder) as people:
        _print(people.hnsw.state(), json=json)


@hnsw.command()
def drop(gallery: GalleryName = "faceloupe.db", embedder: EmbedderName = None) -> None:
    """Remove the index; search is exact then."""
    from faceloupe.gallery.opening import open_gallery

    with open_gallery(gallery, embedder=embedder) as people:
        people.hnsw.drop()
        echo(f"{people.name} has no HNSW index any more.")


def _print(state: "HnswState | None", *, json: bool) -> None:
    from faceloupe.gallery.recall import changes_in_words

    if json:
        echo_json(state.to_document() if state else None)
    elif state is None:
        echo("There is no HNSW index: search is exact. faceloupe hnsw build makes one.")
    else:
        echo(
            f"HNSW index with m {state.m} and ef_construction {state.ef_construction}, {state.megabytes:,.1f} MB. "
            + (_measured(state.table) if state.table else "Its recall is not measured: faceloupe hnsw measure does.")
        )
        if changes := changes_in_words(state.n_changed, rebuilt=state.rebuilt):
            echo(changes)


def _measured(table: "RecallTable") -> str:
    """Return a table with a line for each breadth: recall with its interval, in percent."""
    shown = [ranks for ranks in SHOWN if ranks <= table.ranks]
    rows = [(str(ef), *(_percent(table, ef, ranks) for ranks in shown)) for ef in sorted(table.missed)]
    headings = ("breadth", *(f"the first {ranks} found, %" for ranks in shown))
    return (
        f"Recall against the exact search, with {counted(table.n_probes, 'made-up probe')} among "
        f"{counted(table.n_references, 'reference')} (95 % intervals):\n{aligned(headings, rows)}"
    )


def _percent(table: "RecallTable", ef: int, ranks: int) -> str:
    recall = table.recall(ef, ranks)
    return f"{100 * recall.value:.2f} ({100 * recall.interval.low:.2f} to {100 * recall.interval.high:.2f})"
