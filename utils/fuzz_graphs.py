#!/usr/bin/env python3
"""Random graphs over the operator records, compiled, run and compared with onnxruntime, or the onnx package where that cannot.

usage: fuzz_graphs.py [--graphs N] [--seconds S] [--seed K] [--keep DIR]
  --graphs   how many (default 500), --seconds: stop after so long
  --keep     writes the model and inputs of every disagreement there

A graph has 3 to 15 nodes on tensors of rank 0 to 4, of the element types that docs/SupportMatrix.md lists for the operator; half of the
graphs have dims of unknown size. Values are kept small, so that rounding stays comparable. Exit status 1: some graph disagrees.
"""
import argparse
import random
import sys
import time
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "test")]
from locations import BUILD  # noqa: E402

sys.path.insert(0, str(BUILD / "python"))
OPSET = 22
DTYPES = {"f32": np.float32, "f64": np.float64, "f16": np.float16, "i8": np.int8, "i16": np.int16, "i32": np.int32, "i64": np.int64,
          "u8": np.uint8, "u16": np.uint16, "u32": np.uint32, "u64": np.uint64, "bool": np.bool_}
FLOATS = ("f32", "f64", "f16")
UNARY = ["Abs", "Neg", "Sign", "Relu", "Sigmoid", "Tanh", "Erf", "Floor", "Ceil", "Round", "Sin", "Cos", "Atan", "Softplus", "Softsign",
         "HardSigmoid", "HardSwish", "LeakyRelu", "Elu", "Selu", "Celu", "ThresholdedRelu", "Mish", "Gelu", "Identity", "Not", "BitwiseNot",
         "IsNaN", "IsInf", "Shrink"]
BINARY = ["Add", "Sub", "Mul", "Min", "Max", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal", "And", "Or", "Xor", "BitwiseAnd",
          "BitwiseOr", "BitwiseXor", "PRelu"]
COMPARE = {"Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal", "IsNaN", "IsInf"}
REDUCE = ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp"]


def claimed_types():
    """{operator: element types that the CPU takes} of docs/SupportMatrix.md."""
    found, columns = {}, []
    for line in (ROOT / "docs" / "SupportMatrix.md").read_text().splitlines():
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if cells[0] == "operator":
            columns = cells
        elif columns and len(cells) == len(columns):
            types = {t for t, mark in zip(columns[3:], cells[3:]) if "C" in mark and t in DTYPES}
            found[cells[0].split()[0]] = types
    return found


class Value:
    """A tensor of the graph: its name, element type and sizes. `small`: magnitudes are below about 10."""

    def __init__(self, name, dtype, shape):
        self.name, self.dtype, self.shape = name, dtype, tuple(shape)


