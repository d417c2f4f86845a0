"""Models that come in f16 or bf16: their layers are quantised as those of f32 models are."""
import ml_dtypes
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from quantizing import execute, laic, quantise, sqnr

TYPES = {"f16": (TensorProto.FLOAT16, np.float16), "bf16": (TensorProto.BFLOAT16, ml_dtypes.bfloat16)}
RNG = np.random.default_rng(0)
IDS = RNG.integers(0, 64, (6, 3, 5))


def model(path, kind):
    """Gather, a product of transposed weights, a Gemm with a bias, a convolution over the rows, and another product."""
    element, dtype = TYPES[kind]

    def normal(*shape):
        return (RNG.standard_normal(shape) / np.sqrt(shape[-1])).astype(dtype)
    constants = {"table": normal(64, 64), "w1": normal(96, 64), "w2": normal(80, 96), "b2": normal(80), "w3": normal(32, 80, 3), "w4": normal(32, 40)}
    node = helper.make_node
    nodes = [node("Gather", ["table", "ids"], ["e"], "embedding"), node("Transpose", ["w1"], ["t1"], "turned", perm=[1, 0]),
             node("MatMul", ["e", "t1"], ["m"], "first"), node("Relu", ["m"], ["r"], "relu"), node("Reshape", ["r", "flat"], ["f"], "flatten"),
             node("Gemm", ["f", "w2", "b2"], ["g"], "second", transB=1), node("Reshape", ["g", "rows"], ["s"], "rows"),
             node("Transpose", ["s"], ["c"], "channels", perm=[0, 2, 1]), node("Conv", ["c", "w3"], ["v"], "third", pads=[1, 1]),
             node("Transpose", ["v"], ["b"], "back", perm=[0, 2, 1]), node("MatMul", ["b", "w4"], ["y"], "last")]
    held = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    held += [numpy_helper.from_array(np.array(n), name) for name, n in (("flat", [-1, 96]), ("rows", [-1, 5, 80]))]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("ids", TensorProto.INT64, ["N", 5])],
                              [helper.make_tensor_value_info("y", element, ["N", 5, 40])], held)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)
    return path


def run(artifact, ids):
    y = execute(artifact, {"ids": ids})["y"]
    return (y.view(ml_dtypes.bfloat16) if y.dtype == np.uint16 else y).astype("f8")


@pytest.mark.parametrize("element", TYPES)
@pytest.mark.parametrize("kind, layers, decibels", [("int8", "5 of 5 layers", 25), ("int8-dynamic", "4 of 5 layers", 25), ("int8-weights", "4 of 5 weights", 35),
                                                    ("int4", "4 of 5 weights", 12)])
def test_layers_are_quantised(tmp_path, element, kind, layers, decibels):
    path = model(tmp_path / "m.onnx", element)
    assert laic(path, "-o", tmp_path / "f.bin", "-q").returncode == 0
    want = np.stack([run(tmp_path / "f.bin", ids) for ids in IDS])
    artifact, stderr = quantise(path, tmp_path, kind, {"ids": IDS}, "--quantize-loss=5")
    assert f"quantised {layers} to int" in stderr and "'y' keeps " in stderr
    assert sqnr(want, np.stack([run(artifact, ids) for ids in IDS])) > decibels


def test_the_model_written_back_runs_elsewhere(tmp_path):
    path = model(tmp_path / "m.onnx", "f16")
    artifact, _ = quantise(path, tmp_path, "int4", {"ids": IDS}, "--quantize-loss=5")
    assert laic(path, "-q", "--emit=onnx", "-o", tmp_path / "q.onnx", "--quantize=int4", f"--calibration={tmp_path / 'samples.npz'}",
                "--quantize-loss=5").returncode == 0
    session = onnxruntime.InferenceSession(str(tmp_path / "q.onnx"), providers=["CPUExecutionProvider"])
    (y,) = session.run(None, {"ids": IDS[0]})
    assert y.dtype == np.float16 and sqnr(run(artifact, IDS[0]), y) > 50
    written = onnx.load(tmp_path / "q.onnx").graph
    assert not any(node.name == "turned" for node in written.node) and len(written.initializer) < 20  # what made weights is gone
    assert (tmp_path / "q.onnx").stat().st_size < 0.75 * path.stat().st_size
    assert written.output[0].type.tensor_type.elem_type == TensorProto.FLOAT16


