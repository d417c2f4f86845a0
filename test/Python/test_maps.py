"""Maps as inputs and outputs: dicts and lists of dicts."""
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import laic
import laic.backend

DOMAIN = "ai.onnx.ml"
FLOATS, WORDS = TensorProto.FLOAT, TensorProto.STRING
LABELS = ["no", "maybe", "yes"]


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs, outputs, name=f"the {op}", domain=DOMAIN if "Map" in op or "Dict" in op else "", **attributes)


def a_map(name, key=WORDS, value=FLOATS, shape=()):
    return helper.make_value_info(name, helper.make_map_type_proto(key, helper.make_tensor_type_proto(value, shape)))


def model(nodes, inputs, outputs):
    """Outputs by name; their types are left open."""
    graph = helper.make_graph(nodes, "g", inputs, [onnx.ValueInfoProto(name=name) for name in outputs])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid(DOMAIN, 1)], ir_version=10)


def rows(n="N"):
    return helper.make_tensor_value_info("x", FLOATS, [n, 3])


def vectorizer():
    return model([node("DictVectorizer", ["m"], ["y"], string_vocabulary=["a", "c", "b"])], [a_map("m")], ["y"])


def refused(proto, text, **options):
    with pytest.raises(laic.CompileError) as error:
        laic.compile_artifact(proto, **options)
    assert text in "\n".join(f"{d.message}\n{d.note}" for d in error.value.diagnostics)


@pytest.mark.parametrize("labels", [{"classlabels_strings": LABELS}, {"classlabels_int64s": [7, -1, 2**40]}])
@pytest.mark.parametrize("count", [0, 1, 5])
def test_sequences_of_maps_leave_as_lists_of_dicts(labels, count):
    onnxruntime = pytest.importorskip("onnxruntime")
    proto = model([node("Softmax", ["x"], ["p"]), node("ZipMap", ["p"], ["z"], **labels)], [rows()], ["z", "p"])
    x = np.random.default_rng(0).standard_normal((count, 3)).astype(np.float32)
    wanted = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"]).run(["z"], {"x": x})[0]
    compiled = laic.compile(proto)
    assert [t.name for t in compiled.outputs] == ["z/keys", "z/values", "p"]
    maps, p = compiled(x)
    assert [list(m) for m in maps] == [next(iter(labels.values()))] * count
    assert all(got == pytest.approx(want, rel=1e-5) for got, want in zip(maps, wanted)) and len(maps) == len(wanted)
    np.testing.assert_array_equal([list(m.values()) for m in maps], p if count else [])
    assert laic.backend.prepare(proto).run([x]).z == maps
    assert all(type(key) in (int, str) and type(value) is float for m in maps for key, value in m.items())


def test_declared_outputs():
    proto = model([node("ZipMap", ["x"], ["z"], classlabels_strings=LABELS)], [rows(2)], [])
    proto.graph.output.append(helper.make_value_info("z", helper.make_sequence_type_proto(a_map("z").type)))
    assert laic.compile(proto)(np.eye(2, 3, dtype="f4")) == [{"no": 1.0, "maybe": 0.0, "yes": 0.0}, {"no": 0.0, "maybe": 1.0, "yes": 0.0}]


def test_values_into_memory_of_the_caller():
    compiled = laic.compile(model([node("ZipMap", ["x"], ["z"], classlabels_strings=LABELS)], [rows()], ["z"]))
    x, values = np.arange(6, dtype="f4").reshape(2, 3), np.empty((2, 3), "f4")
    assert compiled.run({"x": x}, out={"z/values": values})["z"] == [dict(zip(LABELS, row)) for row in x.tolist()]
    np.testing.assert_array_equal(values, x)


@pytest.mark.parametrize("given, wanted", [({"a": 4.0, "c": 8.0}, [4, 8, 0]), ({"q": 1.0}, [0, 0, 0]), ({}, [0, 0, 0]), ({"b": 2, "a": np.float32(1), "z": 3}, [1, 0, 2])])
def test_maps_enter_as_dicts(given, wanted):
    compiled = laic.compile(vectorizer())
    assert compiled.arguments() == ["m"] and [(t.name, t.shape) for t in compiled.inputs] == [("m/keys", ("m/len",)), ("m/values", ("m/len",))]
    for y in (compiled(given), compiled(m=given), compiled.run({"m": given})["y"], laic.backend.prepare(vectorizer()).run([given]).y,
              compiled.run({"m/keys": np.array(list(given), object), "m/values": np.array(list(given.values()), "f4")})["y"]):
        np.testing.assert_array_equal(y, np.array([wanted], "f4"))


@pytest.mark.parametrize("given, text", [
    (np.zeros(2), "input 'm': expects a dict, got ndarray"),
    ({"a": "b"}, "input 'm/values': expects float32, got <U1"),
    ({1: 2.0}, "input 'm/keys': expects str or bytes, got object"),
])
def test_what_is_no_such_map(given, text):
    with pytest.raises(laic.InvalidArgumentError) as error:
        laic.compile(vectorizer())(given)
    assert text in str(error.value)


def test_keys_and_values_differ_in_number():
    with pytest.raises(laic.InvalidArgumentError, match=r"'m/values': dim 0 \(m/len\) must be equal to input 'm/keys': dim 0 \(got 3, needs 1\)"):
        laic.compile(vectorizer()).run({"m/keys": np.array(["a"]), "m/values": np.zeros(3, "f4")})


def test_numbers_that_would_lose_their_fraction():
    counts = model([node("DictVectorizer", ["m"], ["y"], string_vocabulary=["a"])], [a_map("m", value=TensorProto.INT64)], ["y"])
    with pytest.raises(laic.InvalidArgumentError, match="input 'm/values': expects int64, got float64"):
        laic.compile(counts)({"a": 1.5})


