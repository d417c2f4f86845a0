"""The Vulkan target on lavapipe (or, with LAIC_TEST_GPU=1, on the machine's GPU): models, kernels, code, and what goes wrong."""
import collections
import glob
import os
import subprocess

import numpy as np
import onnx
import pytest

import devices
from devices import BUILD, CASES, REAL, check, compile_model, execute, run, spirv_modules

FAULTS = BUILD / "lib" / "standin" / "liblaic-vulkan-faults.so"
LEVELS = ("base", "fp16")


@pytest.fixture(scope="session")
def env(tmp_path_factory):
    """Runs on lavapipe, with a cache of its own."""
    own = {"LAIC_CACHE_DIR": str(tmp_path_factory.mktemp("cache"))}
    if not REAL:
        icd = glob.glob("/usr/share/vulkan/icd.d/lvp_icd*.json")
        if not icd:
            pytest.skip("lavapipe is not installed")
        own["VK_ICD_FILENAMES"] = icd[0]
    return own


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """An artifact for the CPU and Vulkan with f16, i64 and f64 kernels, and its feed."""
    folder = tmp_path_factory.mktemp("small")
    onnx.save(mixed_model(), folder / "small.onnx")
    compile_model(folder / "small.onnx", folder / "small.bin", "--target=vulkan,cpu", "--chip=fp16")
    random = np.random.default_rng(0)
    feed = {"h": random.standard_normal((5, 64)).astype("f2"), "i": np.arange(5).astype("i8"), "d": random.standard_normal((5, 64))}
    np.savez(folder / "in.npz", **feed)
    return folder / "small.bin", folder / "in.npz"


def mixed_model():
    from onnx import TensorProto as T, helper
    nodes = [helper.make_node("MatMul", ["h", "t"], ["m"]), helper.make_node("Transpose", ["h"], ["t"]),
             helper.make_node("Add", ["i", "i"], ["j"]), helper.make_node("Mul", ["d", "d"], ["e"])]
    nodes[0], nodes[1] = nodes[1], nodes[0]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "mixed", [value("h", T.FLOAT16, [5, 64]), value("i", T.INT64, [5]), value("d", T.DOUBLE, [5, 64])],
                              [value("m", T.FLOAT16, [5, 5]), value("j", T.INT64, [5]), value("e", T.DOUBLE, [5, 64])])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("kind", devices.QUANTISED)
@pytest.mark.parametrize("make", ["convolutional", "transformer"])
def test_quantised_models_equal_the_cpu(make, kind, tmp_path, env):
    devices.quantised(kind, make, tmp_path, "vulkan", "fp16", env)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("make", CASES)
def test_models_equal_the_cpu(make, level, tmp_path, env):
    model, feeds, dims = make(tmp_path)
    check(model, feeds, tmp_path, "vulkan", level, env, dims)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("make", devices.LARGE)
def test_large_models_equal_the_cpu(make, level, tmp_path, env):
    model, feeds, dims = make(tmp_path)
    check(model, feeds, tmp_path, "vulkan", level, env, dims)


@devices.only_all
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("family", devices.families())
def test_operators(family, level, tmp_path, env, monkeypatch):
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    wrong = devices.operators(tmp_path, ["--target=vulkan", f"--chip={level}"], family)
    assert not wrong, "\n".join(wrong)


def test_functions_of_f64_run_on_the_host(tmp_path, env):
    devices.float64_functions(tmp_path, "vulkan", [], env)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("make", CASES)
def test_modules_are_valid(make, level, tmp_path):
    """Every module that we make passes spirv-val for Vulkan 1.1, and declares no capability that its level does not have."""
    model, _, _ = make(tmp_path)
    compile_model(model, tmp_path / "model.bin", "--target=vulkan", f"--chip={level}")
    modules = list(spirv_modules(tmp_path / "model.bin"))
    assert modules
    for module in modules:
        (tmp_path / "module.spv").write_bytes(module)
        run(devices.tool("spirv-val"), "--target-env", "vulkan1.1", tmp_path / "module.spv")
        text = run(devices.tool("spirv-dis"), tmp_path / "module.spv").stdout
        capabilities = {line.split()[1] for line in text.splitlines() if line.strip().startswith("OpCapability")}
        assert capabilities <= {"Matrix", "Shader", "Int64", "Float64"} | ({"Float16", "StorageBuffer16BitAccess"} if level == "fp16" else set())


