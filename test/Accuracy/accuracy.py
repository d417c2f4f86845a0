#!/usr/bin/env python3
"""How far functions of one float are from the truth, in units in the last place, over dense sweeps of all bit patterns.

usage: accuracy.py [FUNCTION...] [--inputs N] [--update]
  --inputs   f32 bit patterns per function (default 16777216, spread evenly over all 2^32); f16 and bf16 take all 65536
  --update   writes the table into docs/Accuracy.md

The truth is computed in f64 by numpy and the C library, whose errors are below 2^-50 and so do not count here. An error of n ulp means
|got - truth| = n * (distance of the floats around the truth). NaN, infinities and the signs of zeros must be right; subnormal arguments and
results count as all others do.
"""
import argparse
import math
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
from onnx import helper

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]
from locations import BUILD, ROOT  # noqa: E402

sys.path.insert(0, str(BUILD / "python"))
TABLE = ROOT / "docs" / "Accuracy.md"
CHUNK = 1 << 20
TYPES = {"f32": np.dtype(np.float32), "f16": np.dtype(np.float16), "bf16": np.dtype(ml_dtypes.bfloat16)}
PHI = math.sqrt(0.5)


def each(function):
    """A function of Python floats on arrays."""
    apply = np.frompyfunc(function, 1, 1)
    return lambda x: apply(x).astype(np.float64)


erf, erfc = each(math.erf), each(math.erfc)


def gelu(x):
    """x * Phi(x), without cancellation for negative x."""
    with np.errstate(all="ignore"):
        return np.where(x < 0, 0.5 * x * erfc(-x * PHI), 0.5 * x * (1 + erf(x * PHI)))


def sigmoid(x):
    with np.errstate(all="ignore"):
        e = np.exp(-np.abs(x))
        return np.where(x < 0, e, 1.0) / (1 + e)


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


# name: (operator, attributes, truth in f64, second operand, bound in ulp for f32)
FUNCTIONS = {
    "exp": ("Exp", {}, np.exp, None, 4), "log": ("Log", {}, np.log, None, 4), "tanh": ("Tanh", {}, np.tanh, None, 4),
    "sigmoid": ("Sigmoid", {}, sigmoid, None, 4), "erf": ("Erf", {}, erf, None, 4), "sin": ("Sin", {}, np.sin, None, 4),
    "cos": ("Cos", {}, np.cos, None, 4), "gelu": ("Gelu", {}, gelu, None, 4), "softplus": ("Softplus", {}, softplus, None, 4),
    **{op.lower(): (op, {}, getattr(np, name), None, 4) for op, name in
       (("Tan", "tan"), ("Asin", "arcsin"), ("Acos", "arccos"), ("Atan", "arctan"), ("Sinh", "sinh"), ("Cosh", "cosh"),
        ("Asinh", "arcsinh"), ("Acosh", "arccosh"), ("Atanh", "arctanh"))},
    "sqrt": ("Sqrt", {}, np.sqrt, None, 0.5), "reciprocal": ("Reciprocal", {}, lambda x: 1 / x, None, 0.5),
    **{f"pow {e}": ("Pow", {}, lambda x, e=e: np.power(x, e), e, 4) for e in (0.5, 2.5, -1.75, 3.0)},
}


def bits(kind, inputs):
    """Inputs as arrays of one chunk each."""
    if kind != "f32":
        yield np.arange(1 << 16, dtype=np.uint16).view(TYPES[kind])
        return
    step = (1 << 32) // inputs
    every = np.arange(0, inputs, dtype=np.uint64)
    # A bit pattern out of each stretch of `step`, never the same distance from its begin.
    patterns = (every * step + every * 2654435761 % step).astype(np.uint32)
    for at in range(0, inputs, CHUNK):
        yield patterns[at:at + CHUNK].view(np.float32)
    special = np.asarray([0.0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 1e-45, -1e-45, 1.17549435e-38, 3.4028235e38, -3.4028235e38], np.float32)
    yield special


