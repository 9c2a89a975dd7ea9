"""The study's page as a plain document: the tutorial's steps in order, all made from what the study kept."""

from collections.abc import Iterator
from typing import Any

from faceloupe.blocks import Block, fold, live, section, text
from faceloupe.faces.sources import SHOWABLE
from faceloupe.numerals import counted
from faceloupe.studies.answers import answers
from faceloupe.studies.charts import accuracy_chart, learning_chart
from faceloupe.studies.checks import check_statements
from faceloupe.studies.findings import Findings
from faceloupe.studies.glossary import GLOSSARY, LEAD, explained
from faceloupe.studies.labels import share
from faceloupe.studies.lead import lead
from faceloupe.studies.lesson import Lesson
from faceloupe.studies.loupe_data import loupe_document
from faceloupe.studies.pictures import draw_products
from faceloupe.studies.run import Study, provenance
from faceloupe.studies.statements import CONFIDENCE, JUDGED, MIN_PAIRS
from faceloupe.studies.tables import controls_table, differences_table, people_table, still_table


def write_article(study: Study, *, show_faces: bool | None = None) -> dict[str, Any]:
    """Return the page of a finished study. Nothing is trained: what it shows, the study kept.

    Parameters
    ----------
    study : Study
    show_faces : bool, optional
        Whether the page may show captures and what the networks make of them; None is yes for Olivetti and ORL and no
        for all others. If not, the document holds no picture and no weights in which somebody could be recognised: of
        all networks only small filters are left.
    """
    data = study.manifest["data"]
    shown = data["source"] in SHOWABLE if show_faces is None else show_faces
    findings = study.findings
    statements = {statement.id: statement for statement in check_statements(findings)}
    lesson = Lesson(study, findings, statements, show_faces=shown)
    return {
        "title": "Does a CNN beat a fully-connected network on faces?",
        "lead": explained(lead(findings, data["source"].split(",")[0]), LEAD),
        "opening": [*([live("training", [])] if shown else []), answers(findings), accuracy_chart(findings)],
        "glossary": GLOSSARY,
        "sections": [
            section("task", "Steps 0 to 5. Two people, two networks", lesson.task()),
            section("strengths", "Step 6. Strengths and drawbacks", lesson.strengths()),
            section("sizes", "Step 7. Size and efficiency", lesson.sizes()),
            section("failing", "Step 8. Why does the FCNN fail? Does it overfit?", lesson.failing()),
            section("seeing", "Step 8, continued. What does the CNN do better?", lesson.seeing()),
            section("separating", "Step 9. What does each layer learn?", lesson.separating()),
            section("filters", "Step 10. How a filter is applied, and whether it is learned", lesson.filters()),
            section("layers", "Step 11. What each layer does to the data", lesson.layers()),
            section("beyond", "Beyond the tutorial", _beyond(findings)),
            section("method", "How this was measured", _method(study)),
        ],
        "plot": ["training-accuracy-dots"],
        "evidence": study.to_document(),
        **(_loupe(study) if shown else {}),
        "provenance": provenance(study.manifest),
    }


def _loupe(study: Study) -> dict[str, Any]:
    """Return the loupe, where it stands, and what stands there without scripts."""
    still = [still_table(study.plan, study.fits), draw_products(study.fits)]
    return {"loupe": loupe_document(study), "loupe_before": "beyond", "loupe_still": still}


def _beyond(findings: Findings) -> Iterator[Block]:
    def named(network: str, preprocess: str) -> str:
        return share(findings.people(network, preprocess)[1].estimate)

    deep = ""
    if findings.trials.where(experiment="people", network="deep").rows:
        deep = f", and our deep network, a CNN of many layers, {named('deep', 'none')}"
    yield text(
        f"Asked which of all {len(findings.captures)} people a held-out capture shows, with the mean pixel subtracted, "
        f"the CNN names {named('cnn', 'centre')} of captures correctly and the FCNN {named('fcnn', 'centre')}: four "
        f"hidden units are few. Linear discriminant analysis of the pixels names {named('lda', 'none')}{deep}."
    )
    yield fold(f"All {len(findings.captures)} people at once, against baselines", [people_table(findings)])
    yield fold("With more captures a person", [learning_chart(findings)])
    yield fold("CNN against FCNN, pair by pair", [differences_table(findings)])
    yield fold("Controls", [controls_table(findings)])


def _method(study: Study) -> Iterator[Block]:
    plan, data = study.plan, study.manifest["data"]
    if data["note"]:
        yield text(f"**{data['note']}**")
    possible = data["subjects"] * (data["subjects"] - 1) // 2
    yield text(
        f"{data['captures']} captures of {data['subjects']} subjects, {len(plan.pairs)} of their "
        f"{counted(possible, 'pair')}, {counted(plan.seeds, 'seed')} each: {len(study.trials):,} rows in `trials.csv`, "
        "from which every measured figure is computed."
    )
    yield fold(
        "How the verdicts are reached",
        [
            text(
                "Each verdict compares a quantity with a limit that is the same for every study. It is **supported** "
                "or **contradicted** if the whole interval lies on one side of the limit, and **not shown** if it does "
                f"not, or if there are fewer than {MIN_PAIRS} pairs. {JUDGED} verdicts rest on an interval, the "
                "others on a count. Those are judged at once, so each interval is one of "
                f"{100 * CONFIDENCE:.1f} %: together they hold in 95 % of studies (Bonferroni). All other intervals on "
                "this page are 95 %."
            ),
            text(
                "The observations are the pairs of people: each counts once, as its mean over the seeds. Differences "
                "have Student’s interval; shares have Wilson’s, for as many observations as have that spread. Both "
                "take pairs as independent, but pairs share people and fits share captures: read the intervals as "
                f"being about these {data['subjects']} people, photographed and framed like this, and as somewhat too "
                "narrow for others. Nothing here says how a network does on strangers. The number of pairs that would "
                "settle a verdict is computed from the effect measured, and is an order of magnitude."
            ),
            text(
                "Both networks start from Glorot uniform weights and zero biases and are trained with RMSprop as Keras "
                f"defines it (learning rate {plan.learning_rate:g}, ρ 0.9, ε 1e-7), on the same splits and in the same "
                "order. The mean pixel is that of the training captures. A CNN that pools over the whole map would not "
                "know where anything lies; with four filters it does not learn this task, so it was left out."
            ),
        ],
    )
