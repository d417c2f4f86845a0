"""The HLS target: designs compute what docs/Targets/HLS.md says, to the last bit; they compile, deadlock nowhere, and refuse clearly.

Projects are simulated in C; nothing here shows what a vendor's tool makes of them."""
import json
import re
import shutil

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import devices
import hls_lint
from bounded import Bounded
from models import DIGITS, FLOATS, MODELS, OF_COLLECTION, UNSIGNED, Model, digit_images, sounds
from projects import Projects, by_onnxruntime, compile_project, load, run
from reference import Reference

SEED, FRAMES = 5, 4
LONG = {f"{build.__name__}_uint8" for build in UNSIGNED} - {"functions_uint8"} | {"digits_uint8"}
LONG_FLOATS = set(FLOATS) - {"digits", "mnist_cntk", "separable_float", "moved_float", "arithmetic_float"}


@pytest.fixture(scope="session")
def projects(tmp_path_factory):
    return Projects(tmp_path_factory.mktemp("projects"))


def named(names, long=()):
    groups = ((OF_COLLECTION, devices.needs_models), (long, devices.only_all))
    return [pytest.param(name, marks=[mark for group, mark in groups if name in group]) for name in names]


# ---- numbers ----

@pytest.mark.parametrize("name", named(MODELS, LONG))
def test_quantised_models(name, projects):
    """Every bit is the reference's, and no output is more than a quantum from onnxruntime's."""
    project = projects(name)
    feed = project.model.feed(np.random.default_rng(SEED), FRAMES)
    got, _ = project.simulate(feed)
    want, other = Reference(load(project.model), project.model.dims)(feed), by_onnxruntime(project.model, feed)
    assert sorted(got) == sorted(want) == sorted(other)
    for output, array in got.items():
        quantum = project.quantum(output)
        assert array.dtype == want[output].dtype and array.shape == want[output].shape == other[output].shape
        wrong = np.flatnonzero(array != want[output])
        assert not wrong.size, f"{output}: {wrong.size} of {array.size} differ from the reference; element {wrong[0]} is " \
            f"{array.flat[wrong[0]]}, not {want[output].flat[wrong[0]]} (quantum {quantum})"
        away = np.abs(array.astype("f8") - other[output]).max() / quantum
        assert away < 1.01, f"{output}: {away:.2f} quanta from onnxruntime"
        assert len(np.unique(array)) > 1, f"{output}: hardly a test"


@devices.needs_models
@pytest.mark.parametrize("name", ("kws_qdq", "kws_qoperator"))
def test_keyword_spotting_when_unsure(name, projects):
    """Bits are the reference's. Of onnxruntime only the class is asked for: seven layers that round differently come to several
    quanta, between onnxruntime with and without its optimisations too."""
    project = projects(name)
    feed = sounds(np.random.default_rng(SEED), 12)
    (got,), (want,) = project.simulate(feed)[0].values(), Reference(load(project.model), project.model.dims)(feed).values()
    (other,) = by_onnxruntime(project.model, feed).values()
    assert np.array_equal(got, want) and len(np.unique(got)) > 20
    assert np.array_equal(got.argmax(1), other.argmax(1))


@pytest.mark.parametrize("name", named(FLOATS, LONG_FLOATS))
def test_float_models(name, projects):
    """In fixed point: nearly always the same greatest output, and no error above a hundredth of the outputs' range."""
    project = projects(name)
    frames = 50 if name.endswith("_float") else 200
    feed = project.model.feed(np.random.default_rng(SEED), frames)
    got, _ = project.simulate(feed)
    for output, want in by_onnxruntime(project.model, feed).items():
        error = np.abs(got[output] - want).max() / (want.max() - want.min())
        assert error <= 0.01, f"{output}: off by {error:.4f} of the range"
        if not name.endswith("_float"):
            same = np.mean(got[output].argmax(1) == want.argmax(1))
            assert same >= 0.99, f"{output}: {same:.3f} of the frames have the same class"


