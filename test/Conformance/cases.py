"""The onnx package's own backend suite, run through laic.backend: case names, one verdict per case.

Nothing is left out: what the suite's own rule does not pass, a crash or a case that takes too long is a failure with a reason.
`dynamic` erases the dims (not the ranks) of all graph inputs, outputs and value_info before compiling.
"""
import glob
import warnings
from functools import lru_cache
from pathlib import Path

import ml_dtypes
import numpy as np

KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator", "real")
MODES = ("static", "dynamic")


@lru_cache(maxsize=1)
def all_cases():
    """{name: TestCase}; generated in memory, 6 s. Two kinds share a few names: later ones get their kind in front."""
    from onnx.backend.test.loader import load_model_tests

    cases = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for kind in KINDS:
            for case in load_model_tests(kind=kind):
                cases[case.name if case.name not in cases else f"{kind}/{case.name}"] = case
    return cases


def suite_cases(suite):
    """"onnx": the installed package's; otherwise a folder that releases.py has filled."""
    from releases import release_cases

    return all_cases() if suite == "onnx" else release_cases(suite)


def list_of(target, mode):
    """The committed list of what passes."""
    return Path(__file__).with_name("passed") / f"{target}-{mode}.txt"


def passed_cases(target="cpu", mode="static"):
    """{name: operator} of the cases that must pass."""
    listed = list_of(target, mode)
    lines = listed.read_text().splitlines() if listed.exists() else []
    return dict(line.split() for line in lines if line and not line.startswith("#"))


def light_model(case):
    """The suite's own small copy of a real model, a file of the package; None for other cases."""
    import onnx

    if case.url and case.url.startswith("onnx/backend/test/data/light/"):
        return Path(onnx.__file__).resolve().parent / Path(case.url).relative_to("onnx")
    return None


def model_of(case):
    import onnx

    if case.model is not None:
        return case.model
    return onnx.load(light_model(case) or f"{case.model_dir}/model.onnx")


def erase_dims(model):
    """A copy whose inputs, outputs and intermediate values have unknown dims; initializers keep theirs."""
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    kept = {t.name for t in copy.graph.initializer}

    def erase(type_proto):
        for field in ("sequence_type", "optional_type"):
            if type_proto.HasField(field):
                erase(getattr(type_proto, field).elem_type)
        if type_proto.HasField("tensor_type"):
            for dim in type_proto.tensor_type.shape.dim:
                dim.Clear()

    for values in (copy.graph.input, copy.graph.output, copy.graph.value_info):
        for value in values:
            if value.name not in kept:
                erase(value.type)
    return copy


def load_value(path, type_proto):
    """A stored input or output: an array, a list for sequences, None for an absent optional."""
    import onnx
    from onnx import numpy_helper

    content = Path(path).read_bytes()
    if type_proto.HasField("sequence_type"):
        return numpy_helper.to_list(onnx.SequenceProto.FromString(content))
    if type_proto.HasField("optional_type"):
        optional = onnx.OptionalProto.FromString(content)
        is_there = any(field.name.endswith("_value") for field, _ in optional.ListFields())
        return numpy_helper.to_optional(optional) if is_there else None
    tensor = onnx.TensorProto.FromString(content)
    value = numpy_helper.to_array(tensor)
    # Releases before 1.19 store the bits of bfloat16 as integers.
    if tensor.data_type == onnx.TensorProto.UINT16 and type_proto.tensor_type.elem_type == onnx.TensorProto.BFLOAT16:
        return value.view(ml_dtypes.bfloat16)
    return value


def light_data(case, model):
    """Inputs as the suite's runner makes them for its light models, and the outputs stored beside the model."""
    from onnx import numpy_helper
    import onnx

    weights = {t.name for t in model.graph.initializer}
    inputs = []
    for value in model.graph.input:
        if value.name in weights:
            continue
        shape = tuple(d.dim_value if d.HasField("dim_value") else 1 for d in value.type.tensor_type.shape.dim)
        count = int(np.prod(shape))
        inputs.append((np.arange(count).reshape(shape) / count).astype(np.float32))
    prefix = str(light_model(case)).removesuffix(".onnx")
    return inputs, [numpy_helper.to_array(onnx.TensorProto.FromString(Path(f"{prefix}_output_{i}.pb").read_bytes()))
                    for i in range(len(model.graph.output))]


def data_of(case, model):
    """Pairs of inputs and expected outputs."""
    import onnx
    from onnx import numpy_helper

    if light_model(case):
        yield light_data(case, model)
    elif case.data_sets is not None:
        plain = lambda v: numpy_helper.to_array(v) if isinstance(v, onnx.TensorProto) else v  # noqa: E731
        for inputs, outputs in case.data_sets:
            yield [plain(v) for v in inputs], [plain(v) for v in outputs]
    else:
        for folder in sorted(glob.glob(f"{case.model_dir}/test_data_set_*")):
            pair = []
            for role, values in (("input", model.graph.input), ("output", model.graph.output)):
                count = len(glob.glob(f"{folder}/{role}_*.pb"))
                pair.append([load_value(f"{folder}/{role}_{i}.pb", values[i].type) for i in range(count)])
            yield tuple(pair)


def operator_of(case):
    """What the case is about: its first node's operator."""
    nodes = model_of(case).graph.node
    return next((n.op_type for n in nodes if n.op_type != "Constant"), "empty")


def check_lengths(expected, outputs):
    """The suite's rule does not compare the lengths of sequences; an empty list is not a right answer to a full one."""
    for i, (want, got) in enumerate(zip(expected, outputs)):
        if isinstance(want, (list, tuple)):
            assert isinstance(got, (list, tuple)) and len(got) == len(want), f"output {i}: {len(got)} elements, expected {len(want)}"


def run_case(case, target="cpu", mode="static"):
    """Compiles and runs; raises when refused or wrong (tolerances are the suite's own)."""
    import laic.backend
    from onnx.backend.test.runner import Runner

    device = {"cpu": "CPU", "cuda": "CUDA"}.get(target)
    model = model_of(case)
    given = erase_dims(model) if mode == "dynamic" else model
    if device:
        rep = laic.backend.prepare(given, device)
    else:
        rep = laic.backend.LaicBackendRep(laic.compile(given, target=target))
    for inputs, expected in data_of(case, model):
        outputs = list(rep.run(inputs))
        Runner.assert_similar_outputs(expected, outputs, rtol=case.rtol, atol=case.atol)
        check_lengths(expected, outputs)


def verdict(case, target="cpu", mode="static"):
    """(pass | refused | wrong, first line of why)."""
    import laic

    try:
        run_case(case, target, mode)
    except (laic.CompileError, laic.UnsupportedError) as error:
        return "refused", next(iter(str(error).splitlines()), "")
    except Exception as error:  # the suite raises AssertionError, numpy and laic their own
        return "wrong", f"{type(error).__name__}: " + next((line for line in str(error).splitlines() if line.strip()), "")
    return "pass", ""
