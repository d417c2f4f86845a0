"""Products whose reduction goes block by block, and those that have none: right against f64, the same bits for every number of threads."""
import subprocess

import numpy as np
import onnx
import pytest
from locations import BUILD
from onnx import TensorProto, helper, numpy_helper

RNG = np.random.default_rng(0)


def uniform(*shape):
    return RNG.uniform(-1, 1, shape).astype(np.float32)


def save(path, op, x, w, dynamic):
    shape = [None, *x.shape[1:]] if dynamic else list(x.shape)
    graph = helper.make_graph([helper.make_node(op, ["x", "w"], ["s"]), helper.make_node("Relu", ["s"], ["y"])], "g",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], [numpy_helper.from_array(w, "w")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)


def run(folder, x, threads):
    np.savez(folder / "in.npz", x=x)
    done = subprocess.run([BUILD / "bin" / "laic-run", folder / "m.bin", "--inputs", folder / "in.npz", "--outputs", folder / "out.npz",
                           f"--threads={threads}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with np.load(folder / "out.npz") as data:
        return data["y"]


def compiled(folder, cpu):
    done = subprocess.run([BUILD / "bin" / "laic", "-q", folder / "m.onnx", "-o", folder / "m.bin", f"--cpu={cpu}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("cpu", ["x86-64-v2", "x86-64-v3"])
@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
# One panel and several row blocks, which one call walks on one thread; several panels; ragged ones; no reduction at all.
@pytest.mark.parametrize("m,k,n", [(1000, 2048, 32), (300, 2048, 20), (260, 1536, 70), (64, 1, 64), (40, 1, 33), (33, 4096, 32)])
def test_products(tmp_path, cpu, dynamic, m, k, n):
    x, w = uniform(m, k), uniform(k, n)
    save(tmp_path / "m.onnx", "MatMul", x, w, dynamic)
    compiled(tmp_path, cpu)
    got = run(tmp_path, x, 1)
    magnitude = np.abs(x).astype(np.float64) @ np.abs(w)
    assert np.all(np.abs(got - np.maximum(x.astype(np.float64) @ w, 0)) <= 3e-6 * magnitude)
    assert run(tmp_path, x, 2).tobytes() == got.tobytes()


@pytest.mark.parametrize("channels,filters,kernel,size", [(1, 32, 1, 64), (1, 40, 3, 20), (512, 32, 3, 9)])
def test_convolutions(tmp_path, channels, filters, kernel, size):
    x, w = uniform(1, channels, size, size), uniform(filters, channels, kernel, kernel)
    save(tmp_path / "m.onnx", "Conv", x, w, dynamic=False)
    compiled(tmp_path, "x86-64-v3")
    places = size - kernel + 1
    want = sum(np.einsum("nchw,fc->nfhw", x[:, :, i:i + places, j:j + places].astype(np.float64), w[:, :, i, j].astype(np.float64))
               for i in range(kernel) for j in range(kernel))
    got = run(tmp_path, x, 1)
    assert np.all(np.abs(got - np.maximum(want, 0)) <= 1e-5 * channels * kernel * kernel)
    assert run(tmp_path, x, 2).tobytes() == got.tobytes()