def test_quantised_by_laic(projects, tmp_path):
    """--quantize=int8 for a design and for the CPU: the same products in bytes, what is between them in fixed point and in floats. So a value in front of
    a rounding may fall on its other side; a few such quanta come to less than 2 % of the range at the outputs."""
    images = digit_images()
    project = projects("digits_by_laic", lambda folder: Model(DIGITS, None, {"N": 1}, {"image": images[:60, None]}, ("--quantize=int8",)))
    feed = {"image": images[60:260]}
    np.savez(tmp_path / "samples.npz", image=images[:60, None])
    devices.compile_model(DIGITS, tmp_path / "cpu.bin", "--quantize=int8", f"--calibration={tmp_path / 'samples.npz'}", "-q")
    got, _ = project.simulate(feed)
    for output, want in devices.execute(tmp_path / "cpu.bin", feed, tmp_path, "cpu").items():
        error = np.abs(got[output] - want).max() / (want.max() - want.min())
        same = np.mean(got[output].argmax(1) == want.argmax(1))
        assert error <= 0.02 and same >= 0.99, (output, error, same)
    text = "".join(file.read_text() for file in (project.design / "src").rglob("*.h"))
    assert "ap_int<8>" in text and "ap_uint<8>" in text


def test_quantisation_needs_frames(tmp_path):
    stderr = compile_project(DIGITS, tmp_path / "design", "--quantize=int8", dims={"N": 1}, expect=2).stderr
    assert "--quantize=int8 for a project learns ranges from samples" in stderr and "give some with --calibration=FILE.npz" in stderr
    stderr = compile_project(DIGITS, tmp_path / "design", "--quantize=int8", dims={"N": 1}, expect=1,
                             calibration={f"image/{i}": image[None] for i, image in enumerate(digit_images()[:4])}).stderr
    assert "has no input 'image'" in stderr and "a project takes all frames of an input in one array of its name" in stderr


@pytest.mark.parametrize("kind", ["int8-dynamic", "int4", "f16"])
def test_refuses_other_quantisation(kind, tmp_path):
    stderr = compile_project(DIGITS, tmp_path / "design", f"--quantize={kind}", dims={"N": 1}, expect=2, calibration={"image": digit_images()[:4]}).stderr
    assert f"--quantize={kind} has no form in a project of target 'hls'" in stderr
    assert "quantise to int8, or leave it to the target, which learns ranges from --calibration" in stderr


def test_frames_are_independent(projects):
    """Several frames in one run are those frames one by one."""
    project = projects("residual")
    feed = project.model.feed(np.random.default_rng(1), 3)
    together, _ = project.simulate(feed)
    for k in range(3):
        alone, _ = project.simulate({name: array[k:k + 1] for name, array in feed.items()})
        assert all(np.array_equal(together[name][k:k + 1], alone[name]) for name in alone)


# ---- the test bench ----

