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
from case import OPSET, Case, Const, Map, f32, ints, onnx_type

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent.parent / "docs" / "SupportMatrix.md"
DTYPES = {"f32": np.float32, "f16": np.float16, "bf16": ml_dtypes.bfloat16, "f64": np.float64, "i8": np.int8, "i16": np.int16,
          "i32": np.int32, "i64": np.int64, "u8": np.uint8, "u16": np.uint16, "u32": np.uint32, "u64": np.uint64, "bool": np.bool_,
          "f8E4M3FN": ml_dtypes.float8_e4m3fn, "f8E4M3FNUZ": ml_dtypes.float8_e4m3fnuz, "f8E5M2": ml_dtypes.float8_e5m2,
          "f8E5M2FNUZ": ml_dtypes.float8_e5m2fnuz, "f8E8M0": ml_dtypes.float8_e8m0fnu, "f4E2M1": ml_dtypes.float4_e2m1fn,
          "i4": ml_dtypes.int4, "u4": ml_dtypes.uint4, "i2": ml_dtypes.int2, "u2": ml_dtypes.uint2}
NARROW_FLOATS = ("f8E4M3FN", "f8E4M3FNUZ", "f8E5M2", "f8E5M2FNUZ", "f8E8M0", "f4E2M1")
FLOATS = ("f32", "f16", "bf16", "f64", *NARROW_FLOATS)
# Relative and absolute tolerance by element type.
TOLERANCE = {"f32": (1e-3, 1e-4), "f16": (1e-2, 2e-3), "bf16": (4e-2, 2e-2), "f64": (1e-4, 1e-5)}


def claims():
    """[(operator, position of the typed operand's name or 0, {element types claimed})] of the page."""
    rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    types = rows[0][3:]
    found = {}
    for row in rows[1:]:
        name, _, typed = row[0].partition(" (")
        # Strings are no numbers in another type: cases_strings.py has what claims them.
        found[name] = (typed.rstrip(")"), {t for t, cell in zip(types, row[3:]) if cell} - {"string"})
    return found


@lru_cache(maxsize=1)
def patterns():
    """{operator: cases}: those of cases_*.py in f32 where there are any."""
    found = defaultdict(list)
    for path in sorted(HERE.glob("cases_*.py")):
        for case in importlib.import_module(path.stem).CASES:
            found[f"{case.domain}.{case.op}".lstrip(".")].append(case)
    for cases in found.values():  # those of strings last
        cases.sort(key=lambda case: any(a is not None and _value(a).dtype.kind in "OU" for a in case.inputs))
    return found


@lru_cache(maxsize=None)
def schema(op):
    """The newest schema: the onnx package's, and onnxruntime's for an operator that only that one knows ("com.microsoft.QGemm")."""
    domain, _, name = op.rpartition(".")
    if onnx.defs.has(name, domain):
        return onnx.defs.get_schema(name, domain)
    from onnxruntime.capi.onnxruntime_pybind11_state import get_all_operator_schema

    return next(s for s in get_all_operator_schema() if (s.domain, s.name) == (domain, name))


def is_known(op):
    """Whether others have a schema of the operator; nobody has those of FINN and QONNX."""
    return "custom_op" not in op


def operand_types(op, count):
    """The type variables of the operands."""
    inputs = schema(op).inputs
    variable = lambda item: getattr(item, "type_str", None) or item.typeStr
    types = [variable(item) for item in inputs]
    return [types[min(i, len(types) - 1)] for i in range(count)]


def typed_operand(op, typed):
    """Index of the typed operand; the page names it where it is not the first."""
    if not typed or isinstance(pattern(op).inputs[0], Map):
        return 0
    return next(i for i, item in enumerate(schema(op).inputs) if item.name.lower() in (typed.lower(), typed.lower() + "s"))


def same_type(op, index, inputs):
    """Operands that share the type variable of operand `index`."""
    if not is_known(op):
        return [index]
    if op == "com.microsoft.QLinearConcat":  # its one variable stands for tensors, scales and zero points alike
        return [i for i, a in enumerate(inputs) if _value(a).dtype == _value(inputs[index]).dtype]
    types = operand_types(op, len(inputs))
    return [i for i in range(len(inputs)) if types[i] == types[index]]


