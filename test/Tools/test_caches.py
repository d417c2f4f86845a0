"""Key-value caches that grow in the memory where they lie."""
import json
import os
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
from locations import BUILD, ROOT
from onnx import TensorProto, helper, numpy_helper, save

sys.path.append(str(ROOT / "test" / "Models"))
from harness import compile_model, program, run  # noqa: E402

B, H, D = 2, 3, 64
# What a process reads: a model, and arrays. Caches are views of larger arrays; the bytes of `past` cannot be written while it runs.
RUN = """
import ctypes, mmap, sys, numpy as np, laic
path, given, wanted, names, axis, protect = sys.argv[1], np.load(sys.argv[2]), sys.argv[3], sys.argv[4].split(","), int(sys.argv[5]), sys.argv[6] == "protect"
room, pages = int(sys.argv[7]), []
feed, out = dict(given), {}
for pair in names:
    past, present = pair.split(":")
    old = given[past]
    shape = list(old.shape)
    shape[axis] = room
    memory = mmap.mmap(-1, int(np.prod(shape)) * old.itemsize)
    array = np.frombuffer(memory, old.dtype).reshape(shape)
    at = [slice(None)] * old.ndim
    at[axis] = slice(0, old.shape[axis])
    feed[past] = array[tuple(at)]
    feed[past][...] = old
    at[axis] = slice(0, int(given["total"]))
    out[present] = array[tuple(at)]
    if protect:
        for index in np.ndindex(*shape[:axis]):
            row = feed[past][index]
            assert row.nbytes % 4096 == 0 and row.ctypes.data % 4096 == 0
            libc = ctypes.CDLL(None, use_errno=True)
            assert libc.mprotect(ctypes.c_void_p(row.ctypes.data), ctypes.c_size_t(row.nbytes), 1) == 0
feed.pop("total")
model = laic.load(path, threads=2)
done = model.run(feed, out)
first = model.memory()["allocations"]
np.savez(wanted, **done)
print(first)
"""


def concat_model(axis, reshaped=False, dtype=TensorProto.FLOAT):
    """Two caches that grow; attention-like products, sums and transposes read one of them."""
    info = helper.make_tensor_value_info
    shape = lambda n: [B, H, n, D] if axis == 2 else [B, n, H, D] if axis == 1 else [B, H, D, n]  # noqa: E731
    nodes = [helper.make_node("Concat", ["past", "new"], ["present"], axis=axis),
             helper.make_node("Transpose", ["present"], ["turned"], perm=[0, 1, 3, 2]),
             helper.make_node("MatMul", ["present", "turned"], ["products"]),
             helper.make_node("Mul", ["present", "present"], ["squares"]),
             helper.make_node("Constant", [], ["shape"], value_ints=[0, -1, 1] if reshaped else [0, 0, 0, 1, D if axis != 3 else -1]),
             helper.make_node("Reshape", ["present", "shape"], ["rows"]), helper.make_node("ReduceMax", ["rows"], ["largest"], keepdims=0)]
    outputs = [info(n, dtype, None) for n in ("present", "products", "squares", "largest")]
    outputs[0] = info("present", dtype, shape("total"))
    inputs = [info("past", dtype, shape("past")), info("new", dtype, shape("seq"))]
    return helper.make_model(helper.make_graph(nodes, "cache", inputs, outputs), opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def attention_model():
    """Scores and values of a decoder's step: both caches are read by products alone."""
    info, f32 = helper.make_tensor_value_info, TensorProto.FLOAT
    nodes = [helper.make_node("Concat", ["past.k", "k"], ["present.k"], axis=2), helper.make_node("Concat", ["past.v", "v"], ["present.v"], axis=2),
             helper.make_node("Transpose", ["present.k"], ["kt"], perm=[0, 1, 3, 2]), helper.make_node("MatMul", ["q", "kt"], ["scores"]),
             helper.make_node("Softmax", ["scores"], ["weights"], axis=-1), helper.make_node("MatMul", ["weights", "present.v"], ["y"])]
    inputs = [info(n, f32, [B, H, "seq", D]) for n in "qkv"] + [info(f"past.{n}", f32, [B, H, "past", D]) for n in "kv"]
    outputs = [info("y", f32, [B, H, "seq", D])] + [info(f"present.{n}", f32, [B, H, "total", D]) for n in "kv"]
    return helper.make_model(helper.make_graph(nodes, "attention", inputs, outputs), opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def grouped_model(dtype):
    """GroupQueryAttention, whose rows have caches of different lengths."""
    info, element, i32 = helper.make_tensor_value_info, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), TensorProto.INT32
    node = helper.make_node("GroupQueryAttention", ["q", "k", "v", "past.k", "past.v", "lengths", "count"], ["y", "present.k", "present.v"],
                            domain="com.microsoft", num_heads=2 * H, kv_num_heads=H)
    inputs = [info("q", element, [B, "seq", 2 * H * D])] + [info(n, element, [B, "seq", H * D]) for n in "kv"]
    inputs += [info(f"past.{n}", element, [B, H, "past", D]) for n in "kv"] + [info("lengths", i32, [B]), info("count", i32, [])]
    outputs = [info("y", element, [B, "seq", 2 * H * D])] + [info(f"present.{n}", element, [B, H, "total", D]) for n in "kv"]
    return helper.make_model(helper.make_graph([node], "grouped", inputs, outputs), ir_version=8,
                             opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)])


