"""Download CIFAR-10 as its authors publish it. The only code that uses the network."""

from __future__ import annotations

import hashlib
import http.client
import shutil
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from ..errors import DataError

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
MD5 = "c58f30108f718f92721af3b95e74349a"
FOLDER = "cifar-10-batches-py"
CHUNK = 1 << 20


def fetch_cifar10(
    target: Path, *, url: str = URL, md5: str = MD5, progress: Callable[[float], None] = lambda fraction: None
) -> Path:
    """Download, check the MD5, unpack safely, and return the folder of batches. A cut download is resumed.

    Raises DataError if the download fails or is not the published file.
    """
    folder = target / FOLDER
    if folder.is_dir():
        return folder
    target.mkdir(parents=True, exist_ok=True)
    archive = target / "cifar-10-python.tar.gz.part"
    try:
        _download(url, archive, progress)
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        raise DataError(
            f"The download from {url} failed: {error}. What came is kept in {archive}; give the same command to resume."
        ) from error
    found = _md5(archive)
    if found != md5:
        archive.unlink()
        raise DataError(
            f"The file from {url} has MD5 {found}, but {md5} was expected. It was deleted; give the command again, and do "
            "not use the file if this repeats."
        )
    _unpack(archive, folder)
    archive.unlink()
    return folder


def _download(url: str, archive: Path, progress: Callable[[float], None]) -> None:
    have = archive.stat().st_size if archive.is_file() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:
            return
        raise
    with answer, archive.open("ab" if answer.status == 206 else "wb") as file:
        total = int(answer.headers.get("Content-Length", 0)) + file.tell()
        while chunk := answer.read(CHUNK):
            file.write(chunk)
            progress(min(file.tell() / max(total, 1), 1.0))
        if file.tell() < total:
            raise OSError(f"the connection ended after {file.tell():,} of {total:,} bytes")


def _unpack(archive: Path, folder: Path) -> None:
    """Files and folders of the published archive, and nothing else; tarfile's own filter is not in every Python 3.11."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as place, tarfile.open(archive) as tar:
        members = tar.getmembers()
        for member in members:
            parts = Path(member.name).parts
            if not (member.isdir() or member.isfile()) or parts[:1] != (FOLDER,) or ".." in parts:
                raise DataError(
                    f"{archive} holds {member.name!r}, which CIFAR-10 does not. It was not unpacked; delete it."
                )
        for member in members:
            _write(tar, member, Path(place, member.name))
        Path(place, FOLDER).rename(folder)


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, out: Path) -> None:
    """A file of an archive, or an empty folder."""
    content = tar.extractfile(member)
    if content is None:
        out.mkdir(parents=True, exist_ok=True)
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    with content, out.open("wb") as file:
        shutil.copyfileobj(content, file)


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()
