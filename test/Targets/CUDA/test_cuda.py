"""The CUDA target on the PTX interpreter (or, with LAIC_TEST_GPU=1, on the machine's GPU): models, code, and what goes wrong."""
import os
import re
import subprocess

import numpy as np
import onnx
import pytest

import devices
from devices import BUILD, CASES, REAL, check, compile_model, execute, ptx_texts, run

STANDIN = BUILD / "lib" / "standin" / "libcuda.so.1"
ASSEMBLED = ("sm_80", "sm_89", "sm_90a", "sm_120")
no_gpu = pytest.mark.skipif(REAL, reason="runs on the stand-in for the driver")


@pytest.fixture(scope="session")
def env():
    """The stand-in with all checks of the interpreter on: a race or a misaligned access fails the launch."""
    if REAL:
        return {}
    assert STANDIN.exists(), f"{STANDIN} was not built"
    return {"LAIC_CUDA_LIBRARY": str(STANDIN), "LAIC_STANDIN_CHECK": "1"}


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """An artifact for both with a contraction, a gather whose indices are data, and its feed."""
    from onnx import TensorProto as T, helper
    folder = tmp_path_factory.mktemp("small")
    nodes = [helper.make_node("MatMul", ["a", "a"], ["m"]), helper.make_node("Gather", ["m", "i"], ["g"], name="pick")]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "small", [value("a", T.FLOAT, [64, 64]), value("i", T.INT64, [3])], [value("g", T.FLOAT, [3, 64])])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "small.onnx")
    compile_model(folder / "small.onnx", folder / "small.bin", "--target=cuda,cpu")
    np.savez(folder / "in.npz", a=np.random.default_rng(0).standard_normal((64, 64)).astype("f4"), i=np.array([1, 5, 63], "i8"))
    return folder / "small.bin", folder / "in.npz"


@pytest.mark.parametrize("kind", devices.QUANTISED)
@pytest.mark.parametrize("make", ["convolutional", "transformer"])
def test_quantised_models_equal_the_cpu(make, kind, tmp_path, env):
    devices.quantised(kind, make, tmp_path, "cuda", "", env)


@pytest.mark.parametrize("make", CASES)
def test_models_equal_the_cpu(make, tmp_path, env):
    model, feeds, dims = make(tmp_path)
    check(model, feeds, tmp_path, "cuda", "", env, dims)


@pytest.mark.parametrize("family", devices.families())
def test_operators(family, tmp_path, env, monkeypatch):
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    wrong = devices.operators(tmp_path, ["--target=cuda"], family)
    assert not wrong, "\n".join(wrong)


def test_functions_of_f64_run_on_the_host(tmp_path, env):
    devices.float64_functions(tmp_path, "cuda", [], env)


@pytest.mark.parametrize("make", devices.LARGE)
def test_large_models_equal_the_cpu(make, tmp_path, env):
    model, feeds, dims = make(tmp_path)
    check(model, feeds, tmp_path, "cuda", "", {**env, "LAIC_STANDIN_CHECK": "0"}, dims)


@pytest.mark.parametrize("make", CASES)
def test_assembles_for_every_architecture(make, tmp_path):
    """Code for sm_80 is code for all later chips, calls nothing, and keeps its registers."""
    ptxas = devices.tool("ptxas")
    model, _, _ = make(tmp_path)
    compile_model(model, tmp_path / "model.bin", "--target=cuda")
    texts = list(ptx_texts(tmp_path / "model.bin"))
    assert texts
    for i, text in enumerate(texts):
        assert ".extern .func" not in text and ".target sm_80" in text
        (tmp_path / "kernel.ptx").write_text(text)
        for chip in ASSEMBLED if i % 4 == 0 else ASSEMBLED[:1]:
            done = run(ptxas, f"-arch={chip}", "-v", tmp_path / "kernel.ptx", "-o", tmp_path / "kernel.cubin")
            if chip == "sm_80":
                assert "0 bytes spill stores, 0 bytes spill loads" in done.stderr + done.stdout, done.stderr


@pytest.mark.parametrize("chip", ["sm_70", "sm_75", "sm_90", "sm_120"])
def test_chips(chip, tmp_path):
    onnx.save(devices.gemm(64), tmp_path / "gemm.onnx")
    compile_model(tmp_path / "gemm.onnx", tmp_path / "gemm.bin", "--target=cuda", f"--chip={chip}")
    assert all(f".target {chip}" in text for text in ptx_texts(tmp_path / "gemm.bin"))


def test_refuses_unknown_chips(tmp_path):
    onnx.save(devices.gemm(8), tmp_path / "gemm.onnx")
    done = run(BUILD / "bin" / "laic", tmp_path / "gemm.onnx", "-o", tmp_path / "x.bin", "--target=cuda", "--chip=sm_12", expect=2)
    assert "unknown GPU architecture 'sm_12': those known are sm_70," in done.stderr


def test_one_list_of_chips_for_several_targets(tmp_path):
    """Each target takes the words that it knows; one that none knows is refused."""
    onnx.save(devices.gemm(8), tmp_path / "gemm.onnx")
    compile_model(tmp_path / "gemm.onnx", tmp_path / "gemm.bin", "--target=cuda,vulkan", "--chip=sm_90,base")
    text = run(BUILD / "bin" / "laic-inspect", tmp_path / "gemm.bin").stdout
    assert "sm_90" in text and "vulkan1.1" in text and "sm_80" not in text
    done = run(BUILD / "bin" / "laic", tmp_path / "gemm.onnx", "-o", tmp_path / "x.bin", "--target=cuda,vulkan", "--chip=sm_90,turbo", expect=2)
    assert "'turbo'" in done.stderr


