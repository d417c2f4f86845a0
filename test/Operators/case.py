"""One operator test: a node, its inputs, and how to make models of it."""
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 22


class Const:
    """An input that is an initializer: a weight, or a shape that must be known when compiling."""

    def __init__(self, value, dtype=np.int64):
        self.value = np.asarray(value) if isinstance(value, (np.ndarray, np.generic)) else np.asarray(value, dtype=dtype)


class Map:
    """An input that is a map; its values are what a tensor's elements are elsewhere."""

    def __init__(self, keys, values):
        self.keys, self.values = np.asarray(keys, object if isinstance(keys[0], str) else np.int64), np.asarray(values)
        self.dtype, self.shape = self.values.dtype, self.values.shape

    def astype(self, dtype):
        return Map(self.keys, self.values.astype(dtype))

    def dict(self):
        return dict(zip(self.keys.tolist(), self.values.tolist()))

    def info(self, name):
        key, value = (TensorProto.STRING if a.dtype == object else helper.np_dtype_to_tensor_dtype(a.dtype) for a in (self.keys, self.values))
        return helper.make_value_info(name, helper.make_map_type_proto(key, helper.make_tensor_type_proto(value, [])))


def _rng(shape, seed=0):
    return np.random.default_rng([seed, *np.atleast_1d(shape)])


def f32(*shape, seed=0, low=None, high=1.0):
    """Normal values, or uniform ones in [low, high)."""
    rng = _rng(shape, seed)
    values = rng.standard_normal(shape) if low is None else rng.uniform(low, high, shape)
    return np.asarray(values, dtype=np.float32)


def f16(*shape, **options):
    return f32(*shape, **options).astype(np.float16)


def f64(*shape, **options):
    return f32(*shape, **options).astype(np.float64)


def ints(*shape, low=-9, high=10, dtype=np.int64, seed=0):
    return np.asarray(_rng(shape, seed).integers(low, high, shape), dtype=dtype)


def bools(*shape, seed=0):
    return np.asarray(_rng(shape, seed).integers(0, 2, shape), dtype=bool)


def onnx_type(dtype):
    """The number of an element type, for attributes."""
    return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


