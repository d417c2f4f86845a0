"""Contractions and transposes that write into the middle of the padding which the next operator needs."""
import re
import subprocess

import numpy as np
import onnx
import onnxruntime
import pytest
from locations import BUILD
from onnx import TensorProto, helper, numpy_helper

RNG = np.random.default_rng(0)


def weights(*shape):
    return (RNG.standard_normal(shape) / np.prod(shape[1:]) ** 0.5).astype(np.float32)


def conv(source, weight, to, **attributes):
    return helper.make_node("Conv", [source, weight], [to], **attributes)


def model(path, shape, nodes, **initializers):
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "g", [value("x", TensorProto.FLOAT, shape)], [value("y", TensorProto.FLOAT, None)],
                              [numpy_helper.from_array(array, name) for name, array in initializers.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)


def kernels(folder, cpu):
    """Compiles, runs with one thread and two against onnxruntime, for several unknown sizes; returns the kernels of the steps."""
    path = folder / "m.onnx"
    dims = onnx.load(path).graph.input[0].type.tensor_type.shape.dim
    done = subprocess.run([BUILD / "bin" / "laic", "-q", path, "-o", folder / "m.bin", f"--cpu={cpu}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for size in (1, 2, 3) if any(d.dim_param for d in dims) else (1,):
        x = RNG.standard_normal([size if d.dim_param else d.dim_value for d in dims]).astype(np.float32)
        np.savez(folder / "in.npz", x=x)
        np.savez(folder / "want.npz", y=session.run(None, {"x": x})[0])
        for threads in (1, 2):
            done = subprocess.run([BUILD / "bin" / "laic-run", folder / "m.bin", "--inputs", folder / "in.npz", "--compare", folder / "want.npz",
                                   f"--threads={threads}", "--rtol=1e-4"], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
    shown = subprocess.run([BUILD / "bin" / "laic-inspect", folder / "m.bin"], capture_output=True, text=True).stdout
    return re.findall(r"(laic_\w+)\(", shown)


RELU = helper.make_node("Relu", ["t"], ["u"])
POOL = helper.make_node("MaxPool", ["u"], ["y"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
# The input's shape, the convolution whose result is padded, its weights, what reads the padding, its weights.
JOINED = {
    "1x1": ([1, 24, 13, 17], {}, (40, 24, 1, 1), {"group": 40, "pads": [1, 1, 1, 1], "strides": [2, 2]}, (40, 1, 3, 3)),
    "images": ([2, 24, 13, 17], {}, (64, 24, 1, 1), {"group": 64, "pads": [1, 1, 1, 1]}, (64, 1, 3, 3)),
    "uneven": ([2, 3, 29, 31], {"strides": [2, 2], "pads": [1, 1, 1, 1]}, (32, 3, 3, 3), {"group": 32, "pads": [2, 1, 0, 3]}, (32, 1, 3, 3)),
    "ragged": ([1, 24, 14, 14], {}, (33, 24, 1, 1), {"pads": [1, 1, 1, 1], "strides": [2, 2]}, (16, 33, 3, 3)),
    "depthwise": ([1, 24, 13, 17], {"group": 24, "pads": [1, 1, 1, 1]}, (24, 1, 3, 3), {"group": 24, "pads": [2, 2, 2, 2]}, (24, 1, 5, 5)),
    # Rows of an odd multiple of three are no whole tiles of four, six or eight.
    "three times five": ([1, 8, 3, 5], {}, (32, 8, 1, 1), {"group": 32, "pads": [1, 1, 1, 1]}, (32, 1, 3, 3)),
    "nine times nine": ([1, 8, 9, 9], {}, (40, 8, 1, 1), {"group": 40, "pads": [1, 1, 1, 1]}, (40, 1, 3, 3)),
    "one dim": ([1, 24, 40], {}, (32, 24, 1), {"group": 32, "pads": [3, 2]}, (32, 1, 4)),
}


@pytest.mark.parametrize("cpu", ["x86-64-v2", "x86-64-v3"])
@pytest.mark.parametrize("batch", ["known", "unknown"])
@pytest.mark.parametrize("name", JOINED)
def test_joined(tmp_path, name, batch, cpu):
    shape, first, w, second, v = JOINED[name]
    if batch == "unknown":
        shape = ["n", *shape[1:]]
    model(tmp_path / "m.onnx", shape, [conv("x", "w", "t", **first), RELU, conv("u", "v", "y", **second)], w=weights(*w), v=weights(*v))
    assert not [k for k in kernels(tmp_path, cpu) if k.startswith("laic_pad")]


def test_padding_that_is_not_zero(tmp_path):
    """MaxPool pads with the lowest float."""
    model(tmp_path / "m.onnx", [1, 24, 14, 14], [conv("x", "w", "t"), helper.make_node("Neg", ["t"], ["u"]), POOL], w=weights(33, 24, 1, 1))
    assert not [k for k in kernels(tmp_path, "x86-64-v3") if k.startswith("laic_pad")]


def test_others_that_read_it_keep_it_apart(tmp_path):
    model(tmp_path / "m.onnx", [1, 24, 13, 17], [conv("x", "w", "t"), RELU, conv("u", "v", "z", group=64, pads=[1, 1, 1, 1]),
                                                 helper.make_node("Add", ["z", "u"], ["y"])], w=weights(64, 24, 1, 1), v=weights(64, 1, 3, 3))
    assert [k for k in kernels(tmp_path, "x86-64-v3") if k.startswith("laic_pad")]


PAD = helper.make_node("Pad", ["t", "pads"], ["y"])


@pytest.mark.parametrize("shape,order,pads", [
    ([16, 16, 1, 1], [1, 0, 2, 3], [0, 0, 1, 0, 0, 0, 1, 0]),  # what is padded is a dim of one element behind all others
    ([20, 24], [1, 0], [2, 0, 1, 0]), ([3, 17, 5, 20], [0, 3, 1, 2], [0, 1, 2, 0, 1, 0, 3, 0]),
    ([4, 0], [1, 0], [1, 0, 1, 0]),  # nothing is padded, the result is all padding
])
def test_transposes(tmp_path, shape, order, pads):
    model(tmp_path / "m.onnx", shape, [helper.make_node("Transpose", ["x"], ["t"], perm=order), PAD], pads=np.array(pads, np.int64))
    kernels(tmp_path, "x86-64-v3")


@pytest.mark.parametrize("shape,pads", [(["n", 24, 13, "w"], [0, 0, 1, 1, 0, 0, 1, 1]), (["n", 24, 13, 17], [1, 0, 1, 1, 0, 0, 1, 1])])
def test_unknown_sizes_keep_it_apart(tmp_path, shape, pads):
    """Those of a first dim that is not padded do not."""
    model(tmp_path / "m.onnx", shape,
          [conv("x", "w", "t"), RELU, helper.make_node("Pad", ["u", "pads"], ["p"]), conv("p", "v", "y", group=64)],
          w=weights(64, 24, 1, 1), v=weights(64, 1, 3, 3), pads=np.array(pads, np.int64))
    assert [k for k in kernels(tmp_path, "x86-64-v3") if k.startswith("laic_pad")]


def test_no_images(tmp_path):
    model(tmp_path / "m.onnx", ["n", 8, 9, 9], [conv("x", "w", "t"), RELU, conv("u", "v", "y", group=32, pads=[1, 1, 1, 1])],
          w=weights(32, 8, 1, 1), v=weights(32, 1, 3, 3))
    kernels(tmp_path, "x86-64-v3")
    np.savez(tmp_path / "in.npz", x=np.zeros((0, 8, 9, 9), np.float32))
    done = subprocess.run([BUILD / "bin" / "laic-run", tmp_path / "m.bin", "--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "out.npz"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert np.load(tmp_path / "out.npz")["y"].shape == (0, 32, 9, 9)
