"""Every operator case (cases_*.py) compiled, run and compared with an oracle; one test per family."""
import pytest

import run


def families():
    return sorted({r.family for r in run.load([], ["static"])})


@pytest.mark.parametrize("family", families())
def test_family(family, tmp_path):
    runs = [r for r in run.load([], ["static", "dynamic"]) if r.family == family]
    failures = [r for r in run.check_all(runs, tmp_path) if r.why]
    assert not failures, "\n".join(f"{r.title} [{r.variant}]: {r.why}" for r in failures)
