"""Rows whose length is no whole number of vectors: what is left is done by narrower ones, then one by one."""
import laic
import numpy as np
import pytest
from onnx import TensorProto, helper

LENGTHS = [1, 2, 3, 5, 6, 7, 9, 11, 14, 15, 22, 23, 31, 33, 47, 62, 69, 127, 197]
KINDS = {"softmax": ("Softmax", {"axis": -1}), "middle": ("Softmax", {"axis": 0}), "log": ("LogSoftmax", {"axis": -1}), "exp": ("Exp", {}),
         "sum": ("ReduceSum", {"keepdims": 0}), "max": ("ReduceMax", {"keepdims": 0}), "min": ("ReduceMin", {"keepdims": 0}),
         "both": ("ReduceSumSquare", {"keepdims": 0, "noop_with_empty_axes": 0})}


def model(lengths, dynamic):
    nodes, inputs, outputs = [], [], []
    for n in lengths:
        inputs.append(helper.make_tensor_value_info(f"x{n}", TensorProto.FLOAT, ["rows", f"n{n}" if dynamic else n]))
        for name, (op, attributes) in KINDS.items():
            axes = ["last"] if op.startswith("Reduce") and name != "both" else []
            nodes.append(helper.make_node(op, [f"x{n}", *axes], [f"{name}{n}"], **attributes))
            outputs.append(helper.make_tensor_value_info(f"{name}{n}", TensorProto.FLOAT, None))
    graph = helper.make_graph(nodes, "tails", inputs, outputs, [helper.make_tensor("last", TensorProto.INT64, [1], [-1])])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def softmax(x, axis):
    with np.errstate(invalid="ignore"):
        e = np.exp(x - x.max(axis, keepdims=True))
        return e / e.sum(axis, keepdims=True)


def want(name, x):
    x = x.astype("f8")
    with np.errstate(divide="ignore", invalid="ignore"):
        return {"softmax": lambda: softmax(x, -1), "middle": lambda: softmax(x, 0), "log": lambda: np.log(softmax(x, -1)), "exp": lambda: np.exp(x),
                "sum": lambda: x.sum(-1), "max": lambda: x.max(-1), "min": lambda: x.min(-1), "both": lambda: (x * x).sum()}[name]()


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("cpu", ["native", "x86-64-v3"])
def test_lengths(cpu, dynamic):
    rng = np.random.default_rng(0)
    compiled = laic.compile(model(LENGTHS, dynamic), cpu=cpu, threads=1)
    feed = {f"x{n}": rng.standard_normal((5, n)).astype("f4") * 3 for n in LENGTHS}
    got = compiled.run(feed)
    for n in LENGTHS:
        for name in KINDS:
            np.testing.assert_allclose(got[f"{name}{n}"], want(name, feed[f"x{n}"]), rtol=3e-6, atol=3e-6, err_msg=f"{name}, {n}")


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("dtype", ["f2", "f8", "i1", "i4", "i8", "u1"])
def test_element_types(dtype, dynamic):
    """Sums, and an operation on every element, of rows of all lengths."""
    element = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes, infos, outputs = [], [], []
    for n in LENGTHS:
        infos.append(helper.make_tensor_value_info(f"x{n}", element, ["rows", f"n{n}" if dynamic else n]))
        nodes.append(helper.make_node("Add", [f"x{n}", f"x{n}"], [f"twice{n}"]))
        outputs.append(helper.make_tensor_value_info(f"twice{n}", element, None))
        if dtype not in ("i1", "u1"):
            nodes.append(helper.make_node("ReduceSum", [f"x{n}", "last"], [f"sum{n}"], keepdims=0))
            outputs.append(helper.make_tensor_value_info(f"sum{n}", element, None))
    graph = helper.make_graph(nodes, "types", infos, outputs, [helper.make_tensor("last", TensorProto.INT64, [1], [-1])])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    feed = {f"x{n}": np.random.default_rng(n).integers(0, 20, (5, n)).astype(dtype) for n in LENGTHS}
    got = laic.compile(made, threads=1).run(feed)
    for n in LENGTHS:
        x = feed[f"x{n}"].astype("f8")
        assert np.array_equal(got[f"twice{n}"].astype("f8"), 2 * x), n
        if f"sum{n}" in got:
            np.testing.assert_allclose(got[f"sum{n}"].astype("f8"), x.sum(-1), rtol=1e-3 if dtype == "f2" else 0)


@pytest.mark.parametrize("at", [0, 8, 20, 21])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite(value, at):
    """NaN and infinity make their own row NaN and no other; minus infinity has no share."""
    compiled = laic.compile(model([22], False), threads=1)
    x = np.random.default_rng(1).standard_normal((4, 22)).astype("f4")
    x[2, at] = value
    got = compiled.run({"x22": x})
    for name in ("softmax", "log", "max", "min", "sum"):
        np.testing.assert_allclose(got[f"{name}22"], want(name, x), rtol=3e-6, atol=3e-6, err_msg=name)
