"""The command `laic`: exit codes, options, phases that are dumped and resumed, depfiles, what it leaves on the disk."""
import json
import os
import resource
import shutil
import signal
import subprocess
import time

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper, parser

PHASES = ("import", "simplify", "quantize", "fuse", "dispatch", "codegen", "schedule", "emit")
ADD = """<ir_version: 8, opset_import: ["": 17]>
g (float[N,4] x, float[4] y) => (float[N,4] z) { z = Add(x, y) }"""


@pytest.fixture(scope="module")
def laic(build):
    def run(*arguments, **options):
        return subprocess.run([build / "bin" / "laic", *map(str, arguments)], capture_output=True, text=True, timeout=300,
                              stdin=subprocess.DEVNULL, **options)
    return run


@pytest.fixture
def add(tmp_path):
    path = tmp_path / "add.onnx"
    onnx.save(parser.parse_model(ADD), path)
    return path


def expect(done, code, *texts):
    assert done.returncode == code, done.stderr
    for text in texts:
        assert text in done.stderr
    return done


def save(model, path):
    onnx.save(parser.parse_model('<ir_version: 10, opset_import: ["": 21]>\n' + model), path)
    return path


# ---- usage ----

@pytest.mark.parametrize("options, text", [
    (["--target=cpu,cpu"], "target 'cpu' is given twice\n  note: an artifact holds one plan per target"),
    (["--target=cpu,null", "--emit=mlir"], "--emit=mlir writes what one target makes, got 2 targets\n  note: give one target, or stop with --to=fuse or before"),
    (["--target=cpu,null", "--from=codegen"], "--from=codegen resumes what one target made, got 2 targets\n  note: give the target of the dump"),
    (["--target=quantum"], "unknown target 'quantum'"),
    (["--target=cpu,,null"], "--target=cpu,,null: has an empty entry"),
    (["--cpu=x86-64-v9"], "unknown CPU level 'x86-64-v9'"),
    (["--cpu=aarch64:v8.2+telepathy"], "unknown CPU feature '+telepathy'"),
    (["--dim", "N=-1"], "--dim N=-1: expects a size >= 0"),
    (["--dim", "N=many"], "--dim N=many: expects a size >= 0"),
    (["--dim", "N"], "--dim N: expects NAME=VALUE"),
    (["--from=nowhere"], "--from=nowhere: the phases are import, simplify, quantize, fuse, dispatch, codegen, schedule, emit"),
    (["--from=fuse", "--to=simplify"], "--to=simplify comes before --from=fuse"),
    (["--from=emit"], "--from=emit is not possible: machine code is not part of a dump"),
    (["--to=fuse"], "--to=fuse leaves nothing to write"),
    (["--emit=ptx"], "target 'cpu' cannot emit 'ptx'\n  note: use artifact, mlir or onnx"),
    (["--threads=-1"], "--threads=-1: expects a number from 0 to 1024"),
    (["--threads=1025"], "expects a number from 0 to 1024"),
    (["--calibration=a.npz"], "--calibration has nothing to serve"),
    (["--calibration=a.npz"], "it goes with --quantize, or with a target that writes projects"),
    (["--math=bf16", "--target=cuda"], "--math=bf16 is not available for target 'cuda' yet\n  note: use default or strict, or compile for cpu"),
    (["--math=fast"], "unknown --math 'fast'\n  note: use default, strict or bf16"),
    (["--no-such-option"], "--no-such-option"),
])
def test_wrong_usage_exits_with_two(laic, add, tmp_path, options, text):
    expect(laic(add, "-o", tmp_path / "out.bin", *options), 2, text)
    assert not (tmp_path / "out.bin").exists()


def test_model_and_output_are_required(laic, add):
    expect(laic(), 2, "MODEL is required")
    expect(laic(add), 2, "--output is required")


def test_help_and_version(laic):
    shown = laic("--help")
    assert shown.returncode == 0 and "Exit codes" in shown.stdout and "--dump-phases" in shown.stdout
    assert laic("--version").stdout.startswith("laic ")


# ---- what a compilation says and writes ----

