"""What the page's loupe computes with: the faces of a look and the tutorial's networks, with all their weights."""

from typing import Any

from faceloupe.looking.look import Look
from faceloupe.looking.photographs import Photograph
from faceloupe.loupe_data import loupe_data, loupe_fit, loupe_network, loupe_state

__all__ = ["knows_subjects", "loupe_document"]


def loupe_document(look: Look) -> dict[str, Any] | None:
    """Return the data of :func:`faceloupe.report.loupe.render_loupe`; None for networks that it does not know.

    It knows trained FCNNs and CNNs of this package, stride 1, that tell two people apart. A network beside it comes
    along if it tells apart the same two, in faces of the same size.
    """
    if not _is_known(look):
        return None
    classes = look.model.classes
    known = knows_subjects(look)
    labels = [_label(one, classes) if known else int(look.outputs[place, 0] > 0)
              for place, one in enumerate(look.photographs)]  # fmt: skip
    classifier: Any = look.model.classifier
    networks = dict([_network(look)])
    if look.other and _is_known(look.other) and look.other.model.classes == classes:
        key, entry = _network(look.other)
        if look.other.model.extent == look.model.extent:
            networks[key if key not in networks else f"{key}b"] = entry
    return loupe_data(
        classes,
        look.faces,
        labels,
        networks,
        epochs=classifier.epochs,
        batch_size=classifier.batch_size,
        learning_rate=classifier.learning_rate,
        subjects_known=known,
    )


def knows_subjects(look: Look) -> bool:
    """Whether every face is known to show one of the network's two classes."""
    return all(one.subject in look.model.classes for one in look.photographs)


def _label(photograph: Photograph, classes: tuple[str, ...]) -> int:
    return classes.index(photograph.subject)


def _is_known(look: Look) -> bool:
    if look.model.classifier is None:
        return False
    from faceloupe.training import CNNClassifier, FCNNClassifier  # torch takes seconds to load

    classifier = look.model.classifier
    return (
        isinstance(classifier, CNNClassifier | FCNNClassifier)
        and len(classifier.classes_) == 2
        and getattr(classifier, "stride", 1) == 1
        and len(classifier.history_) > 0
        and bool(look.units)
    )


def _network(look: Look) -> tuple[str, dict[str, Any]]:
    from faceloupe.training import CNNClassifier

    classifier: Any = look.model.classifier
    kind = "cnn" if isinstance(classifier, CNNClassifier) else "fcnn"
    step, history = classifier.preprocessing_, classifier.history_
    dead = [len(report.dead) for report in look.units]
    held_out = history.validation_accuracy
    weights = {name: value.numpy() for name, value in classifier.network_.state_dict().items()}
    fit = loupe_fit(
        loupe_state(step.mean, step.scale, weights),
        seed=classifier.seed,
        accuracy=None if held_out is None else float(held_out[-1]),
        train_accuracy=float(history.accuracy[-1]),
        dead_conv=dead[0] if kind == "cnn" else None,
        dead_hidden=dead[-1],
    )
    pool = {"pool_size": list(classifier.pool_size_)} if kind == "cnn" else {}
    return f"{kind}/{step.kind}", loupe_network(kind, f"{kind.upper()}, {look.model.name}", [fit], **pool)
