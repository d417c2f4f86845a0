"""Holds us to every case of the onnx package's backend suite that has ever passed (passed.txt); one test per operator."""
import collections

import pytest

from cases import all_cases, passed_cases, verdict


def groups():
    """{operator: names of its passing cases}."""
    found = collections.defaultdict(list)
    for name, operator in passed_cases().items():
        found[operator].append(name)
    return found


@pytest.mark.parametrize("operator, names", [pytest.param(o, n, id=o) for o, n in sorted(groups().items())])
def test_operator(operator, names):
    unknown = [name for name in names if name not in all_cases()]
    assert not unknown, f"the onnx package has no such cases: {unknown}"
    failures = []
    for name in names:
        kind, why = verdict(all_cases()[name])
        if kind != "pass":
            failures.append(f"{name}: {kind}: {why}")
    assert not failures, "\n".join(failures)