def test_explain_names_kernels_bytes_and_flops(laic, digits, tmp_path):
    done = laic(digits, "-o", tmp_path / "digits.bin", "--explain", "--dim", "N=1")
    assert done.returncode == 0 and done.stdout.splitlines()[0].split() == ["kernel", "device", "bytes", "flops", "nodes"]
    rows = {row[4]: row for row in (line.split() for line in done.stdout.splitlines()[1:])}
    # Convolution, bias and Relu in one kernel, named by the nodes it computes: 8 x 8 x 16 sums of 9 products, and a Relu each.
    assert rows["conv1+relu1"][0].startswith("laic_conv_") and rows["conv1+relu1"][1] == "cpu" and int(rows["conv1+relu1"][3]) == 1024 * (2 * 9 + 1)
    assert "remark: digits.onnx: node 'fc' (Gemm, opset 17): epilogue not fused: several users" in done.stderr


def test_explain_gives_formulas_over_dynamic_dims(laic, digits, tmp_path):
    done = laic(digits, "-o", tmp_path / "digits.bin", "--explain")
    line = next(line for line in done.stdout.splitlines() if line.endswith(" conv1+relu1"))
    assert [part.strip() for part in line.split("  ")[-2:]] == [f"{1024 * (2 * 9 + 1)} * N", "conv1+relu1"]


def test_depfile_names_everything_that_was_read(laic, tmp_path):
    folder = tmp_path / "a model #1"
    folder.mkdir()
    weight = numpy_helper.from_array(np.ones((4, 4), "f4"), "w")
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])], [weight])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "m.onnx",
              save_as_external_data=True, location="m.data", size_threshold=0)
    expect(laic(folder / "m.onnx", "-o", tmp_path / "m.bin", "--depfile", tmp_path / "m.d"), 0)
    target, _, files = (tmp_path / "m.d").read_text().partition(":")
    escaped = str(folder).replace(" ", "\\ ").replace("#", "\\#")
    assert target == str(tmp_path / "m.bin")
    assert files.replace("\\\n", " ").split() == f"{escaped}/m.onnx {escaped}/m.data".split() or \
        [f for f in files.split(" \\\n  ") if f.strip()] == [f"{escaped}/m.onnx", f"{escaped}/m.data\n"]


def test_depfile_that_cannot_be_written(laic, add, tmp_path):
    expect(laic(add, "-o", tmp_path / "m.bin", "--depfile", tmp_path / "none" / "m.d"), 1, "m.d': No such file or directory")


@pytest.mark.parametrize("emit", ["artifact", "mlir"])
def test_outputs_that_cannot_be_written(laic, add, tmp_path, emit):
    expect(laic(add, "-o", tmp_path / "none" / "out", f"--emit={emit}"), 1, "none/out")
    (tmp_path / "folder").mkdir()
    expect(laic(add, "-o", tmp_path / "folder", f"--emit={emit}"), 1, "folder")
    assert sorted(os.listdir(tmp_path)) == ["add.onnx", "folder"]


def test_full_disk_leaves_the_old_artifact(laic, add, tmp_path):
    (tmp_path / "out.bin").write_text("the old one")
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))  # noqa: E731
    profile = {**os.environ, "LLVM_PROFILE_FILE": "/dev/null"}  # a build with coverage writes one, which the limit would cut short
    expect(laic(add, "-o", tmp_path / "out.bin", preexec_fn=limit, env=profile), 1, "out.bin")
    assert (tmp_path / "out.bin").read_text() == "the old one"
    assert sorted(os.listdir(tmp_path)) == ["add.onnx", "out.bin"]


def test_models_that_memory_has_no_room_for(laic, tmp_path):
    with open(tmp_path / "huge.onnx", "wb") as file:
        file.truncate(64 << 30)  # sparse
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))  # noqa: E731
    expect(laic(tmp_path / "huge.onnx", "-o", tmp_path / "m.bin", preexec_fn=limit), 1, "cannot be mapped: Cannot allocate memory")


def test_a_crash_is_a_defect(build, add, tmp_path):
    """SIGSEGV from outside stands for a crash inside."""
    os.mkfifo(tmp_path / "pipe.onnx")
    with subprocess.Popen([build / "bin" / "laic", tmp_path / "pipe.onnx", "-o", tmp_path / "out.bin", "--target=cpu"],
                          stderr=subprocess.PIPE, text=True) as process:
        time.sleep(0.3)
        if process.poll() is None:
            process.send_signal(signal.SIGSEGV)
            said = process.communicate(timeout=60)[1]
            assert "this is a defect of laic\n  note: please report it; --dump-phases=DIR writes a reproducer of the phase before" in said
            assert process.returncode == 70
        else:  # a pipe is refused at once
            assert process.returncode == 1


