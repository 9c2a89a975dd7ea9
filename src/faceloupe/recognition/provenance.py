"""The provenance of a recogniser's weights: terms of use and training data, by the hash that results carry."""

from dataclasses import asdict, dataclass
from typing import Any

from faceloupe.recognition.weights import SFACE, YUNET


@dataclass(frozen=True, slots=True)
class Provenance:
    """The provenance of a network's weights.

    Attributes
    ----------
    licence : str
        The terms of use.
    training_data : str
        The photographs that it was trained on, or that this is not documented.
    source : str
        Its maker.
    """

    licence: str
    training_data: str
    source: str

    def words(self) -> str:
        """Return licence and training data in a line."""
        return f"licence {self.licence}; trained on: {self.training_data}"

    def to_document(self) -> dict[str, Any]:
        """Return it as a plain dictionary that JSON can hold."""
        return asdict(self)


def remember_provenance(sha256: str, provenance: Provenance) -> None:
    """Remember the provenance of a network that was opened in this process, for :func:`provenance_of`."""
    _remembered[sha256] = provenance


def opened_provenance(sha256: str) -> Provenance | None:
    """Return the provenance of weights by their hash in results: published or opened in this process; or None."""
    for published in (SFACE, YUNET):
        if sha256 == published.sha256:
            return Provenance(published.licence, published.training_data, published.source)
    return _remembered.get(sha256)


def provenance_of(sha256: str) -> Provenance | None:
    """Return the provenance of weights by their hash in results: published, opened in this process, or added; or None.

    Raises
    ------
    UnavailableError
        If the packages of the extra ``recognition`` are missing.
    """
    from faceloupe.recognition.installed import installed

    if provenance := opened_provenance(sha256):
        return provenance
    for manifest in installed():
        if sha256 == manifest.reading:
            return Provenance(manifest.licence, manifest.training_data, manifest.source)
    return None


_remembered: dict[str, Provenance] = {}
