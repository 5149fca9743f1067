"""The command that uses the network: fetch."""

from __future__ import annotations

from pathlib import Path

from ..errors import unknown_name
from .exit_codes import DONE
from .flags import Flag


def fetch(name: str, *, to: Path = Path("data/cifar10"), quiet: Flag = False) -> int:
    """Download a data set (the only command that uses the network): cifar10, 163 MB, MD5 checked, resumable."""
    from ..data.fetch import fetch_cifar10
    from .progress import shown

    if name != "cifar10":
        raise unknown_name("downloadable data set", name, ["cifar10"])
    with shown(quiet) as progress:
        print(fetch_cifar10(to, progress=lambda fraction: progress("fetch cifar10", fraction, 0.0)))
    return DONE
