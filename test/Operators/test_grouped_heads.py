"""Attention whose query heads share keys and values: Expand and Reshape repeat the heads, laic reads them where they lie."""
import sys

import numpy as np
import pytest
from locations import BUILD, ROOT
from onnx import TensorProto, checker, helper, numpy_helper, save

sys.path.append(str(ROOT / "test" / "Models"))
from harness import compile_model, execute, program, run  # noqa: E402


def repeated(name):
    """Nodes that make [b, heads, t, d] of [b, kv, t, d], as exporters of grouped attention write it."""
    return [helper.make_node("Unsqueeze", [name, "two"], [f"{name}_5"]), helper.make_node("Shape", [name], [f"{name}_shape"]),
            helper.make_node("Split", [f"{name}_shape"], [f"{name}_b", f"{name}_kv", f"{name}_t", f"{name}_d"], num_outputs=4),
            helper.make_node("Concat", [f"{name}_b", f"{name}_kv", "times", f"{name}_t", f"{name}_d"], [f"{name}_long"], axis=0),
            helper.make_node("Expand", [f"{name}_5", f"{name}_long"], [f"{name}_wide"]),
            helper.make_node("Concat", [f"{name}_b", "heads", f"{name}_t", f"{name}_d"], [f"{name}_flat"], axis=0),
            helper.make_node("Reshape", [f"{name}_wide", f"{name}_flat"], [f"{name}_all"])]