@dataclass
class Case:
    """A node `op` on `inputs` (arrays; Const: initializers; Map: maps; None: absent).

    outputs: how many, or a list of booleans, False for one that is not asked for.
    dynamic: whether a second variant has symbolic dims. Dims of one size share a symbol, so give dims that may differ
    different sizes. Dims of size 1 and of the sizes in `keep` stay static.
    quanta: how far integers may be off, where an oracle rounds in another order.
    expect: the right outputs, where neither onnxruntime nor the onnx package knows better; oracle: "ort", "onnx" or both in
    that order.
    """

    op: str
    inputs: list
    attrs: dict = field(default_factory=dict)
    outputs: object = 1
    name: str = ""
    dynamic: bool = True
    keep: tuple = ()
    rtol: float = 1e-4
    atol: float = 1e-5
    quanta: int = 0
    opset: int = OPSET
    domain: str = ""
    domain_opset: int = 1
    expect: object = None
    oracle: str = "ort onnx"

    def title(self):
        if self.name:
            return f"{self.op}: {self.name}"
        shapes = ",".join("-" if a is None else f"{'const' if isinstance(a, Const) else ''}{list(_array(a).shape)}" for a in self.inputs)
        attrs = " ".join(f"{k}={v}" for k, v in self.attrs.items())
        return f"{self.op}: {shapes} {attrs}".strip()

    def wanted(self):
        return [True] * self.outputs if isinstance(self.outputs, int) else list(self.outputs)

    def feeds(self, prefix=""):
        feeds = {f"{prefix}x{i}": a for i, a in enumerate(self.inputs) if isinstance(a, np.ndarray)}
        for i, a in enumerate(self.inputs):
            if isinstance(a, Map):
                feeds.update({f"{prefix}x{i}/keys": a.keys, f"{prefix}x{i}/values": a.values})
        return feeds

    def output_names(self, prefix=""):
        return [f"{prefix}y{i}" for i, wanted in enumerate(self.wanted()) if wanted]

    def ports(self, prefix=""):
        """What an archive calls the outputs: a sequence of maps is two arrays."""
        names = self.output_names(prefix)
        return [f"{name}/{part}" for name in names for part in ("keys", "values")] if self.op == "ZipMap" else names

    def parts(self, prefix="", dynamic=False):
        """(node, graph inputs, initializers, graph outputs)"""
        names, graph_inputs, initializers = [], [], []
        for i, a in enumerate(self.inputs):
            name = "" if a is None else f"{prefix}x{i}"
            names.append(name)
            if isinstance(a, Const):
                initializers.append(numpy_helper.from_array(a.value, name))
            elif isinstance(a, Map):
                graph_inputs.append(a.info(name))
            elif a is not None:
                dims = [self._dim(n, prefix, dynamic) for n in a.shape]
                graph_inputs.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(a.dtype), dims))
        while names and not names[-1]:
            names.pop()
        results = [f"{prefix}y{i}" if wanted else "" for i, wanted in enumerate(self.wanted())]
        node = helper.make_node(self.op, names, results, name=f"{prefix}{self.op}", domain=self.domain, **self.attrs)
        outputs = [onnx.ValueInfoProto(name=n) for n in results if n]
        return node, graph_inputs, initializers, outputs

    def _dim(self, size, prefix, dynamic):
        return f"{prefix}n{size}" if dynamic and size != 1 and size not in self.keep else int(size)

    def model(self):
        """The node alone, with static shapes, for the oracles."""
        return assemble([self.parts()], self.opset, self.domain_opset)

    def expected(self):
        """The right outputs, and who says so."""
        if self.expect is not None:
            values = self.expect(*[_array(a) for a in self.inputs if a is not None]) if callable(self.expect) else self.expect
            return [np.asarray(v) for v in (values if isinstance(values, (list, tuple)) else [values])], "numpy"
        errors = []
        for oracle in self.oracle.split():
            try:
                return {"ort": self._onnxruntime, "onnx": self._reference}[oracle](), oracle
            except Exception as error:  # noqa: BLE001 - an oracle that cannot is not asked again
                errors.append(f"{oracle}: {str(error).splitlines()[0][:200]}")
        raise RuntimeError("no oracle: " + "; ".join(errors))

    def _onnxruntime(self):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(self.model().SerializeToString(), options, providers=["CPUExecutionProvider"])
        feeds = {f"x{i}": a.dict() if isinstance(a, Map) else a for i, a in enumerate(self.inputs) if isinstance(a, (Map, np.ndarray))}
        results = session.run(self.output_names(), feeds)
        labels = self.attrs.get("classlabels_strings") or self.attrs.get("classlabels_int64s")
        return [part for result in results for part in (_without_maps(result, labels) if isinstance(result, list) else [result])]

    def _reference(self):
        from onnx.reference import ReferenceEvaluator

        return ReferenceEvaluator(self.model()).run(self.output_names(), self.feeds())


def _without_maps(dicts, keys):
    """The keys in their order, and a row of values for each dict."""
    assert all(row.keys() == set(keys) for row in dicts)
    return [np.array(keys, object if isinstance(keys[0], str) else np.int64), np.array([[row[key] for key in keys] for row in dicts], np.float32)]


def _array(a):
    return a.value if isinstance(a, Const) else a


def assemble(parts, opset, domain_opset=1):
    """One model of many independent nodes; domain_opset: of every domain but ONNX's own. Output types are left to whoever reads it."""
    nodes, inputs, initializers, outputs = [], [], [], []
    for node, graph_inputs, constants, results in parts:
        nodes.append(node)
        inputs += graph_inputs
        initializers += constants
        outputs += results
    graph = helper.make_graph(nodes, "operators", inputs, outputs, initializers)
    domains = sorted({n.domain for n in nodes} | {""})
    opsets = [helper.make_opsetid(d, opset if d == "" else domain_opset) for d in domains]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


__all__ = ["Case", "Const", "Map", "assemble", "bools", "f16", "f32", "f64", "ints", "numpy_helper", "onnx_type", "TensorProto", "np"]