def test_the_length_may_be_given():
    compiled = laic.compile(vectorizer(), dims={"m/len": 2})
    assert [t.shape for t in compiled.inputs] == [(2,), (2,)]
    np.testing.assert_array_equal(compiled({"b": 1.0, "c": 2.0}), [[0, 2, 1]])
    with pytest.raises(laic.InvalidArgumentError, match="input 'm/keys': dim 0 must be 2, got 1"):
        compiled({"b": 1.0})
    refused(vectorizer(), "no input has a dim named 'm/rank'", dims={"m/rank": 1})


@pytest.mark.parametrize("key", [7, 3, -1, -(2**63)])
def test_keys_that_a_sparse_row_has_no_place_for(key):
    compiled = laic.compile(model([node("CastMap", ["m"], ["y"], map_form="SPARSE", max_map=3)], [a_map("m", TensorProto.INT64)], ["y"]))
    np.testing.assert_array_equal(compiled({2: 1.0, 0: 3.0}), [[3, 0, 1]])
    with pytest.raises(laic.DataError, match="node 'the CastMap' .*is out of range"):
        compiled({0: 1.0, key: 2.0})


def test_the_row_of_an_empty_map():
    compiled = laic.compile(model([node("CastMap", ["m"], ["y"])], [a_map("m", TensorProto.INT64)], ["y"]))
    assert compiled({}).shape == (1, 0)


@pytest.mark.parametrize("shape", [None, [1]])
def test_values_of_one_element(shape):
    compiled = laic.compile(model([node("CastMap", ["m"], ["y"])], [a_map("m", TensorProto.INT64, shape=shape)], ["y"]))
    np.testing.assert_array_equal(compiled({2: 1.0, 1: 3.0}), [[3, 1]])


def test_maps_pass_through():
    compiled = laic.compile(model([node("Identity", ["m"], ["n"]), node("CastMap", ["n"], ["y"])], [a_map("m", TensorProto.INT64)], ["n", "y"]))
    n, y = compiled({3: 1.5, 1: 2.5})
    assert n == {3: 1.5, 1: 2.5}
    np.testing.assert_array_equal(y, [[2.5, 1.5]])


def test_branches_see_maps_around_them():
    branches = {}
    for name, words in (("then_branch", ["a", "b"]), ("else_branch", ["b", "a"])):
        branches[name] = helper.make_graph([node("DictVectorizer", ["m"], [name], string_vocabulary=words)], name, [], [onnx.ValueInfoProto(name=name)])
    condition = helper.make_tensor_value_info("c", TensorProto.BOOL, [])
    compiled = laic.compile(model([node("If", ["c"], ["y"], **branches)], [condition, a_map("m")], ["y"]))
    for c, wanted in ((True, [[1, 2]]), (False, [[2, 1]])):
        np.testing.assert_array_equal(compiled(np.array(c), {"b": 2.0, "a": 1.0}), wanted)
    branch = helper.make_graph([node("Identity", ["m"], ["n"])], "b", [], [onnx.ValueInfoProto(name="n")])
    refused(model([node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)], [condition, a_map("m")], ["y"]),
            "output 'n' of a subgraph is a map, which laic does not support")


@pytest.mark.parametrize("op, text", [
    ("CastMap", "node 'the CastMap' (ai.onnx.ml.CastMap, opset 1): input 'z' is a sequence of maps, expects a map"),
    ("SequenceLength", "node 'the SequenceLength' (SequenceLength, opset 21): input 'z' is a sequence of maps, which this operator does not take"),
])
def test_what_takes_no_sequence_of_maps(op, text):
    refused(model([node("ZipMap", ["x"], ["z"], classlabels_strings=LABELS), node(op, ["z"], ["y"])], [rows()], ["y"]), text)


def test_more_outputs_than_maps():
    refused(model([node("ZipMap", ["x"], ["z", "y"], classlabels_strings=LABELS)], [rows()], ["z"]), "has 2 outputs, expects at most 1")


def test_what_is_only_named_like_a_map():
    names = ["a/keys", "a/values"]
    infos = [helper.make_tensor_value_info(name, FLOATS, [2]) for name in names]
    compiled = laic.compile(model([node("Relu", [name], [f"{name[0]}b/{name[2:]}"]) for name in names], infos, ["ab/keys", "ab/values"]))
    assert compiled.arguments() == names
    assert len(compiled(np.ones(2, "f4"), np.ones(2, "f4"))) == 2


def test_a_memory_of_keys_and_rows():
    infos = [helper.make_tensor_value_info("a/keys", TensorProto.INT64, [2]), helper.make_tensor_value_info("a/values", FLOATS, [2, 3])]
    names = ["b/keys", "b/values", "b/size"]
    compiled = laic.compile(model([node("Neg", ["a/keys"], ["b/keys"]), node("Neg", ["a/values"], ["b/values"]), node("Size", ["a/values"], ["b/size"])], infos, names))
    assert compiled.arguments() == ["a/keys", "a/values"]
    assert list(compiled.run({"a/keys": np.array([1, 2]), "a/values": np.ones((2, 3), "f4")})) == names


def test_an_output_beside_a_map():
    nodes = [node("ZipMap", ["x"], ["z"], classlabels_strings=LABELS), node("Size", ["x"], ["z/size"])]
    results = laic.compile(model(nodes, [rows()], ["z", "z/size"])).run({"x": np.zeros((1, 3), "f4")})
    assert results["z"] == [dict.fromkeys(LABELS, 0.0)] and results["z/size"] == 3


def test_a_call_takes_what_positions_there_are():
    with pytest.raises(laic.InvalidArgumentError, match="expects 1 inputs, got 2"):
        laic.compile(vectorizer())({}, {})
