"""Starting engines in processes of their own, with a limit on time, and our compiler with a watch on its memory."""
import json
import os
import queue
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import limits

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PEERS = ROOT / "build" / "peers" / "bin" / "python"
# One interpreter for all engines, that of the peers where it is there.
PYTHON = PEERS if PEERS.exists() else Path(sys.executable)


FIELDS = ("p90_ms", "first_ms", "load_ms", "start_rss_mib", "peak_rss_mib")


class Contender:
    """An engine with the file that it opens, what it measured, and why it failed. label: what the report calls it."""

    def __init__(self, label, engine, path, outputs=None):
        self.label, self.engine, self.path, self.outputs, self.reason = label, engine, path, outputs, None
        self.rounds, self.notes = {}, {}

    def take(self, result, threads):
        """One more round, or its failure."""
        if "error" in result:
            self.reason = f"{result['error']}" + (f" (with {threads} threads)" if threads > 1 else "")
        else:
            self.rounds.setdefault(threads, []).append(result)

    def summary(self):
        found = {}
        for threads, rounds in self.rounds.items():
            medians = [r["median_ms"] for r in rounds]
            median = statistics.median(medians)
            found[f"{threads}T"] = {"median_ms": median, "min_ms": min(r["min_ms"] for r in rounds), "spread": (max(medians) - min(medians)) / median,
                                    **{f: statistics.median(r[f] for r in rounds) for f in FIELDS}, "rounds_ms": medians}
        return {**self.notes, **({"failed": self.reason} if self.reason else {}), **found}


def run_engine(engine, pairs, options, threads=1, extra=()):
    """engine.py on (model, feed) pairs; yields a dict for each, {"error": reason} where it failed. A process that dies or hangs costs
    the pair it was at; the rest go on in a new one."""
    pairs, at = list(pairs), 0
    while at < len(pairs):
        command = [PYTHON, HERE / "engine.py", engine, *(p for pair in pairs[at:] for p in pair), f"--threads={threads}",
                   f"--seconds={options.seconds}", f"--build={options.build}", *extra]
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                                       text=True, env=limits.environment(threads), start_new_session=True)
            lines = queue.Queue()
            threading.Thread(target=pump, args=(process.stdout, lines), daemon=True).start()
            try:
                while at < len(pairs):
                    result = next_result(process, lines, errors, options.timeout)
                    at += 1
                    yield result
                    if result.get("ended"):
                        break
            finally:
                stop(process)


def pump(stream, lines):
    for line in stream:
        lines.put(line)
    lines.put(None)


def next_result(process, lines, errors, timeout):
    until = time.monotonic() + timeout
    while True:
        try:
            line = lines.get(timeout=max(until - time.monotonic(), 0.01))
        except queue.Empty:
            return {"error": f"killed: nothing after {timeout:g} s", "ended": True}
        if line is None:
            code = process.wait()
            errors.seek(0)
            told = errors.read().decode(errors="replace").strip().splitlines()
            ended = f"died of signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"exited {code}"
            return {"error": ended + (f": {told[-1].strip()[:300]}" if told else ""), "ended": True}
        if line.startswith('{"engine"'):
            return json.loads(line)


def stop(process):
    """Ends a process with the children it has."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def anonymous_peak(process, stopped):
    """Samples RssAnon of a process every 10 ms; returns a function that gives the peak in MiB."""
    peak = [0]

    def sample():
        while not stopped.wait(0.01):
            try:
                status = Path(f"/proc/{process.pid}/status").read_text()
            except OSError:
                return
            for line in status.splitlines():
                if line.startswith("RssAnon:"):
                    peak[0] = max(peak[0], int(line.split()[1]))

    threading.Thread(target=sample, daemon=True).start()
    return lambda: peak[0] / 1024


class CompileError(Exception):
    """laic does not compile a model."""


def compile_command(options, model, artifact, dims):
    """laic's command line for a model with these dims bound."""
    return [str(options.build.resolve() / "bin" / "laic"), str(model), "-o", str(artifact), f"--cpu={options.cpu}",
            *(f"--dim={name}={size}" for name, size in dims.items() if name.isidentifier()), *options.laic_options]


def compile_model(options, model, artifact, dims, times):
    """Compiles `times` times, cold: nothing is kept between compilations."""
    command = compile_command(options, model, artifact, dims)
    seconds, peak = [], 0
    for _ in range(times):
        artifact.unlink(missing_ok=True)
        stopped, begun = threading.Event(), time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        read = anonymous_peak(process, stopped)
        try:
            _, errors = process.communicate(timeout=options.timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise CompileError(f"laic is killed: nothing after {options.timeout:g} s") from None
        finally:
            stopped.set()
        seconds.append(time.monotonic() - begun)
        peak = max(peak, read())
        if process.returncode:
            raise CompileError(f"laic exits {process.returncode}: {errors.strip()[-2000:]}")
    return {"command": " ".join(command).replace(f"{ROOT}/", "").replace(f"{ROOT.parent}/", "../"), "seconds": statistics.median(seconds), "peak_anonymous_mib": peak,
            "artifact_bytes": artifact.stat().st_size}
