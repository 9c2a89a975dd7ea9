"""A look inside one network, or two: what it is made of, what it makes of some faces, and what its answers rest on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from faceloupe.errors import InputError
from faceloupe.inspection.anatomy import anatomy
from faceloupe.inspection.attribution.access import Access, access, settled
from faceloupe.inspection.attribution.attribute import Attribution, attribute
from faceloupe.inspection.attribution.method_names import METHOD_NAMES
from faceloupe.inspection.attribution.targets import Unit, unit_of_numbers
from faceloupe.inspection.layer_names import chosen_layers
from faceloupe.inspection.layers import Anatomy
from faceloupe.inspection.measures.diagnosis import UnitReport
from faceloupe.inspection.measures.sensitivity import ShiftSensitivity
from faceloupe.looking.faces import FacePicture, FacesLike, open_faces
from faceloupe.looking.layers import LayerOutput, choose_layers, observe_layers
from faceloupe.looking.measures import compare_networks, measure_shifts, measure_units
from faceloupe.looking.model import Model
from faceloupe.looking.opening import ModelLike, open_model
from faceloupe.looking.summary import lead
from faceloupe.numerals import listed
from faceloupe.pages import Shown
from faceloupe.progress import Progress

if TYPE_CHECKING:
    from faceloupe.inspection.measures.similarity import LayerSimilarity

SHOWN = 4  # faces whose pictures and attributions are made; measures are taken on all
UNFINISHED = "This page was written before the measures and the attributions were done; the finished one replaces it."

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Look(Shown):
    """A look inside a network; in a notebook it shows itself as a page.

    Attributes
    ----------
    model : Model
    photographs : tuple of FacePicture
        Every face given, in order.
    faces : array of float32, (N, H, W) or (N, H, W, 3)
        The same as cut for this network, in [0, 1].
    anatomy : Anatomy
    outputs : array of float64, (N, K)
        The network's answers.
    trace : mapping of layer name to LayerOutput
        Outputs for the first four faces.
    attributions : mapping of (face's name, method) to Attribution
        Maps of the first four faces.
    units : tuple of UnitReport
        Dead and duplicate units, on all faces.
    shifts : ShiftSensitivity or None
        Measured on all faces; None where it does not apply.
    other : Look or None
        The network to compare with, on the same faces.
    similarity : LayerSimilarity or None
        CKA of the traced layers of both networks, from four faces on.
    notes : tuple of str
        Remarks on what was not done, and on what else a reader must know.
    unit : {"logit", "probability", "log-probability"}
        Unit of its answers.
    """

    model: Model
    photographs: tuple[FacePicture, ...]
    faces: Floats
    anatomy: Anatomy
    outputs: NDArray[np.float64]
    trace: Mapping[str, LayerOutput]
    attributions: Mapping[tuple[str, str], Attribution] = field(default_factory=dict)
    units: tuple[UnitReport, ...] = ()
    shifts: ShiftSensitivity | None = None
    other: "Look | None" = None
    similarity: "LayerSimilarity | None" = None
    notes: tuple[str, ...] = ()
    unit: Unit = "logit"

    @property
    def prepared(self) -> Floats:
        """The faces as the network takes them, (N, C, H, W)."""
        return self.model.prepare(self.faces)

    @property
    def shown(self) -> tuple[FacePicture, ...]:
        """The faces whose pictures and attributions are made."""
        return self.photographs[:SHOWN]

    @property
    def is_template(self) -> bool:
        """True if the answer is a template (unit vectors are compared) rather than one number per class."""
        return self.model.gives_template(int(self.outputs.shape[1]))

    @property
    def knows_subjects(self) -> bool:
        """True if every face is known to show one of the network's classes."""
        return all(photograph.subject in self.model.classes for photograph in self.photographs)

    @property
    def cosines(self) -> NDArray[np.float64]:
        """Cosine of every two faces' outputs, (N, N)."""
        lengths = np.linalg.norm(self.outputs, axis=1, keepdims=True)
        units = self.outputs / np.where(lengths, lengths, 1.0)
        cosines: NDArray[np.float64] = units @ units.T
        return cosines

    def partner(self, place: int) -> int:
        """Return the face that a face's template is compared with: the first, and for the first the second."""
        return int(place == 0)

    def to_document(self) -> dict[str, Any]:
        """Return every number as ``faceloupe look --json`` prints it, schema ``faceloupe.look/2``.

        ``lead`` says the most important of them in sentences; :func:`faceloupe.page` makes the page.
        """
        return {"schema": "faceloupe.look/2", "lead": list(lead(self)), **self._numbers()}

    def _numbers(self) -> dict[str, Any]:
        numbers: dict[str, Any] = {
            "network": self.model.name,
            "origin": self.model.origin,
            "sha256": self.model.digest,
            "pixels": self.model.pixels,
            "faces": [photograph.name for photograph in self.photographs],
            "outputs": self.outputs.tolist(),
            "unit": self.unit,
            "cosines": self.cosines.tolist() if self.is_template else None,
            "anatomy": self.anatomy.to_document(),
            "attributions": [
                {"face": face, **attribution.to_document()} for (face, _), attribution in self.attributions.items()
            ],
            "units": [report.to_document() for report in self.units],
            "shifts": self.shifts.to_document() if self.shifts else None,
            "notes": list(self.notes),
        }
        if self.other:
            numbers["other"] = self.other._numbers()
            numbers["similarity"] = self.similarity.to_document() if self.similarity else None
        return numbers

    def __repr__(self) -> str:
        beside = f", beside {self.other.model.name}" if self.other else ""
        return (
            f"Look({self.model.name}: {len(self.anatomy.layers)} layers, {self.anatomy.parameters:,} parameters, "
            f"{len(self.photographs)} faces, {len(self.attributions)} attributions{beside})"
        )


Looks: TypeAlias = Mapping[str, Look]  # by what the ids of its blocks on the page begin with


def look(
    model: ModelLike,
    faces: FacesLike,
    *,
    layers: Sequence[str] | None = None,
    methods: Sequence[str] = ("occlusion",),
    compare: "ModelLike | None" = None,
    certify: bool = True,
    progress: Progress | None = None,
    preview: Callable[[Look], None] | None = None,
) -> Look:
    """Look inside a network while it looks at faces.

    Parameters
    ----------
    model : path, "module:function", classifier, network or Model
        As for :func:`open_model`, which takes the options that a network without a word on its size or scale needs.
    faces : FaceSet, or one or several of: path, "olivetti:3", "orl:3", array (H, W) or (H, W, 3) in [0, 1]
        At most 64. The first four are shown, all are measured. Cut to the centred square and resized; no face is
        looked for.
    layers : names, optional
        Layers to show. Without it all layers that compute are, of more than 16 the last of each output's shape.
    methods : sequence of str
        Methods of :func:`faceloupe.inspection.attribute`, or none. They explain the network's own answer for each
        face; for a template, its cosine with that of another face: the first, or for the first face the second.
    compare : as `model`, optional
        Another network to show the same faces.
    certify : bool
        Whether to check each attribution, which takes 10 to 40 times as long as making it.
    progress : callable, optional
        Called with (done, total) during the attributions.
    preview : callable, optional
        Called with the look as it is before measures and attributions, which take the longest.

    Raises
    ------
    InputError
        If an argument is not as described; the message lists what there is.
    UnavailableError
        If a data set or an optional package is missing.
    """
    photographs = open_faces(faces)
    models = [open_model(option) for option in (model, compare) if option is not None]
    if len(models) == 2 and models[0].name == models[1].name:
        models[1] = replace(models[1], name=f"{models[1].name} (2)")
    _check_methods(methods, models)
    names = _own_layers(models, photographs, layers)
    begun = [_begin(shown, photographs, own) for shown, own in zip(models, names, strict=True)]
    for started in begun:
        if methods and started.is_template and len(photographs) < 2:
            raise InputError(
                f"{started.model.name} answers with a template, which says something only beside another one; give two "
                "faces, or no method, or say that its numbers are classes (answers)"
            )
    if preview:
        first, *others = begun
        preview(replace(first, other=others[0] if others else None, notes=(*first.notes, UNFINISHED)))
    maps = len(begun) * len(methods) * len(begun[0].shown)
    reports = (
        progress and (lambda done, total, place=place: progress(place + done / total, maps)) for place in range(maps)
    )
    finished = [_finish(started, methods, certify, reports) for started in begun]
    return _compared(*finished) if compare is not None else finished[0]


def _begin(model: Model, photographs: tuple[FacePicture, ...], layers: Sequence[str] | None) -> Look:
    cut = model.cut(photographs)
    batch = model.prepare(cut)
    network_anatomy = anatomy(model.network, batch.shape[1:])
    network_access = access(model.network)
    with network_access.left_as_found():
        outputs = np.concatenate([network_access.outputs(face[None]) for face in batch])
        if not np.isfinite(outputs).all():
            raise InputError(
                f"{model.name} answers with what is no finite number; its weights may have diverged, or it was trained "
                f"on other pixels than {model.pixels}"
            )
        unit = unit_of_numbers(outputs, network_access.unit(batch[0]))
        notes = (*model.notes, *_notes_on_answers(network_access, batch))
        if outputs.shape[1] == 1 and unit == "logit" and outputs.min() >= 0 and outputs.max() <= 1:
            notes += (_MAY_BE_PROBABILITY,)
    names = choose_layers(network_anatomy, layers)
    traced = observe_layers(model.network, batch, names, SHOWN) if names else {}
    return Look(model, photographs, cut, network_anatomy, outputs, traced, notes=notes, unit=unit)


_MAY_BE_PROBABILITY = (
    "Its number lies from 0 to 1 for each of these faces, as a probability does, but no sigmoid was seen at its end. "
    "It is read as a logit, and every one above 0 counts for the second class; if it is a probability, end the network "
    "in a sigmoid."
)


def _notes_on_answers(network_access: Access, batch: Floats) -> Iterator[str]:
    """Yield remarks on how a network answers."""
    how = network_access.chosen(batch[0])
    if how:
        yield f"The network puts out several things; its answer is taken to be {how}. Wrap it to choose another."
    if settled(network_access, batch[0], batch[-1] if len(batch) > 1 else batch[0][..., ::-1]).at_once == 1:
        yield (
            "Each face was shown alone, for the network takes one at a time, or answers otherwise beside other faces, "
            "as where it normalises by its batch: then dead units and shifts are measured on all together."
        )


def _finish(started: Look, methods: Sequence[str], certify: bool, reports: Iterator[Progress | None]) -> Look:
    network, batch = started.model.network, started.prepared
    units, why_no_units = measure_units(network, batch, started.anatomy)
    shifts, why_no_shifts = measure_shifts(network, batch, started.trace)
    zeros = [
        photograph.name
        for photograph, output in zip(started.photographs[:2], started.outputs, strict=False)
        if started.is_template and not output.any()
    ]
    why_no_maps = ""
    if zeros and methods:
        why_no_maps = f"No answer is explained: the template of {listed(zeros)} is 0 everywhere, and has no cosine."
    attributions = {
        (photograph.name, method): attribute(
            network,
            batch[place],
            started.outputs[started.partner(place)] if started.is_template else None,
            method,
            unit=started.unit,
            certify=certify,
            progress=next(reports),
        )
        for method in ([] if zeros else methods)
        for place, photograph in enumerate(started.shown)
    }
    notes = (*started.notes, *filter(None, (why_no_units, why_no_shifts, why_no_maps)))
    return replace(started, units=units, shifts=shifts, attributions=attributions, notes=notes)


def _compared(first: Look, second: Look) -> Look:
    similarity, why_none = compare_networks(
        (first.model.network, second.model.network), (first.prepared, second.prepared), (first.trace, second.trace)
    )
    return replace(first, other=second, similarity=similarity, notes=(*first.notes, *filter(None, [why_none])))


def _check_methods(methods: Sequence[str], models: Sequence[Model]) -> None:
    unknown = [method for method in methods if method not in METHOD_NAMES]
    if unknown:
        raise InputError(f"methods: there is no {unknown[0]!r}; there are {', '.join(METHOD_NAMES)}")
    for method in methods:
        for model in models:
            if method not in model.methods:
                works = ", ".join(model.methods)
                raise InputError(f"{method} needs gradients, and {model.name} can only be run; what works: {works}")


def _own_layers(
    models: Sequence[Model], photographs: tuple[FacePicture, ...], layers: Sequence[str] | None
) -> list[Sequence[str] | None]:
    """Return for each model which of the named layers are its own; None where none is."""
    if layers is None or len(models) == 1:
        return [layers] * len(models)
    batches = [model.prepare(model.cut(photographs[:1])) for model in models]
    anatomies = [anatomy(model.network, batch.shape[1:]) for model, batch in zip(models, batches, strict=True)]
    there = [[layer.name for layer in parts.layers] for parts in anatomies]
    chosen = chosen_layers(layers, list(dict.fromkeys(name for names in there for name in names)))
    return [[name for name in names if name in chosen] or None for names in there]
