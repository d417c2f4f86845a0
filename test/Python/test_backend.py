"""laic.backend: the interface of the onnx package."""
import numpy as np
import onnx
import pytest
from onnx import helper

import laic.backend


def test_supports_device():
    assert laic.backend.supports_device("CPU")
    assert laic.backend.supports_device("CUDA:1")
    assert not laic.backend.supports_device("ABACUS")


def test_run_model(digits):
    image = np.zeros((1, 1, 8, 8), "f4")
    outputs = laic.backend.run_model(onnx.load(digits), [image])
    assert outputs.logits.shape == (1, 10)
    np.testing.assert_array_equal(outputs[0], outputs["logits"])


def test_prepare_takes_dicts_and_single_arrays(digits):
    rep, image = laic.backend.prepare(onnx.load(digits), "CPU"), np.ones((2, 1, 8, 8), "f4")
    np.testing.assert_array_equal(rep.run({"image": image})[0], rep.run(image)[0])


def test_run_node():
    node = helper.make_node("Add", ["a", "b"], ["c"])
    a, b = np.arange(3, dtype="f4"), np.ones(3, "f4")
    np.testing.assert_array_equal(laic.backend.run_node(node, [a, b])[0], a + b)
    np.testing.assert_array_equal(laic.backend.run_node(node, [a, b], outputs_info=[(np.dtype("f4"), (3,))]).c, a + b)


def test_is_compatible(digits):
    assert laic.backend.is_compatible(onnx.load(digits))
    node = helper.make_node("Mystery", ["x"], ["y"], domain="my.domain")
    value = helper.make_tensor_value_info
    graph = helper.make_graph([node], "g", [value("x", 1, [2])], [value("y", 1, [2])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("my.domain", 1)])
    assert not laic.backend.is_compatible(model)
    with pytest.raises(laic.CompileError, match="Mystery"):
        laic.backend.prepare(model)
