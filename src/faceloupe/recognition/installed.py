"""Networks from files that were added to this machine: by name, with their manifests, in the user's data folder.

A file lies under its SHA-256 and its manifest under its name; ``FACELOUPE_NETWORKS`` names another folder. The manifest
is written last: what has one is whole.
"""

import os
from collections.abc import Callable
from hashlib import sha256
from os import PathLike
from pathlib import Path
from shlex import quote

from faceloupe.errors import InputError, extra
from faceloupe.files import read_bytes, write_whole
from faceloupe.recognition.manifests import MAX_NETWORK_BYTES, NAME, Kind, Manifest, read_manifest


def networks_folder() -> Path:
    """Return the folder of added networks.

    Raises
    ------
    UnavailableError
        If the packages of the extra ``recognition`` are missing.
    """
    if folder := os.environ.get("FACELOUPE_NETWORKS"):
        return Path(folder).expanduser()
    with extra("recognition"):
        from platformdirs import user_data_path
    return user_data_path("faceloupe") / "networks"


def installed(damaged: Callable[[str], None] | None = None) -> tuple[Manifest, ...]:
    """Return the manifests of the networks that were added, by name; those that are damaged are left out.

    Parameters
    ----------
    damaged : callable, optional
        Called with what is wrong with each that is left out.
    """
    manifests = []
    for path in sorted(networks_folder().glob("*.toml")):
        try:
            manifests.append(_read_installed(path))
        except InputError as problem:
            if damaged:
                damaged(str(problem))
    return tuple(manifests)


def installed_names(kind: Kind) -> tuple[str, ...]:
    """Return the names of the networks of a kind that were added."""
    return tuple(manifest.name for manifest in installed() if manifest.kind == kind)


def installed_manifest(name: str) -> Manifest | None:
    """Return the manifest of an added network; None if there is none of that name.

    Raises
    ------
    InputError
        If it is damaged.
    """
    if not NAME.fullmatch(name):
        return None
    path = _manifest_path(name)
    return _read_installed(path) if path.is_file() else None


def _read_installed(path: Path) -> Manifest:
    try:
        return read_manifest(path)
    except InputError as problem:
        raise InputError(
            f"{problem}. The manifest of {path.stem} is damaged: faceloupe embedder remove {quote(path.stem)} removes "
            "it (detector remove if it finds faces), and add brings it again"
        ) from problem


def network_file(manifest: Manifest) -> Path:
    """Return the path of an added network's file."""
    return networks_folder() / f"{manifest.sha256}.onnx"


def add_network(file: str | PathLike[str], manifest: Manifest) -> Path:
    """Copy a network's file to the user's networks and write its manifest beside it; return where the file is.

    Raises
    ------
    InputError
        If the file is not that of the manifest, or another network has the name.
    OSError
        If the file cannot be read, or the copy not be written.
    """
    existing = installed_manifest(manifest.name)
    if existing is not None and existing != manifest:
        raise InputError(
            f"another network is called {manifest.name}: faceloupe {existing.kind} remove {manifest.name}, or --name "
            "another"
        )
    content = read_bytes(Path(file).expanduser(), MAX_NETWORK_BYTES)
    digest = sha256(content).hexdigest()
    if digest != manifest.sha256:
        raise InputError(
            f"{file} is not the file that the manifest describes: its SHA-256 is {digest}, the manifest says "
            f"{manifest.sha256}. Correct the manifest if this is the file that you mean"
        )
    target = network_file(manifest)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, content)
    write_whole(_manifest_path(manifest.name), manifest.to_toml().encode())
    return target


def remove_network(name: str, kind: Kind) -> None:
    """Remove an added network: its manifest, and its file if no other manifest needs it.

    A damaged manifest no longer tells which file is its own: while there is one no file is removed, nor with it.

    Raises
    ------
    InputError
        If none of that name and kind was added.
    """
    try:
        manifest = installed_manifest(name)
    except InputError:
        _manifest_path(name).unlink()
        return
    if manifest is None or manifest.kind != kind:
        names = ", ".join(installed_names(kind)) or "none"
        raise InputError(f"no {kind} called {name!r} was added; there are: {names}")
    _manifest_path(name).unlink()
    damaged: list[str] = []
    remaining = installed(damaged.append)
    if not damaged and all(other.sha256 != manifest.sha256 for other in remaining):
        network_file(manifest).unlink(missing_ok=True)


def _manifest_path(name: str) -> Path:
    return networks_folder() / f"{name}.toml"
