"""The calls below ``/networks`` and ``/studies``: networks that are looked into or trained, and studies."""

from collections.abc import Sequence

from faceloupe.client.connection import Face, Photo, encode_face
from faceloupe.client.jobs import JobCalls
from faceloupe.web import shapes


class StudyCalls(JobCalls):
    """Calls of a :class:`faceloupe.client.Client` that are about networks and studies."""

    def networks(self) -> list[shapes.Network]:
        """Return the networks that can be looked at."""
        return self._server.get(shapes.Networks, "/networks").networks

    def anatomy(self, network: str) -> shapes.Anatomy:
        """Return the anatomy of a network, layer by layer."""
        return self._server.get(shapes.Anatomy, f"/networks/{network}")

    def look(
        self,
        network: str,
        faces: Sequence[Face],
        *,
        compare: str = "",
        layers: Sequence[str] = (),
        methods: Sequence[str] = ("occlusion",),
        certify: bool = True,
    ) -> shapes.JobState:
        """Begin to look inside a network, and another one beside it, while they look at faces."""
        body = {
            "photos": [encode_face(face) for face in faces], "compare": compare, "layers": list(layers),
            "methods": list(methods), "certify": certify,
        }  # fmt: skip
        return self._server.request(shapes.JobState, "POST", f"/networks/{network}/look", json=body)

    def trace(self, network: str, face: Face, layers: Sequence[str]) -> shapes.FeatureMaps:
        """Return the outputs of layers for a face; :func:`faceloupe.documents.decode_array` makes arrays of it."""
        body = {"photo": encode_face(face), "layers": list(layers)}
        return self._server.request(shapes.FeatureMaps, "POST", f"/networks/{network}/trace", json=body)

    def attribute(
        self,
        network: str,
        face: Face,
        *,
        method: str = "occlusion",
        target: int | None = None,
        other: Face | None = None,
        certify: bool = True,
    ) -> shapes.JobState:
        """Begin to map where a network's answer rests: its own, one for a class, or the cosine with another face."""
        body = {
            "photo": encode_face(face), "method": method, "target": target, "certify": certify,
            "other": None if other is None else encode_face(other),
        }  # fmt: skip
        return self._server.request(shapes.JobState, "POST", f"/networks/{network}/attribute", json=body)

    def data(self) -> list[str]:
        """Return the names of the faces that studies and trainings may use."""
        return self._server.get(shapes.Data, "/data").data

    def train(
        self, name: str, data: str, kind: str, *, people: int | None = None, epochs: int | None = None
    ) -> shapes.JobState:
        """Begin to train a network, "cnn", "fcnn" or "deep", which is among the networks under this name then."""
        body = {"name": name, "data": data, "kind": kind, "people": people, "epochs": epochs}
        return self._server.request(shapes.JobState, "POST", "/networks", json=body)

    def studies(self) -> list[shapes.Study]:
        """Return the studies in the server's folder."""
        return self._server.get(shapes.Studies, "/studies").studies

    def study(
        self,
        data: str = "orl",
        *,
        pairs: int | None = None,
        seeds: int = 8,
        epochs: int = 20,
        preprocess: Sequence[str] = ("none", "centre"),
    ) -> shapes.JobState:
        """Begin a study."""
        body = {"data": data, "pairs": pairs, "seeds": seeds, "epochs": epochs, "preprocess": list(preprocess)}
        return self._server.request(shapes.JobState, "POST", "/studies", json=body)

    def study_two(
        self, first_name: str, first: Sequence[Photo], second_name: str, second: Sequence[Photo], *, seeds: int = 8
    ) -> shapes.JobState:
        """Begin a study of two people, by photographs of each alone, which the server does not keep."""
        fields = {"first_name": first_name, "second_name": second_name, "seeds": str(seeds)}
        return self._server.post(shapes.JobState, "/studies/two", {"first": first, "second": second}, fields)

    def remove_study(self, study: str) -> list[shapes.Study]:
        """Remove a study, with its networks, its page and the faces in them; return those left."""
        return self._server.request(shapes.Studies, "DELETE", f"/studies/{study}").studies

    def resume(self, study: str) -> shapes.JobState:
        """Go on with a study that was stopped."""
        return self._server.request(shapes.JobState, "POST", f"/studies/{study}/resume")