@pytest.mark.parametrize("name", ("two_by_two", "digits_int8"))
def test_an_edited_golden_value_fails(name, projects):
    """One element of one output, by one quantum or less: exit code 1, and the output's name."""
    project = projects(name)
    feed = project.model.feed(np.random.default_rng(2), 2)
    golden, _ = project.simulate(feed)
    assert len(golden) > 1
    assert project.simulate(feed, golden)[1] == ""
    for output, array in golden.items():
        for place in (0, array.size // 2, array.size - 1):
            for change in (project.quantum(output), -project.quantum(output), np.spacing(np.abs(array).max()), np.nan):
                edited = {n: a.copy() for n, a in golden.items()}
                edited[output].flat[place] += change
                _, text = project.simulate(feed, edited, expect=1)
                others = [n for n in golden if n != output and f"'{n}'" in text]
                assert f"output '{output}': 1 of {array.size} elements differ" in text and f"element {place}," in text and not others, text


def test_other_outputs_than_expected_fail(projects):
    project = projects("two_by_two")
    feed = project.model.feed(np.random.default_rng(2), 1)
    golden, _ = project.simulate(feed)
    assert "csim: output 'y0' is not expected or has another shape" in project.simulate(feed, {"y1": golden["y1"]}, expect=1)[1]
    assert "csim: there is no output 'y2'" in project.simulate(feed, {**golden, "y2": golden["y1"]}, expect=1)[1]
    assert "another shape" in project.simulate(feed, {**golden, "y0": golden["y0"][0]}, expect=1)[1]


def test_csim_refuses_wrong_inputs(projects, tmp_path):
    project = projects("two_by_two")
    feed = project.model.feed(np.random.default_rng(2), 2)
    for wrong, text in (({"x0": feed["x0"]}, "input 'x1' is missing"), ({**feed, "x1": feed["x1"][:1]}, "input 'x1' has another number of frames than the one before"),
                        ({**feed, "x1": feed["x1"][:, :2]}, "input 'x1' has another shape than the model's"),
                        ({**feed, "x1": feed["x1"].reshape(-1)}, "input 'x1' has another shape than the model's")):
        np.savez(tmp_path / "in.npz", **wrong)
        assert text in run(project.binary, tmp_path / "in.npz", tmp_path / "out.npz", expect=2).stderr
        assert not (tmp_path / "out.npz").exists()
    assert "usage: csim IN.npz OUT.npz [EXPECTED.npz]" in run(project.binary, expect=2).stderr
    assert "none.npz" in run(project.binary, tmp_path / "none.npz", tmp_path / "out.npz", expect=2).stderr


def test_inputs_beyond_the_range_saturate(projects):
    """As QuantizeLinear does; csim stays clear of undefined behaviour."""
    project = projects("residual")
    feed = project.model.feed(np.random.default_rng(3), 1)
    wild = {name: array * 1000 for name, array in feed.items()}
    wild["x0"].flat[:4] = (np.inf, -np.inf, 3e38, -3e38)
    clipped = {name: np.clip(array, -2.5, 2.5) for name, array in wild.items()}
    assert np.array_equal(project.simulate(wild)[0]["y0"], project.simulate(clipped)[0]["y0"])


# ---- building ----

def test_builds_as_its_readme_says(projects):
    """By CMake, at the first try; the program computes what ours does."""
    project = projects("digits_int8")
    feed = project.model.feed(np.random.default_rng(4), 3)
    golden, _ = project.simulate(feed)
    project.simulate(feed, golden, binary=project.build())


SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def clean_under(binary, project):
    feed = project.model.feed(np.random.default_rng(4), 2)
    golden, _ = project.simulate(feed)
    assert project.simulate(feed, golden, binary=binary)[1] == ""


@pytest.mark.parametrize("name", named((*sorted(MODELS), *FLOATS), set(MODELS) | set(FLOATS) - {"digits", "turned_float"}))
def test_runs_clean_under_sanitizers(name, projects):
    project = projects(name)
    clean_under(projects.program(project, "sanitized", *SANITIZERS), project)


@devices.only_all
def test_builds_with_sanitizers_as_its_readme_says(projects):
    project = projects("residual")
    clean_under(project.build("-DSANITIZE=ON", folder="sanitized"), project)


# The tool's own pragmas and the names of loops are no defects.
WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror", "-Wno-unknown-pragmas", "-Wno-unused-label")
COMPILERS = [(compiler, flags) for compiler in ("g++", "clang++-22")
             for flags in (("-std=c++11",), ("-std=c++14", "-fno-exceptions", "-fno-rtti"))]


@pytest.mark.parametrize("name", named(("separable", "functions", "digits", "kws_qdq", "branches", "average_pools_float"),
                                       ("branches", "average_pools_float")))
def test_compiles_without_a_warning(name, projects, tmp_path):
    """src/ alone, with nothing but the tool's headers on the path."""
    project = projects.compiled(name)
    for compiler, flags in COMPILERS:
        if not shutil.which(compiler):
            pytest.skip(f"{compiler} is not installed")
        done = run(compiler, *flags, *WARNINGS, "-fsyntax-only", "-I", project.design / "sim",
                   project.design / "src" / "top.cpp")
        assert done.stderr == ""


@pytest.mark.parametrize("name", named(("residual", "separable", "branches", "functions_uint8", "average_pools", "moved", "thrice",
                                        "digits_int8", "digits", "kws_qdq", "mnist_cntk", "cifar10"), ("cifar10",)))
def test_prints_what_tools_take(name, projects):
    """hls_lint.py's rules."""
    files = hls_lint.sources(projects.compiled(name).design)
    assert {"top.cpp", "top.h", "laic_hls.h"} <= set(files) and any(path.startswith("stages/") for path in files)
    assert not list(hls_lint.lint(files))


# ---- depths ----

@pytest.mark.parametrize("name", named(("residual", "branches", "thrice", "digits_int8", "kws_qdq"), ("thrice", "digits_int8", "kws_qdq")))
def test_depths_are_the_least(name, projects):
    """The printed stages finish with the printed depths and deadlock when any above 2 is lowered by one."""
    project = projects.compiled(name)
    program = Bounded(project.design, project.folder)
    reported = {f"s_{re.sub('[^0-9A-Za-z]', '_', stream['name'])}": stream["depth"]["value"] for stream in project.report["streams"]}
    assert reported == program.depths
    assert program.finishes()
    lowered = {stream: depth - 1 for stream, depth in program.depths.items() if depth > 2}
    assert lowered or name in ("digits_int8", "kws_qdq"), "nothing to lower"
    for stream, depth in lowered.items():
        assert not program.finishes(**{stream: depth}), f"{stream}: {depth} suffices where {depth + 1} was printed"


# ---- refusals ----

def save(folder, nodes, inputs, outputs, weights=(), opset=17):
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)  # noqa: E731
    graph = helper.make_graph(nodes, "refused", [value(*i) for i in inputs], [value(*o) for o in outputs],
                              [numpy_helper.from_array(np.asarray(a), name) for name, a in weights])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), folder / "model.onnx")
    return folder / "model.onnx"


