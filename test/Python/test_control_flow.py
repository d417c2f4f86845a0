"""Subgraphs, sequences and optionals through the compiler and the runtime, against the onnx package's reference."""
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, parser
from onnx.reference import ReferenceEvaluator

import laic
import laic.backend

HEADER = '<ir_version: 10, opset_import: ["": 21]>\n'


def floats(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("f4")


def same(got, want):
    assert len(got) == len(want)
    for a, b in zip(got, want):
        if isinstance(b, list):
            same(a, b)
        else:
            assert a.dtype == np.asarray(b).dtype
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def check(graph, *inputs, **options):
    """laic and the reference agree on the model; returns what laic gives."""
    model = parser.parse_model(HEADER + graph)
    got = list(laic.backend.prepare(model, **options).run(list(inputs)))
    feed = {i.name: a for i, a in zip(model.graph.input, inputs)}
    same(got, ReferenceEvaluator(model).run(None, feed))
    return got


def refused(graph, text, **options):
    with pytest.raises(laic.CompileError) as error:
        laic.compile_artifact(parser.parse_model(HEADER + graph), **options)
    said = "\n".join(f"{d.message}\n{d.note}" for d in error.value.diagnostics)
    assert text in said
    return said


IF = """g (float[2,3] x, bool c) => (float[2,3] y) {
  two = Constant<value = float {2.0}>()
  y = If (%s) <then_branch = t () => (float[2,3] a) { a = Mul(x, two) },
               else_branch = e () => (float[2,3] a) { b = Add(x, two) a = Exp(b) }>
}"""


@pytest.mark.parametrize("cond", [True, False])
def test_if_of_the_call(cond):
    check(IF % "c", floats(2, 3), np.array(cond))


def test_if_on_the_rank_takes_one_branch():
    graph = """g (float[N,3] x) => (float[M] y) {
      rank = Size(s) s = Shape(x) two = Constant<value = int64 {2}>() flat = Equal(rank, two)
      y = If (flat) <then_branch = t () => (float[M] a) { minus = Constant<value = int64[1] {-1}>() a = Reshape(x, minus) },
                     else_branch = e () => (float[M] a) { a = MatMul(x, x) }>
    }"""
    check(graph.replace("rank = Size(s) s = Shape(x)", "s = Shape(x) rank = Size(s)"), floats(4, 3))


LOOP = """g (float[2] x) => (float[2] y, float[K,2] z) {
  m = Constant<value = int64 {%d}>() start = Constant<value = bool {%d}>()
  y, z = Loop (m, start, x) <body = b (int64 i, bool c, float[2] s) => (bool more, float[2] t, float[2] u) {
    three = Constant<value = int64 {%d}>() more = Less(i, three) f = Cast<to = 1>(i) t = Add(s, f) u = Mul(t, x)
  }>
}"""


@pytest.mark.parametrize("most, start, last", [(5, 1, 9), (9, 1, 3), (1, 1, 0)])
def test_loop(most, start, last):
    check(LOOP % (most, start, last), floats(2))


@pytest.mark.parametrize("most, start", [(0, 1), (4, 0)])
def test_loop_that_never_runs(most, start):
    x = floats(2)
    y, z = laic.compile(parser.parse_model(HEADER + LOOP % (most, start, 9)))(x)
    np.testing.assert_array_equal(y, x)
    assert z.shape == (0, 2)


def test_loops_nest_and_capture():
    check("""g (float[3] x) => (float[3] y) {
      m = Constant<value = int64 {3}>() yes = Constant<value = bool {1}>()
      y = Loop (m, yes, x) <body = b (int64 i, bool c, float[3] s) => (bool d, float[3] t) {
        d = Identity(c)
        t = Loop (m, yes, s) <body = e (int64 j, bool f, float[3] u) => (bool h, float[3] v) {
          h = Identity(f) k = Add(i, j) l = Cast<to = 1>(k) w = Mul(x, l) v = Add(u, w)
        }>
      }>
    }""", floats(3))


@pytest.mark.parametrize("attributes", ["", "scan_input_directions = [1]", "scan_output_directions = [1]", "scan_input_axes = [1]",
                                        "scan_output_axes = [-1]"])
def test_scan(attributes):
    graph = """g (float[3] s, float[3,3] x) => (float[3] y, float[3,3] z) {
      y, z = Scan <num_scan_inputs = 1, %s body = b (float[3] a, float[3] v) => (float[3] t, float[3] u) {
        t = Add(a, v) u = Tanh(t)
      }>(s, x)
    }""" % (attributes + "," if attributes else "")
    s, x = floats(3), floats(3, 3, seed=1)
    forward = [x[:, i] if "input_axes" in attributes else x[i] for i in range(3)]
    slices = forward[::-1] if "input_directions" in attributes else forward
    sums = [s + sum(slices[:i + 1]) for i in range(3)]
    stacked = np.stack([np.tanh(v) for v in (sums[::-1] if "output_directions" in attributes else sums)],
                       axis=-1 if "output_axes" in attributes else 0)
    same(laic.compile(parser.parse_model(HEADER + graph))(s, x), [sums[-1], stacked])


def test_sequences_inside_a_graph():
    check("""g (float[2,3] a, float[1,3] b) => (float[K,3] y, int64 n, float[2,3] last, float[1,3] w) {
      zero = Constant<value = int64 {0}>() minus = Constant<value = int64 {-1}>() one = Constant<value = int64 {1}>()
      e = SequenceEmpty() s = SequenceInsert(e, a) t = SequenceInsert(s, b, zero) u = SequenceInsert(t, a, minus)
      v = SequenceErase(u, one) n = SequenceLength(u) y = ConcatFromSequence<axis = 0>(u) last = SequenceAt(u, minus)
      w = SequenceAt(v, zero)
    }""", floats(2, 3), floats(1, 3, seed=1))


@pytest.mark.parametrize("index", [0, 2, -1])
def test_element_that_the_call_chooses(index):
    graph = "g (float[3,4] x, int64 i) => (float[4] y) { s = SplitToSequence<axis = 0, keepdims = 0>(x) y = SequenceAt(s, i) }"
    x = floats(3, 4)
    same([laic.compile(parser.parse_model(HEADER + graph))(x, np.array(index))], [x[index]])


def test_element_that_is_not_there():
    graph = "g (float[3,4] x, int64 i) => (float[4] y) { s = SplitToSequence<axis = 0, keepdims = 0>(x) y = SequenceAt(s, i) }"
    with pytest.raises(laic.Error, match="3"):
        laic.compile(parser.parse_model(HEADER + graph))(floats(3, 4), np.array(3))


INSERT = """g (float[A] a, float[B] b, float[C] x, int64 i) => (seq(float[N]) t) {
  s = SequenceConstruct(a, b) t = SequenceInsert(s, x, i)
}"""
ERASE = """g (float[A,2] a, float[B,2] b, float[C,2] c, int64 i) => (seq(float[N,2]) t) {
  s = SequenceConstruct(a, b, c) t = SequenceErase(s, i)
}"""


@pytest.mark.parametrize("position", [0, 1, 2, -1, -2])
def test_insertion_where_the_call_says(position):
    for graph, sizes in [(INSERT, (4, 3, 2)), (INSERT.replace("A]", "3]").replace("B]", "3]").replace("C]", "3]"), (3, 3, 3))]:
        a, b, x = (floats(n, seed=i) for i, n in enumerate(sizes))
        wanted = [a, b]
        wanted.insert(position, x)  # the reference takes a position at the end for the front
        same([laic.compile(parser.parse_model(HEADER + graph)).run({"a": a, "b": b, "x": x, "i": np.array(position)})["t"]], [wanted])


@pytest.mark.parametrize("position", [0, 1, 2, -1, -3])
def test_erasure_where_the_call_says(position):
    check(ERASE, floats(4, 2), floats(3, 2, seed=1), floats(2, 2, seed=2), np.array(position))


@pytest.mark.parametrize("position", [3, -3])
def test_positions_that_are_not_there(position):
    model = laic.compile(parser.parse_model(HEADER + INSERT))
    with pytest.raises(laic.InvalidArgumentError, match=r"node 'SequenceInsert_1': expects a position in \[-2, 2\]"):
        model(floats(4), floats(3), floats(2), np.array(position))


def test_sequences_leave_the_model_as_lists():
    graph = """g (float[5,4] x) => (seq(float[A,4]) s, int64 n) {
      two = Constant<value = int64 {2}>() s = SplitToSequence<axis = 0>(x, two) n = SequenceLength(s)
    }"""
    x = floats(5, 4)
    model = laic.compile(parser.parse_model(HEADER + graph))
    assert [t.name for t in model.outputs] == ["s/0", "s/1", "s/2", "s/len", "n"]
    results = model.run({"x": x})
    same([results["s"], results["n"]], [[x[:2], x[2:4], x[4:]], np.array(3)])


def sequence_model():
    floats_of = helper.make_sequence_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, None))
    nodes = [helper.make_node("SequenceInsert", ["s", "x"], ["t"])]
    graph = helper.make_graph(nodes, "g", [helper.make_value_info("s", floats_of),
                                           helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N"])],
                              [helper.make_value_info("t", floats_of)])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


@pytest.mark.parametrize("sizes", [[], [2], [4, 1, 3]])
def test_sequences_enter_a_model_as_lists(sizes):
    elements = [floats(n, seed=n) for n in sizes]
    x = floats(3)
    model = laic.compile(sequence_model(), dims={"s/len": len(sizes), "s/rank": 1})
    same(model.run({"s": elements, "x": x})["t"], elements + [x])
    same(list(laic.backend.prepare(sequence_model()).run([elements, x])), [elements + [x]])


def test_structure_of_inputs_must_be_given():
    proto = sequence_model()
    for dims, text in [({}, "give it with --dim 's/len=N'"), ({"s/size": 2}, "no input has a dim named 's/size'"),
                       ({"s/len": 2}, "input 's' holds tensors of unknown rank, which must be known when compiling")]:
        with pytest.raises(laic.CompileError) as error:
            laic.compile_artifact(proto, dims=dims)
        assert text in "\n".join(f"{d.message}\n{d.note}" for d in error.value.diagnostics)


def test_elements_of_several_ranks():
    with pytest.raises(laic.UnsupportedError, match=r"input 's': expects elements of one rank, got ranks \[1, 2\]"):
        laic.backend.prepare(sequence_model()).run([[floats(2), floats(2, 2)], floats(3)])


OPTIONAL = "g (optional(float[3]) o) => (bool y) { y = OptionalHasElement(o) }"


@pytest.mark.parametrize("value", [None, floats(3)])
def test_optionals_enter_a_model(value):
    model = onnx.parser.parse_model(HEADER + OPTIONAL)
    (y,) = laic.backend.prepare(model).run([value])
    assert bool(y) == (value is not None)
    said = refused(OPTIONAL, "input 'o' is an optional; whether it is there must be known when compiling")
    assert "give it with --dim 'o/present=0' or '1'" in said


def test_subgraph_output_of_another_type():
    branches = [helper.make_graph([], n, [], [helper.make_tensor_value_info("a", TensorProto.COMPLEX64, [1])],
                                  [helper.make_tensor("a", TensorProto.COMPLEX64, [1], [1j])]) for n in "te"]
    node = helper.make_node("If", ["c"], ["y"], then_branch=branches[0], else_branch=branches[1])
    graph = helper.make_graph([node], "g", [helper.make_tensor_value_info("c", TensorProto.BOOL, [])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])])
    with pytest.raises(laic.CompileError, match="output 'a' of a subgraph has an element type that laic does not support yet"):
        laic.compile_artifact(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10))


def test_subgraph_of_another_kind():
    node = helper.make_node("If", ["c"], ["y"], name="node", then_branch=1, else_branch=2)
    graph = helper.make_graph([node], "g", [helper.make_tensor_value_info("c", TensorProto.BOOL, [])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [])])
    with pytest.raises(laic.CompileError, match="attribute 'else_branch' has the wrong kind|attribute 'then_branch' has the wrong kind"):
        laic.compile_artifact(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10))
