"""Functions of one float stay within their bounds (accuracy.py)."""
import os
import platform

import pytest

from accuracy import FUNCTIONS, TYPES, worst

INPUTS = 1 << (24 if os.environ.get("LAIC_CHECK_ALL") else 20)
ROUNDED = {"f16": 1.0, "bf16": 1.0}  # computed in f32, rounded once


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_within_bound(name, kind):
    error, where, why = worst(name, kind, INPUTS)
    assert not why, why
    bound = ROUNDED.get(kind, FUNCTIONS[name][4])
    assert error <= bound, f"{name}({where!r}) in {kind} is off by {error:.3f} ulp, at most {bound} are allowed"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="other machines always have FMA")
@pytest.mark.parametrize("name", ["exp", "log", "tanh", "sigmoid", "erf", "gelu", "softplus"])
def test_without_fma_within_bound(name):
    error, where, why = worst(name, "f32", INPUTS, "x86-64-v2")
    assert not why, why
    assert error <= FUNCTIONS[name][4], f"{name}({where!r}) is off by {error:.3f} ulp without FMA"