def refuse(model, folder, *options, code=1, **more):
    """One error, and nothing but what was there before; the error's text."""
    before = {path: path.is_dir() or path.read_bytes() for path in folder.rglob("*")}
    place = more.pop("place", folder / "design")
    calibration = more.pop("calibration", None)
    if calibration is not None:
        np.savez(folder / "frames.npz", **calibration)
        before[folder / "frames.npz"] = (folder / "frames.npz").read_bytes()
        options = (*options, f"--calibration={folder / 'frames.npz'}")
    done = compile_project(model, place, *options, expect=code, **more)
    assert done.stderr.count("error:") == 1 and done.stdout == "", done.stderr
    assert {path: path.is_dir() or path.read_bytes() for path in folder.rglob("*")} == before
    return done.stderr


def test_refuses_dynamic_sizes(projects, tmp_path):
    assert re.search(r"--dim", refuse(projects.compiled("digits_int8").model.path, tmp_path))


def test_refuses_batches(projects, tmp_path):
    text = refuse(projects.compiled("digits_int8").model.path, tmp_path, dims={"N": 2})
    assert "expects one image" in text and "got 2" in text, text


def test_refuses_floats_without_calibration(tmp_path):
    assert "--calibration" in refuse(DIGITS, tmp_path, dims={"N": 1})


@pytest.mark.parametrize("frames, text", [
    ({"picture": np.zeros((2, 1, 8, 8), "f4")}, "has no input 'image'"), ({"image": np.zeros((2, 1, 8, 9), "f4")}, "--calibration: input 'image'"),
    ({"image": np.zeros((64,), "f4")}, "input 'image'"), ({"image": np.zeros((0, 1, 8, 8), "f4")}, "input 'image'"),
    ({"image": np.zeros((2, 1, 8, 8), "f8")}, "input 'image'")])
def test_refuses_other_calibration(frames, text, tmp_path):
    assert text in refuse(DIGITS, tmp_path, dims={"N": 1}, calibration=frames)


def test_refuses_other_numbers_of_frames(tmp_path):
    model = save(tmp_path, [helper.make_node("Add", ["a", "b"], ["y"])], [("a", [1, 4]), ("b", [1, 4])], [("y", [1, 4])])
    frames = {"a": np.zeros((2, 4), "f4"), "b": np.zeros((3, 4), "f4")}
    assert "input 'b' has 3 frames, the one before has 2" in refuse(model, tmp_path, calibration=frames)