def scatter_model():
    info, f32 = helper.make_tensor_value_info, TensorProto.FLOAT
    nodes = [helper.make_node("TensorScatter", ["past", "new", "at"], ["present"], axis=2), helper.make_node("ReduceSum", ["present", "axes"], ["sum"], keepdims=0)]
    inputs = [info("past", f32, [B, H, "past", D]), info("new", f32, [B, H, "seq", D]), info("at", TensorProto.INT64, [B])]
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [3])
    graph = helper.make_graph(nodes, "scatter", inputs, [info("present", f32, [B, H, "past", D]), info("sum", f32, None)], [axes])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 24)], ir_version=12)


def rooms(path):
    shown = json.loads(run(program(BUILD, "laic-inspect"), path, "--json").stdout)
    return {t["name"]: t["room_dim"] for t in shown["outputs"] if "room_dim" in t}


def call(folder, feed, total, names, axis, room, protect=False, model="m.bin"):
    """The outputs of a run in place, and how many allocations it made."""
    np.savez(folder / "in.npz", total=total, **feed)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python"), "LAIC_LIBRARY_DIR": str(BUILD / "lib")}
    done = subprocess.run([sys.executable, "-c", RUN, folder / model, folder / "in.npz", folder / "out.npz", names, str(axis), "protect" if protect else "", str(room)],
                          capture_output=True, text=True, env=environment)
    assert done.returncode == 0, f"exit code {done.returncode}: {done.stderr[-2000:]}"
    return np.load(folder / "out.npz"), int(done.stdout)


def plainly(folder, feed):
    np.savez(folder / "plain.npz", **feed)
    run(program(BUILD, "laic-run"), folder / "m.bin", "--inputs", folder / "plain.npz", "--outputs", folder / "want.npz")
    return np.load(folder / "want.npz")


def compare(got, want):
    assert sorted(got.files) == sorted(want.files)
    for name in want.files:
        np.testing.assert_array_equal(got[name], want[name], err_msg=name)