def test_gemm_goes_through_workgroup_memory(tmp_path):
    """Tiles of vectors in workgroup memory, accumulators carried by the loop over k."""
    onnx.save(devices.gemm(512), tmp_path / "gemm.onnx")
    compile_model(tmp_path / "gemm.onnx", tmp_path / "gemm.bin", "--target=vulkan", "--chip=base")
    texts = []
    for module in spirv_modules(tmp_path / "gemm.bin"):
        (tmp_path / "gemm.spv").write_bytes(module)
        texts.append(run(devices.tool("spirv-dis"), tmp_path / "gemm.spv").stdout)
    (product,) = [text for text in texts if "OpControlBarrier" in text]  # the other one packs
    lines = product.splitlines()
    count = collections.Counter()
    for line in lines:
        count["shared"] += "OpVariable %_ptr_Workgroup" in line
        count["carried"] += "OpPhi %v4float" in line
        count["fma"] += "Fma" in line and "v4float" in line
        count["barrier"] += "OpControlBarrier" in line
    assert count["shared"] == 2 and count["barrier"] == 2 and count["carried"] >= 16 and count["fma"] >= 16, count


def test_explains_the_choice(small, env):
    artifact, feed = small
    text = run(BUILD / "bin" / "laic-run", artifact, "--inputs", feed, "--device=vulkan", "--explain", env=env).stderr
    assert ", the first of the best kind" in text and ("(software)" in text or "discrete GPU" in text or "integrated GPU" in text or "virtual GPU" in text)
    assert "plan 0 (vulkan): usable" in text and "plan 1 (cpu)" in text


def test_profile_names_every_step(small, tmp_path, env):
    """With a trace every step is a batch of its own."""
    artifact, feed = small
    run(BUILD / "bin" / "laic-run", artifact, "--inputs", feed, "--device=vulkan", f"--profile={tmp_path / 'p.json'}", env=env)
    text = (tmp_path / "p.json").read_text()
    assert "laic_" in text and "copy" in text


def test_pipelines_are_kept(small, tmp_path, env):
    """The second process finds what the first one compiled; an empty LAIC_CACHE_DIR keeps nothing."""
    artifact, feed = small
    own = {**env, "LAIC_CACHE_DIR": str(tmp_path / "deep" / "cache")}
    for _ in range(2):
        run(BUILD / "bin" / "laic-run", artifact, "--inputs", feed, "--device=vulkan", env=own)
    (kept,) = (tmp_path / "deep" / "cache").iterdir()
    kept.write_bytes(b"nonsense")
    run(BUILD / "bin" / "laic-run", artifact, "--inputs", feed, "--device=vulkan", env=own)
    run(BUILD / "bin" / "laic-run", artifact, "--inputs", feed, "--device=vulkan", env={**own, "LAIC_CACHE_DIR": ""})


def refused(small, env, *options, device="vulkan"):
    artifact, feed = small
    done = run(BUILD / "bin" / "laic-run", artifact, "--inputs", feed, f"--device={device}", "--require-device", *options, env=env, expect=1)
    assert done.stderr.count("error:") == 1, done.stderr
    return done.stderr


LACKING = {
    "devices": "Vulkan finds no GPU: install its driver, or use another device",
    "loader": "the Vulkan loader knows version 1.0, at least 1.1 is needed",
    "version": "cannot be used: its driver does not know Vulkan 1.1",
    "compute": "cannot be used: it has no compute queue",
    "alignment": "its buffers must be aligned to more than 64 bytes",
    "threads": "it has less than 128 threads per workgroup",
    "float16": "which lacks 16-bit floats (shaderFloat16, storageBuffer16BitAccess); compile with --chip=base or use another device",
    "int64": "lacks 64-bit integers (shaderInt64)",
    "float64": "lacks 64-bit floats (shaderFloat64)",
    "range": "a tensor inside the model has",
    "bindings": "has 3 operands",
}


@pytest.mark.skipif(not FAULTS.exists(), reason="built without Vulkan headers")
@pytest.mark.parametrize("what", LACKING)
def test_says_what_a_device_lacks(what, small, env):
    text = refused(small, {**env, "LAIC_VULKAN_LIBRARY": str(FAULTS), "LAIC_LACK": what})
    assert LACKING[what] in text, text


@pytest.mark.skipif(not FAULTS.exists(), reason="built without Vulkan headers")
def test_stages_where_the_host_sees_no_device_memory(small, tmp_path, env):
    artifact, feed = small
    feed = dict(np.load(feed))
    want = execute(artifact, feed, tmp_path, "cpu")
    devices.agree(execute(artifact, feed, tmp_path, "vulkan", {**env, "LAIC_VULKAN_LIBRARY": str(FAULTS), "LAIC_LACK": "visible"}), want)