def test_refuses_a_calibration_file_that_is_none(tmp_path):
    (tmp_path / "frames.npz").write_bytes(b"nonsense")
    for file in ("frames.npz", "nowhere.npz"):
        assert file in refuse(DIGITS, tmp_path, f"--calibration={tmp_path / file}", dims={"N": 1})


LACKING = {
    "lstm": lambda: ([helper.make_node("LSTM", ["x", "w", "r"], ["y"], name="recurs", hidden_size=2)], [("x", [3, 1, 4])],
                     [("y", [3, 1, 1, 2])], [("w", np.ones((1, 8, 4), "f4")), ("r", np.ones((1, 8, 2), "f4"))]),
    "resize": lambda: ([helper.make_node("Resize", ["x", "", "s"], ["y"], name="grows")], [("x", [1, 2, 4, 4])], [("y", [1, 2, 8, 8])],
                       [("s", np.array([1, 1, 2, 2], "f4"))]),
    "attention": lambda: ([helper.make_node("MatMul", ["x", "x"], ["y"], name="squares")], [("x", [1, 4, 4])], [("y", [1, 4, 4])], []),
}


@pytest.mark.parametrize("what", LACKING)
def test_refuses_what_has_no_stage(what, tmp_path):
    """By the node's name."""
    nodes, inputs, outputs, weights = LACKING[what]()
    frames = {name: np.random.default_rng(0).standard_normal((shape[0] * 2, *shape[1:])).astype("f4") for name, shape in inputs}
    assert f"'{nodes[0].name}'" in refuse(save(tmp_path, nodes, inputs, outputs, weights), tmp_path, calibration=frames)


def test_refuses_unknown_parts(projects, tmp_path):
    text = refuse(projects.compiled("residual").model.path, tmp_path, "--chip=xc9", code=2)
    assert "'xc9'" in text and "zu7ev" in text, text


def test_refuses_to_share_an_artifact(projects, tmp_path):
    text = refuse(projects.compiled("residual").model.path, tmp_path, target="cpu,hls", code=2)
    assert "target 'hls' writes a project, which cannot be part of an artifact" in text and "compile for it alone" in text


@pytest.mark.parametrize("name", ("notes.txt", "report.json", ".hidden"))
def test_leaves_other_folders_alone(name, projects, tmp_path):
    """Also one with a report.json that laic never wrote."""
    (tmp_path / "design").mkdir()
    (tmp_path / "design" / name).write_text("{}\n")
    assert "design': it holds something else than a project of laic" in refuse(projects.compiled("residual").model.path, tmp_path)


def test_leaves_files_alone(projects, tmp_path):
    (tmp_path / "design").write_text("mine\n")
    assert ": it is a file, and a project is a folder" in refuse(projects.compiled("residual").model.path, tmp_path)


def test_replaces_its_own_project(projects, tmp_path):
    """Nothing of the old one is left, in an empty folder and over another project alike."""
    model = projects.compiled("residual").model
    (tmp_path / "design").mkdir()
    compile_project(model.path, tmp_path / "design")
    (tmp_path / "design" / "src" / "stages" / "old.h").write_text("old\n")
    compile_project(model.path, tmp_path / "design", "--chip=k26")
    assert not (tmp_path / "design" / "src" / "stages" / "old.h").exists()
    assert json.loads((tmp_path / "design" / "report.json").read_text())["part"]["name"] == "k26"
    assert sorted(tmp_path.iterdir()) == [tmp_path / "design"]


def test_prints_the_same_twice(projects, tmp_path):
    project = projects.compiled("branches")
    compile_project(project.model.path, tmp_path / "again")
    first, second = ({str(f.relative_to(place)): f.read_bytes() for f in place.rglob("*") if f.is_file()}
                     for place in (project.design, tmp_path / "again"))
    assert first == second


def test_calibrates_by_whole_frames(tmp_path):
    """Many frames or one by one: their ranges decide, not their order."""
    images = digit_images()[:20]
    for name, frames in (("a", images), ("b", images[::-1])):
        compile_project(DIGITS, tmp_path / name, dims={"N": 1}, calibration={"image": np.ascontiguousarray(frames)})
    assert (tmp_path / "a" / "report.json").read_text() == (tmp_path / "b" / "report.json").read_text()
