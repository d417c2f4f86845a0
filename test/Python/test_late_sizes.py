"""Shapes, axes and counts that are data of the call: right, or refused by node when the call is made."""
import subprocess

import numpy as np
import pytest
from onnx import parser, save

import laic
from locations import BUILD

HEADER = '<ir_version: 10, opset_import: ["": 21]>\n'


def compiled(graph):
    return laic.compile(parser.parse_model(HEADER + graph))


def ints(*values):
    return np.asarray(values, "i8")


X = np.arange(24, dtype="f4").reshape(2, 3, 4)


@pytest.mark.parametrize("graph, feed, text", [
    ("g (float[2,3,4] x, int64[2] a) => (float[A,B,C,D,E] y) { y = Unsqueeze(x, a) }", [X, ints(1, -4)], "'axes' must name each axis once"),
    ("g (float[2,3,4] x, int64[2] a) => (float[B] y) { y = ReduceSum<keepdims = 0>(x, a) }", [X, ints(1, -2)],
     "a reduction without keepdims must name each axis once"),
    ("g (float[2,3,4] x, int64[1] a) => (float[A,B,C] y) { y = ReduceSum(x, a) }", [X, ints(3)], r"expects an axis in \[-3, 2\]"),
    ("g (float[2,3,4] x, int64[N] a) => (float[A,B,C] y) { y = ReduceSum(x, a) }", [X, ints(0, 1, 2, 0)], "'axes' must have at most 3 elements"),
    ("g (float[2,3,4] x, int64[N] a) => (float[A,B] y) { y = ReduceSum<keepdims = 0>(x, a) }", [X, ints(0, 1)],
     "a reduction must leave as many dims as the model states"),
    ("g (float[2,3,4] x, int64[1] s, int64[1] e, int64[1] a, int64[1] t) => (float[A,B,C] y) { y = Slice(x, s, e, a, t) }",
     [X, ints(0), ints(2), ints(0), ints(0)], "'steps' must not be 0"),
    ("g (float[2,3,4] x, int64[N] s, int64[M] e) => (float[A,B,C] y) { y = Slice(x, s, e) }", [X, ints(0), ints(2, 2)],
     "'ends' of a slice must be as many as its 'starts'"),
    ("g (int64 a, int64 b, int64 d) => (int64[N] y) { y = Range(a, b, d) }", [np.int64(1), np.int64(5), np.int64(0)], "'delta' must not be 0"),
    ("g (float[1,1,4,4] x, float[N] s) => (float[A,B,C,D] y) { y = Resize(x, , s) }", [X.ravel()[:16].reshape(1, 1, 4, 4), np.ones(3, "f4")],
     "'scales' must have one value per axis"),
    ("g (float[1,1,4,4] x, float[4] s) => (float[A,B,C,D] y) { y = Resize(x, , s) }", [X.ravel()[:16].reshape(1, 1, 4, 4), np.zeros(4, "f4")],
     "Resize expects scales above 0"),
    ('g (float[N,2] x, int64[4] p) => (float[A,B] y) { y = Pad<mode = "edge">(x, p) }', [np.zeros((0, 2), "f4"), ints(1, 0, 0, 0)],
     "a dim without elements has no border to fill"),
    ("g (float[2,3,4] x, int64[N] s) => (float[A,B,C] y) { y = Expand(x, s) }", [X, ints(1, 2, 3, 4)],
     "'shape' must have at most as many elements as the result has dims"),
    ("g (float[2,3,4] x, int64[1,N] i) => (float[A,B,C] y) { y = GatherND(x, i) }", [X, ints(0, 1)[None]],
     "the last dim of 'indices' must fit the ranks"),
])
def test_refused_by_the_call(graph, feed, text):
    model = compiled(graph)
    with pytest.raises(laic.InvalidArgumentError, match=text):
        model(*[np.asarray(f) for f in feed])


def test_counts_change_from_call_to_call():
    model = compiled("g (float[N] x) => (int64[1,M] y) { y = NonZero(x) }")
    for x in ([0, 1, 0, 2], [0, 0], [5, 5, 5, 5, 5, 5], []):
        np.testing.assert_array_equal(model(np.asarray(x, "f4")), np.asarray(np.nonzero(x)).reshape(1, -1))


def test_sizes_of_sizes_that_come_late():
    """A count decides a shape, whose elements decide the next."""
    model = compiled("""g (float[N] x) => (float[A,B] y) {
        i = NonZero(x)
        n = Shape<start = 1>(i)
        two = Constant<value_ints = [2]>()
        s = Concat<axis = 0>(n, two)
        one = ConstantOfShape<value = float[1] {3.0}>(s)
        y = Transpose<perm = [1, 0]>(one)
    }""")
    for count in (4, 1, 0, 7):
        x = np.r_[np.ones(count), np.zeros(3)].astype("f4")
        np.testing.assert_array_equal(model(x), np.full((2, count), 3, "f4"))


def test_explain_says_why_a_device_leaves_them_to_the_host(tmp_path):
    save(parser.parse_model(HEADER + "g (float[N] x) => (float[M] y) { i = NonZero(x) j = Squeeze(i) y = Gather(x, j) }"), tmp_path / "m.onnx")
    done = subprocess.run([BUILD / "bin" / "laic", tmp_path / "m.onnx", "--target=cuda", "-o", tmp_path / "m.bin", "--explain"],
                          capture_output=True, text=True, check=False)
    if "cuda" in done.stderr and "unknown" in done.stderr:
        pytest.skip("this build has no CUDA target")
    assert done.returncode == 0, done.stderr
    assert "its sizes depend on data that the call computes" in done.stdout + done.stderr
