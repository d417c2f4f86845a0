"""Element types that numpy lacks: how arrays of them go in and out, and how model files pack them."""
import ml_dtypes
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import laic

PAIRS = [(TensorProto.INT4, ml_dtypes.int4, np.int8), (TensorProto.UINT4, ml_dtypes.uint4, np.uint8),
         (TensorProto.INT2, ml_dtypes.int2, np.int8), (TensorProto.UINT2, ml_dtypes.uint2, np.uint8),
         (TensorProto.FLOAT4E2M1, ml_dtypes.float4_e2m1fn, np.uint8), (TensorProto.FLOAT8E5M2, ml_dtypes.float8_e5m2, np.uint8)]


def compiled(nodes, inputs, outputs, initializers=()):
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "g", [value(n, *info) for n, info in inputs.items()],
                              [value(n, *info) for n, info in outputs.items()], list(initializers))
    return laic.compile(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 25)], ir_version=13))


def numbers(dtype, count):
    return np.arange(count).astype(np.float32).astype(dtype)


@pytest.mark.parametrize("number, dtype, carrier", PAIRS)
def test_arrays_of_the_type_and_of_what_carries_it(number, dtype, carrier):
    model = compiled([helper.make_node("Identity", ["x"], ["y"]), helper.make_node("Cast", ["x"], ["z"], to=TensorProto.FLOAT)],
                     {"x": (number, ["n"])}, {"y": (number, ["n"]), "z": (TensorProto.FLOAT, ["n"])})
    assert model.inputs[0].dtype == model.outputs[0].dtype == np.dtype(dtype)
    x = np.arange(4, dtype=np.uint8).view(dtype)
    carried = x.astype(carrier) if "int" in x.dtype.name else x.view(carrier)
    for feed in (x, carried):
        got = model.run({"x": feed})
        assert got["y"].dtype == np.dtype(dtype)
        np.testing.assert_array_equal(got["y"].astype(np.float32), x.astype(np.float32))
        np.testing.assert_array_equal(got["z"], x.astype(np.float32))


def test_upper_bits_of_an_element_do_not_count():
    model = compiled([helper.make_node("Cast", ["x"], ["y"], to=TensorProto.INT32)], {"x": (TensorProto.INT4, [3])},
                     {"y": (TensorProto.INT32, [3])})
    x = np.array([0x0f, 0xff, 0x08], np.uint8).view(ml_dtypes.int4)
    np.testing.assert_array_equal(model(x), [-1, -1, -8])


def test_other_types_are_refused():
    model = compiled([helper.make_node("Identity", ["x"], ["y"])], {"x": (TensorProto.INT4, [3])}, {"y": (TensorProto.INT4, [3])})
    with pytest.raises(laic.InvalidArgumentError, match="expects int4, got int32"):
        model(np.zeros(3, np.int32))


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("number, dtype, carrier", PAIRS)
@pytest.mark.parametrize("count", [1, 5, 2051])
def test_packed_weights(number, dtype, carrier, count, raw):
    """raw_data and int32_data, with a last byte that is not full."""
    weights = numbers(dtype, count)
    tensor = numpy_helper.from_array(weights, "w") if raw else helper.make_tensor("w", number, [count], weights.astype(np.float32))
    assert bool(tensor.raw_data) == raw
    model = compiled([helper.make_node("Cast", ["w"], ["c"], to=TensorProto.FLOAT), helper.make_node("Add", ["c", "x"], ["y"])],
                     {"x": (TensorProto.FLOAT, [count])}, {"y": (TensorProto.FLOAT, [count])}, [tensor])
    want = numpy_helper.to_array(tensor).astype(np.float32)
    np.testing.assert_array_equal(model(np.zeros(count, np.float32)), want)