def convert(a, name, seed):
    """The array in another element type, with values that mean something in it; of a map its values."""
    if isinstance(a, Map):
        return Map(a.keys, convert(a.values, name, seed))
    value = a.value if isinstance(a, Const) else a
    dtype = DTYPES[name]
    if value.dtype.kind == "O":
        value = np.random.default_rng(seed).integers(0, 5, value.shape)
    if name in FLOATS and value.dtype.kind != "f":
        value = value.astype(np.float32)
    if name == "f8E8M0":
        value = 2.0 ** np.random.default_rng(seed).integers(-9, 9, value.shape)
    elif name in FLOATS:
        pass
    elif name == "bool":
        value = np.random.default_rng(seed).integers(0, 2, value.shape)
    elif value.dtype.kind == "f":
        low = 1 if name.startswith("u") or value.min(initial=1) > 0 else -5
        value = np.random.default_rng(seed).integers(low, 6, value.shape)
        value = np.where(value == 0, 1, value)
    elif name.startswith("u"):
        value = np.abs(value)
    value = np.asarray(value).astype(dtype)
    return Const(value) if isinstance(a, Const) else value


def max_roi_pool(x, rois):
    """MaxRoiPool to 2 by 3 bins, scale 1: rounded ends are inclusive, bins without elements 0."""
    height, width = x.shape[2:]
    y = np.zeros((len(rois), x.shape[1], 2, 3), x.dtype)
    for r, roi in enumerate(rois.astype(np.float64)):
        batch, left, top, right, bottom = (int(v) for v in np.floor(roi + 0.5))
        high, wide = max(bottom - top + 1, 1) / 2, max(right - left + 1, 1) / 3
        for i in range(2):
            for j in range(3):
                rows = slice(*np.clip([int(np.floor(i * high)) + top, int(np.ceil((i + 1) * high)) + top], 0, height))
                columns = slice(*np.clip([int(np.floor(j * wide)) + left, int(np.ceil((j + 1) * wide)) + left], 0, width))
                part = x[batch, :, rows, columns].reshape(x.shape[1], -1)
                y[r, :, i, j] = part.max(axis=1) if part.size else 0
    return y


def own_patterns():
    """Operators whose cases elsewhere are not made of nodes alone, or not typed by their operand."""
    computed = {op: next(c for c in patterns()[op] if c.expect) for op in ("ai.onnx.ml.LinearRegressor", "ai.onnx.ml.SVMRegressor")}
    return {**computed, "BitCast": Case("BitCast", [f32(3, 5)], {"to": onnx.TensorProto.FLOAT}),
            "Cast": Case("Cast", [f32(3, 5)], {"to": onnx.TensorProto.FLOAT}),
            "DequantizeLinear": Case("DequantizeLinear", [ints(4, 6, low=0, high=100, dtype=np.uint8), Const(np.float32(0.1))]),
            "MaxRoiPool": Case("MaxRoiPool", [f32(2, 3, 8, 9), np.float32([[0, 1, 1, 6, 5], [1, 0, 2, 3, 7]])], {"pooled_shape": [2, 3]},
                               expect=max_roi_pool),
            "Pow": Case("Pow", [f32(3, 7, low=0.2, high=3), f32(7, low=0.5, high=3, seed=1)]),
            "ai.onnx.ml.Imputer": Case("Imputer", [f32(6, 4)], {"imputed_value_floats": [7.0], "replaced_value_float": 1.0, "imputed_value_int64s": [7], "replaced_value_int64": 1},
                                       domain="ai.onnx.ml", domain_opset=3, expect=lambda x: np.where(x == 1, 7, x).astype(x.dtype)),
            "ai.onnx.ml.DictVectorizer": Case("DictVectorizer", [Map([4, 1, 2], f32(3))], {"int64_vocabulary": [2, 3, 4]}, domain="ai.onnx.ml",
                                              expect=lambda m: np.array([[m.values[2], np.zeros(1, m.dtype)[0], m.values[0]]])),
            "ai.onnx.ml.LabelEncoder": Case("LabelEncoder", [f32(6, 4)], {"values_int64s": [5, 6, 7], "default_int64": 8}, domain="ai.onnx.ml", domain_opset=4,
                                            expect=lambda x: np.select([x == 1, x == 2, x == -1], [5, 6, 7], 8)),
            "Range": Case("Range", [Const(1.0, np.float32), Const(9.0, np.float32), Const(2.0, np.float32)])}


