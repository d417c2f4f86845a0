"""--quantize with --emit=onnx: another engine runs what the artifact runs."""
import numpy as np
import onnx
import onnxruntime
import pytest
from quantizing import convolutional, execute, laic, quantise, sqnr, transformer

RNG = np.random.default_rng(3)


def export(model, folder, kind, samples=None, *options):
    """The quantised model as ONNX, checked, and the artifact of the same quantisation."""
    artifact, _ = quantise(model, folder, kind, samples, *options)
    given = [f"--calibration={folder / 'samples.npz'}"] if samples is not None else []
    done = laic(model, "-o", folder / "q.onnx", "--emit=onnx", f"--quantize={kind}", *given, *options)
    assert done.returncode == 0, done.stderr
    onnx.checker.check_model(str(folder / "q.onnx"), full_check=True)
    return artifact, folder / "q.onnx"


def literal(path):
    """onnxruntime without its rewrites: fused integer products of u8 and s8 saturate on processors without dot products of bytes."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def agree(artifact, exported, feeds, output="y"):
    """Within one of 255 steps of the output's range, on 99.9 % of its elements."""
    session = literal(exported)
    want = np.stack([session.run([output], feed)[0] for feed in feeds])
    got = np.stack([execute(artifact, feed)[output] for feed in feeds])
    quantum = (want.max() - want.min()) / 255
    assert np.mean(np.abs(got - want) <= quantum) >= 0.999
    return want


def operators(path):
    return [node.op_type for node in onnx.load(path).graph.node]


@pytest.mark.parametrize("options", [[], ["--keep-float=depthwise"], ["--quantize-loss=45"]])
def test_int8_convolutions(tmp_path, options):
    model = convolutional(tmp_path / "m.onnx")
    images = RNG.standard_normal((16, 2, 3, 20, 20)).astype("f4")
    artifact, exported = export(model, tmp_path, "int8", {"x": images}, *options)
    agree(artifact, exported, [{"x": x} for x in images])
    kinds = operators(exported)
    assert "QuantizeLinear" in kinds and kinds.count("Conv") == 4
    graph = onnx.load(exported).graph
    assert {i.data_type for i in graph.initializer} >= {onnx.TensorProto.INT8, onnx.TensorProto.UINT8, onnx.TensorProto.INT32}
    assert graph.input[0].name == "x" and graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"


def test_int8_transformer(tmp_path):
    model = transformer(tmp_path / "m.onnx")
    tokens = RNG.integers(0, 96, (16, 2, 9))
    artifact, exported = export(model, tmp_path, "int8", {"ids": tokens})
    agree(artifact, exported, [{"ids": ids} for ids in tokens])
    assert "LayerNormalization" in operators(exported) and "Softmax" in operators(exported)  # operators stay whole


@pytest.mark.parametrize("kind", ["int4", "int4:32:asymmetric", "int8-weights"])
def test_blocks(tmp_path, kind):
    model = transformer(tmp_path / "m.onnx")
    tokens = RNG.integers(0, 96, (6, 2, 9))
    artifact, exported = export(model, tmp_path, kind)
    want = agree(artifact, exported, [{"ids": ids} for ids in tokens])
    assert sqnr(want, np.stack([execute(artifact, {"ids": ids})["y"] for ids in tokens])) > 60  # nothing is rounded on the way
    kinds = operators(exported)
    assert kinds.count("MatMulNBits") == 4 and "GatherBlockQuantized" in kinds


def test_compiled_again(tmp_path):
    """The exported model is quantised as it stands: compiling it gives the outputs of the artifact."""
    model = convolutional(tmp_path / "m.onnx")
    images = RNG.standard_normal((8, 2, 3, 20, 20)).astype("f4")
    artifact, exported = export(model, tmp_path, "int8", {"x": images})
    assert laic(exported, "-o", tmp_path / "again.bin").returncode == 0
    for x in images:
        assert np.array_equal(execute(artifact, {"x": x})["y"], execute(tmp_path / "again.bin", {"x": x})["y"])