@pytest.mark.parametrize("levels", ["x86-64-v3", "native"])
@pytest.mark.parametrize("axis", [1, 2, 3])
def test_readers_of_all_kinds_step_over_the_room(tmp_path, axis, levels):
    """Products, transposes, pointwise operations and reductions of a cache with room, along any dim."""
    rng = np.random.default_rng(axis)
    save(concat_model(axis), tmp_path / "m.onnx")
    compile_model(BUILD, tmp_path / "m.onnx", tmp_path / "m.bin", f"--cpu={levels}")
    assert rooms(tmp_path / "m.bin") == {"present": axis}
    shape = lambda n: (B, H, n, D) if axis == 2 else (B, n, H, D) if axis == 1 else (B, H, D, n)  # noqa: E731
    for past, seq, room in ((5, 2, 16), (37, 1, 40), (0, 3, 5), (8, 0, 9), (6, 2, 8)):
        feed = {"past": rng.standard_normal(shape(past), np.float32), "new": rng.standard_normal(shape(seq), np.float32)}
        got, _ = call(tmp_path, feed, past + seq, "past:present", axis, room)
        compare(got, plainly(tmp_path, feed))


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int64, np.float16, np.float64])
def test_caches_of_any_type(tmp_path, dtype):
    element, info = helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), helper.make_tensor_value_info
    nodes = [helper.make_node("Concat", ["past", "new"], ["present"], axis=1), helper.make_node("Transpose", ["present"], ["turned"], perm=[1, 0])]
    graph = helper.make_graph(nodes, "cache", [info("past", element, [B, "past"]), info("new", element, [B, "seq"])],
                              [info("present", element, [B, "total"]), info("turned", element, ["total", B])])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), tmp_path / "m.onnx")
    compile_model(BUILD, tmp_path / "m.onnx", tmp_path / "m.bin")
    assert rooms(tmp_path / "m.bin") == {"present": 1}
    rng = np.random.default_rng(0)
    feed = {"past": rng.integers(0, 2, (B, 5)).astype(dtype), "new": rng.integers(0, 2, (B, 2)).astype(dtype)}
    got, _ = call(tmp_path, feed, 7, "past:present", 1, 16)
    compare(got, plainly(tmp_path, feed))


def test_strings_have_no_room(tmp_path):
    """A list of strings that grows is copied: what lies between rows would have to be strings, too."""
    info = helper.make_tensor_value_info
    graph = helper.make_graph([helper.make_node("Concat", ["past", "new"], ["present"], axis=1)], "strings",
                              [info(n, TensorProto.STRING, [B, n]) for n in ("past", "new")], [info("present", TensorProto.STRING, [B, "total"])])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), tmp_path / "m.onnx")
    compile_model(BUILD, tmp_path / "m.onnx", tmp_path / "m.bin")
    assert rooms(tmp_path / "m.bin") == {}


def test_the_reshaped_cache_of_other_dims_is_copied(tmp_path):
    """A reader that sees the dim joined with others cannot step over the room: such a cache does not grow in place, and is right."""
    save(concat_model(2, reshaped=True), tmp_path / "m.onnx")
    compile_model(BUILD, tmp_path / "m.onnx", tmp_path / "m.bin")
    assert rooms(tmp_path / "m.bin") == {}


def test_steps_of_a_decoder_write_new_rows_alone(tmp_path):
    """Old rows lie in memory that cannot be written; nothing is allocated for copies."""
    rng = np.random.default_rng(0)
    save(attention_model(), tmp_path / "m.onnx")
    compile_model(BUILD, tmp_path / "m.onnx", tmp_path / "m.bin")
    assert rooms(tmp_path / "m.bin") == {"present.k": 2, "present.v": 2}
    shown = run(program(BUILD, "laic-inspect"), tmp_path / "m.bin").stdout
    assert f"present.k: f32[{B}, {H}, total, {D}]  may alias past.k, grows in place along dim 2\n" in shown
    names = "past.k:present.k,past.v:present.v"
    counts = set()
    for past, seq in ((16, 1), (32, 3), (64, 16), (16, 40)):
        feed = {n: rng.standard_normal((B, H, seq, D), np.float32) for n in "qkv"}
        feed |= {f"past.{n}": rng.standard_normal((B, H, past, D), np.float32) for n in "kv"}
        got, count = call(tmp_path, feed, past + seq, names, 2, 96, protect=True)
        compare(got, plainly(tmp_path, feed))
        counts.add(count)
    # A cache that lies otherwise than its output is copied: more memory, the same numbers.
    feed["past.k"] = rng.standard_normal((B, H, 16, D), np.float32)
    got, copied = call(tmp_path, feed, 56, "past.v:present.v", 2, 96)
    compare(got, plainly(tmp_path, feed))
    assert len(counts) == 1 and copied > counts.pop()


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_grouped_attention_writes_where_each_row_ends(tmp_path, dtype):
    """Grows by what is new, or has as much room as its shape says; rows of the batch end at different places."""
    rng = np.random.default_rng(1)
    random = lambda *shape: rng.standard_normal(shape, np.float32).astype(dtype)  # noqa: E731
    save(grouped_model(dtype), tmp_path / "m.onnx")
    compile_model(BUILD, tmp_path / "m.onnx", tmp_path / "m.bin")
    assert rooms(tmp_path / "m.bin") == {"present.k": 2, "present.v": 2}
    names = "past.k:present.k,past.v:present.v"
    for past, seq, total, lengths, protect in ((32, 1, 33, (33, 33), True), (16, 2, 18, (18, 11), False), (32, 1, 20, (20, 7), False)):
        feed = {"q": random(B, seq, 2 * H * D), "lengths": np.int32(lengths) - 1, "count": np.int32(total)}
        feed |= {n: random(B, seq, H * D) for n in "kv"}
        feed |= {f"past.{n}": random(B, H, past, D) for n in "kv"}
        want = plainly(tmp_path, feed)
        got, _ = call(tmp_path, feed, max(past, total), names, 2, 64, protect=protect)
        compare(got, want)
        for row, length in enumerate(lengths):
            np.testing.assert_array_equal(got["present.k"][row, :, length - seq:length], feed["k"][row].reshape(seq, H, D).swapaxes(0, 1))