def test_memory_for_weights(laic, tmp_path):
    """Weights stay mapped: 1.5 times their size plus 300 MiB of memory of its own is all that compiling may take."""
    side, mib = 8192, 1 << 20
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[side, side], data_location=TensorProto.EXTERNAL)
    for key, text in (("location", "w.data"), ("offset", "0"), ("length", str(4 * side * side))):
        weight.external_data.add(key=key, value=text)
    with open(tmp_path / "w.data", "wb") as file:
        file.truncate(4 * side * side)
        file.write(np.ones(side, "f4").tobytes())
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", side])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", side])], [weight])
    (tmp_path / "m.onnx").write_bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString())
    allowed = 4 * side * side * 3 // 2 + 300 * mib
    limit = lambda: resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed))  # noqa: E731
    expect(laic(tmp_path / "m.onnx", "-o", tmp_path / "m.bin", preexec_fn=limit), 0)


def test_pages_of_weights_are_given_back(build, tmp_path):
    """Of many weights, those that are packed leave memory: 1.25 times their size plus 250 MiB is the most that is resident."""
    side, count, mib = 4096, 8, 1 << 20
    size = 4 * side * side
    weights = []
    with open(tmp_path / "w.data", "wb") as file:
        file.truncate(size * count)
        for i in range(count):
            file.seek(size * i)
            file.write(np.full(side, i + 1, "f4").tobytes())
            weight = TensorProto(name=f"w{i}", data_type=TensorProto.FLOAT, dims=[side, side], data_location=TensorProto.EXTERNAL)
            for key, text in (("location", "w.data"), ("offset", str(size * i)), ("length", str(size))):
                weight.external_data.add(key=key, value=text)
            weights.append(weight)
    nodes = [helper.make_node("MatMul", [f"t{i}" if i else "x", f"w{i}"], [f"t{i + 1}"]) for i in range(count)]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", side]) for name in ("x", f"t{count}")]
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:], weights)
    (tmp_path / "m.onnx").write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString())
    process = subprocess.Popen([build / "bin" / "laic", tmp_path / "m.onnx", "-o", tmp_path / "m.bin", "-q"])
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    assert usage.ru_maxrss * 1024 <= 1.25 * size * count + 250 * mib, f"{usage.ru_maxrss / 1024:.0f} MiB"


# ---- several targets ----

def test_one_artifact_for_several_targets(laic, build, digits, tmp_path):
    """One plan per target in the order of --target, weights once; the runtime takes the first plan that it can run."""
    expect(laic(digits, "-o", tmp_path / "cpu.bin"), 0)
    done = expect(laic(digits, "-o", tmp_path / "both.bin", "--target=null,cpu", "--explain", "--dump-phases", tmp_path / "dump"), 0)
    assert [line for line in done.stdout.splitlines() if line.startswith("plan for")] == ["plan for null:", "plan for cpu:"]
    assert {"3-fuse.mlir", "4-dispatch-cpu.mlir", "4-dispatch-null.mlir", "7-emit-cpu.weights"} <= set(os.listdir(tmp_path / "dump"))

    def run(name, *options):
        return subprocess.run([build / "bin" / "laic-run", tmp_path / name, *options], capture_output=True, text=True, cwd=tmp_path)

    assert run("cpu.bin", "--dim", "N=3", "--outputs", "cpu.npz").returncode == 0
    explained = run("both.bin", "--dim", "N=3", "--outputs", "both.npz", "--explain")
    assert explained.returncode == 0
    assert "plan 0 (null): not usable: this runtime has no driver 'null'\n" in explained.stderr
    assert "plan 1 (cpu): usable\n" in explained.stderr
    assert (tmp_path / "cpu.npz").read_bytes() == (tmp_path / "both.npz").read_bytes()
    refused = run("both.bin", "--device=null", "--require-device")
    assert refused.returncode == 1 and "null" in refused.stderr
    shown = json.loads(subprocess.run([build / "bin" / "laic-inspect", tmp_path / "both.bin", "--json"], capture_output=True).stdout)
    alone = json.loads(subprocess.run([build / "bin" / "laic-inspect", tmp_path / "cpu.bin", "--json"], capture_output=True).stdout)
    assert [plan["device"] for plan in shown["plans"]] == ["null", "cpu"]
    weights = [sum(s["length"] for s in of["sections"] if s["kind"] == "weights") for of in (shown, alone)]
    assert [s["kernel"] for s in alone["plans"][0]["steps"]] == [s["kernel"] for s in shown["plans"][1]["steps"]]
    assert weights[0] < 2.5 * weights[1]
    # A dump of one target resumes as that target alone.
    expect(laic(tmp_path / "dump" / "4-dispatch-cpu.mlir", "-o", tmp_path / "again.bin", "--from=codegen"), 0)
    assert (tmp_path / "again.bin").read_bytes() == (tmp_path / "cpu.bin").read_bytes()


