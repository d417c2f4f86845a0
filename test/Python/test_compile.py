"""laic.compile: forms of models, options, diagnostics, threads."""
import os
import shutil
import subprocess
import sys
import threading

import numpy as np
import onnx
import pytest
from onnx import parser

import laic

ADD = """<ir_version: 8, opset_import: ["": 17]>
g (float[N,4] x, float[4] y) => (float[N,4] z) { z = Add(x, y) }"""


@pytest.fixture(scope="module")
def add_model():
    return parser.parse_model(ADD)


def expect_sum(model):
    x, y = np.arange(12, dtype="f4").reshape(3, 4), np.ones(4, "f4")
    np.testing.assert_array_equal(model(x, y), x + y)
    np.testing.assert_array_equal(model(x=x[:1], y=y), x[:1] + y)


def test_model_proto_to_memory(add_model):
    expect_sum(laic.compile(add_model))


def test_bytes_to_memory(add_model):
    expect_sum(laic.compile(add_model.SerializeToString()))


def test_a_project_needs_a_folder(add_model):
    with pytest.raises(laic.UsageError, match="writes a project, which needs a folder") as refused:
        laic.compile(add_model, target="hls", dims={"N": 1})
    assert refused.value.diagnostics[0].note == "name one as the output"


def test_path_to_file(add_model, tmp_path):
    onnx.save(add_model, tmp_path / "add.onnx")
    model = laic.compile(tmp_path / "add.onnx", output=tmp_path / "add.bin")
    expect_sum(model)
    expect_sum(laic.load(tmp_path / "add.bin"))
    assert model.compilation.dependencies == [str(tmp_path / "add.onnx")]
    assert model.compilation.artifact is None


def test_signature(add_model):
    model = laic.compile(add_model)
    assert [(t.name, t.shape, t.dtype, t.type) for t in model.inputs] == [
        ("x", ("N", 4), np.dtype("f4"), "f32"), ("y", (4,), np.dtype("f4"), "f32")]
    assert [(t.name, t.shape) for t in model.outputs] == [("z", ("N", 4))]


def test_dims_bind(add_model):
    model = laic.compile(add_model, dims={"N": 2})
    assert model.inputs[0].shape == (2, 4)
    with pytest.raises(laic.InvalidArgumentError):
        model(np.ones((3, 4), "f4"), np.ones(4, "f4"))


def test_unknown_option_is_a_usage_error(add_model):
    with pytest.raises(laic.UsageError, match="unknown option 'no-such-option'"):
        laic.compile(add_model, no_such_option=1)


def test_bad_value_is_a_usage_error(add_model):
    with pytest.raises(laic.UsageError, match="x86-64-v9"):
        laic.compile(add_model, cpu="x86-64-v9")


def test_diagnostics_name_every_unsupported_node():
    model = parser.parse_model("""<ir_version: 8, opset_import: ["": 17, "my.domain": 1]>
g (float[4] x) => (float[4] z) { y = my.domain.First(x)
z = my.domain.Second(y) }""")
    model.graph.node[0].name, model.graph.node[1].name = "one", "two"
    with pytest.raises(laic.CompileError) as caught:
        laic.compile(model, name="custom.onnx")
    text = str(caught.value)
    for expected in ("'one'", "'two'", "First", "Second", "custom.onnx"):
        assert expected in text
    assert all(d.severity == "error" for d in caught.value.diagnostics if "First" in d.message)


def test_garbage_is_refused():
    with pytest.raises(laic.CompileError):
        laic.compile(b"this is no model")


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(laic.CompileError, match="nothing.onnx"):
        laic.compile(tmp_path / "nothing.onnx")


def test_failing_leaves_no_file(tmp_path):
    with pytest.raises(laic.CompileError):
        laic.compile(b"this is no model", output=tmp_path / "out.bin")
    assert not list(tmp_path.iterdir())


def test_other_types_are_refused():
    with pytest.raises(TypeError, match="model must be a path, bytes or an onnx.ModelProto, got int"):
        laic.compile(42)


def test_progress_can_stop(add_model):
    with pytest.raises(laic.CompileCancelled):
        laic.compile(add_model, progress=lambda phase, done, total: False)


def test_progress_names_phases(digits):
    phases = []
    laic.compile(digits, progress=lambda phase, done, total: phases.append(phase))
    assert {"import", "emit"} <= set(phases)


def test_same_bytes_every_time(digits):
    first, second = (laic.compile_artifact(digits).artifact for _ in range(2))
    assert first == second


