"""Holds us to the cases of the onnx package's backend suite that have ever passed (passed/*.txt), one test per operator.

A sample of each operator's cases, spread evenly over its list; with LAIC_CHECK_ALL every case.
"""
import collections
import os

import pytest

from cases import MODES, all_cases, passed_cases, verdict

SAMPLE = 6  # cases per operator and mode


def sample(names):
    if os.environ.get("LAIC_CHECK_ALL") or len(names) <= SAMPLE:
        return names
    return [names[i * len(names) // SAMPLE] for i in range(SAMPLE)]


def groups():
    """{(mode, operator): names of its passing cases}."""
    found = collections.defaultdict(list)
    for mode in MODES:
        for name, operator in passed_cases(mode=mode).items():
            found[mode, operator].append(name)
    return found


@pytest.mark.parametrize("mode, operator, names", [pytest.param(m, o, n, id=f"{m}-{o}") for (m, o), n in sorted(groups().items())])
def test_operator(mode, operator, names):
    unknown = [name for name in names if name not in all_cases()]
    assert not unknown, f"the onnx package has no such cases: {unknown}"
    failures = []
    for name in sample(names):
        kind, why = verdict(all_cases()[name], mode=mode)
        if kind != "pass":
            failures.append(f"{name}: {kind}: {why}")
    assert not failures, "\n".join(failures)
