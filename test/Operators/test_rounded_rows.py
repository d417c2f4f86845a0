"""MatMulNBits of accuracy_level 4: from 64 rows on the rows are rounded to bytes, as a model of exactly that says; fewer rows, and all
of them under --math=strict, stay in f32."""
import os
import subprocess
import sys

import numpy as np
import pytest
from assembly import innermost_loops, spills
from locations import BUILD, ROOT
from nbits import Product

sys.path.append(str(ROOT / "test" / "Models"))
from harness import compile_model, execute  # noqa: E402

FEW, MANY = (1, 7, 33, 63), (64, 65, 127, 130)
PRODUCTS = [(64, 9, 32, False), (352, 40, 32, True), (512, 70, 128, False), (96, 33, 16, True), (1024, 96, 32, False), (544, 64, 32, True),
            (1024, 33, 512, True)]


def rows_of(k, count, seed=1):
    """Blocks of different magnitude, so that a scale of the wrong block shows."""
    rng = np.random.default_rng(seed)
    return (rng.uniform(-1, 1, (count, k)) * np.exp(rng.normal(size=(count, k // 16, 1))).repeat(16, 2).reshape(count, k)).astype(np.float32)


def run(folder, x, threads=1):
    return execute(BUILD, folder / "m.bin", {"x": x}, folder, threads)["y"]


def check(product, x, got, rounded):
    want = product.rounded(x) if rounded else product.exact(x)
    worst = (np.abs(got - want) / product.magnitude(x)).max()
    assert worst <= 1e-6, f"{len(x)} rows: {worst}"


@pytest.mark.parametrize("level", ["x86-64-v2", "x86-64-v3"])
@pytest.mark.parametrize("k,n,block,zeros", PRODUCTS)
def test_unknown_rows(tmp_path, level, k, n, block, zeros):
    product = Product(k, n, block, zeros)
    product.save(tmp_path / "m.onnx")
    compile_model(BUILD, tmp_path / "m.onnx", tmp_path / "m.bin", f"--cpu={level}")
    for count in FEW + MANY:
        x = rows_of(k, count)
        got = run(tmp_path, x)
        check(product, x, got, rounded=count in MANY)
        assert run(tmp_path, x, threads=2).tobytes() == got.tobytes()
    assert np.abs(product.rounded(x) - product.exact(x)).max() > 1e-4 * product.magnitude(x).max()  # the two can be told apart


@pytest.mark.parametrize("count", [63, *MANY])
def test_known_rows(tmp_path, count):
    product, x = Product(352, 40, zeros=True), rows_of(352, count)
    product.save(tmp_path / "m.onnx", count)
    compile_model(BUILD, tmp_path / "m.onnx", tmp_path / "m.bin", "--cpu=x86-64-v3")
    check(product, x, run(tmp_path, x), rounded=count in MANY)


@pytest.mark.parametrize("attributes,options", [
    ({}, ["--cpu=x86-64-v3", "--math=strict"]), ({}, ["--cpu=x86-64-v1"]), ({"accuracy_level": 0}, ["--cpu=x86-64-v3"]),
    ({"accuracy_level": 1}, ["--cpu=x86-64-v3"])])
def test_stays_in_f32(tmp_path, attributes, options):
    product, x = Product(352, 40, zeros=True), rows_of(352, 130)
    product.save(tmp_path / "m.onnx", **attributes)
    compile_model(BUILD, tmp_path / "m.onnx", tmp_path / "m.bin", *options)
    check(product, x, run(tmp_path, x), rounded=False)


@pytest.mark.parametrize("block", [16, 32, 256])
@pytest.mark.parametrize("level", ["x86-64-v2", "x86-64-v3"])
def test_the_largest_sums_fit(tmp_path, level, block):
    """All integers 15 or 0, all elements of one magnitude and sign."""
    product = Product(512, 32, block, zeros=True)
    product.q[:] = np.where(np.arange(32) % 2, 15, 0)[:, None]
    product.zeros[:] = np.where(np.arange(32) % 2, 0, 15)[:, None]
    product.save(tmp_path / "m.onnx")
    compile_model(BUILD, tmp_path / "m.onnx", tmp_path / "m.bin", f"--cpu={level}")
    x = np.ones((64, 512), np.float32)
    x[1::2] = -1
    check(product, x, run(tmp_path, x), rounded=True)


def test_blocks_without_a_scale(tmp_path):
    """Zeros stay zeros; what is too small for a scale is lost; NaN and infinity make their row NaN and no other."""
    product, x = Product(128, 40), rows_of(128, 64)
    product.save(tmp_path / "m.onnx")
    compile_model(BUILD, tmp_path / "m.onnx", tmp_path / "m.bin", "--cpu=x86-64-v3")
    x[0], x[1, 32:64] = 0, 0
    x[2], x[3, 5], x[4, 77] = 1e-40, np.nan, -np.inf
    x[5, :32] = 1e35
    got = run(tmp_path, x)
    assert np.all(got[0] == 0) and np.all(np.abs(got[2]) <= 1e-36)
    assert np.isnan(got[3:5]).all()
    whole = np.delete(np.arange(64), [2, 3, 4])
    error = np.abs(got[whole].astype(np.float64) - product.rounded(x[whole]))
    assert np.all(error <= 1e-6 * product.magnitude(x[whole]))


@pytest.mark.parametrize("level,instruction", [
    ("x86-64-v2", "pmaddubsw"), ("x86-64-v3", "vpmaddubsw"), ("x86-64-v4", "vpmaddubsw"), ("x86-64-v3+avxvnni", "vpdpbusd"),
    ("x86-64-v4+avx512vnni", "vpdpbusd")])
@pytest.mark.parametrize("zeros", [False, True])
def test_inner_loops_stay_in_registers(tmp_path, level, instruction, zeros):
    Product(512, 64, zeros=zeros).save(tmp_path / "m.onnx", 128)
    done = subprocess.run([BUILD / "bin" / "laic", "-q", tmp_path / "m.onnx", "-o", tmp_path / "m.bin", f"--cpu={level}"],
                          capture_output=True, text=True, env={**os.environ, "LAIC_DUMP_KERNELS": "1"})
    assert done.returncode == 0, done.stderr[-1000:]
    loops = [loop for loop in innermost_loops(done.stderr) if sum(instruction in line for line in loop) >= 8]
    assert loops, f"no loop of {instruction}"
    assert not any(map(spills, loops)), [spills(loop) for loop in loops]


def test_a_dump_is_not_resumed_under_other_rules(tmp_path):
    Product(64, 32).save(tmp_path / "m.onnx", 64)
    compile_model(BUILD, tmp_path / "m.onnx", tmp_path / "m.bin", f"--dump-phases={tmp_path}")
    refused = subprocess.run([BUILD / "bin" / "laic", tmp_path / "4-dispatch.mlir", "-o", tmp_path / "again.bin", "-q", "--from=codegen", "--math=strict"],
                             capture_output=True, text=True)
    assert refused.returncode == 1 and ": holds products with rounded rows, which --math=strict excludes" in refused.stderr
