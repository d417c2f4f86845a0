"""Long sums of f32 are sums of short ones: their errors stay well below those of one addition after the other (docs/Numerics.md)."""
import laic
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

RNG = np.random.default_rng(0)
# Name: the node, the shape of x, and that of constant weights or the axes of a sum.
CASES = {
    "rows": (helper.make_node("MatMul", ["x", "w"], ["y"]), (24, 2304), (2304, 40)),
    "one row": (helper.make_node("MatMul", ["x", "w"], ["y"]), (1, 3000), (3000, 64)),
    "blocks of the reduction": (helper.make_node("MatMul", ["x", "w"], ["y"]), (130, 4096), (4096, 32)),
    "pieces of several taps": (helper.make_node("Conv", ["x", "w"], ["y"], strides=[2, 2]), (1, 20, 9, 9), (33, 20, 5, 5)),
    "taps": (helper.make_node("Conv", ["x", "w"], ["y"], strides=[2, 2]), (1, 200, 9, 9), (33, 200, 5, 5)),
    "columns": (helper.make_node("ReduceMean", ["x"], ["y"], axes=[0], keepdims=0), (12544, 40), None),
    "planes": (helper.make_node("ReduceSum", ["x", "w"], ["y"], keepdims=0), (112, 60, 48, 8), [0, 2]),
}


def model(node, shape, w, dynamic):
    """Dynamic: of sizes that only the call knows, for which the weights of a product become an input."""
    def info(name, shape, letter):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [f"{letter}{i}" for i in range(len(shape))] if dynamic else shape)
    asked = dynamic and node.op_type == "MatMul"
    inputs = [info("x", shape, "n"), *([info("w", w.shape, "m")] if asked else [])]
    graph = helper.make_graph([node], "sums", inputs, [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
                              [] if w is None or asked else [numpy_helper.from_array(w, "w")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def terms(node, x, w):
    """Arrays of factors (of terms, where w is 1), the outputs' dims first, then one dim to sum over."""
    if node.op_type == "MatMul":
        return x[:, None, :], w.T[None]
    if node.op_type == "Conv":
        patches = np.lib.stride_tricks.sliding_window_view(x[0], (5, 5), axis=(1, 2))[:, ::2, ::2]
        return patches.transpose(1, 2, 0, 3, 4).reshape(1, *patches.shape[1:3], -1), w.reshape(len(w), 1, 1, -1)
    axes = [0] if w is None else [0, 2]
    kept = [i for i in range(x.ndim) if i not in axes]
    return x.transpose(*kept, *axes).reshape(*(x.shape[i] for i in kept), -1), np.float32(1)


def rms(x):
    return np.sqrt(np.mean(np.square(x)))


@pytest.mark.parametrize("name, dynamic", [(name, dynamic) for name in CASES for dynamic in (False, True) if "taps" not in name or not dynamic])
def test_errors_of_long_sums(name, dynamic):
    node, shape, weights = CASES[name]
    x = RNG.uniform(0, 1, shape).astype("f4")  # of one sign: a sum that grows with every term
    w = RNG.uniform(0, 1, weights).astype("f4") if isinstance(weights, tuple) else weights and np.array(weights)
    a, b = terms(node, x, w)
    length = a.shape[-1]
    chain, want = 0, 0
    for k in range(length):
        product = a[..., k].astype("f8") * (b[..., k] if b.ndim else 1)
        chain, want = (chain + product).astype("f4"), want + product
    feed = {"x": x, "w": w} if dynamic and node.op_type == "MatMul" else {"x": x}
    got = laic.compile(model(node, shape, w, dynamic)).run(feed)["y"]
    got = got.astype("f8").reshape(want.shape) * (length if node.op_type == "ReduceMean" else 1)
    assert rms(got - want) < 0.5 * rms(chain - want), (rms(got / want - 1), rms(chain / want - 1))
