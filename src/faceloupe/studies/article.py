"""The study's page as a plain document: sections, figures and words, all made from the trials."""

from collections.abc import Iterator
from typing import Any

from faceloupe.blocks import Block, section, text
from faceloupe.faces import SHOWABLE
from faceloupe.studies import sections
from faceloupe.studies.checks import check_statements
from faceloupe.studies.findings import Findings
from faceloupe.studies.fits import one_thread
from faceloupe.studies.lead import lead
from faceloupe.studies.loupe import loupe_document
from faceloupe.studies.portraits import Portraits
from faceloupe.studies.run import Study
from faceloupe.studies.statements import Statement

__all__ = ["write_article"]


@one_thread()  # as in the trials, so that the pictures are of the same fits
def write_article(study: Study, *, show_faces: bool | None = None) -> dict[str, Any]:
    """Return the document of a finished study.

    Parameters
    ----------
    study : Study
    show_faces : bool, optional
        Whether the page may show captures and what the networks make of them; None is yes for Olivetti and ORL and no
        for all others. If not, the document holds no picture
        and no weights in which somebody could be recognised: of both networks only the CNN's small filters are left.

    Returns
    -------
    dict
        What :func:`faceloupe.report.render_page` draws and ``--json`` prints.
    """
    shown = study.faces.source in SHOWABLE if show_faces is None else show_faces
    findings = Findings(study.plan, study.trials, study.faces.images.shape[1:], study.faces.captures_per_subject)
    portraits = Portraits(study.plan, study.faces)
    statements = check_statements(findings)
    return {
        "title": "Does a CNN beat a fully-connected network on faces?",
        "lead": list(lead(findings)),
        "sections": [
            section(
                "tutorial",
                "The experiment, as the tutorial runs it",
                sections.tutorial(study, findings, portraits, show_faces=shown),
            ),
            section("pairs", "What really happens, over many people and seeds", sections.pairs(findings)),
            section("place", "Moved, turned, covered, brightened", sections.robustness(findings)),
            section("captures", "How many captures a person", sections.learning(findings)),
            section("controls", "Controls", sections.controls(findings)),
            section("everyone", f"All {study.faces.n_subjects} people at once", sections.people(findings)),
            section("statements", "The tutorial’s statements, checked", _statements(statements)),
            section("method", "How this was measured", _method(study)),
        ],
        "plot": ["pairs-accuracy"],
        "evidence": study.to_document(),
        "networks": portraits.networks() if shown else {},
        **({"loupe": loupe_document(study.plan, study.faces)} if shown else {}),
        "provenance": _provenance(study, shown),
    }


def _statements(statements: list[Statement]) -> Iterator[Block]:
    counts = {
        verdict: sum(statement.verdict == verdict for statement in statements)
        for verdict in ("supported", "not shown", "contradicted")
    }
    yield text(
        f"Of {len(statements)} statements, "
        + ", ".join(f"**{count} {'are' if count != 1 else 'is'} {verdict}**" for verdict, count in counts.items())
        + ". A verdict on what was measured rests on whether a 95 % interval lies on one side of what the statement "
        "says; each was taken by itself, without allowance for how many there are."
    )
    yield from (statement.to_document() for statement in statements)


def _method(study: Study) -> Iterator[Block]:
    plan, data = study.plan, study.manifest["data"]
    if data["note"]:
        yield text(f"**{data['note']}**")
    yield text(
        f"Faces: {data['source']}; {data['captures']} captures of {data['subjects']} subjects. "
        f"{len(data['skipped'])} files were skipped, and {len(data['duplicates'])} groups of captures have the same "
        "pixels."
    )
    possible = data["subjects"] * (data["subjects"] - 1) // 2
    yield text(
        f"{len(plan.pairs)} of {possible} pairs; {len(study.trials):,} rows in `trials.csv`, from which every "
        "measured figure is computed. The bootstrap takes pairs as independent, but pairs share people and fits "
        f"share captures: read the intervals as being about these {data['subjects']} people, photographed and "
        "cropped like this, and as somewhat too narrow for others. Nothing here says how a network does on strangers."
    )
    yield text(
        "Both networks begin from Glorot uniform weights and zero biases and are trained with RMSprop as Keras "
        f"defines it (learning rate {plan.learning_rate:g}, ρ 0.9, ε 1e-7). The mean pixel comes from the training "
        "captures alone."
    )


def _provenance(study: Study, show_faces: bool) -> dict[str, Any]:
    manifest = study.manifest
    return {
        "made by": f"faceloupe {manifest['versions']['faceloupe']}",
        "when": manifest["created"],
        "command": manifest["command"],
        "faces": manifest["data"]["source"],
        "licence of the faces": manifest["data"]["licence"],
        "digest of the faces (SHA-256)": manifest["data"]["digest"],
        "versions": ", ".join(f"{name} {number}" for name, number in manifest["versions"].items()),
        "machine": manifest["machine"],
        "this file holds": "captures of two people, what networks make of them, and networks trained on them"
        if show_faces
        else "no faces",
    }
