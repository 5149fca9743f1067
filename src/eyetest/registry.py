"""The file name is the public name: `views/grayscale.py` holds `class Grayscale`."""

from __future__ import annotations

import importlib
import pkgutil
from importlib.metadata import entry_points
from typing import Generic, TypeVar, final

from .errors import unknown_name

T = TypeVar("T")


@final
class Registry(Generic[T]):
    """Components of one kind: the files of one package, and entry points of other packages under its name."""

    def __init__(self, package: str, base: type[T], kind: str) -> None:
        self.package, self.base, self.kind = package, base, kind

    def names(self) -> list[str]:
        """All public names, sorted."""
        folder = importlib.import_module(self.package).__path__
        own = {module.name for module in pkgutil.iter_modules(folder) if not module.name.startswith("_")}
        return sorted(own - {"base"} | {point.name for point in entry_points(group=self.package)})

    def get(self, name: str) -> type[T]:
        """The class called `name`.

        Raises UnknownName with the nearest name and the list.
        """
        if name not in self.names():
            raise unknown_name(self.kind, name, self.names())
        for point in entry_points(group=self.package, name=name):
            plugin: type[T] = point.load()
            return plugin
        module = importlib.import_module(f"{self.package}.{name}")
        own: type[T] = getattr(module, "".join(part.capitalize() for part in name.split("_")))
        return own
