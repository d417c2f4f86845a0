"""Broken variants of the suite's node models: attributes out of range, other element types, other ranks, inputs gone or too many."""
import copy
import random

import onnx
from onnx import TensorProto, helper

TYPES = [t for t in TensorProto.DataType.values() if t not in (0, TensorProto.COMPLEX64, TensorProto.COMPLEX128)]
EXTREMES = [-(2 ** 63), -(2 ** 31), -1000, -7, -1, 0, 1, 2, 3, 1000, 2 ** 31, 2 ** 62, 2 ** 63 - 1]
FLOATS = [float("nan"), float("inf"), float("-inf"), 0.0, -1.0, 1e38, -1e-45]


def mutate_attribute(node, rng):
    if not node.attribute:
        node.attribute.append(helper.make_attribute("no_such_attribute", 1))
        return
    at = rng.randrange(len(node.attribute))
    attribute = node.attribute[at]
    kind = rng.randrange(3)
    if kind == 0:
        del node.attribute[at]
    elif attribute.type == onnx.AttributeProto.INT:
        attribute.i = rng.choice(EXTREMES)
    elif attribute.type == onnx.AttributeProto.INTS:
        ints = list(attribute.ints) or [0]
        if kind == 1:
            ints = ints[:-1] if rng.random() < 0.5 else ints + [rng.choice(EXTREMES)]
        else:
            ints[rng.randrange(len(ints))] = rng.choice(EXTREMES)
        attribute.CopyFrom(helper.make_attribute(attribute.name, ints, attr_type=onnx.AttributeProto.INTS))
    elif attribute.type == onnx.AttributeProto.FLOAT:
        attribute.f = rng.choice(FLOATS)
    elif attribute.type == onnx.AttributeProto.STRING:
        attribute.s = rng.choice([b"", b"nonsense", b"\xff\xfe", attribute.s + b"x"])
    else:
        attribute.CopyFrom(helper.make_attribute(attribute.name, rng.choice([1, "text", [1.5]])))


def mutate_type(values, rng):
    value = rng.choice(values)
    if value.type.HasField("tensor_type"):
        value.type.tensor_type.elem_type = rng.choice(TYPES)


def mutate_rank(values, rng):
    value = rng.choice(values)
    if not value.type.HasField("tensor_type"):
        return
    dims = value.type.tensor_type.shape.dim
    kind = rng.randrange(4)
    if kind == 0 and dims:
        del dims[rng.randrange(len(dims))]
    elif kind == 1:
        dims.add().dim_value = rng.choice([0, 1, 2, 7, 2 ** 40])
    elif dims:
        dims[rng.randrange(len(dims))].dim_value = rng.choice([0, 1, 3, 1000003, 2 ** 40, 2 ** 62])


def mutate_inputs(node, rng):
    kind = rng.randrange(4)
    if kind == 0 and node.input:
        del node.input[rng.randrange(len(node.input))]
    elif kind == 1 and node.input:
        node.input[rng.randrange(len(node.input))] = ""
    elif kind == 2 and node.input:
        node.input.append(rng.choice(node.input))
    elif node.input:
        shuffled = list(node.input)
        rng.shuffle(shuffled)
        del node.input[:]
        node.input.extend(shuffled)


def mutated(model, seed):
    """A copy with one to three things changed."""
    rng = random.Random(seed)
    model = copy.deepcopy(model)
    for _ in range(rng.randint(1, 3)):
        node = rng.choice(model.graph.node)
        kind = rng.randrange(5)
        if kind <= 1:
            mutate_attribute(node, rng)
        elif kind == 2 and model.graph.input:
            mutate_type(model.graph.input, rng)
        elif kind == 3 and model.graph.input:
            mutate_rank(model.graph.input, rng)
        else:
            mutate_inputs(node, rng)
    return model
