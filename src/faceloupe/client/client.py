"""A server's calls, one method a route: those of recognition here, the others in modules of their own."""

import httpx

from faceloupe.client.connection import Connection, Photo
from faceloupe.client.people import PeopleCalls
from faceloupe.client.review import ReviewClient, UnknownClient
from faceloupe.client.studies import StudyCalls
from faceloupe.web import shapes


class Client(PeopleCalls, StudyCalls):
    """Calls a server; a context manager.

    Every method raises a :class:`faceloupe.errors.ProblemError` if the server refuses, with the reason and what to do,
    and a :class:`faceloupe.errors.UnavailableError` if it cannot be reached.

    Parameters
    ----------
    address : str
        As the server printed it, such as "http://127.0.0.1:8000"; what follows "#token=" there is the token.
    token : str, optional
        Token of a key, if the address holds none.
    timeout : float
        Seconds in which the server must take or give a part; ten times as long, and an answer must be whole.
    transport : httpx.BaseTransport, optional
        Transport of the requests; by default the network.

    Raises
    ------
    InputError
        If there is no token, the address is none, or a proxy that the environment names is none. Proxies are for https
        alone.

    Examples
    --------
    >>> with Client("http://127.0.0.1:8000", token) as client:  # doctest: +SKIP
    ...     client.enrol("Ann", ["ann/1.jpg", "ann/2.jpg"], consent="form 12")
    ...     print([face.name for face in client.identify("party.jpg").photographs[0].faces])
    """

    def __init__(
        self, address: str, token: str = "", *, timeout: float = 60.0, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._server = Connection(address, token, timeout=timeout, transport=transport)

    @property
    def unknown(self) -> UnknownClient:
        """The unknown faces that the server keeps for a time."""
        return UnknownClient(self._server)

    @property
    def review(self) -> ReviewClient:
        """The people of the server's collection."""
        return ReviewClient(self._server)

    def health(self) -> shapes.Health:
        """Return the state of the server."""
        return self._server.get(shapes.Health, "/health")

    def points(self) -> shapes.Points:
        """Return the threshold in use, those that were saved with the gallery, and those that were published."""
        return self._server.get(shapes.Points, "/points")

    def calibrate(
        self, fmr: float | None = None, *, threshold: float | None = None, loose: bool = False
    ) -> shapes.Point:
        """Choose the gallery's threshold for a false match rate, from its own references, or measure one that is given.

        It decides for everybody from now on. The rate is 1 in 10,000 if neither is given; one above 1 in 100 is refused
        unless `loose` says that it is meant.
        """
        body = {"fmr": fmr, "threshold": threshold, "loose": loose}
        return self._server.request(shapes.Point, "POST", "/calibrate", json=body)

    def reset_points(self) -> shapes.Points:
        """Take the thresholds that were saved with the gallery back: the published one decides again."""
        return self._server.request(shapes.Points, "DELETE", "/points")

    def detect(self, photo: Photo) -> shapes.Detections:
        """Find the faces of a photograph."""
        return self._server.post(shapes.Detections, "/detect", {"photo": [photo]}, {})

    def verify(
        self,
        first: Photo,
        second: Photo,
        *,
        central: bool = False,
        fmr: float | None = None,
        prior: float | None = None,
    ) -> shapes.Decision:
        """Decide whether two photographs show one person; `central` takes of several faces the one in the middle.

        With a `prior`, your probability of one person before comparing, the answer's evidence has the one after.
        """
        fields = {"central": central, "fmr": fmr, "prior": prior}
        return self._server.post(shapes.Decision, "/verify", {"one": [first], "other": [second]}, fields)

    def identify(
        self, photo: Photo, *, ranks: int = 3, fmr: float | None = None, recall: float | None = None
    ) -> shapes.Identified:
        """Identify every face in a photograph: somebody of the gallery, or nobody."""
        choices = {"ranks": ranks, "fmr": fmr, "recall": recall}
        return self._server.post(shapes.Identified, "/identify", {"photo": [photo]}, choices)

    def explain(
        self, first: Photo, second: Photo, *, central: bool = False, fmr: float | None = None, certify: bool = True
    ) -> shapes.JobState:
        """Begin to find which regions of two faces make the score; `central` and `fmr` are those of :meth:`verify`."""
        fields = {"central": central, "fmr": fmr, "certify": certify}
        return self._server.post(shapes.JobState, "/explain", {"one": [first], "other": [second]}, fields)

    def metrics(self) -> str:
        """Return counts and times in the text format of Prometheus."""
        return self._server.content("text/plain", "/metrics").decode(errors="replace")

    def close(self) -> None:
        """Close the connections."""
        self._server.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self._server.address!r})"
