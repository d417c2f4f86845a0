"""Projects of the HLS target for tests: compiled by laic, built and simulated, each once per session."""
import json
import subprocess

import numpy as np
import onnx
import onnxruntime

from locations import BUILD
from models import FLOATS, MODELS

LAIC = BUILD / "bin" / "laic"
LIBRARIES = ["-lzip", "-lz"]


def run(*command, expect=0, limit=600, cwd=None):
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit, cwd=cwd)
    if expect is not None:
        assert done.returncode == expect, f"{command[0]} exits {done.returncode}, not {expect}:\n{done.stdout[-2000:]}{done.stderr[-3000:]}"
    return done


def compile_project(model, folder, *options, dims=(), calibration=None, target="hls", expect=0):
    bound = [f"--dim={name}={value}" for name, value in dict(dims).items()]
    if calibration is not None:
        np.savez(folder.with_suffix(".npz"), **calibration)
        bound.append(f"--calibration={folder.with_suffix('.npz')}")
    return run(LAIC, model, f"--target={target}", "-q", "-o", folder, *bound, *options, expect=expect)


class Project:
    def __init__(self, folder, model):
        self.folder, self.model, self.design = folder, model, folder / "design"
        self.binary = None
        compile_project(model.path, self.design, *model.options, dims=model.dims, calibration=model.calibration)
        self.report = json.loads((self.design / "report.json").read_text())

    def build(self, *options, folder="build"):
        """As README.md of the project says."""
        run("cmake", "-G", "Ninja", "-S", self.design, "-B", self.folder / folder, *options)
        run("cmake", "--build", self.folder / folder)
        return self.folder / folder / "csim"

    def simulate(self, feed, expected=None, expect=0, binary=None):
        """(outputs, what csim says)"""
        files = self.folder / "in.npz", self.folder / "out.npz", self.folder / "expected.npz"
        np.savez(files[0], **feed)
        if expected is not None:
            np.savez(files[2], **expected)
        done = run(binary or self.binary, *files[:2 if expected is None else 3], expect=expect)
        with np.load(files[1]) as data:
            return {name: data[name] for name in data.files}, done.stderr

    def quantum(self, output):
        (scale,) = [port["scale"] for port in self.report["ports"] if port["direction"] == "output" and port["name"] == output]
        return scale


class Projects:
    """projects(name): one of models.MODELS or FLOATS, compiled and built.

    csim.cpp and the design are compiled here, without CMake and with one library for npz files, which takes a third of the time."""

    def __init__(self, folder):
        self.folder, self.known, self.npz = folder, {}, []

    def compiled(self, name, make=None):
        """`make`: of a model that is in neither list."""
        assert make is None or name not in MODELS | FLOATS, f"{name} is in models.py: name what you make otherwise"
        if name not in self.known:
            folder = self.folder / name
            folder.mkdir(exist_ok=True)
            self.known[name] = Project(folder, (make or (MODELS | FLOATS)[name])(folder))
        return self.known[name]

    def __call__(self, name, make=None):
        project = self.compiled(name, make)
        if project.binary is None:
            project.binary = self.program(project, "csim")
        return project

    def program(self, project, name, *flags):
        """csim of a project, with more flags for all but the library."""
        sim, out = project.design / "sim", project.folder
        if not self.npz:
            files = sorted((sim / "laic" / "Support").glob("*.cpp"))
            run("g++", "-std=c++17", "-O1", "-w", f"-I{sim}", "-c", *files, cwd=self.folder)
            self.npz = [self.folder / f"{file.stem}.o" for file in files]
        for source, standard, level in ((sim / "csim.cpp", "-std=c++17", "-O0"), (project.design / "src" / "top.cpp", "-std=c++11", "-O2")):
            run("g++", standard, level, "-w", *flags, f"-I{sim}", "-c", source, "-o", out / f"{source.stem}.o")
        run("g++", *flags, out / "csim.o", out / "top.o", *self.npz, *LIBRARIES, "-o", out / name)
        return out / name


def by_onnxruntime(model, feed):
    """Outputs for all frames, one after the other; without optimisations, which have roundings of their own."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(model.path), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    shapes = {i.name: [d if isinstance(d, int) else model.dims.get(d, 1) for d in i.shape] for i in session.get_inputs()}
    first = next(iter(shapes))
    frames = feed[first].size // int(np.prod(shapes[first]))
    results = [session.run(None, {name: feed[name].reshape(frames, *shape)[k] for name, shape in shapes.items()}) for k in range(frames)]
    return {name: np.concatenate([r[i] for r in results]) for i, name in enumerate(names)}


def load(model):
    return onnx.load(model.path)