def test_scattered_rows_stay_in_bounds(tmp_path):
    rng = np.random.default_rng(2)
    save(scatter_model(), tmp_path / "m.onnx")
    compile_model(BUILD, tmp_path / "m.onnx", tmp_path / "m.bin")
    assert rooms(tmp_path / "m.bin") == {"present": 2}
    feed = {"past": rng.standard_normal((B, H, 9, D), np.float32), "new": rng.standard_normal((B, H, 2, D), np.float32), "at": np.array([7, 0])}
    got, _ = call(tmp_path, feed, 9, "past:present", 2, 12)
    compare(got, plainly(tmp_path, feed))
    want = feed["past"].copy()
    want[0, :, 7:9], want[1, :, 0:2] = feed["new"][0], feed["new"][1]
    np.testing.assert_array_equal(got["present"], want)
    for at in ([8, 0], [0, -1]):
        np.savez(tmp_path / "in.npz", **{**feed, "at": np.array(at)})
        done = subprocess.run([program(BUILD, "laic-run"), tmp_path / "m.bin", "--inputs", tmp_path / "in.npz"], capture_output=True, text=True)
        assert done.returncode == 1 and f"index {min(at, key=lambda x: x if x < 0 else -x)} is out of range" in done.stderr, done.stderr


def test_what_else_reads_the_input_keeps_it(tmp_path):
    """An input that is read after it might have been written over is copied."""
    model = attention_model()
    model.graph.node.append(helper.make_node("ReduceMax", ["past.k"], ["peak"], keepdims=0))
    model.graph.output.append(helper.make_tensor_value_info("peak", TensorProto.FLOAT, None))
    save(model, tmp_path / "m.onnx")
    compile_model(BUILD, tmp_path / "m.onnx", tmp_path / "m.bin")
    assert rooms(tmp_path / "m.bin") == {"present.v": 2}
    rng = np.random.default_rng(3)
    feed = {n: rng.standard_normal((B, H, 2, D), np.float32) for n in "qkv"} | {f"past.{n}": rng.standard_normal((B, H, 7, D), np.float32) for n in "kv"}
    got, _ = call(tmp_path, feed, 9, "past.k:present.k,past.v:present.v", 2, 16)
    compare(got, plainly(tmp_path, feed))