def pattern(op):
    return own_patterns().get(op) or next((c for c in patterns()[op] if c.expect is None), patterns()[op][0])


def newest(op):
    """An opset at which the newest version of the operator is in force."""
    return OPSET if "." in op else max(OPSET, schema(op).since_version)


def substitutes(name):
    """Element types in which an oracle may compute instead, best first: those that hold every value of the type."""
    return {"bf16": ["f32"], "f16": ["f32"], "f64": ["f32"], "bool": ["u8"], "i8": ["i32", "f32"], "u8": ["i32", "f32"],
            "i16": ["i32", "f32"], "u16": ["i32", "f32"], "u32": ["i64", "f64"], "u64": ["i64", "f64"], "i32": ["i64", "f64"],
            "i64": ["i32", "f64"], "i4": ["i32"], "u4": ["i32"], "i2": ["i32"], "u2": ["i32"],
            **dict.fromkeys(NARROW_FLOATS, ["f32"])}.get(name, [])


class Oracles:
    """What a case may give: an answer of an oracle in the case's own type, or in another one that holds all of its values."""

    def __init__(self, case, name):
        self.case, self.name = case, name

    def answers(self):
        if callable(self.case.expect):
            yield [v.astype(DTYPES[self.name]) if v.dtype.kind == "f" and not self.is_fixed(i) else v for i, v in enumerate(self.case.expected()[0])]
        for case in [self.case, *self.others()]:
            for oracle in (case._onnxruntime, case._reference):
                try:
                    yield [np.asarray(v) if self.is_fixed(i) else self.rounded(case, v) for i, v in enumerate(oracle())]
                except Exception:  # noqa: BLE001 - an oracle that cannot is not asked again
                    continue

    def is_fixed(self, output):
        """Whether the standard gives the output one element type, whatever the operands have."""
        op = f"{self.case.domain}.{self.case.op}".lstrip(".")
        if not is_known(op):
            return self.name not in FLOATS
        outputs = schema(op).outputs
        return output < len(outputs) and str(getattr(outputs[output], "type_str", "")).startswith("tensor(")

    def others(self):
        wanted = DTYPES[self.name]
        for other in substitutes(self.name):
            swap = lambda a: a if a is None or _value(a).dtype != wanted else _like(a, _value(a).astype(DTYPES[other]))
            yield replace(self.case, inputs=[swap(a) for a in self.case.inputs])

    def rounded(self, case, value):
        """An answer in the case's own element type; those of other types (indices, masks) stay."""
        value = np.asarray(value)
        own = {_value(a).dtype for a in self.case.inputs if a is not None}
        used = {_value(a).dtype for a in case.inputs if a is not None} - own
        return value.astype(DTYPES[self.name]) if value.dtype in used else value


def _value(a):
    return a.value if isinstance(a, Const) else a


def _like(a, value):
    return Const(value) if isinstance(a, Const) else value


def typed_case(op, typed, name):
    """The operator on one element type."""
    case = pattern(op)
    index = typed_operand(op, typed)
    shared = same_type(op, index, case.inputs)
    wide = name in FLOATS and name not in NARROW_FLOATS
    floats = [i for i, a in enumerate(case.inputs) if a is not None and wide and _value(a).dtype.kind == "f"]
    inputs = [a if a is None or i not in shared + floats else convert(a, name, i) for i, a in enumerate(case.inputs)]
    rtol, atol = TOLERANCE.get(name, (case.rtol, case.atol))
    attrs = dict(case.attrs)
    if op == "BitCast":
        attrs["to"] = onnx_type(DTYPES[name])
    if op == "Mod" and name in FLOATS:
        attrs["fmod"] = 1
    if op.endswith(".LabelEncoder"):
        attrs["keys_tensor"] = onnx.numpy_helper.from_array(np.array([1, 2, -1]).astype(DTYPES[name]))
    return replace(case, inputs=inputs, attrs=attrs, name=name, dynamic=False, rtol=rtol, atol=atol, opset=newest(op))