def save_attention(path, kv, times, depth, element=np.float32, scaled="scores"):
    """softmax(q k^T / 4) v over heads; v with `depth` columns. Exporters of attention join batches and heads to transpose keys, and may have
    scaled "operands", each by a half."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(element))
    constants = {"two": [2], "times": [times], "heads": [kv * times], "factor": element(0.25 if scaled == "scores" else 0.5)}
    if scaled == "scores":
        scores = [helper.make_node("Transpose", ["k_all"], ["kt"], perm=[0, 1, 3, 2]), helper.make_node("MatMul", ["q", "kt"], ["s"]),
                  helper.make_node("Mul", ["s", "factor"], ["scaled"])]
    else:
        constants["joined"] = [-1]
        scores = [helper.make_node("Concat", ["joined", "k_t", "k_d"], ["k_joined"], axis=0), helper.make_node("Reshape", ["k_all", "k_joined"], ["k_3"]),
                  helper.make_node("Transpose", ["k_3"], ["kt_3"], perm=[0, 2, 1]),
                  helper.make_node("Concat", ["k_b", "heads", "k_d", "k_t"], ["k_apart"], axis=0), helper.make_node("Reshape", ["kt_3", "k_apart"], ["kt"]),
                  helper.make_node("Mul", ["q", "factor"], ["q_scaled"]), helper.make_node("Mul", ["factor", "kt"], ["k_scaled"]),
                  helper.make_node("MatMul", ["q_scaled", "k_scaled"], ["scaled"])]
    nodes = [*repeated("k"), *repeated("v"), *scores, helper.make_node("Softmax", ["scaled"], ["p"], axis=-1),
             helper.make_node("MatMul", ["p", "v_all"], ["y"])]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "attention", [info("q", kind, ["b", kv * times, "s", depth]),
                                                   *(info(n, kind, ["b", kv, "t", depth]) for n in "kv")],
                              [info("y", kind, ["b", kv * times, "s", depth])],
                              [numpy_helper.from_array(np.array(v), n) for n, v in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    checker.check_model(model, full_check=True)
    save(model, path)


def inputs(b, kv, times, s, t, depth):
    rng = np.random.default_rng(b + s + t)
    return {n: rng.standard_normal(shape).astype(np.float32)
            for n, shape in (("q", (b, kv * times, s, depth)), ("k", (b, kv, t, depth)), ("v", (b, kv, t, depth)))}


def attention(feed, times):
    q, k, v = (feed[n].astype(np.float64) for n in "qkv")
    scores = q @ k.repeat(times, 1).swapaxes(2, 3) / 4
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True) @ v.repeat(times, 1)


def check(folder, feed, times, threads=1):
    got = execute(BUILD, folder / "m.bin", feed, folder, threads)["y"]
    np.testing.assert_allclose(got, attention(feed, times), rtol=1e-4, atol=1e-5)
    return got


SHAPES = [(1, 4, 8, 64), (2, 3, 2, 16), (1, 1, 6, 32), (3, 2, 1, 48), (2, 2, 3, 20)]


@pytest.mark.parametrize("level,scaled", [("x86-64-v1", "scores"), ("x86-64-v3", "scores"), ("x86-64-v3", "operands")])
@pytest.mark.parametrize("b,kv,times,depth", SHAPES)
def test_unknown_sizes(tmp_path, level, scaled, b, kv, times, depth):
    save_attention(tmp_path / "m.onnx", kv, times, depth, scaled=scaled)
    compile_model(BUILD, tmp_path / "m.onnx", tmp_path / "m.bin", f"--cpu={level}")
    for s, t in ((1, 1), (1, 130), (2, 37), (3, 64), (4, 33), (29, 29)):
        feed = inputs(b, kv, times, s, t, depth)
        assert check(tmp_path, feed, times).tobytes() == check(tmp_path, feed, times, threads=2).tobytes()


@pytest.mark.parametrize("s,t,scaled", [(1, 1, "scores"), (1, 128, "scores"), (1, 128, "operands"), (2, 37, "scores"), (3, 64, "scores"),
                                        (4, 33, "scores"), (4, 33, "operands"), (29, 29, "scores")])
@pytest.mark.parametrize("b,kv,times,depth", SHAPES)
def test_known_sizes(tmp_path, b, kv, times, depth, s, t, scaled):
    save_attention(tmp_path / "m.onnx", kv, times, depth, scaled=scaled)
    bound = [f"--dim={n}={v}" for n, v in (("b", b), ("s", s), ("t", t))]
    compile_model(BUILD, tmp_path / "m.onnx", tmp_path / "m.bin", "--cpu=x86-64-v3", *bound)
    feed = inputs(b, kv, times, s, t, depth)
    assert check(tmp_path, feed, times).tobytes() == check(tmp_path, feed, times, threads=2).tobytes()


def kernels_of(path, *options):
    done = run(program(BUILD, "laic"), path, "-o", path.with_suffix(".bin"), "--explain", *options)
    assert done.returncode == 0, done.stderr
    return [line.split()[0] for line in done.stdout.splitlines() if line.startswith("laic_")]


@pytest.mark.parametrize("sizes", [[], ["--dim=s=1"], ["--dim=b=1", "--dim=s=1", "--dim=t=128"], ["--dim=b=1", "--dim=s=64", "--dim=t=64"]])
@pytest.mark.parametrize("scaled", ["scores", "operands"])
def test_no_head_is_copied(tmp_path, sizes, scaled):
    """Whatever is known of sizes, attention is one kernel beside the packing of keys and values; heads are never repeated, nor keys scaled."""
    save_attention(tmp_path / "m.onnx", 4, 8, 64, scaled=scaled)
    kernels = kernels_of(tmp_path / "m.onnx", *sizes)
    assert sum("attention" in k for k in kernels) == 1 and all("attention" in k or "pack" in k for k in kernels), kernels


@pytest.mark.parametrize("target", ["cpu", "vulkan", "cuda"])
@pytest.mark.parametrize("element,depth", [(np.float32, 20), (np.float16, 64)])
@pytest.mark.parametrize("sizes", [[], ["--dim=b=1", "--dim=s=1", "--dim=t=128"]])
def test_no_head_is_copied_elsewhere(tmp_path, element, depth, sizes, target):
    """Nor are they where keys are no vectors of f32, and on targets that cannot read shared heads."""
    save_attention(tmp_path / "m.onnx", 4, 8, depth, element)
    kernels = kernels_of(tmp_path / "m.onnx", f"--target={target}", *sizes)
    assert sum("matmul" in k or "attention" in k for k in kernels) >= 1 and not any("move" in k for k in kernels), kernels


@pytest.mark.parametrize("sizes", [[], ["--dim=s=1"], ["--dim=b=1", "--dim=s=1", "--dim=p=63"]])
@pytest.mark.parametrize("operator", ["Attention", "GroupQueryAttention"])
def test_operators_are_one_kernel(tmp_path, operator, sizes):
    """The operators of grouped attention say the same as exporters: no scores outside of the kernel, causal masks made inside."""
    info, f32 = helper.make_tensor_value_info, TensorProto.FLOAT
    caches = [info(n, f32, ["b", 4, "p", 64]) for n in ("past_k", "past_v")]
    presents = [info(n, f32, ["b", 4, "all", 64]) for n in ("present_k", "present_v")]
    if operator == "Attention":
        node = helper.make_node(operator, ["q", "k", "v", "", "past_k", "past_v"], ["y", "present_k", "present_v"], is_causal=1)
        feed = [info("q", f32, ["b", 32, "s", 64]), *(info(n, f32, ["b", 4, "s", 64]) for n in "kv"), *caches]
        y = info("y", f32, ["b", 32, "s", 64])
    else:
        node = helper.make_node(operator, ["q", "k", "v", "past_k", "past_v", "lengths", "total"], ["y", "present_k", "present_v"],
                                domain="com.microsoft", num_heads=32, kv_num_heads=4)
        feed = [info("q", f32, ["b", "s", 2048]), *(info(n, f32, ["b", "s", 256]) for n in "kv"), *caches,
                info("lengths", TensorProto.INT32, ["b"]), info("total", TensorProto.INT32, [])]
        y = info("y", f32, ["b", "s", 2048])
    graph = helper.make_graph([node], "attention", feed, [y, *presents])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23), helper.make_opsetid("com.microsoft", 1)], ir_version=10), tmp_path / "m.onnx")
    kernels = kernels_of(tmp_path / "m.onnx", *sizes)
    assert sum("attention" in k for k in kernels) == 1 and not any("matmul" in k or "move" in k for k in kernels), kernels


@pytest.mark.parametrize("rows", [1, 2, 3])
@pytest.mark.parametrize("columns_last", [False, True])
@pytest.mark.parametrize("batch,depth,columns", [(1, 64, 48), (5, 32, 16), (7, 48, 80)])
def test_few_rows_alone(tmp_path, rows, columns_last, batch, depth, columns):
    """A product of few rows and no chain around it reads its second operand where it lies, too."""
    nodes = [helper.make_node("MatMul", ["x", "m"], ["y"])]
    if not columns_last:
        nodes.insert(0, helper.make_node("Transpose", ["w"], ["m"], perm=[0, 2, 1]))
    info = helper.make_tensor_value_info
    shape = [batch, depth, columns] if columns_last else [batch, columns, depth]
    graph = helper.make_graph(nodes, "product", [info("x", TensorProto.FLOAT, [batch, rows, depth]), info("m" if columns_last else "w", TensorProto.FLOAT, shape)],
                              [info("y", TensorProto.FLOAT, [batch, rows, columns])])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), tmp_path / "m.onnx")
    compile_model(BUILD, tmp_path / "m.onnx", tmp_path / "m.bin", "--cpu=x86-64-v3")
    rng = np.random.default_rng(rows)
    feed = {"x": rng.standard_normal((batch, rows, depth)).astype(np.float32), "m" if columns_last else "w": rng.standard_normal(shape).astype(np.float32)}
    w = feed["m"] if columns_last else feed["w"].swapaxes(1, 2)
    got = [execute(BUILD, tmp_path / "m.bin", feed, tmp_path, threads)["y"] for threads in (1, 2)]
    np.testing.assert_allclose(got[0], feed["x"].astype(np.float64) @ w, rtol=1e-4, atol=1e-5)
    assert got[0].tobytes() == got[1].tobytes()


def test_few_rows_in_no_vectors(tmp_path):
    """Twenty columns are no whole vectors on every level: the product stays a loop nest, and says why."""
    info = helper.make_tensor_value_info
    shapes = {"x": [5, 1, 20], "m": [5, 20, 20]}
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "m"], ["y"])], "product", [info(n, TensorProto.FLOAT, s) for n, s in shapes.items()],
                              [info("y", TensorProto.FLOAT, [5, 1, 20])])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), tmp_path / "m.onnx")
    done = run(program(BUILD, "laic"), tmp_path / "m.onnx", "-o", tmp_path / "m.bin", "--explain")
    assert "contraction stays a loop nest: too few rows to pay for packing at run time" in done.stderr
    rng = np.random.default_rng(0)
    feed = {n: rng.standard_normal(s).astype(np.float32) for n, s in shapes.items()}
    np.testing.assert_allclose(execute(BUILD, tmp_path / "m.bin", feed, tmp_path)["y"], feed["x"] @ feed["m"], rtol=1e-4, atol=1e-5)


def save_scores(path, shapes, *tail):
    """x times w transposed, and what follows."""
    info = helper.make_tensor_value_info
    order = [*range(len(shapes["w"]) - 2), len(shapes["w"]) - 1, len(shapes["w"]) - 2]
    nodes = [helper.make_node("Transpose", ["w"], ["m"], perm=order), helper.make_node("MatMul", ["x", "m"], ["s"]), *tail]
    graph = helper.make_graph(nodes, "scores", [info(n, TensorProto.FLOAT, s) for n, s in shapes.items()], [info("y", TensorProto.FLOAT, None)],
                              [numpy_helper.from_array(np.array([0, 1, 0, 0, 1, 0]), "pads"), numpy_helper.from_array(np.array([2, 3]), "axes")])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)


def scores(tmp_path, shapes, *tail):
    save_scores(tmp_path / "m.onnx", shapes, *tail)
    compile_model(BUILD, tmp_path / "m.onnx", tmp_path / "m.bin", "--cpu=x86-64-v3")
    rng = np.random.default_rng(7)
    feed = {n: rng.standard_normal(s).astype(np.float32) for n, s in shapes.items()}
    got = [execute(BUILD, tmp_path / "m.bin", feed, tmp_path, threads)["y"] for threads in (1, 2)]
    assert got[0].tobytes() == got[1].tobytes()
    return got[0], feed["x"].astype(np.float64) @ feed["w"].swapaxes(-1, -2)


def test_few_rows_reduced_with_heads(tmp_path):
    """The maximum over heads and keys: the heads are inside of a row then, and each has its product."""
    y, want = scores(tmp_path, {"x": [2, 8, 1, 64], "w": [2, 8, 48, 64]}, helper.make_node("Transpose", ["s"], ["t"], perm=[0, 2, 1, 3]),
                     helper.make_node("ReduceMax", ["t", "axes"], ["y"], keepdims=0))
    np.testing.assert_allclose(y, want.max((1, 3)).reshape(y.shape), rtol=1e-4, atol=1e-5)


def test_few_rows_with_a_border(tmp_path):
    y, want = scores(tmp_path, {"x": [5, 2, 64], "w": [5, 48, 64]}, helper.make_node("Pad", ["s", "pads"], ["y"]))
    np.testing.assert_allclose(y, np.pad(want, ((0, 0), (1, 1), (0, 0))), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("depth", [2048, 5000 * 16])
def test_few_long_rows(tmp_path, depth):
    """Long sums come in pieces here, too: 80,000 terms of the same sign keep all but some ulps."""
    y, _ = scores(tmp_path, {"x": [1, depth], "w": [7, depth]}, helper.make_node("Identity", ["s"], ["y"]))
    ones = {"x": np.full((1, depth), 0.1, np.float32), "w": np.full((7, depth), 0.1, np.float32)}
    got = execute(BUILD, tmp_path / "m.bin", ones, tmp_path)["y"]
    want = depth * np.float64(np.float32(0.1)) ** 2
    assert y.shape == (1, 7) and (np.abs(got - want) <= 2e-6 * want).all()
