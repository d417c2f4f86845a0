"""--math=bf16: products whose weights are rounded to bf16, against f64 sums of the rounded ones; sizes, instructions, refusals."""
import os
import subprocess

import numpy as np
import onnx
import pytest
from locations import BUILD
from onnx import TensorProto, helper, numpy_helper

RNG = np.random.default_rng(0)


def rounded(weights):
    """To the nearest bf16, ties to even."""
    bits = weights.astype(np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16 << 16).astype(np.uint32).view(np.float32)


def uniform(*shape):
    return RNG.uniform(-1, 1, shape).astype(np.float32)


def save(path, op, x, w, **attributes):
    graph = helper.make_graph([helper.make_node(op, ["x", "w"], ["s"], **attributes), helper.make_node("Relu", ["s"], ["y"])], "g",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, *x.shape[1:]])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], [numpy_helper.from_array(w, "w")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)


def laic(*arguments, **options):
    return subprocess.run([str(BUILD / "bin" / "laic"), "-q", *map(str, arguments)], capture_output=True, text=True, **options)


def run(folder, x, *options):
    """The output of model.onnx, compiled with `options`, and the size of its artifact."""
    done = laic(folder / "model.onnx", "-o", folder / "model.bin", *options)
    assert done.returncode == 0, done.stderr
    np.savez(folder / "in.npz", x=x)
    done = subprocess.run([str(BUILD / "bin" / "laic-run"), folder / "model.bin", "--inputs", folder / "in.npz", "--outputs", folder / "out.npz"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with np.load(folder / "out.npz") as data:
        return data["y"], (folder / "model.bin").stat().st_size


def convolve(x, w, stride):
    """In f64, without padding."""
    n, _, height, width = x.shape
    kernel = w.shape[2]
    rows, columns = ((size - kernel) // stride + 1 for size in (height, width))
    y = np.zeros((n, w.shape[0], rows, columns))
    for i in range(kernel):
        for j in range(kernel):
            part = x[:, :, i:i + (rows - 1) * stride + 1:stride, j:j + (columns - 1) * stride + 1:stride].astype(np.float64)
            y += np.einsum("nchw,fc->nfhw", part, w[:, :, i, j].astype(np.float64))
    return y


@pytest.mark.parametrize("level", ["x86-64-v3", "x86-64-v4"])
@pytest.mark.parametrize("m,k,n", [(1, 768, 520), (2, 64, 33), (5, 96, 32), (6, 1024, 96), (61, 254, 130), (131, 64, 7), (7, 333, 100)])
def test_products(tmp_path, level, m, k, n):
    """Batches of one and of many rows, ragged columns, an odd reduction: only weights are rounded where the level has no dot products."""
    x, w = uniform(m, k), uniform(k, n)
    save(tmp_path / "model.onnx", "MatMul", x, w)
    got, _ = run(tmp_path, x, "--math=bf16", f"--cpu={level},x86-64-v3")
    magnitude = np.abs(x).astype(np.float64) @ np.abs(w)
    assert np.all(np.abs(got - np.maximum(x.astype(np.float64) @ rounded(w), 0)) <= 2e-6 * magnitude)
    plain = np.maximum(x.astype(np.float64) @ w, 0)
    error = np.abs(got - plain)
    assert np.all(error <= 2.0**-9 * magnitude * 1.001) and error.max() > 1e-5  # something was rounded


@pytest.mark.parametrize("channels,filters,kernel,stride,size", [(64, 64, 1, 1, 9), (48, 40, 3, 2, 17), (3, 32, 3, 2, 21), (6, 36, 5, 1, 12)])
def test_convolutions(tmp_path, channels, filters, kernel, stride, size):
    x, w = uniform(2, channels, size, size), uniform(filters, channels, kernel, kernel)
    save(tmp_path / "model.onnx", "Conv", x, w, strides=[stride, stride])
    got, _ = run(tmp_path, x, "--math=bf16", "--cpu=x86-64-v3")
    want = np.maximum(convolve(x, rounded(w), stride), 0)
    assert np.all(np.abs(got - want) <= 2e-6 * convolve(np.abs(x), np.abs(w), stride))


def test_artifact_is_half_as_large(tmp_path):
    x, w = uniform(4, 1024), uniform(1024, 1024)
    save(tmp_path / "model.onnx", "MatMul", x, w)
    assert run(tmp_path, x, "--math=bf16")[1] < 0.52 * run(tmp_path, x)[1]


@pytest.mark.parametrize("level,instruction", [("x86-64-v4+avx512bf16", "vdpbf16ps"), ("x86-64-v4+amx-bf16", "tdpbf16ps"), ("aarch64:v8.2+bf16", "bfdot")])
def test_levels_with_dot_products_use_them(tmp_path, level, instruction):
    save(tmp_path / "model.onnx", "MatMul", uniform(48, 256), uniform(256, 256))
    done = laic(tmp_path / "model.onnx", "-o", tmp_path / "model.bin", "--math=bf16", f"--cpu={level}", env={**os.environ, "LAIC_DUMP_KERNELS": "1"})
    assert done.returncode == 0 and instruction in done.stderr


def test_depthwise_convolutions_stay_in_f32(tmp_path):
    """Where no weights are read the bits do not change."""
    x, w = uniform(1, 32, 12, 12), uniform(32, 1, 3, 3)
    save(tmp_path / "model.onnx", "Conv", x, w, group=32)
    assert run(tmp_path, x, "--math=bf16")[0].tobytes() == run(tmp_path, x)[0].tobytes()