class Graph:
    """A random graph; every method that adds a node returns whether it found operands for it."""

    def __init__(self, rng, types):
        self.rng, self.types = rng, types
        self.np = np.random.default_rng(rng.getrandbits(32))
        self.nodes, self.inputs, self.initializers, self.values, self.feeds = [], [], [], [], {}
        self.dynamic = rng.random() < 0.5
        self.base = [rng.choice([1, 2, 3, 4, 5, 8, 17]) for _ in range(3)]

    # ---- values ----

    def array(self, dtype, shape):
        if dtype == "bool":
            return self.np.integers(0, 2, shape).astype(bool)
        if dtype in FLOATS:
            return self.np.uniform(-2, 2, shape).astype(DTYPES[dtype])
        low = 0 if dtype.startswith("u") else -4
        return self.np.integers(low, 5, shape).astype(DTYPES[dtype])

    def shape(self):
        return [self.rng.choice(self.base + [1]) for _ in range(self.rng.randint(0, 4))]

    def input(self, dtype, shape, constant=None):
        name = f"x{len(self.inputs) + len(self.initializers)}"
        array = np.asarray(self.array(dtype, shape) if constant is None else constant)
        value = Value(name, dtype, array.shape)
        if constant is not None or self.rng.random() < 0.3:
            self.initializers.append(numpy_helper.from_array(array, name))
        else:
            dims = [f"n{d}" if self.dynamic and d != 1 else d for d in array.shape]
            self.inputs.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), dims))
            self.feeds[name] = array
        if constant is None:
            self.values.append(value)
        return value

    def pick(self, accept):
        candidates = [v for v in self.values if accept(v)]
        return self.rng.choice(candidates[-6:]) if candidates else None

    def node(self, op, inputs, dtype, shape, **attributes):
        value = Value(f"t{len(self.nodes)}", dtype, shape)
        self.nodes.append(helper.make_node(op, [i.name for i in inputs], [value.name], name=f"{op}_{len(self.nodes)}", **attributes))
        self.values.append(value)
        return True

    def allows(self, op, value):
        return value.dtype in self.types.get(op, ())

    # ---- nodes ----

    def unary(self):
        op = self.rng.choice(UNARY)
        x = self.pick(lambda v: self.allows(op, v))
        return x and self.node(op, [x], "bool" if op in COMPARE else x.dtype, x.shape)

    def binary(self):
        op = self.rng.choice(BINARY)
        x = self.pick(lambda v: self.allows(op, v))
        if not x:
            return False
        shape = [d if self.rng.random() < 0.7 else 1 for d in x.shape][self.rng.randint(0, len(x.shape)):]
        y = self.pick(lambda v: v.dtype == x.dtype and v.shape == x.shape) if self.rng.random() < 0.5 else None
        y = y or self.input(x.dtype, shape)
        return self.node(op, [x, y], "bool" if op in COMPARE else x.dtype, x.shape)

    def where(self):
        x = self.pick(lambda v: self.allows("Where", v))
        return x and self.node("Where", [self.input("bool", x.shape), x, self.input(x.dtype, x.shape)], x.dtype, x.shape)

    def cast(self):
        x = self.pick(lambda v: self.allows("Cast", v) and v.dtype not in ("f16",))
        if not x:
            return False
        # Floats that do not fit an integer have no defined value: only to wider ones, of which the values are small.
        to = self.rng.choice(["f32", "f64", "i64", "i32", "bool"])
        return self.node("Cast", [x], to, x.shape, to=helper.np_dtype_to_tensor_dtype(np.dtype(DTYPES[to])))

    def reduce(self):
        op = self.rng.choice(REDUCE)
        x = self.pick(lambda v: self.allows(op, v) and v.shape and (v.dtype in FLOATS or op in ("ReduceSum", "ReduceMax", "ReduceMin")))
        if not x:
            return False
        axes = sorted(self.rng.sample(range(len(x.shape)), self.rng.randint(1, len(x.shape))))
        keep = self.rng.randint(0, 1)
        shape = [1 if i in axes else d for i, d in enumerate(x.shape) if keep or i not in axes]
        return self.node(op, [x, self.input("i64", (), constant=np.asarray(axes))], x.dtype, shape, keepdims=keep)

    def softmax(self):
        op = self.rng.choice(["Softmax", "LogSoftmax"])
        x = self.pick(lambda v: self.allows(op, v) and v.shape)
        return x and self.node(op, [x], x.dtype, x.shape, axis=self.rng.randrange(-len(x.shape), len(x.shape)))

    def transpose(self):
        x = self.pick(lambda v: self.allows("Transpose", v) and len(v.shape) > 1)
        if not x:
            return False
        perm = self.rng.sample(range(len(x.shape)), len(x.shape))
        return self.node("Transpose", [x], x.dtype, [x.shape[p] for p in perm], perm=perm)

    def reshape(self):
        x = self.pick(lambda v: self.allows("Reshape", v) and v.shape and 0 not in v.shape)
        if not x:
            return False
        at = self.rng.randrange(len(x.shape))
        count = int(np.prod(x.shape[at:]))
        shape = list(x.shape[:at]) + [count]
        target = [0] * at + [-1]
        return self.node("Reshape", [x, self.input("i64", (), constant=np.asarray(target))], x.dtype, shape)

    def unsqueeze(self):
        x = self.pick(lambda v: self.allows("Unsqueeze", v) and len(v.shape) < 4)
        if not x:
            return False
        at = self.rng.randint(0, len(x.shape))
        return self.node("Unsqueeze", [x, self.input("i64", (), constant=np.asarray([at]))], x.dtype, [*x.shape[:at], 1, *x.shape[at:]])

    def concat(self):
        x = self.pick(lambda v: self.allows("Concat", v) and v.shape)
        if not x:
            return False
        axis = self.rng.randrange(len(x.shape))
        shape = list(x.shape)
        shape[axis] = self.rng.choice(self.base)
        y = self.input(x.dtype, shape)
        shape[axis] += x.shape[axis]
        return self.node("Concat", [x, y], x.dtype, shape, axis=axis)

    def slice(self):
        x = self.pick(lambda v: self.allows("Slice", v) and v.shape and max(v.shape) > 1)
        if not x:
            return False
        axis = max(range(len(x.shape)), key=lambda i: x.shape[i])
        step = self.rng.choice([1, 1, 2, -1])
        size = len(range(x.shape[axis])[1:][::1]) if step == 1 else len(range(x.shape[axis])[::step])
        start, end = (1, 2 ** 31 - 1) if step == 1 else (0, 2 ** 31 - 1) if step == 2 else (-1, -(2 ** 31))
        vectors = [self.input("i64", (), constant=np.asarray([v])) for v in (start, end, axis, step)]
        shape = list(x.shape)
        shape[axis] = size
        return self.node("Slice", [x, *vectors], x.dtype, shape)

    def gather(self):
        x = self.pick(lambda v: self.allows("Gather", v) and v.shape and 0 not in v.shape)
        if not x:
            return False
        axis = self.rng.randrange(len(x.shape))
        count = self.rng.randint(1, 4)
        indices = self.np.integers(-x.shape[axis], x.shape[axis], count)
        return self.node("Gather", [x, self.input("i64", (), constant=indices)], x.dtype, [*x.shape[:axis], count, *x.shape[axis + 1:]], axis=axis)

    def matmul(self):
        x = self.pick(lambda v: v.dtype in ("f32", "f64") and self.allows("MatMul", v) and len(v.shape) >= 2)
        if not x:
            return False
        columns = self.rng.choice(self.base + [33])
        return self.node("MatMul", [x, self.input(x.dtype, (x.shape[-1], columns))], x.dtype, [*x.shape[:-1], columns])

    def conv(self):
        x = self.pick(lambda v: v.dtype == "f32" and len(v.shape) == 4 and 0 not in v.shape)
        if not x:
            return False
        filters = self.rng.choice([1, 4, 7])
        w = self.input("f32", (filters, x.shape[1], 3, 3))
        return self.node("Conv", [x, w], "f32", [x.shape[0], filters, *x.shape[2:]], pads=[1, 1, 1, 1])

    def cumsum(self):
        x = self.pick(lambda v: v.dtype in ("f32", "f64", "i32", "i64") and self.allows("CumSum", v) and v.shape)
        axis = np.asarray(self.rng.randrange(len(x.shape)) if x else 0, dtype=np.int64)
        return x and self.node("CumSum", [x, self.input("i64", (), constant=axis)], x.dtype, x.shape, reverse=self.rng.randint(0, 1))

    def build(self):
        kinds = [self.unary] * 4 + [self.binary] * 4 + [self.where, self.cast, self.reduce, self.reduce, self.softmax, self.transpose, self.reshape,
                 self.unsqueeze, self.concat, self.slice, self.gather, self.matmul, self.matmul, self.conv, self.cumsum]
        for _ in range(self.rng.randint(1, 3)):
            self.input(self.rng.choice(list(DTYPES)), self.shape())
        self.input("f32", self.shape())
        wanted = self.rng.randint(3, 15)
        for _ in range(400):
            if len(self.nodes) >= wanted:
                break
            self.rng.choice(kinds)()
        used = {name for node in self.nodes for name in node.input}
        outputs = [v for v in self.values if v.name.startswith("t") and v.name not in used]
        infos = [helper.make_tensor_value_info(v.name, helper.np_dtype_to_tensor_dtype(np.dtype(DTYPES[v.dtype])),
                                               [None] * len(v.shape) if self.dynamic else v.shape) for v in outputs]
        used |= {v.name for v in outputs}
        graph = helper.make_graph(self.nodes, "fuzz", [i for i in self.inputs if i.name in used], infos,
                                  [i for i in self.initializers if i.name in used])
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)


