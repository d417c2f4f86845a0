"""docs/AddingAnOp.md followed to the letter in a copy of the tree: the files it names, and no other, give working operators.

The copy is built (a few minutes: the dialect's header changes), so this runs in `scripts/check --all` only.
"""
import os
import shutil
import subprocess
import sys

import pytest

from locations import BUILD, ROOT

COPY = BUILD.parent / "places"

# An elementwise operator: its record and its case.
ELEMENTWISE = {
    "include/laic/Dialect/Laic/Elementwise.td":
        'def Laic_CubeOp : Laic_UnaryOp<"cube", "Cube", 1, "b.mul(x, b.mul(x, x))"> { let onnxDomain = "laic.places"; }\n',
    "test/Operators/cases_elementwise.py":
        'CASES += [Case("Cube", [f32(3, 17)], domain="laic.places", expect=lambda x: x**3)]\n',
}
# Any other operator: record, inference and decomposition (one file), the diagnostic's test, numeric cases.
OTHER = {
    "include/laic/Dialect/Laic/Variadic.td": """
def Laic_AddMulOp : Laic_DecomposedOp<"add_mul", "AddMul", 1> {
  let onnxDomain = "laic.places";
  let arguments = (ins Laic_Tensor:$a, Laic_Tensor:$b, Laic_Tensor:$c);
  let results = (outs Laic_Tensor:$result);
}
""",
    "lib/Dialect/Laic/Variadic.cpp": """
LogicalResult AddMulOp::inferShapes(ShapeContext &ctx) {
  if (ctx.rank(0) != ctx.rank(1))
    return ctx.fail("expects operands of one rank");
  auto sum = ctx.broadcast(ctx.shape(0), ctx.shape(1));
  auto shape = failed(sum) ? sum : ctx.broadcast(*sum, ctx.shape(2));
  if (failed(shape))
    return failure();
  ctx.set(0, *shape, ctx.element(0));
  return success();
}
LogicalResult AddMulOp::decompose(RewriterBase &rewriter) {
  Type any = getResult().getType();
  Value sum = AddOp::create(rewriter, getLoc(), any, getA(), getB());
  rewriter.replaceOpWithNewOp<MulOp>(*this, any, sum, getC());
  return success();
}
""",
    "test/Dialect/Laic/invalid-shapes.mlir": """
// -----

func.func @add_mul_of_different_ranks(%a: tensor<2x3xf32>, %b: tensor<3xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{expects operands of one rank}}
  %0 = laic.add_mul %a, %b, %b : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}
""",
    "test/Operators/cases_linear.py":
        'CASES += [Case("AddMul", [f32(3, 7), f32(3, 7, seed=1), f32(3, 7, seed=2)], domain="laic.places",\n'
        '               expect=lambda a, b, c: (a + b) * c)]\n',
}
MOST_PLACES = {"elementwise": 2, "other": 5}


def run(*command, **options):
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
    return done.stdout


def insert(path, text):
    """At the end of the file, before a record file's include guard ends."""
    old = path.read_text()
    end = "\n#endif\n"
    path.write_text(old[:-len(end)] + "\n" + text + end if old.endswith(end) else old + text)


@pytest.fixture(scope="module")
def changed():
    """A built copy of the tree with both operators in it."""
    files = run("git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "-z").split("\0")
    for file in filter(None, files):
        source, target = ROOT / file, COPY / file
        if not source.is_file():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_bytes() != source.read_bytes():
            shutil.copy(source, target)
    for edits in (ELEMENTWISE, OTHER):
        for file, text in edits.items():
            insert(COPY / file, text)
    run("cmake", "--preset", "dev", cwd=COPY)
    run("cmake", "--build", COPY / "build" / "dev", "--target", "laic", "laic-run", "laic-opt", cwd=COPY)
    return COPY


def test_elementwise_operator_takes_two_places(changed):
    assert len(ELEMENTWISE) <= MOST_PLACES["elementwise"]
    report = run(sys.executable, changed / "test" / "Operators" / "run.py", "Cube", cwd=changed, env=environment(changed))
    assert "2 of 2 passed" in report, report


def test_any_other_operator_takes_at_most_five_places(changed):
    assert len(OTHER) <= MOST_PLACES["other"]
    report = run(sys.executable, changed / "test" / "Operators" / "run.py", "AddMul", cwd=changed, env=environment(changed))
    assert "2 of 2 passed" in report, report
    run("sh", "-c", f"{changed}/build/dev/bin/laic-opt {changed}/test/Dialect/Laic/invalid-shapes.mlir --laic-infer-shapes "
                    "--split-input-file --verify-diagnostics")


def environment(changed):
    return {**os.environ, "LAIC_BUILD": str(changed / "build" / "dev")}