# ---- caches that grow in place ----

def test_output_grows_in_the_memory_of_its_input(laic, build, tmp_path):
    """A key-value cache of every length: with as much room as it needs, with more, empty. Other outputs may not share memory."""
    path = save('''g (float[1,3,past,4] past, float[1,3,seq,4] new) => (float[1,3,total,4] present, float[1,3,4] sum) {
      present = Concat<axis = 2>(past, new)
      axis = Constant<value_ints = [2]>()
      sum = ReduceSum<keepdims = 0>(present, axis) }''', tmp_path / "m.onnx")
    expect(laic(path, "-o", tmp_path / "m.bin"), 0)

    def run(*options):
        return subprocess.run([build / "bin" / "laic-run", tmp_path / "m.bin", "--inputs", tmp_path / "in.npz", *options], capture_output=True, text=True)

    random = np.random.default_rng(0)
    for past, seq, room in ((5, 2, 7), (5, 1, 16), (0, 3, 4), (9, 0, 9)):
        old, new = (random.random((1, 3, n, 4), np.float32) for n in (past, seq))
        present = np.concatenate([old, new], 2)
        np.savez(tmp_path / "in.npz", past=old, new=new)
        np.savez(tmp_path / "want.npz", present=present, sum=present.sum(2))
        done = run(f"--alias=present=past:2:{room}", "--compare", tmp_path / "want.npz")
        assert done.returncode == 0, done.stderr
    refused = run("--alias=sum=past:2:9")
    assert refused.returncode == 1 and "output 'sum' may not share memory with input 'past'" in refused.stderr


# ---- unsupported nodes ----

def test_all_unsupported_nodes_are_listed_in_one_run(laic, tmp_path):
    path = save('''g (float[4] x) => (float[4] z) {
      [first] a = NoSuchOperator(x)
      [second] b = YetAnother(a)
      [third] z = AnotherOne(b) }''', tmp_path / "m.onnx")
    expect(laic(path, "-o", tmp_path / "m.bin"), 1, "'first'", "NoSuchOperator", "'second'", "YetAnother", "'third'", "AnotherOne")


# ---- phases ----

