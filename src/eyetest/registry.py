"""The file name is the public name: `views/grayscale.py` holds `class Grayscale`."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Generic, TypeVar, final

from .errors import UserError, unknown_name

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

    def in_file(self, path: Path) -> list[type[T]]:
        """The components that a Python file of the user's defines; the file is run.

        Raises UserError if there is no such file, or none in it.
        """
        name = f"eyetest_user.{path.stem}"
        spec = importlib.util.spec_from_file_location(name, path)
        if not path.is_file() or spec is None or spec.loader is None:
            raise UserError(f"There is no file {path}; expected a Python file that defines a {self.kind}.")
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found = [
            one
            for one in vars(module).values()
            if inspect.isclass(one) and issubclass(one, self.base) and one.__module__ == name
        ]
        if not found:
            raise UserError(f"{path} defines no {self.kind}; expected a class derived from {self.base.__name__}.")
        return found