def test_says_that_there_is_no_driver(small, env):
    assert "): install the Vulkan driver of the GPU" in refused(small, {**env, "LAIC_VULKAN_LIBRARY": "/nowhere/libvulkan.so"})
    assert "is no Vulkan loader: it lacks vkGetInstanceProcAddr" in refused(small, {**env, "LAIC_VULKAN_LIBRARY": "libm.so.6"})
    assert "there is no GPU number 7" in refused(small, env, device="vulkan:7")
    assert "device number 9: at most 7 are possible" in refused(small, env, device="vulkan:9")
    assert "device 'vulkan:x': expects a number behind the colon" in refused(small, env, device="vulkan:x")


def test_falls_back_aloud(small, env):
    """Another plan of the artifact runs, and laic-run says why."""
    artifact, feed = small
    done = run(BUILD / "bin" / "laic-run", artifact, "--inputs", feed, "--device=vulkan", env={**env, "LAIC_VULKAN_LIBRARY": "/nowhere"})
    assert "install the Vulkan driver of the GPU" in done.stderr and "running on another device" in done.stderr


def test_nothing_of_vulkan_is_loaded_for_the_cpu(small):
    artifact, feed = small
    if not os.path.exists("/usr/bin/strace"):
        done = run(BUILD / "bin" / "laic-run", artifact, "--inputs", feed, "--device=cpu", env={"LD_DEBUG": "libs"})
        assert "libvulkan" not in done.stderr and "libcuda" not in done.stderr


@pytest.mark.skipif(not FAULTS.exists(), reason="built without Vulkan headers")
def test_survives_failures_of_every_call(small, tmp_path, env):
    """Whatever call fails, whenever: an error with a cure, or (where a failure is only a miss) the right outputs; never a crash."""
    artifact, feed = small
    log = tmp_path / "calls"
    own = {**env, "LAIC_VULKAN_LIBRARY": str(FAULTS), "LAIC_CACHE_DIR": ""}
    for lack in ("", "visible"):
        log.unlink(missing_ok=True)
        run(BUILD / "bin" / "laic-run", artifact, "--inputs", feed, "--device=vulkan", "--require-device",
            env={**own, "LAIC_LACK": lack, "LAIC_FAULT_LOG": str(log)})
        calls = collections.Counter(log.read_text().split())
        assert len(calls) > 15
        for name, times in calls.items():
            for result in (-1, -2, -4):
                for nth in sorted({1, times}):
                    done = subprocess.run([BUILD / "bin" / "laic-run", artifact, "--inputs", feed, "--device=vulkan", "--require-device"],
                                          env={**os.environ, **own, "LAIC_LACK": lack, "LAIC_FAULT": f"{name}:{nth}:{result}"},
                                          capture_output=True, text=True, timeout=60)
                    assert done.returncode in (0, 1), f"{name} call {nth} -> {result}: exit {done.returncode}\n{done.stderr}"
                    assert done.returncode == 0 or "error:" in done.stderr, f"{name}: {done.stderr}"


@pytest.mark.skipif(not FAULTS.exists(), reason="built without Vulkan headers")
@pytest.mark.parametrize("fault, text", [
    ("vkAllocateMemory:1:-2", "; close other programs on it, or use a smaller model or batch"), ("vkCreateInstance:1:-9", ": there is no Vulkan driver here: install that of the GPU"),
    ("vkQueueSubmit:1:-4", ": the GPU was lost: its driver was reset, or a kernel ran too long"),
    ("vkWaitForFences:1:2", "has not answered for two minutes"), ("vkCreateFence:1:-1", ": the Vulkan driver has no host memory left"),
    ("vkCreateFence:1:-2", ": the GPU has no memory left: close other programs on it, or use a smaller model or batch"),
    ("vkCreateDevice:1:-3", "failed with VkResult -3"), ("vkQueueSubmit", "the Vulkan driver lacks vkQueueSubmit"),
    ("vkEnumerateInstanceVersion", "is too old: it lacks vkEnumerateInstanceVersion")])
def test_names_failures(fault, text, small, env):
    stderr = refused(small, {**env, "LAIC_VULKAN_LIBRARY": str(FAULTS), "LAIC_FAULT": fault})
    assert text in stderr, stderr


def test_refuses_unknown_levels(tmp_path):
    onnx.save(devices.gemm(8), tmp_path / "gemm.onnx")
    done = run(BUILD / "bin" / "laic", tmp_path / "gemm.onnx", "-o", tmp_path / "x.bin", "--target=vulkan", "--chip=sm_80", expect=2)
    assert "unknown Vulkan level 'sm_80': the levels are base and fp16" in done.stderr
