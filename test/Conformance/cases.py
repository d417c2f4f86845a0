"""The onnx package's own backend suite, run through laic.backend: case names, one verdict per case."""
import warnings
from functools import lru_cache
from pathlib import Path

import numpy as np

KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator")


@lru_cache(maxsize=1)
def all_cases():
    """{name: TestCase}; generated in memory, 6 s."""
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {case.name: case for kind in KINDS for case in load_model_tests(kind=kind)}


def passed_cases():
    """{name: operator} of the cases that must pass."""
    listed = Path(__file__).with_name("passed.txt")
    lines = listed.read_text().splitlines() if listed.exists() else []
    return dict(line.split() for line in lines if line and not line.startswith("#"))


def model_of(case):
    import onnx

    return case.model if case.model is not None else onnx.load(f"{case.model_dir}/model.onnx")


def data_of(case):
    """Pairs of inputs and expected outputs."""
    import glob

    import onnx
    from onnx import numpy_helper

    if case.data_sets is not None:
        yield from case.data_sets
        return
    for folder in sorted(glob.glob(f"{case.model_dir}/test_data_set_*")):
        pair = []
        for role in ("input", "output"):
            tensors = []
            for number in range(len(glob.glob(f"{folder}/{role}_*.pb"))):
                with open(f"{folder}/{role}_{number}.pb", "rb") as file:
                    tensors.append(numpy_helper.to_array(onnx.TensorProto.FromString(file.read())))
            pair.append(tensors)
        yield pair


def array_of(value):
    """Inputs come as arrays, numpy scalars or TensorProtos."""
    import onnx
    from onnx import numpy_helper

    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)


def operator_of(case):
    """What the case is about: its first node's operator."""
    nodes = model_of(case).graph.node
    return next((n.op_type for n in nodes if n.op_type != "Constant"), "empty")


def run_case(case):
    """Compiles and runs; raises when refused or wrong (tolerances are the suite's own)."""
    import laic.backend
    from onnx.backend.test.runner import Runner

    rep = laic.backend.prepare(model_of(case), "CPU")
    for inputs, expected in data_of(case):
        outputs = list(rep.run([array_of(i) for i in inputs]))
        Runner.assert_similar_outputs([array_of(e) for e in expected], outputs, rtol=case.rtol, atol=case.atol)


def verdict(case):
    """(pass | refused | wrong, first line of why)."""
    import laic

    try:
        run_case(case)
    except (laic.CompileError, laic.UnsupportedError) as error:
        return "refused", next(iter(str(error).splitlines()), "")
    except Exception as error:  # the suite raises AssertionError, numpy and laic their own
        return "wrong", f"{type(error).__name__}: " + next((line for line in str(error).splitlines() if line.strip()), "")
    return "pass", ""