def refused(small, env, *options, device="cuda"):
    artifact, feed = small
    done = run(BUILD / "bin" / "laic-run", artifact, "--inputs", feed, f"--device={device}", "--require-device", *options, env=env, expect=1)
    assert done.stderr.count("error:") == 1, done.stderr
    return done.stderr


def test_says_that_there_is_no_driver(small):
    text = refused(small, {"LAIC_CUDA_LIBRARY": "/nowhere/libcuda.so"})
    assert "there is no NVIDIA driver" in text and "): install it, or use another device" in text
    assert "is too old: it lacks cuInit" in refused(small, {"LAIC_CUDA_LIBRARY": "libm.so.6"})


@no_gpu
@pytest.mark.parametrize("setting, text", [
    ({"LAIC_STANDIN_DEVICES": "0"}, "the NVIDIA driver finds no GPU"),
    ({"LAIC_STANDIN_SM": "75"}, "has no code for 'PTX interpreter, sm_75' (sm_75): compile with --chip=sm_75 or an older one"),
    ({"LAIC_STANDIN_MEMORY": "20000"}, "; close other programs on it, or use a smaller model or batch"),
    ({"LAIC_STANDIN_FAIL": "cuMemcpyHtoD_v2:1"}, "the NVIDIA driver failed in write:"),
    ({"LAIC_STANDIN_FAIL": "cuStreamSynchronize:1"}, "the NVIDIA driver failed in synchronize:"),
])
def test_says_what_is_wrong(setting, text, small, env):
    stderr = refused(small, {**env, **setting})
    assert text in stderr, stderr


@no_gpu
def test_says_that_there_is_no_such_gpu(small, env):
    assert "there is no NVIDIA GPU number 3, the driver finds 1" in refused(small, env, device="cuda:3")


@no_gpu
def test_survives_failures_of_every_call(small, env):
    artifact, feed = small
    calls = ["cuInit", "cuDriverGetVersion", "cuDeviceGetCount", "cuDeviceGet", "cuDeviceGetName", "cuDeviceGetAttribute", "cuDevicePrimaryCtxRetain",
             "cuCtxSetCurrent", "cuModuleLoadDataEx", "cuModuleGetFunction", "cuMemAlloc_v2", "cuMemsetD8_v2", "cuMemcpyHtoD_v2",
             "cuMemcpyDtoH_v2", "cuStreamCreate", "cuStreamSynchronize", "cuLaunchKernel"]
    for name in calls:
        for nth in (1, 2):
            done = subprocess.run([BUILD / "bin" / "laic-run", artifact, "--inputs", feed, "--device=cuda", "--require-device"],
                                  env={**os.environ, **env, "LAIC_STANDIN_FAIL": f"{name}:{nth}"}, capture_output=True, text=True, timeout=60)
            assert done.returncode in (0, 1), f"{name} call {nth}: exit {done.returncode}\n{done.stderr}"
            assert done.returncode == 1 or nth == 2, f"{name}: nobody noticed"
            assert done.returncode == 0 or done.stderr.count("error:") == 1, done.stderr


def test_indices_are_checked_on_the_device(small, tmp_path, env):
    """The kernel reads element 0 instead, and the host names node and index; the next call is right again."""
    artifact, _ = small
    feed = {"a": np.eye(64, dtype="f4"), "i": np.array([1, -65, 3], "i8")}
    np.savez(tmp_path / "in.npz", **feed)
    done = run(BUILD / "bin" / "laic-run", artifact, "--inputs", tmp_path / "in.npz", "--device=cuda", env=env, expect=1)
    assert "node 'pick' (gather): index -65 is out of range" in done.stderr, done.stderr
    feed["i"][1] = -64
    assert np.array_equal(execute(artifact, feed, tmp_path, "cuda", env)["g"], np.eye(64, dtype="f4")[[1, 0, 3]])


def test_what_a_device_lacks_runs_on_the_host(tmp_path, env):
    """TopK has no GPU code: it runs on the CPU inside the plan, between copies, and --explain says so."""
    from onnx import TensorProto as T, helper, numpy_helper
    nodes = [helper.make_node("Mul", ["x", "x"], ["s"]), helper.make_node("TopK", ["s", "k"], ["v", "i"]), helper.make_node("Neg", ["v"], ["y"])]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "top", [value("x", T.FLOAT, ["n", 9])], [value("y", T.FLOAT, ["n", 3]), value("i", T.INT64, ["n", 3])],
                              [numpy_helper.from_array(np.array([3], "i8"), "k")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "top.onnx")
    text = compile_model(tmp_path / "top.onnx", tmp_path / "top.bin", "--target=cuda", "--explain").stdout
    assert "on the host: laic_top_k_rows" in text and "'laic.top_k_rows' has no GPU code yet" in text
    assert "host arena +" in run(BUILD / "bin" / "laic-inspect", tmp_path / "top.bin").stdout
    for n in (1, 4, 0, 2):
        x = np.random.default_rng(n).standard_normal((n, 9)).astype("f4")
        got = execute(tmp_path / "top.bin", {"x": x}, tmp_path, "cuda", env)
        order = np.argsort(-(x * x), axis=1, kind="stable")[:, :3]
        assert np.array_equal(got["i"], order) and np.array_equal(got["y"], -np.take_along_axis(x * x, order, 1))
    done = run(BUILD / "bin" / "laic-run", tmp_path / "top.bin", "--device=cuda", "--require-device", "--dim", "n=2", env=env, expect=1)
    assert re.search(r"\d of \d steps of the plan for 'cuda' run on the host; `laic --explain` says which and why", done.stderr), done.stderr
