"""What torch.export.load would do with a .pt2 file, looked at before it does: no pickle, and tensor operations only."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import torch

from ..errors import ModelError

OPERATORS = [
    "getitem",
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "neg",
    "pos",
    "abs",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "and_",
    "or_",
    "not_",
    "xor",
    "lshift",
    "rshift",
]
TARGET = re.compile(rf"torch\.ops\.(aten|prims|higher_order)\.\w+(\.\w+)?|_operator\.({'|'.join(OPERATORS)})|math\.\w+")
"""Functions that a node of the graph may call."""
SYMBOL = re.compile(r"Symbol\('[a-z]+\d+'(, (positive|integer|nonnegative)=True)*\)|\b[suz]\d+\b")
HEADS = [
    "Integer",
    "Rational",
    "Add",
    "Mul",
    "Pow",
    "Mod",
    "PythonMod",
    "Max",
    "Min",
    "Abs",
    "FloorDiv",
    "CeilDiv",
    "CleanDiv",
    "IntTrueDiv",
    "ModularIndexing",
    "PowByNatural",
    "CeilToInt",
    "FloorToInt",
    "TruncToInt",
    "ToFloat",
    "Where",
    "Equality",
    "Unequality",
    "StrictLessThan",
    "LessThan",
    "StrictGreaterThan",
    "GreaterThan",
    "Eq",
    "Ne",
    "Lt",
    "Le",
    "Gt",
    "Ge",
    "And",
    "Or",
    "Not",
    "true",
    "false",
    "oo",
    "int_oo",
]
EXPRESSION = re.compile(rf"(?:\b(?:{'|'.join(HEADS)})\b|[\d\s+*/(),<>=-])*")
"""Sizes that depend on the input, with their symbols taken out; torch evaluates them as Python."""
GUARD = re.compile(r"[\w\s.\[\]'\"<>=!+*/%,-]*")
"""Conditions on the input without any call; torch compiles them as Python."""


def require_harmless(content: bytes, name: str) -> None:
    """Raises ModelError unless the file is one exported program whose loading unpickles nothing and calls nothing else.

    It is no sandbox for the program itself: operations of torch may still be slow or large.
    """
    try:
        entries = _entries(content)
        models = [path for path in entries if path.startswith("models/")]
        if models != ["models/model.json"]:
            raise _refused(name, "it holds no program of today's format called model")
        _require_tensors(entries, name)
        _require_operations(json.loads(entries["models/model.json"]), name)
    except (zipfile.BadZipFile, json.JSONDecodeError, UnicodeDecodeError, KeyError, RecursionError) as error:
        raise _refused(name, f"it is damaged: {error}") from error


def _entries(content: bytes) -> dict[str, bytes]:
    """What the archive holds, below its one folder."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        folders = {path.partition("/")[0] for path in names}
        if len(set(names)) < len(names) or len(folders) != 1 or not all("/" in path for path in names):
            raise zipfile.BadZipFile("its entries are not those of one torch archive")
        return {path.partition("/")[2]: archive.read(path) for path in names}


def _require_tensors(entries: dict[str, bytes], name: str) -> None:
    """Weights and constants as plain bytes, sample inputs of tensors; no compiled code."""
    for path in entries:
        if path.startswith("data/aotinductor/") or path in ("data/weights/model.pt", "data/constants/model.pt"):
            raise _refused(name, f"{path} is compiled code or a pickle")
    for path in ("data/weights/model_weights_config.json", "data/constants/model_constants_config.json"):
        for part in json.loads(entries[path])["config"].values():
            if part["use_pickle"] or not part["path_name"].startswith(("weight_", "tensor_")):
                raise _refused(name, f"{part['path_name']} in {path} is a pickle")
    sample = entries["data/sample_inputs/model.pt"]
    try:
        if sample:
            torch.load(io.BytesIO(sample), map_location="cpu", weights_only=True)
    except Exception as error:
        raise _refused(name, "its sample inputs are a pickle of more than tensors") from error


def _require_operations(program: Any, name: str) -> None:
    for key, value in _strings(program):
        plain = SYMBOL.sub("", value)
        if (
            (key == "target" and not TARGET.fullmatch(value))
            or (key == "expr_str" and not EXPRESSION.fullmatch(plain))
            or (key == "guards_code" and ("__" in value or not GUARD.fullmatch(value.replace(".size()", ""))))
        ):
            raise _refused(name, f"it would run {value[:80]!r}")


def _strings(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every string with the key that it, or the list that holds it, stands under."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one, key)
    elif isinstance(value, dict):
        for inner, one in value.items():
            yield from _strings(one, inner)


def _refused(name: str, why: str) -> ModelError:
    return ModelError(
        f"{name} was refused: {why}. A program was expected that torch.export.save wrote with this version of torch and "
        "that holds tensors and torch's own operations only. Export the model again, or save its weights as safetensors "
        "and give --arch."
    )
