"""What the importer says of models that are well formed but ask for what laic does not have, or what ONNX forbids."""
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import laic

FLOATS = helper.make_tensor_type_proto(TensorProto.FLOAT, [2])


def value(name, kind=TensorProto.FLOAT, shape=(2,)):
    return helper.make_tensor_value_info(name, kind, shape)


def model(nodes, inputs=None, outputs=None, initializers=(), opset=21):
    graph = helper.make_graph(nodes, "g", inputs or [value("x")], outputs or [value("y")], list(initializers))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def relu(**attributes):
    return helper.make_node("Relu", ["x"], ["y"], name="act", **attributes)


def a_map(key=TensorProto.INT64, value=TensorProto.FLOAT, shape=()):
    return helper.make_map_type_proto(key, helper.make_tensor_type_proto(value, shape))


def refused(proto, text, **options):
    with pytest.raises(laic.CompileError) as error:
        laic.compile_artifact(proto, **options)
    said = "\n".join(f"{d.message}\n{d.note}" for d in error.value.diagnostics)
    assert text in said
    return said


@pytest.mark.parametrize("info, text", [
    (helper.make_value_info("x", helper.make_sequence_type_proto(FLOATS)),
     "input 'x' is a sequence; its length must be known when compiling"),
    (helper.make_value_info("x", helper.make_optional_type_proto(FLOATS)), "is an optional; whether it is there must be known"),
    (helper.make_value_info("x", helper.make_sequence_type_proto(helper.make_sequence_type_proto(FLOATS))),
     "input 'x' is neither a tensor, nor a sequence or optional of tensors, nor a map to tensors"),
    (helper.make_value_info("x", helper.make_map_type_proto(TensorProto.INT64, helper.make_sequence_type_proto(FLOATS))),
     "input 'x' is neither a tensor, nor a sequence or optional of tensors, nor a map to tensors"),
    (helper.make_value_info("x", helper.make_optional_type_proto(a_map())),
     "input 'x' is neither a tensor, nor a sequence or optional of tensors, nor a map to tensors"),
    (helper.make_value_info("x", helper.make_sequence_type_proto(a_map())), "input 'x' is a sequence of maps, which no operator takes"),
    (helper.make_value_info("x", a_map(TensorProto.INT32)), "input 'x' is a map with keys of type i32; expects i64 or string"),
    (helper.make_value_info("x", a_map(0)), "input 'x' is a map with keys of type ?; expects i64 or string"),
    (helper.make_value_info("x", a_map(shape=[3])), "input 'x' is a map to tensors that may have more than one element, which laic does not support"),
    (helper.make_value_info("x", a_map(shape=["N"])), "input 'x' is a map to tensors that may have more than one element, which laic does not support"),
    (helper.make_value_info("x", a_map(value=TensorProto.COMPLEX64)), "input 'x' has element type c64, which laic does not support yet"),
    (helper.make_value_info("x", a_map(value=0)), "input 'x' has no element type"),
    (helper.make_value_info("x", a_map()), "input 'x' is a map, which this operator does not take"),
    (value("x", TensorProto.COMPLEX64), "input 'x' has element type c64, which laic does not support yet"),
    (value("x", shape=None), "input 'x' has no shape; its rank must be known"),
    (value("x", shape=[1] * 17), "input 'x' has rank 17; at most 16 dims are supported"),
])
def test_inputs(info, text):
    refused(model([relu()], [info]), text)


def test_constants_of_other_types():
    waves = numpy_helper.from_array(np.array([1, 2j], np.complex64), "waves")
    refused(model([helper.make_node("Relu", ["waves"], ["y"])], initializers=[waves]),
            "input 'waves' has element type c64, which laic does not support yet")
    refused(model([relu()], outputs=[value("waves", TensorProto.COMPLEX64)], initializers=[waves]),
            "output 'waves' has an element type that laic does not support yet")


@pytest.mark.parametrize("node, text", [
    (relu(slope=1.0), "node 'act' (Relu, opset 21): has attribute 'slope', which the newest version of the operator does not know"),
    (helper.make_node("LeakyRelu", ["x"], ["y"], alpha="much"), "attribute 'alpha' has the wrong kind"),
    (helper.make_node("Cast", ["x"], ["y"], name="cast"), "node 'cast' (Cast, opset 21): needs attribute 'to'"),
    (helper.make_node("Relu", ["x", "x"], ["y"]), "has 2 inputs, expects at most 1"),
    (helper.make_node("Relu", ["x"], ["y", "z"]), "has 2 outputs, expects at most 1"),
    (helper.make_node("MatMul", ["x"], ["y"]), "node 'MatMul_0' (MatMul, opset 21): needs input 1, which is absent"),
    (helper.make_node("Clip", ["", "x"], ["y"]), "needs input 0, which is absent"),
    (helper.make_node("Kmeans", ["x"], ["y"], domain="org.example"), "laic does not support this operator yet"),
])
def test_nodes(node, text):
    proto = model([node])
    proto.opset_import.append(helper.make_opsetid("org.example", 1))
    refused(proto, text)


@pytest.mark.parametrize("node, name", [
    (helper.make_node("Concat", ["x"], ["y"], axis=1.5), "axis"),
    (helper.make_node("Selu", ["x"], ["y"], alpha="one"), "alpha"),
    (helper.make_node("Resize", ["x", "", "x"], ["y"], mode=3), "mode"),
    (helper.make_node("LpPool", ["x"], ["y"], kernel_shape="two"), "kernel_shape"),
    (helper.make_node("RNN", ["x", "x", "x"], ["y"], hidden_size=1, activation_alpha=1), "activation_alpha"),
    (helper.make_node("RNN", ["x", "x", "x"], ["y"], hidden_size=1, activations="Tanh"), "activations"),
    (helper.make_node("ConstantOfShape", ["x"], ["y"], value=2.0), "value"),
])
def test_attributes_of_the_wrong_kind(node, name):
    refused(model([node]), f"attribute '{name}' has the wrong kind")


def test_dims_that_no_input_has():
    said = refused(model([relu()], [value("x", shape=["N"])]), "no input has a dim named 'M'", dims={"M": 3})
    assert "the named dims are 'N'" in said
    refused(model([relu()]), "no input of this model has a named dim", dims={"M": 3})


def test_a_bound_dim_fixes_every_input_that_has_it():
    proto = model([helper.make_node("Add", ["x", "z"], ["y"])], [value("x", shape=["N"]), value("z", shape=["N"])], [value("y", shape=["N"])])
    assert [t.shape for t in laic.compile(proto, dims={"N": 3}).inputs] == [(3,), (3,)]


def test_constants_that_fail_to_fold_name_their_node():
    nodes = [helper.make_node("Constant", [], ["i"], value_ints=[7]), helper.make_node("Constant", [], ["d"], value_floats=[1.0, 2.0]),
             helper.make_node("Gather", ["d", "i"], ["g"], name="pick"), helper.make_node("Add", ["x", "g"], ["y"])]
    refused(model(nodes), "pick")
