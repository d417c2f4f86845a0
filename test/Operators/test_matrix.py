"""docs/SupportMatrix.md is true: what it claims compiles and is right, what it does not claim is refused by name."""
import subprocess

import matrix
import onnx
import pytest
import run
from case import assemble
from locations import BUILD

PAGES = 16  # tests that the operators are spread over


class Claim(run.Run):
    """One operator on one element type."""

    def __init__(self, number, op, typed, name):
        super().__init__("matrix", number, matrix.typed_case(op, typed, name), False)
        self.name = name


def chosen(page):
    """Operators with operands; what makes a tensor out of nothing has no type to claim."""
    return [(op, claim) for op, claim in sorted(matrix.claims().items())[page::PAGES] if matrix.pattern(op).inputs]


def agrees(case, name, values, prefix):
    """Empty when some oracle gives these values, otherwise how they differ from the first one's."""
    first = None
    for answer in matrix.Oracles(case, name).answers():
        why = run.differences(case, case.ports(prefix), values, prefix, answer, "oracle")
        if not why:
            return ""
        first = first or why
    return first or "no oracle knows this operator on this element type"


@pytest.mark.parametrize("page", range(PAGES))
def test_claims_are_true(page, tmp_path):
    claims = [Claim(number, op, typed, name) for number, (op, typed, name) in
              enumerate((op, typed, name) for op, (typed, types) in chosen(page) for name in sorted(types))]
    results = run.check_all(claims, tmp_path, lambda r, values: agrees(r.case, r.name, values, r.prefix))
    failures = [f"{r.title}: {r.why}" for r in results if r.why]
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("page", range(PAGES))
def test_the_rest_is_refused(page, tmp_path):
    """One model with a node for every operator and element type that is not claimed: a diagnostic for each node, and no file."""
    refused = [Claim(number, op, typed, name) for number, (op, typed, name) in
               enumerate((op, typed, name) for op, (typed, types) in chosen(page) for name in sorted(matrix.DTYPES.keys() - types))]
    for opset, domain_opset in {(claim.case.opset, claim.case.domain_opset) for claim in refused}:
        nodes = [claim for claim in refused if (claim.case.opset, claim.case.domain_opset) == (opset, domain_opset)]
        model = assemble([claim.case.parts(claim.prefix) for claim in nodes], opset, domain_opset)
        path = tmp_path / f"{opset}-{domain_opset}.onnx"
        onnx.save(model, path)
        done = subprocess.run([BUILD / "bin" / "laic", path, "-o", tmp_path / "out.bin", "-q"], capture_output=True, text=True)
        assert done.returncode == 1 and not (tmp_path / "out.bin").exists(), done.stderr[-2000:]
        silent = [claim.case.title() for claim in nodes if f"'{claim.prefix}{claim.case.op}'" not in done.stderr]
        assert not silent, f"no diagnostic for: {silent}\n{done.stderr[-3000:]}"