@pytest.fixture(scope="module")
def dumps(laic, digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("phases")
    expect(laic(digits, "-o", folder / "whole.bin", "--dump-phases", folder / "dump"), 0)
    return folder


def test_every_phase_is_dumped_with_its_weights(dumps):
    files = sorted(os.listdir(dumps / "dump"))
    assert files == sorted(f"{i}-{phase}.{kind}" for i, phase in enumerate(PHASES) for kind in ("mlir", "weights"))


@pytest.mark.parametrize("done", PHASES[:5])
def test_resuming_gives_the_same_artifact(laic, dumps, tmp_path, done):
    """From the dump that phase `done` left, at the next phase: byte for byte what the whole compilation wrote."""
    index = PHASES.index(done)
    expect(laic(dumps / "dump" / f"{index}-{done}.mlir", "-o", tmp_path / "m.bin", f"--from={PHASES[index + 1]}"), 0)
    assert (tmp_path / "m.bin").read_bytes() == (dumps / "whole.bin").read_bytes()


@pytest.mark.parametrize("to", PHASES[1:])
def test_stopping_after_a_phase(laic, digits, dumps, tmp_path, to):
    expect(laic(digits, "-o", tmp_path / "m.mlir", f"--to={to}", "--emit=mlir"), 0)
    assert "laic.phase" in (tmp_path / "m.mlir").read_text() and to in (tmp_path / "m.mlir").read_text()


def test_dumps_are_checked(laic, dumps, tmp_path):
    fuse = dumps / "dump" / "3-fuse.mlir"
    out = ["-o", tmp_path / "m.bin"]
    expect(laic(fuse, *out, "--from=simplify"), 1, "is the dump of phase 'fuse', from which simplify cannot start", "use --from=dispatch")
    (tmp_path / "empty.mlir").write_text("module {}\n")
    expect(laic(tmp_path / "empty.mlir", *out, "--from=fuse"), 1, "is not a phase dump: it has no attribute 'laic.phase'")
    (tmp_path / "broken.mlir").write_text("module {")
    expect(laic(tmp_path / "broken.mlir", *out, "--from=fuse"), 1, "broken.mlir")
    expect(laic(tmp_path / "none.mlir", *out, "--from=fuse"), 1, "none.mlir")
    shutil.copy(fuse, tmp_path / "fuse.mlir")
    expect(laic(tmp_path / "fuse.mlir", *out, "--from=dispatch"), 1, "fuse.weights' cannot be read: No such file or directory")
    weights = fuse.with_suffix(".weights").read_bytes()
    index, _, payload = weights.partition(b"\n")
    (tmp_path / "fuse.weights").write_bytes(b"[]\n" + payload)
    expect(laic(tmp_path / "fuse.mlir", *out, "--from=dispatch"), 1, "does not start with a JSON object")
    for damaged in (b"{}\n" + payload, index + b"\n" + payload[:16],
                    json.dumps({name: [-1, length] for name, (_, length) in json.loads(index).items()}).encode() + b"\n" + payload):
        (tmp_path / "fuse.weights").write_bytes(damaged)
        expect(laic(tmp_path / "fuse.mlir", *out, "--from=dispatch"), 1, "has no bytes for '")
    assert not (tmp_path / "m.bin").exists()


def test_a_defect_leaves_a_reproducer(laic, digits, tmp_path):
    """A phase that fails through no fault of the model: a kernel in a dump is changed so that its code needs a library."""
    expect(laic(digits, "-o", tmp_path / "m.bin", "--dump-phases", tmp_path / "dump", "--to=dispatch"), 0)
    dump = tmp_path / "dump" / "4-dispatch.mlir"
    text = dump.read_text()
    assert "math.exp" in text
    dump.write_text(text.replace("math.exp", "math.exp2"))
    done = expect(laic(dump, "-o", tmp_path / "m.bin", "--from=codegen", env={**os.environ, "TMPDIR": str(tmp_path)}), 70,
                  "internal error in code generation: a kernel needs 'exp2f', which no library may provide",
                  "internal error in phase 'codegen'; reproducer: ", "this is a defect of laic; please report it with the reproducer")
    folder = done.stderr.split("reproducer: ")[1].splitlines()[0]
    assert sorted(os.listdir(folder)) == ["4-dispatch.mlir", "4-dispatch.weights"]
    expect(laic(f"{folder}/4-dispatch.mlir", "-o", tmp_path / "m.bin", "--from=codegen"), 70, "exp2f")
    expect(laic(dump, "-o", tmp_path / "m.bin", "--from=codegen", env={**os.environ, "TMPDIR": "/nonexistent"}), 70,
           "no reproducer could be written")


def test_a_dump_that_does_not_verify_is_at_fault(laic, digits, tmp_path):
    expect(laic(digits, "-o", tmp_path / "m.bin", "--dump-phases", tmp_path / "dump", "--to=fuse"), 0)
    dump = tmp_path / "dump" / "3-fuse.mlir"
    dump.write_text(dump.read_text().replace('iterator_types = ["parallel"', 'iterator_types = ["window"', 1))
    expect(laic(dump, "-o", tmp_path / "m.bin", "--from=dispatch"), 1, "3-fuse.mlir")


def test_dumps_that_cannot_be_written(laic, add, tmp_path):
    (tmp_path / "file").write_text("")
    expect(laic(add, "-o", tmp_path / "m.bin", "--dump-phases", tmp_path / "file" / "dump"), 1, "cannot create '")
    (tmp_path / "dump" / "0-import.mlir").mkdir(parents=True)
    expect(laic(add, "-o", tmp_path / "m.bin", "--dump-phases", tmp_path / "dump"), 1, "0-import.mlir': Is a directory")
    assert not (tmp_path / "m.bin").exists()