def model_of(name, kind):
    operator, attributes, _, second, _ = FUNCTIONS[name]
    number = helper.np_dtype_to_tensor_dtype(TYPES[kind])
    inputs, initializers = ["x"], []
    if second is not None:
        initializers.append(helper.make_tensor("e", number, [], [second]))
        inputs.append("e")
    node = helper.make_node(operator, inputs, ["y"], **attributes)
    graph = helper.make_graph([node], "unary", [helper.make_tensor_value_info("x", number, ["n"])],
                              [helper.make_tensor_value_info("y", number, ["n"])], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)


def ulp_of(truth, kind):
    """The distance of the floats of that type around the truth."""
    info = ml_dtypes.finfo(TYPES[kind])
    with np.errstate(all="ignore"):
        exponent = np.floor(np.log2(np.abs(truth)))
    exponent = np.clip(np.where(np.isfinite(exponent), exponent, info.minexp), info.minexp, info.maxexp - 1)
    return np.exp2(exponent - info.nmant)


def worst(name, kind, inputs, cpu=None):
    """(largest error in ulp, its input, why it is wrong or '') of the code for a CPU level, the native one by default"""
    import laic

    truth_of = FUNCTIONS[name][2]
    model = laic.compile(model_of(name, kind), cpu=cpu)
    largest, where = 0.0, 0.0
    for x in bits(kind, inputs):
        got = np.asarray(model.run({"x": x})["y"]).astype(np.float64)
        with np.errstate(all="ignore"):
            truth = truth_of(x.astype(np.float64))
            rounded = truth.astype(TYPES[kind]).astype(np.float64)
        same = (got == rounded) | (np.isnan(got) & np.isnan(rounded))
        special = ~np.isfinite(rounded) | ~np.isfinite(got)
        wrong = special & ~same
        # What rounds to infinity next to the largest number may come out as that.
        edge = wrong & np.isfinite(truth) & (np.abs(truth) <= float(ml_dtypes.finfo(TYPES[kind]).max) * (1 + 2.0 ** -20))
        if (wrong & ~edge).any():
            at = np.flatnonzero(wrong & ~edge)[0]
            return math.inf, float(x[at]), f"{name}({float(x[at])!r}) = {got[at]!r}, not {rounded[at]!r}"
        zeros = (got == 0) & (rounded == 0) & (np.signbit(got) != np.signbit(rounded))
        if zeros.any():
            at = np.flatnonzero(zeros)[0]
            return math.inf, float(x[at]), f"{name}({float(x[at])!r}) is a zero of the wrong sign"
        with np.errstate(all="ignore"):
            error = np.where(special, 0, np.abs(got - truth) / ulp_of(truth, kind))
        at = int(np.argmax(error))
        if error[at] > largest:
            largest, where = float(error[at]), float(x[at])
    return largest, where, ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("functions", nargs="*", default=list(FUNCTIONS), metavar="FUNCTION")
    parser.add_argument("--inputs", type=int, default=1 << 24)
    parser.add_argument("--update", action="store_true")
    options = parser.parse_args()
    rows = []
    for name in options.functions:
        cells = []
        for kind in TYPES:
            error, where, why = worst(name, kind, options.inputs)
            print(f"{name:12s} {kind:4s} {error:8.3f} ulp at {where!r} {why}", flush=True)
            cells.append("wrong" if why else f"{error:.2f}" if error < 1000 else f"{error:.0e}")
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    if options.update:
        lines = ["# Accuracy of functions", "",
                 f"Largest errors on the CPU in units in the last place: {options.inputs:,} f32 inputs per function, spread evenly over all bit",
                 "patterns, and all inputs of f16 and bf16 (0.5 is a correctly rounded result), subnormal numbers among them; `wrong` is a NaN, an",
                 "infinity or the sign of a zero that is not right. Measured by `test/Accuracy/accuracy.py --update`; `scripts/check` holds",
                 "each function to 4 units (f32) and 1 (f16 and bf16, which are computed in f32 and rounded once).", "", "| function | f32 | f16 | bf16 |", "|---|---|---|---|", *rows]
        TABLE.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
