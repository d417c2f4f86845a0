"""Sizes that only a call knows: what ONNX allows is computed, what does not fit is refused before anything is read or written."""
import numpy as np
import pytest
from onnx import parser

import laic

HEADER = '<ir_version: 10, opset_import: ["": 21]>\n'


def compiled(graph):
    return laic.compile(parser.parse_model(HEADER + graph))


def ones(*shapes):
    return [np.ones(shape, "f4") for shape in shapes]


TWO_MATRICES = "g (float[A,B] x, float[C,D] z) => (float[E,F] y) { [node] y = %s }"


@pytest.mark.parametrize("node, shapes, text", [
    ("Add(x, z)", [(2, 3), (2, 2)], r"node 'node': operands of these sizes do not broadcast \(got 2, needs 3\)"),
    ("Add(x, z)", [(0, 3), (2, 3)], "do not broadcast"),
    ("MatMul(x, z)", [(2, 3), (2, 2)], r"node 'node': dim 0 of B must fit: last dim of A \(got 2, needs 3\)"),
    ("Gemm(x, z)", [(2, 3), (4, 2)], "dim 0 of B must fit: dim 1 of A"),
    ("Concat<axis = 0>(x, z)", [(2, 3), (2, 2)], r"operands must agree in dim 1 \(got 2, needs 3\)"),
    ('Einsum<equation = "ij,jk->ik">(x, z)', [(2, 3), (2, 2)], "do not broadcast"),
])
def test_sizes_that_do_not_fit_are_refused(node, shapes, text):
    with pytest.raises(laic.InvalidArgumentError, match=text):
        compiled(TWO_MATRICES % node)(*ones(*shapes))


@pytest.mark.parametrize("left, right", [((2, 3), (2, 3)), ((2, 3), (1, 3)), ((1, 1), (4, 3)), ((2, 1), (1, 3)), ((0, 3), (1, 3))])
def test_sizes_broadcast_as_numpy(left, right):
    model = compiled(TWO_MATRICES % "Add(x, z)")
    x, z = np.random.default_rng(1).random(left, "f4"), np.random.default_rng(2).random(right, "f4")
    np.testing.assert_array_equal(model(x, z), x + z)


@pytest.mark.parametrize("bias", [(1, 1), (2, 1), (1, 4), (2, 4)])
def test_gemm_broadcasts_its_bias(bias):
    model = compiled("g (float[A,B] x, float[C,D] z, float[E,F] c) => (float[G,H] y) { y = Gemm(x, z, c) }")
    c = np.random.default_rng(3).random(bias, "f4")
    np.testing.assert_array_equal(model(*ones((2, 3), (3, 4)), c), np.full((2, 4), 3, "f4") + c)
    with pytest.raises(laic.InvalidArgumentError, match="dim 0 of C must fit: as the product"):
        model(*ones((2, 3), (3, 4), (3, 4)))


@pytest.mark.parametrize("shape", [[-1, 3, 2], [0, -1, 2], [0, 0, 3], [0, 3, 2], [2, 2, 3]])
def test_reshape_to_sizes_of_the_call(shape):
    model = compiled("g (float[A,2,C] x, int64[3] s) => (float[D,E,F] y) { y = Reshape(x, s) }")
    x = np.arange(12, dtype="f4").reshape(2, 2, 3)
    wanted = [x.shape[i] if size == 0 else size for i, size in enumerate(shape)]
    np.testing.assert_array_equal(model(x, np.array(shape, "i8")), x.reshape(wanted))


@pytest.mark.parametrize("shape", [[5, 5, 5], [0, 0, 4], [-1, -1, 3], [-1, 5, 1]])
def test_reshape_to_another_number_of_elements_is_refused(shape):
    model = compiled("g (float[A,2,C] x, int64[3] s) => (float[D,E,F] y) { y = Reshape(x, s) }")
    with pytest.raises(laic.InvalidArgumentError, match="'shape' must have as many elements as the operand"):
        model(np.zeros((2, 2, 3), "f4"), np.array(shape, "i8"))


def test_channels_fit_groups():
    model = compiled("g (float[N,C,8,8] x, float[4,2,3,3] w) => (float[N,K,H,W] y) { y = Conv<group = 2>(x, w) }")
    assert model(*ones((1, 4, 8, 8), (4, 2, 3, 3))).shape == (1, 4, 6, 6)
    for channels, text in ((5, "multiple of group 2"), (6, "weights dim 1 must fit: input channels / group")):
        with pytest.raises(laic.InvalidArgumentError, match=text):
            model(*ones((1, channels, 8, 8), (4, 2, 3, 3)))


def test_only_axes_of_size_one_are_squeezed():
    model = compiled("g (float[A,B] x, int64[1] axes) => (float[C] y) { ax = Constant<value_ints = [0]>() y = Squeeze(x, ax) }")
    axes = np.array([0], "i8")
    assert model(*ones((1, 3)), axes).shape == (3,)
    with pytest.raises(laic.InvalidArgumentError, match="axis 0 is squeezed away and must be 1"):
        model(*ones((2, 3)), axes)


def test_split_sizes_add_up():
    model = compiled("g (float[A] x) => (float[B] y, float[C] z) { s = Constant<value_ints = [1, 2]>() y, z = Split(x, s) }")
    assert [out.shape for out in model(*ones((3,)))] == [(1,), (2,)]
    with pytest.raises(laic.InvalidArgumentError, match="must add up to the dim that is split"):
        model(*ones((4,)))