def test_four_threads_at_once(add_model, digits):
    results, errors = [], []

    def work(model):
        try:
            results.append(laic.compile_artifact(model, cpu="x86-64-v3").artifact)
        except Exception as error:  # reported by the main thread
            errors.append(error)

    workers = [threading.Thread(target=work, args=(m,)) for m in (add_model, digits, add_model, digits)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not errors
    assert len(set(results)) == 2


def test_the_c_interface_says_what_is_missing(add_model):
    """What the package never does: no place for the result, a flag that is no number, unknown keys, arguments that are NULL."""
    from laic.compiler import _compiler, _DiagnosticFn
    api, said = _compiler(), []
    options = api.compile_options_create()
    listen = _DiagnosticFn(lambda _, d: said.append(d.contents.message.decode()))
    api.compile_options_set_diagnostics(options, listen, None)
    data = add_model.SerializeToString()
    assert api.compile_memory(options, data, len(data), None, None, None, None) == 2
    assert said.pop() == "an output path or a place for the result must be given"
    assert api.compile_options_set(options, b"explain", b"yes") == 0
    assert api.compile_memory(options, data, len(data), None, None, b"/dev/null", None) == 2
    assert said.pop() == "--explain: expects 0 or 1, got 'yes'"
    assert api.compile_options_set(options, b"no-such-key", b"1") == 2 and api.compile_options_set(options, b"cpu", None) == 2
    assert api.compile_options_set(options, b"dim", b"=3") == 2
    assert api.compile_file(options, None, None, None) == 2 and api.compile_memory(options, None, 5, None, None, None, None) == 2
    api.compile_options_destroy(options)


def test_a_package_without_libraries_says_where_it_looked(build, tmp_path):
    shutil.copytree(build / "python" / "laic", tmp_path / "laic", symlinks=False)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "LAIC_LIBRARY_DIR": str(tmp_path / "nowhere")}
    done = subprocess.run([sys.executable, "-c", "import laic; laic.compile(b'')"], env=environment, capture_output=True, text=True)
    assert f"liblaic.so is not in {tmp_path / 'nowhere'}" in done.stderr and "; build laic or set LAIC_LIBRARY_DIR" in done.stderr


def compiles(model, cache, **options):
    """Whether code was generated, and the artifact."""
    phases = []
    made = laic.compile_artifact(model, cache=cache, progress=lambda phase, done, total: phases.append(phase), **options)
    return "codegen" in phases, made


def test_cache_takes_what_was_made_before(digits, tmp_path):
    cache = tmp_path / "new" / "cache"
    fresh, first = compiles(digits, cache)
    assert fresh and len(list(cache.iterdir())) == 1
    fresh, again = compiles(digits, cache)
    assert not fresh and again.artifact == first.artifact and again.dependencies == first.dependencies
    fresh, _ = compiles(digits, cache, output=tmp_path / "a.bin")
    assert not fresh and (tmp_path / "a.bin").read_bytes() == first.artifact
    assert len(list(cache.iterdir())) == 1


def test_cache_tells_models_and_options_apart(add_model, tmp_path):
    changed = onnx.ModelProto()
    changed.CopyFrom(add_model)
    changed.graph.node[0].op_type = "Mul"
    for model, options in ((add_model, {}), (changed, {}), (add_model, {"cpu": "x86-64-v2"}), (add_model, {"math": "strict"}), (add_model, {"name": "other.onnx"})):
        assert compiles(model, tmp_path / "cache", **options)[0]
        assert not compiles(model, tmp_path / "cache", **options)[0]


def test_damaged_files_of_the_cache_are_made_anew(add_model, tmp_path):
    first = compiles(add_model, tmp_path)[1]
    [kept] = tmp_path.iterdir()
    whole = kept.read_bytes()
    for damaged in (whole[:100] + bytes([whole[100] ^ 1]) + whole[101:], whole[:-1], b""):
        kept.write_bytes(damaged)
        fresh, made = compiles(add_model, tmp_path)
        assert fresh and made.artifact == first.artifact and kept.read_bytes() == whole


def test_cache_that_cannot_be_written_is_a_warning(add_model, tmp_path):
    (tmp_path / "file").write_text("in the way")
    fresh, made = compiles(add_model, tmp_path / "file" / "cache")
    assert fresh and made.artifact
    assert any("cannot make the folder" in d.message and "the artifact is complete; only --cache has no copy of it" in d.note for d in made.diagnostics)


def test_explanations_are_never_taken_from_the_cache(add_model, tmp_path):
    compiles(add_model, tmp_path)
    fresh, made = compiles(add_model, tmp_path, explain=True)
    assert fresh and "laic_add" in made.explanation
