"""Cases that prove docs/SupportMatrix.md: each operator on each element type that it claims, and on those that it does not.

A case of test/Operators (or a small one made here) is the pattern of an operator; its typed operand, and every other operand that
ONNX's schema binds to the same type variable, is given the element type in question.
"""
import importlib
import re
from collections import defaultdict
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
from case import OPSET, Case, Const, ints, f32

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent.parent / "docs" / "SupportMatrix.md"
DTYPES = {"f32": np.float32, "f16": np.float16, "bf16": ml_dtypes.bfloat16, "f64": np.float64, "i8": np.int8, "i16": np.int16,
          "i32": np.int32, "i64": np.int64, "u8": np.uint8, "u16": np.uint16, "u32": np.uint32, "u64": np.uint64, "bool": np.bool_}
FLOATS = ("f32", "f16", "bf16", "f64")
# Relative and absolute tolerance by element type.
TOLERANCE = {"f32": (1e-3, 1e-4), "f16": (1e-2, 2e-3), "bf16": (4e-2, 2e-2), "f64": (1e-4, 1e-5)}


def claims():
    """[(operator, position of the typed operand's name or 0, {element types claimed})] of the page."""
    rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    types = rows[0][3:]
    found = {}
    for row in rows[1:]:
        name, _, typed = row[0].partition(" (")
        found[name] = (typed.rstrip(")"), {t for t, cell in zip(types, row[3:]) if cell})
    return found


@lru_cache(maxsize=1)
def patterns():
    """{operator: cases}: those of cases_*.py in f32 where there are any."""
    found = defaultdict(list)
    for path in sorted(HERE.glob("cases_*.py")):
        for case in importlib.import_module(path.stem).CASES:
            found[case.op].append(case)
    return found


def typed_operand(op, typed):
    """Index of the typed operand; the page names it where it is not the first."""
    if not typed:
        return 0
    return next(i for i, item in enumerate(onnx.defs.get_schema(op).inputs) if item.name.lower() in (typed.lower(), typed.lower() + "s"))


def same_type(op, index, count):
    """Operands that share the type variable of operand `index`."""
    inputs = onnx.defs.get_schema(op).inputs
    at = lambda i: inputs[min(i, len(inputs) - 1)].type_str
    return [i for i in range(count) if at(i) == at(index)]


def convert(a, name, seed):
    """The array in another element type, with values that mean something in it."""
    value = a.value if isinstance(a, Const) else a
    dtype = DTYPES[name]
    if name in FLOATS and value.dtype.kind != "f":
        value = value.astype(np.float32)
    elif name == "bool":
        value = np.random.default_rng(seed).integers(0, 2, value.shape)
    elif name not in FLOATS and value.dtype.kind == "f":
        low = 1 if name.startswith("u") else -5
        value = np.random.default_rng(seed).integers(low, 6, value.shape)
        value = np.where(value == 0, 1, value)
    elif name.startswith("u"):
        value = np.abs(value)
    value = np.asarray(value).astype(dtype)
    return Const(value) if isinstance(a, Const) else value