# ---- comparing ----


def run_oracle(model, feeds):
    """(outputs by name, who). Raises what the reference raises when neither can."""
    import onnxruntime
    from onnx.reference import ReferenceEvaluator

    names = [o.name for o in model.graph.output]
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return dict(zip(names, session.run(names, feeds))), "onnxruntime"
    except Exception:  # noqa: BLE001 - no kernel for a type, mostly
        with np.errstate(all="ignore"):
            return dict(zip(names, ReferenceEvaluator(model).run(names, feeds))), "the onnx package"


def disagreement(want, got):
    """'' or what differs. Floats: 1e-3 of the largest magnitude, 2e-2 for f16; NaN and infinities must agree."""
    want = np.asarray(want)
    if got.shape != want.shape or got.dtype != want.dtype:
        return f"{got.dtype}{got.shape}, expected {want.dtype}{want.shape}"
    if want.dtype.kind != "f":
        return "" if (got == want).all() else f"{int((got != want).sum())} of {want.size} elements differ"
    finite = np.isfinite(want)
    if not (np.isfinite(got) == finite).all() or not np.array_equal(got[~finite], want[~finite], equal_nan=True):
        return "NaN or infinity in other places"
    if not finite.any():
        return ""
    a, b = got[finite].astype(np.float64), want[finite].astype(np.float64)
    error, scale = np.abs(a - b), np.abs(b).max()
    allowed = (2e-2 if want.dtype == np.float16 else 1e-3) * (np.abs(b) + max(scale, 1e-3))
    return "" if (error <= allowed).all() else f"off by {float(error.max()):.3g} where values reach {scale:.3g}"


