"""One model dispatch by dispatch: time, GFLOP/s, GB/s and how much of the machine's limit that is.

FLOPs and bytes are those that `laic --explain` counts when compiling, times the shortest of several `laic-run --profile`.
"""
import json
import subprocess
import sys

import limits
from processes import ROOT, CompileError, compile_command
from workloads import MODELS, resolve


def planned(options, work, artifact):
    """[(kernel, nodes, bytes, flops)] in the order of the steps; None where a count depends on the call."""
    command = [*compile_command(options, work.model, artifact, work.dims), "--explain", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=options.timeout, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise CompileError(f"laic exits {done.returncode}: {done.stderr.strip()[-2000:]}")
    lines = (done.stdout + done.stderr).splitlines()
    start = next(i for i, line in enumerate(lines) if line.split()[:4] == ["kernel", "device", "bytes", "flops"])
    number = lambda text: int(text) if text.isdigit() else None  # noqa: E731
    steps = []
    for line in lines[start + 1:]:
        words = line.split(None, 4)
        if len(words) == 5:
            steps.append((words[0], words[4], number(words[2]), number(words[3])))
    return steps


def timed(options, work, artifact, threads):
    """[(kernel, nodes, shortest us)] of every step of a run."""
    program, trace = options.build.resolve() / "bin" / "laic-run", artifact.with_suffix(".trace.json")
    shortest = []
    for _ in range(options.rounds):
        subprocess.run([program, artifact, "--inputs", work.feed, f"--threads={threads}", "--bench=3", "--profile", trace], check=True,
                       stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=limits.environment(threads))
        events = [e for e in json.loads(trace.read_text())["traceEvents"] if e.get("cat") == "step"]
        steps = [(e["args"]["kernel"], e["name"], e["dur"]) for e in events]
        shortest = [(k, n, min(t, old[2])) for (k, n, t), old in zip(steps, shortest)] if shortest else steps
    trace.unlink()
    return shortest


def matched(plan, run):
    """Each timed step with what the plan counts for it: the next of the same kernel and nodes."""
    waiting = {}
    for kernel, nodes, moved, flops in plan:
        waiting.setdefault((kernel, nodes), []).append((moved, flops))
    for kernel, nodes, time in run:
        known = waiting.get((kernel, nodes))
        moved, flops = (known.pop(0) if len(known) > 1 else known[0]) if known else (None, None)
        yield kernel, nodes, time, moved, flops


def profile(options, name, threads):
    """Prints a table; the share of the limit is that of arithmetic or of memory, whichever is closer."""
    work, artifact = resolve(name), MODELS / "profile.bin"
    limit = limits.measure(ROOT / "build" / "limits", [threads])[f"{threads}T"]
    try:
        plan = planned(options, work, artifact)
        steps = list(matched(plan, timed(options, work, artifact, threads)))
    finally:
        artifact.unlink(missing_ok=True)
        if not options.keep:
            work.drop()
    total = sum(step[2] for step in steps)
    print(f"{name}, {threads} thread{'s' * (threads > 1)}: {total / 1e3:.2f} ms in {len(steps)} steps, the shortest of {options.rounds} runs each")
    print(f"limits: {limit['fma_gflops']:.0f} GFLOP/s of f32 multiply-adds ({limit['isa']}), {limit['read_gbs']:.1f} GB/s read from memory")
    print("above 100 %: what is moved comes from caches, or products are of narrower types\n")
    print(f"{'us':>10} {'share':>6} {'GFLOP/s':>8} {'GB/s':>7} {'of limit':>8}  kernel: nodes")
    for kernel, nodes, time, moved, flops in steps:
        rates = [(count / time / 1e3 if count is not None and time else None) for count in (flops, moved)]
        shares = [rate / most for rate, most in zip(rates, (limit["fma_gflops"], limit["read_gbs"])) if rate is not None]
        flops_rate, bytes_rate = (f"{rate:.1f}" if rate is not None else "?" for rate in rates)
        share = f"{max(shares):.0%}" if shares else "?"
        print(f"{time:10.1f} {time / total:6.1%} {flops_rate:>8} {bytes_rate:>7} {share:>8}  {kernel}: {nodes}")
    sys.stdout.flush()
