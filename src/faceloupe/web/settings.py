"""The settings of a server when it starts."""

import ssl
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

from faceloupe.errors import InputError
from faceloupe.web.keys import Key

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """The limits of a server; past each it refuses, and says when to come back where waiting helps.

    Attributes
    ----------
    body : int
        Bytes of a request.
    bodies : int
        Bytes of all requests in work.
    patience : float
        Seconds in which a request must have come, its head and its body each.
    faces : int
        Faces of a photograph that are embedded; a picture with more is refused.
    photographs : int
        Photographs in work and waiting, of all callers.
    changes : int
        Changes of the gallery in work and waiting.
    jobs : int
        Jobs at work at once, of one key one.
    jobs_waiting : int
        Jobs of one key that may wait.
    decoding : int
        Bytes that the pixels of all photographs take that are decoded at the same time, by what their heads claim;
        further ones wait.
    seconds : float
        Seconds in which a photograph must be decoded and its faces found.
    requests : int
        Requests in work.
    requests_of_key : int
        Requests in work of one key, where there are several.
    connections : int
        Connections; for a further one another is closed, on which no request of a key is in work.
    """

    body: int = 32 * 2**20
    bodies: int = 256 * 2**20
    patience: float = 20.0
    faces: int = 64
    photographs: int = 64
    changes: int = 32
    jobs: int = 2
    jobs_waiting: int = 8
    decoding: int = 256 * 2**20
    seconds: float = 15.0
    requests: int = 256
    requests_of_key: int = 64
    connections: int = 512


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a server: its address, its callers, its data.

    Attributes
    ----------
    keys : tuple of Key
        Keys of those who may call; at least one.
    host : str
        Address or name to bind to.
    port : int
        0 takes any free one.
    allowed_hosts : tuple of str
        Further names by which it may be asked for, such as a reverse proxy's.
    gallery : str
        File or URL of the gallery; made if it is a file that is not there.
    collection : str, optional
        File or URL of a collection whose people are reviewed.
    keep_unknown : timedelta, optional
        Time for which faces that nobody was named for are kept, in a collection beside the gallery. None keeps none.
    keep_faces : bool
        Keep the face chips of these too.
    networks : tuple of str
        Networks to look at: folders saved by faceloupe, or ONNX files.
    studies : Path
        The folder that keeps studies, each in a folder of its own, and the networks trained here.
    data : Path or None
        A folder of data to study and train on, each NAME/SUBJECT/*.jpg.
    limits : ServerLimits
    tls : tuple of Path, or None
        The files of a certificate, with those that lead to its root, and of its private key: it is reached by HTTPS.
    plain_http : bool
        Whether others may reach it without TLS: something before it ends TLS, or everybody may read what is sent.

    Raises
    ------
    InputError
        If there is no key, or a port that cannot be; if face chips are to be kept, but no unknown faces; if others
        could reach it without TLS and that was not said to be meant; or if the certificate cannot be used.
    """

    keys: tuple[Key, ...]
    host: str = "127.0.0.1"
    port: int = 8000
    allowed_hosts: tuple[str, ...] = ()
    gallery: str = "faceloupe.db"
    collection: str | None = None
    keep_unknown: timedelta | None = None
    keep_faces: bool = False
    networks: tuple[str, ...] = ()
    studies: Path = Path("studies")
    data: Path | None = None
    limits: ServerLimits = field(default_factory=ServerLimits)
    tls: tuple[Path, Path] | None = None
    plain_http: bool = False

    def __post_init__(self) -> None:
        if not self.keys:
            raise InputError("a server without a key would answer nobody: give at least one")
        if self.keep_faces and self.keep_unknown is None:
            raise InputError("--keep-faces keeps the chips of unknown faces: say with --keep-unknown for how long")
        if not 0 <= self.port < 2**16:
            raise InputError(f"port: expected 0 to {2**16 - 1}, got {self.port}")
        if self.tls:
            _check_certificate(*self.tls)
        elif not (self.is_local or self.plain_http):
            raise InputError(
                f"tokens and faces would cross the network at {self.host} in clear: give --certificate and "
                "--private-key, or listen on loopback behind a proxy that ends TLS; --plain-http does it nonetheless"
            )

    @property
    def hosts(self) -> frozenset[str]:
        """Names by which it may be asked for, as a Host header writes them, without port."""
        return frozenset(
            (f"[{name}]" if ":" in name else name.lower()) for name in (*LOOPBACK, self.host, *self.allowed_hosts)
        )

    @property
    def is_local(self) -> bool:
        """True if only this machine can reach it."""
        return self.host == "localhost" or _is_loopback(self.host)


def _check_certificate(certificate: Path, private_key: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, private_key, password=_no_password)
    except (OSError, ValueError) as problem:  # an SSLError is an OSError
        raise InputError(f"{certificate} with {private_key} cannot serve TLS: {problem}") from problem


def _no_password() -> str:
    raise ValueError("the private key is encrypted; give one that is not, for its owner's eyes only")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