def check(seed, types):
    """('' or what is wrong, model, feeds)"""
    import laic

    graph = Graph(random.Random(seed), types)
    model = graph.build()
    feeds = {i.name: graph.feeds[i.name] for i in model.graph.input}
    if not model.graph.node:
        return "", model, feeds
    want, who = run_oracle(model, feeds)
    try:
        got = laic.compile(model).run(feeds)
    except laic.Error as error:
        return f"laic: {str(error).splitlines()[0]}", model, feeds
    for name, expected in want.items():
        why = disagreement(expected, np.asarray(got[name]))
        if why:
            return f"output '{name}': {why}, says {who}", model, feeds
    return "", model, feeds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graphs", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    types, end, bad, done = claimed_types(), time.monotonic() + options.seconds, 0, 0
    for seed in range(options.seed, options.seed + options.graphs):
        if time.monotonic() > end:
            break
        done += 1
        why, model, feeds = check(seed, types)
        if not why:
            continue
        bad += 1
        print(f"seed {seed}: {why}; nodes {' '.join(n.op_type for n in model.graph.node)}", flush=True)
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            onnx.save(model, options.keep / f"{seed}.onnx")
            np.savez(options.keep / f"{seed}.npz", **feeds)
    print(f"{done} graphs: {bad} disagree")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