def decoder_model(vocabulary=50, heads=2, width=32):
    """One layer of a decoder, with the inputs and outputs that exporters of language models write."""
    info, f32, i64 = helper.make_tensor_value_info, TensorProto.FLOAT, TensorProto.INT64
    rng = np.random.default_rng(5)
    size = width // heads
    weights = {"table": (vocabulary, width), "places": (64, width), **{f"w{n}": (width, width) for n in "qkvo"}, "head": (width, vocabulary)}
    constants = {n: rng.standard_normal(s).astype(np.float32) for n, s in weights.items()}
    constants |= {"split": np.array([0, 0, heads, size]), "joined": np.array([0, 0, width]), "scale": np.float32(size ** -0.5), "minus": np.float32(-1e9),
                  "one": np.array(1), "axis": np.array([1])}
    node = helper.make_node
    nodes = [node("Gather", ["table", "input_ids"], ["t"]), node("Gather", ["places", "position_ids"], ["p"]), node("Add", ["t", "p"], ["x"])]
    for n in "qkv":
        nodes += [node("MatMul", ["x", f"w{n}"], [f"{n}.flat"]), node("Reshape", [f"{n}.flat", "split"], [f"{n}.heads"]), node("Transpose", [f"{n}.heads"], [n], perm=[0, 2, 1, 3])]
    nodes += [node("Concat", ["past_key_values.0.key", "k"], ["present.0.key"], axis=2), node("Concat", ["past_key_values.0.value", "v"], ["present.0.value"], axis=2),
              node("Transpose", ["present.0.key"], ["kt"], perm=[0, 1, 3, 2]), node("MatMul", ["q", "kt"], ["raw"]), node("Mul", ["raw", "scale"], ["scores"]),
              # A query sees keys up to its own position.
              node("Cast", ["attention_mask"], ["mask"], to=i64), node("CumSum", ["mask", "one"], ["counted"]), node("Sub", ["counted", "one"], ["at"]),
              node("Unsqueeze", ["at", "axis"], ["keys"]), node("Unsqueeze", ["position_ids", "last"], ["queries"]), node("Greater", ["keys", "queries"], ["hidden"]),
              node("Unsqueeze", ["hidden", "axis"], ["hidden4"]), node("Where", ["hidden4", "minus", "scores"], ["seen"]), node("Softmax", ["seen"], ["shares"], axis=-1),
              node("MatMul", ["shares", "present.0.value"], ["mixed"]), node("Transpose", ["mixed"], ["turned"], perm=[0, 2, 1, 3]), node("Reshape", ["turned", "joined"], ["rows"]),
              node("MatMul", ["rows", "wo"], ["o"]), node("Add", ["x", "o"], ["y"]), node("MatMul", ["y", "head"], ["logits"])]
    constants["last"] = np.array([2])
    inputs = [info("input_ids", i64, ["batch", "seq"]), info("attention_mask", i64, ["batch", "total"]), info("position_ids", i64, ["batch", "seq"])]
    inputs += [info(f"past_key_values.0.{n}", f32, ["batch", heads, "past", size]) for n in ("key", "value")]
    outputs = [info("logits", f32, ["batch", "seq", vocabulary])] + [info(f"present.0.{n}", f32, ["batch", heads, "total", size]) for n in ("key", "value")]
    graph = helper.make_graph(nodes, "decoder", inputs, outputs, [numpy_helper.from_array(v, n) for n, v in constants.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def test_the_loop_of_the_documentation(tmp_path):
    """docs/Decoding.md as it stands makes the tokens that whole sequences make, and its caches are the model's."""
    save(decoder_model(), tmp_path / "m.onnx")
    compile_model(BUILD, tmp_path / "m.onnx", tmp_path / "model.bin")
    assert rooms(tmp_path / "model.bin") == {"present.0.key": 2, "present.0.value": 2}
    code = (ROOT / "docs" / "Decoding.md").read_text().split("```python\n")[1].split("```")[0]
    (tmp_path / "loop.py").write_text(f"prompt = [3, 1, 4, 1, 5]\n{code}\nprint(tokens)\nnp.savez('rooms.npz', length=length, **rooms)\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python"), "LAIC_LIBRARY_DIR": str(BUILD / "lib")}
    done = subprocess.run([sys.executable, "loop.py"], cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    tokens, cache = json.loads(done.stdout), np.load(tmp_path / "rooms.npz")
    assert len(tokens) == 25 and len(set(tokens)) > 5 and int(cache["length"]) == 24
    # The whole sequence at once, with onnxruntime.
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    past = {i.name: np.zeros((1, 2, 0, 16), np.float32) for i in session.get_inputs() if i.name.startswith("past")}
    ids = np.array([tokens[:-1]])
    logits, keys, values = session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids), "position_ids": np.arange(24)[None], **past})
    assert logits[0, 4:].argmax(-1).tolist() == tokens[5:]
    np.testing.assert_allclose(cache["past_key_values.0.key"][:, :, :24], keys, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(cache["past_key_values.0.value"][:, :, :24], values, rtol=1e-4, atol=1e-4)
    assert not cache["past_key_values.0.key"][:, :, 24:].any()
