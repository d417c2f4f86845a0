"""Branches and loops that only the call decides, against onnxruntime."""
import json
import re
import subprocess

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import parser

import laic
from locations import BUILD

HEADER = '<ir_version: 10, opset_import: ["": 21]>\n'


def floats(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("f4")


def proto(graph):
    model = parser.parse_model(HEADER + graph)
    onnx.checker.check_model(model)
    return model


def check(graph, *calls, **options):
    """One context runs all calls, one after the other, as onnxruntime does; returns the artifact."""
    model = proto(graph)
    artifact = laic.compile(model, **options)
    oracle = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for inputs in calls:
        feed = {i.name: a for i, a in zip(model.graph.input, inputs)}
        got = artifact.run(feed)
        for output, want in zip(model.graph.output, oracle.run(None, feed)):
            if want.shape == (0,) * want.ndim:  # a stack of nothing: onnxruntime knows no sizes of its slices
                want = want.reshape(got[output.name].shape)
            assert got[output.name].dtype == want.dtype and got[output.name].shape == want.shape, output.name
            np.testing.assert_allclose(got[output.name], want, rtol=1e-5, atol=1e-6)
    return artifact


def yes(value=True):
    return np.array(value)


# ---- If

DIMS = """g (bool c, float[N,3] x) => (float[M,3] y, float[N,3] z) {
  y = If (c) <then_branch = t () => (float[P,3] a) { a = Concat<axis = 0>(x, x) },
              else_branch = e () => (float[Q,3] a) { one = Constant<value = int64[1] {1}>() zero = Constant<value = int64[1] {0}>()
                                                     a = Slice(x, zero, one, zero) }>
  n = Neg(y) s = ReduceSum<keepdims = 0>(n) z = Add(x, s)
}"""


def test_branches_of_different_sizes():
    calls = [(yes(c), floats(n, 3, seed=n)) for n in (4, 1, 6, 2) for c in (True, False)]
    check(DIMS, *calls)
    check(DIMS, (yes(), floats(5, 3)), (yes(False), floats(5, 3)), dims={"N": 5})


@pytest.mark.parametrize("index, fails", [(1, False), (7, True)])
def test_a_branch_fails_only_when_it_is_taken(index, fails):
    graph = """g (bool c, float[4] x, int64 i) => (float y) {
      y = If (c) <then_branch = t () => (float a) { a = Gather<axis = 0>(x, i) },
                  else_branch = e () => (float a) { a = ReduceSum<keepdims = 0>(x) }>
    }"""
    x = floats(4)
    model = check(graph, (yes(False), x, np.array(index)))
    if not fails:
        check(graph, (yes(), x, np.array(index)))
        return
    with pytest.raises(laic.Error, match="node 'Gather_.*index 7 is out of range"):
        model.run({"c": yes(), "x": x, "i": np.array(index)})
    np.testing.assert_allclose(model.run({"c": yes(False), "x": x, "i": np.array(index)})["y"], x.sum(), rtol=1e-5)


def test_large_branches():
    steps = " ".join(f"a{i + 1} = {('Tanh', 'Neg')[i % 2]}(a{i})" for i in range(90))
    graph = f"""g (bool c, float[N] x) => (float[N] y) {{
      y = If (c) <then_branch = t () => (float[N] a90) {{ a0 = Identity(x) {steps} }},
                  else_branch = e () => (float[N] b) {{ b = Exp(x) }}>
    }}"""
    check(graph, (yes(), floats(3)), (yes(False), floats(5)), (yes(), floats(5)))


def test_weights_of_both_branches_are_stored_once(tmp_path):
    w = "w = Constant<value = float[64,64] {" + ", ".join(f"{v:.6f}" for v in floats(64 * 64)) + "}>()"
    branch = "{ " + w + " m = MatMul(x, w) %s }"
    graph = f"""g (bool c, float[N,64] x, int64[1] i) => (float[K,64] y) {{
      y = If (c) <then_branch = t () => (float[P,64] a) {branch % "a = Gather<axis = 0>(m, i)"},
                  else_branch = e () => (float[Q,64] a) {branch % "a = Gather<axis = 0>(m, i)"}>
    }}"""
    model = proto(graph)
    size = len(laic.compile_artifact(model).artifact)
    check(graph, (yes(), floats(2, 64), np.array([1])), (yes(False), floats(3, 64), np.array([2])))
    single = proto(f"g (float[N,64] x, int64[1] i) => (float[K,64] a) {branch % 'a = Gather<axis = 0>(m, i)'}")
    assert size < len(laic.compile_artifact(single).artifact) + 64 * 64 * 4 // 2


def test_several_outputs_captures_and_nesting():
    graph = """g (bool c, bool d, float[N] x, float[N] w, int64[1] k) => (float[A] y, int64[1] n, float[N] z) {
      two = Constant<value = float {2.0}>() v = Mul(x, two)
      y, n, z = If (c) <
        then_branch = t () => (float[A] a, int64[1] m, float[N] u) {
          a = If (d) <then_branch = tt () => (float[E] f) { f = Concat<axis = 0>(v, w, x) },
                      else_branch = te () => (float[F] f) { f = Gather<axis = 0>(v, k) }>
          m = Shape(a) u = Mul(v, w) },
        else_branch = e () => (float[B] a, int64[1] m, float[N] u) {
          zero = Constant<value = int64[1] {0}>() a = Slice(w, zero, k, zero) m = Identity(k) u = Add(v, two) }>
    }"""
    calls = [(yes(c), yes(d), floats(n, seed=1), floats(n, seed=2), np.array([2])) for n in (3, 5) for c in (True, False)
             for d in (True, False)]
    check(graph, *calls)


def test_a_condition_that_is_computed():
    graph = """g (float[N] x) => (float[M] y) {
      s = ReduceSum<keepdims = 0>(x) zero = Constant<value = float {0.0}>() c = Greater(s, zero)
      y = If (c) <then_branch = t () => (float[A] a) { a = Concat<axis = 0>(x, x) }, else_branch = e () => (float[B] a) { a = Neg(x) }>
    }"""
    check(graph, *[(floats(n, seed=n),) for n in range(1, 8)])


# ---- Loop

TRIPS = """g (int64 m, bool c, float[N] x, float[N] w) => (float[N] y, float[K,N] z) {
  y, z = Loop (m, c, x) <body = b (int64 i, bool g, float[N] s) => (bool h, float[N] t, float[N] u) {
    h = Identity(g) f = Cast<to = 1>(i) p = Mul(w, f) t = Add(s, p) u = Tanh(t)
  }>
}"""


def test_trip_counts_of_the_call():
    calls = [(np.array(m), yes(c), floats(n, seed=m), floats(n, seed=9)) for m, c, n in
             [(3, True, 4), (0, True, 4), (5, False, 4), (40, True, 2), (1, True, 7)]]
    check(TRIPS, *calls)


def test_a_condition_that_ends_early():
    graph = """g (float[2] x, float most) => (float[2] y, float[K] z) {
      m = Constant<value = int64 {100}>() c = Constant<value = bool {1}>()
      y, z = Loop (m, c, x) <body = b (int64 i, bool g, float[2] s) => (bool h, float[2] t, float u) {
        two = Constant<value = float {2.0}>() t = Mul(s, two) n = Abs(t) u = ReduceSum<keepdims = 0>(n) h = Less(u, most)
      }>
    }"""
    check(graph, *[(np.array([1, 2], "f4"), np.array(m, "f4")) for m in (0.5, 7, 1000, 50)])


def test_carried_values_that_grow():
    graph = """g (int64 m, float[A] x, float[B,2] w) => (float[C] y, float[D,2] v) {
      c = Constant<value = bool {1}>()
      y, v = Loop (m, c, x, w) <body = b (int64 i, bool g, float[P] s, float[Q,2] r) => (bool h, float[R] t, float[S,2] q) {
        h = Identity(g) n = Neg(s) t = Concat<axis = 0>(n, x) q = Concat<axis = 0>(r, r)
      }>
    }"""
    calls = [(np.array(m), floats(n, seed=m), floats(1, 2)) for m in (0, 3, 1, 6) for n in (1, 4)]
    check(graph, *calls)
    static = graph.replace("float[A]", "float[2]").replace("float[B,2]", "float[1,2]")
    check(static, *[(np.array(m), floats(2, seed=m), floats(1, 2)) for m in (0, 2, 5)])


def test_branches_inside_loops_and_loops_inside_branches():
    graph = """g (int64 m, bool c, float[N] x, int64[1] k) => (float[N] y, float[L] z) {
      yes = Constant<value = bool {1}>() one = Constant<value = int64 {1}>() zero = Constant<value = int64 {0}>() two = Constant<value = int64 {2}>()
      y = Loop (m, yes, x) <body = b (int64 i, bool g, float[N] s) => (bool h, float[N] t) {
        h = Identity(g) r = Mod(i, two) odd = Equal(r, one)
        t = If (odd) <then_branch = t1 () => (float[N] a) { e = Gather<axis = 0>(x, k) a = Add(s, e) },
                      else_branch = e1 () => (float[N] a) { a = Mul(s, x) }>
      }>
      z = If (c) <then_branch = t2 () => (float[P] q) {
                    q = Loop (m, yes, x) <body = b2 (int64 j, bool g2, float[U] s2) => (bool h2, float[V] t3) {
                      h2 = Identity(g2) t3 = Concat<axis = 0>(s2, y)
                    }> },
                  else_branch = e2 () => (float[Q] q) { q = Identity(y) }>
    }"""
    calls = [(np.array(m), yes(c), floats(n, seed=m), np.array([n - 1])) for m in (0, 1, 4) for c in (True, False) for n in (2, 5)]
    check(graph, *calls)


def test_errors_tell_the_iteration():
    graph = """g (int64 m, float[4] x) => (float y) {
      c = Constant<value = bool {1}>() z = Constant<value = float {0.0}>()
      y = Loop (m, c, z) <body = b (int64 i, bool g, float s) => (bool h, float t) { h = Identity(g) e = Gather<axis = 0>(x, i) t = Add(s, e) }>
    }"""
    model = check(graph, (np.array(4), floats(4)), (np.array(2), floats(4)))
    with pytest.raises(laic.Error, match=r"node '.*index 4 is out of range \(in iteration 4 of node 'Loop_2'\)"):
        model.run({"m": np.array(6), "x": floats(4)})


def test_slices_of_different_sizes_do_not_stack():
    graph = """g (int64 m, float[4] x) => (float[K,L] y) {
      c = Constant<value = bool {1}>()
      y = Loop (m, c) <body = b (int64 i, bool g) => (bool h, float[L] t) {
        h = Identity(g) z = Constant<value = int64[1] {0}>() e = Unsqueeze(i, z) t = Slice(x, z, e, z) }>
    }"""
    model = laic.compile(proto(graph))
    with pytest.raises(laic.Error, match="node 'Loop_1': its iterations give output 0 different shapes"):
        model.run({"m": np.array(3), "x": floats(4)})


def test_loops_too_long_to_unroll():
    graph = """g (float[N] x) => (float[N] y) {
      m = Constant<value = int64 {5000}>() c = Constant<value = bool {1}>()
      y = Loop (m, c, x) <body = b (int64 i, bool g, float[N] s) => (bool h, float[N] t) { h = Identity(g) t = Sin(s) }>
    }"""
    check(graph, (floats(3),))


def test_scans_of_a_length_that_the_call_brings():
    graph = """g (float[S] s, float[N,S] x) => (float[S] y, float[N,S] z) {
      y, z = Scan <num_scan_inputs = 1, %s body = b (float[S] a, float[S] v) => (float[S] t, float[S] u) { t = Add(a, v) u = Tanh(t) }>(s, x)
    }"""
    for attributes in ("", "scan_input_directions = [1],", "scan_output_directions = [1],"):
        check(graph % attributes, *[(floats(3), floats(n, 3, seed=n)) for n in (4, 1, 9)])


# ---- sizes that decide

def test_a_branch_that_drops_a_dim_is_assumed():
    graph = """g (float[N,M] x) => (float[N] y) {
      one = Constant<value = int64 {1}>() axis = Constant<value = int64[1] {1}>() s = Shape(x) d = Gather<axis = 0>(s, one) c = Equal(d, one)
      v = If (c) <then_branch = t () => (float[N] a) { a = Squeeze(x, axis) }, else_branch = e () => (float[N,M] b) { b = Identity(x) }>
      y = Neg(v)
    }"""
    model = laic.compile(parser.parse_model(HEADER + graph))
    x = floats(4, 1)
    np.testing.assert_array_equal(model(x), -x[:, 0])
    with pytest.raises(laic.InvalidArgumentError, match="node 'If_.*': has branches whose outputs differ in rank, and was compiled for the then "
                                                        "branch, which these sizes do not take"):
        model(floats(4, 2))


# ---- devices

def test_explain_says_what_the_host_decides(tmp_path):
    graph = """g (bool c, float[N] x) => (float[M] y, float[N] z) {
      y = If (c) <then_branch = t () => (float[A] a) { b = Tanh(x) a = Concat<axis = 0>(b, x) }, else_branch = e () => (float[B] a) { a = Tanh(x) }>
      z = Tanh(x)
    }"""
    onnx.save(proto(graph), tmp_path / "m.onnx")
    done = subprocess.run([BUILD / "bin" / "laic", tmp_path / "m.onnx", "--target=cuda,cpu", "-o", tmp_path / "m.bin", "--explain"],
                          capture_output=True, text=True, check=False)
    if "cuda" in done.stderr and "unknown" in done.stderr:
        pytest.skip("this build has no CUDA target")
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    assert "on the host: if: only the call decides what it runs" in said
    assert re.search("laic_tanh_f32_d +cuda .*\n", said) and re.search("laic_tanh_f32_d_host +cpu .*\n", said)  # a kernel each
    x = floats(5)
    for c in (True, False):  # the plan for the host stands behind that for the device
        want = np.concatenate([np.tanh(x), x]) if c else np.tanh(x)
        got = laic.load(tmp_path / "m.bin", device="cpu").run({"c": yes(c), "x": x})
        np.testing.assert_allclose(got["y"], want, rtol=1e-5)
    shown = subprocess.run([BUILD / "bin" / "laic-inspect", tmp_path / "m.bin"], capture_output=True, text=True, check=True).stdout
    assert "if main_then, main_else(" in shown and "program main_then" in shown
    listed = json.loads(subprocess.run([BUILD / "bin" / "laic-inspect", "--json", tmp_path / "m.bin"], capture_output=True, text=True,
                                       check=True).stdout)
    assert [p["name"] for p in listed["programs"]] == ["main_then", "main_else"] * 2
    assert "if" in [s["kind"] for s in listed["plans"][1]["steps"]]


# ---- what is refused

def refused(graph, text):
    with pytest.raises(laic.CompileError) as error:
        laic.compile_artifact(parser.parse_model(HEADER + graph))
    assert text in "\n".join(d.message for d in error.value.diagnostics)


def test_ranks_must_agree():
    refused("""g (bool c, float[N] x) => (float y) {
      v = If (c) <then_branch = t () => (float a) { a = ReduceSum<keepdims = 0>(x) }, else_branch = e () => (float[N] b) { b = Neg(x) }>
      y = ReduceSum<keepdims = 0>(v)
    }""", "node 'If_0' (If, opset 21): has a condition that is computed at run time and branches whose outputs differ in rank")


def test_sequences_in_loops_of_the_call():
    refused("""g (int64 m, float[N] x) => (seq(float[N]) y) {
      c = Constant<value = bool {1}>() s = SequenceEmpty()
      y = Loop (m, c, s) <body = b (int64 i, bool g, seq(float[N]) p) => (bool h, seq(float[N]) q) { h = Identity(g) q = SequenceInsert(p, x) }>
    }""", "node 'Loop_2' (Loop, opset 21): carries a sequence or an optional")


# ---- what may go wrong between the compiler's walk, programs and data

GROWS = """g (int64 n, float[1] x, float[E] empty) => (float[M] y) {
  t = Constant<value = int64[1] {0}>() start = Constant<value = float[0] {}>() go = Constant<value = bool {1}>() zero = Constant<value = int64 {0}>()
  y = Loop (n, go, start) <body = b (int64 i, bool g, float[P] a) => (bool h, float[Q] c) {
    later = Greater(i, zero)
    v = If (later) <then_branch = p () => (float[1] f) { f = Gather(a, t) }, else_branch = q () => (float[1] f) { f = Identity(x) }>
    c = Concat<axis = 0>(a, v) h = Identity(g) }>
}"""


@pytest.mark.parametrize("trips", [2, 3, 5])
def test_carried_values_that_grow_allocate_once(trips):
    artifact = laic.compile(proto(GROWS))
    feed = {"n": np.array(trips), "x": floats(1), "empty": np.zeros(0, "f4")}
    artifact.run(feed)
    warm = artifact.memory()["allocations"]
    artifact.run(feed)
    assert artifact.memory()["allocations"] == warm


def test_list_that_grows_from_nothing():
    check(GROWS, *[(np.array(n), floats(1, seed=n), np.zeros(0, "f4")) for n in (0, 1, 5, 2)])


SCANS = """g (float[2,3] x, int64 trips) => (int64[A,2,B] y) {
  go = Constant<value = bool {1}>() n = %s
  y = Loop (n, go) <body = b (int64 i, bool g) => (bool h, int64[2,K] z) { z = NonZero(x) h = Identity(g) }>
}"""


@pytest.mark.parametrize("trips", ["Constant<value = int64 {2}>()", "Identity(trips)"])
def test_scanned_output_of_an_operator_that_is_replaced(trips):
    check(SCANS % trips, *[(np.float32([[1, 0, k], [0, k, 2]]), np.array(2)) for k in (0, 3)])


DO_WHILE = """g (float[1,2] x, int64[1] e, float limit) => (float[A,K,2] y) {
  go = Constant<value = bool {1}>() none = Constant<value = int64 {99}>() zero = Constant<value = int64[1] {0}>()
  y = Loop (none, go, x) <body = b (int64 i, bool g, float[1,2] a) => (bool h, float[1,2] c, float[K,2] s) {
    c = Add(a, a) s = Slice(c, zero, e, zero) t = ReduceSum<keepdims = 0>(c) h = Less(t, limit) }>
}"""


def test_first_iteration_may_be_the_last():
    check(DO_WHILE.replace("=> (float[A,K,2] y)", "=> (float[1,2] last, float[A,K,2] y)").replace("y = Loop", "last, y = Loop"),
          *[(np.float32([[1, 0]]), np.int64([1]), np.array(limit, "f4")) for limit in (0, 9, 1, 100)])


TEXTS = """g (bool c, string[N] x) => (string[N] y) {
  y = If (c) <then_branch = t () => (string[N] a) { a = StringConcat(x, x) }, else_branch = e () => (string[N] a) { a = Identity(x) }>
}"""
NUMBERS = """g (bool c, string[N] x) => (float[N] y) {
  y = If (c) <then_branch = t () => (float[N] a) { a = Cast<to = 1>(x) },
              else_branch = e () => (float[N] a) { s = Shape(x) a = ConstantOfShape<value = float[1] {7.0}>(s) }>
}"""


def test_functions_of_the_runtime_in_branches_alone():
    texts = np.array(["a", "bc"], dtype=object)
    artifact = laic.compile(proto(TEXTS))
    for cond, want in ((True, ["aa", "bcbc"]), (False, ["a", "bc"])):
        assert list(artifact.run({"c": yes(cond), "x": texts})["y"]) == want


def test_branch_that_is_not_taken_refuses_nothing():
    artifact = laic.compile(proto(NUMBERS))
    assert list(artifact.run({"c": yes(False), "x": np.array(["a", "1"], dtype=object)})["y"]) == [7, 7]
    assert list(artifact.run({"c": yes(True), "x": np.array(["2.5", "1"], dtype=object)})["y"]) == [2.5, 1]
    with pytest.raises(laic.Error, match="Cast_0"):
        artifact.run({"c": yes(True), "x": np.array(["a", "1"], dtype=object)})
