"""docs/Conformance.md: what of the onnx package's backend suite passes, by operator, and every failure with its reason."""
import collections
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "docs" / "Conformance.md"
DATA = Path(__file__).with_name("failures.json")


def write_report(target, mode, results):
    """results: {case: (operator, verdict, milliseconds, why)}. Keeps what other targets and modes have written."""
    runs = json.loads(DATA.read_text()) if DATA.exists() else {}
    passed = collections.Counter(operator for operator, kind, _, _ in results.values() if kind == "pass")
    total = collections.Counter(operator for operator, *_ in results.values())
    runs[f"{target} {mode}"] = {
        "operators": {o: [passed[o], n] for o, n in sorted(total.items())},
        "failures": {n: [k, neutral(why)] for n, (_, k, _, why) in sorted(results.items()) if k != "pass"},
    }
    DATA.write_text(json.dumps(dict(sorted(runs.items())), indent=1) + "\n")
    REPORT.write_text(text(runs))


def write_releases(results):
    """results: {release/test: (opset, verdict, milliseconds, why)} of the distinct node tests of older releases."""
    runs = json.loads(DATA.read_text()) if DATA.exists() else {}
    recent = [kind for opset, kind, _, _ in results.values() if opset >= 7]
    runs["releases"] = {
        "all": [sum(kind == "pass" for _, kind, _, _ in results.values()), len(results)],
        "recent": [recent.count("pass"), len(recent)],
        "failures": {n: [o, k, neutral(why)] for n, (o, k, _, why) in sorted(results.items()) if k != "pass"},
    }
    DATA.write_text(json.dumps(dict(sorted(runs.items())), indent=1) + "\n")
    REPORT.write_text(text(runs))


def neutral(why):
    """One short line without what differs from run to run."""
    return why.removeprefix("error: ").removeprefix("<memory>: ")[:160].replace("|", "\\|")


def text(runs):
    import onnx

    lines = ["# Conformance", "",
             f"The backend suite of the onnx package, version {onnx.__version__}, unmodified and whole, through `laic.backend`: node tests, simple",
             "models, models converted from PyTorch, and the package's small copies of real models. A case passes when the suite's own rule and",
             "tolerances say so; refusals, crashes and time-outs are failures. Written by `scripts/conformance --update`;",
             "`scripts/check` fails when a case that passed no longer does. `dynamic`: the dims of all inputs, outputs and intermediate values",
             "were erased before compiling (ranks kept).", "", "| run | pass | of |", "|---|---|---|"]
    runs = dict(runs)
    releases = runs.pop("releases", None)
    for name, run in sorted(runs.items()):
        passed, total = map(sum, zip(*run["operators"].values()))
        lines.append(f"| {name} | {passed} | {total} |")
    for name, run in sorted(runs.items()):
        lines += ["", f"## {name}: what does not pass", "", "| case | verdict | reason |", "|---|---|---|"]
        lines += [f"| {case} | {kind} | {why} |" for case, (kind, why) in run["failures"].items()]
    lines += ["", "## By operator", "", "Cases that pass, of all whose first node is the operator.", ""]
    names = sorted(runs)
    lines += ["| operator | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for operator in sorted({o for run in runs.values() for o in run["operators"]}):
        cells = ["{} of {}".format(*runs[n]["operators"].get(operator, (0, 0))) for n in names]
        lines.append(f"| {operator} | " + " | ".join(cells) + " |")
    return "\n".join(lines + (releases_text(releases) if releases else [])) + "\n"


def releases_text(run):
    """Distinct models in the node tests of older releases; where data contradicts a later erratum of the standard, the erratum counts."""
    lines = ["", "## Node tests of older releases", "",
             "Distinct models in the node tests of the releases 1.2.3 to 1.22.0 (`scripts/conformance --releases`).", "",
             "| models | pass | of |", "|---|---|---|", "| all | {} | {} |".format(*run["all"]),
             "| of opset 7 or newer | {} | {} |".format(*run["recent"]), "", "| case | opset | verdict | reason |", "|---|---|---|---|"]
    return lines + [f"| {case} | {opset} | {kind} | {why} |" for case, (opset, kind, why) in run["failures"].items()]