def test_what_stays_keeps_its_type(tmp_path):
    """A layer that is not quantised is what it was, weights and all."""
    path = model(tmp_path / "m.onnx", "f16")
    assert laic(path, "-q", "--emit=onnx", "-o", tmp_path / "q.onnx", "--quantize=int8-weights", "--keep-float=first,second").returncode == 0
    graph = onnx.load(tmp_path / "q.onnx").graph
    types = {tensor.name: tensor.data_type for tensor in graph.initializer}
    (second,) = (node for node in graph.node if node.op_type == "Gemm")
    assert types[second.input[1]] == types[second.input[2]] == TensorProto.FLOAT16
    made = {name: node for node in graph.node for name in node.output}
    assert all(name not in made or made[name].op_type != "Cast" for name in second.input)
    assert "laic.widened_from" not in laic(path, "--quantize=int8-weights", "--keep-float=first,second", "-o", tmp_path / "q.bin", f"--dump-phases={tmp_path}").stderr
    assert "widened_from" not in (tmp_path / "2-quantize.mlir").read_text()


def test_shared_weights_stay_shared(tmp_path):
    nodes = [helper.make_node("MatMul", [x, "w"], [y], y) for x, y in (("x", "a"), ("a", "b"), ("b", "y"))]
    w = (RNG.standard_normal((256, 256)) / 16).astype("f2")
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT16, ["N", 256]) for name in "xy"]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:], [numpy_helper.from_array(w, "w")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), tmp_path / "m.onnx")
    for keep in ("*", "a"):
        assert laic(tmp_path / "m.onnx", "-q", "--emit=onnx", "-o", tmp_path / "q.onnx", "--quantize=int8-weights", f"--keep-float={keep}").returncode == 0
        written = onnx.load(tmp_path / "q.onnx").graph
        halves = [tensor for tensor in written.initializer if tensor.data_type == TensorProto.FLOAT16 and np.prod(tensor.dims) == 256 * 256]
        assert len(halves) == 1 and not any(np.prod(t.dims) == 256 * 256 and t.data_type == TensorProto.FLOAT for t in written.initializer)
    assert not any(node.op_type == "Cast" and node.input[0] == "w" for node in written.node)


def test_weights_made_where_sizes_are_checked(tmp_path):
    """The part of a model that makes weights is run without its inputs, of whose sizes it then knows nothing."""
    node = helper.make_node
    nodes = [node("Transpose", ["w"], ["t"], "turned", perm=[1, 0]), node("Add", ["x", "z"], ["a"], "sizes that must fit"),
             node("Gather", ["x", "i"], ["h"], "half"), node("MatMul", ["a", "t"], ["m"], "product"), node("Add", ["m", "h"], ["y"], "sum")]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in (("x", ["N", "M"]), ("z", ["K", 64]))]
    w = RNG.standard_normal((64, 64)).astype("f4")
    graph = helper.make_graph(nodes, "g", values, [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
                              [numpy_helper.from_array(w, "w"), numpy_helper.from_array(np.array([0]), "i")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), tmp_path / "m.onnx")
    artifact, stderr = quantise(tmp_path / "m.onnx", tmp_path, "int8-weights")
    assert "quantised 1 of 1 weights" in stderr
    x, z = RNG.standard_normal((3, 64)).astype("f4"), RNG.standard_normal((3, 64)).astype("f4")
    assert sqnr((x + z) @ w.T + x[:1], execute(artifact, {"x": x, "z": z})["y"]) > 35
