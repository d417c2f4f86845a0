#!/usr/bin/env python3
"""Compares the importer's operator, upgrade and widening tables with the history of operator schemas in the onnx package.

usage: upgrade_table_test.py TOOL        (onnx-upgrade-dump)
Wherever a version of an operator takes something away (an attribute, a default, an optional input) or moves it, the importer must
have a step to that version; a version that only adds needs none. Above the oldest opset that is written every addition must be in the
table of widenings, and nothing else but what WIDENED explains.
"""
import subprocess
import sys
from collections import defaultdict

from onnx import defs

# (operator, version) whose change needs no rewriting of nodes, and why.
HARMLESS = {
    ("BatchNormalization", 14): None,  # has a step
    ("GRU", 3): None,
    ("Constant", 11): "Constant nodes become initialisers whatever their spelling",
    ("Concat", 11): "nothing but types",
    ("LpPool", 2): None,
    ("Split", 2): None,
    ("Clip", 6): "the limits of f32 stand for no limit",
    ("TreeEnsembleClassifier", 5): "kept as an operator of its own",
    ("TreeEnsembleRegressor", 5): "kept as an operator of its own",
    ("GroupNormalization", 18): "read as the per-group version, which the step to 21 rewrites",
    ("Scan", 11): "nothing but types",
}


OLDEST = {"": 21, "ai.onnx.ml": 3}  # kOldestWrittenOpset, kOldestWrittenMLOpset
# Element types that came later than that, by the opset before which no operator may have them.
YOUNG = {"f4E2M1": 23, "f8E8M0": 24, "i2": 25, "u2": 25, "f6E2M3": 28, "f6E3M2": 28}
SPELLING = {"float": "f32", "float16": "f16", "bfloat16": "bf16", "double": "f64", "float4e2m1": "f4E2M1", "float8e8m0": "f8E8M0",
            "float8e4m3fn": "f8E4M3FN", "float8e4m3fnuz": "f8E4M3FNUZ", "float8e5m2": "f8E5M2", "float8e5m2fnuz": "f8E5M2FNUZ",
            "float6e2m3": "f6E2M3", "float6e3m2": "f6E3M2"}
# Control flow, sequences and optionals are never written.
RESOLVED = ("If", "Loop", "Scan", "Optional", "OptionalGetElement", "OptionalHasElement", "SplitToSequence")
# (operator, version): words in the table that the types and attributes of the schemas do not show, and why.
WIDENED = {
    ("AveragePool", 22): "ceil_mode",  # the last window must not start in the padding
    ("Bernoulli", 22): "bf16",  # of its input; the output could be it before
    ("LpPool", 22): "ceil_mode",
    ("MaxPool", 22): "ceil_mode",
    ("Mod", 28): "f32 f16 bf16 f64",  # without fmod
    ("ai.onnx.ml.TreeEnsemble", 5): "",  # the first version, which the operator table has for ai.onnx alone
}


def read(tool, option):
    out = subprocess.run([tool, option], capture_output=True, text=True, check=True).stdout
    return [(name, int(version)) for name, version in (line.split() for line in out.splitlines())]


def default(attribute):
    return str(attribute.default_value)


def needs_step(old, new):
    """-> why a node of the old schema cannot be read by the new one, or None."""
    if new.deprecated and not old.deprecated:
        return "deprecated"
    for name, attribute in old.attributes.items():
        if name == "consumed_inputs":
            continue
        if name not in new.attributes:
            return f"attribute {name} is gone"
        if attribute.type != new.attributes[name].type:
            return f"attribute {name} has another type"
        if not attribute.required and default(attribute) != default(new.attributes[name]):
            return f"attribute {name} has another default"
    for name, attribute in new.attributes.items():
        if attribute.required and name not in old.attributes:
            return f"attribute {name} is required"
    if new.min_input > old.min_input:
        return "more inputs are required"
    if new.max_output < old.max_output:
        return "an output is gone"
    if new.max_input < old.max_input:
        return "an input is gone"
    return None


def elements(schema):
    """The element types of a schema's operands, as the support matrix spells them."""
    names = {n.split("(")[-1].rstrip(")") for c in schema.type_constraints for n in c.allowed_type_strs}
    return {SPELLING.get(n, n.replace("uint", "u").replace("int", "i")) for n in names}


def additions(old, new):
    """What a version admits that the one before did not: words, and the number of inputs that it had."""
    words = elements(new) - elements(old) - YOUNG.keys() | new.attributes.keys() - old.attributes.keys()
    return words, old.max_input if new.max_input > old.max_input else 0


def compare_widenings(tool, history):
    """Yields what is wrong with the table of widenings."""
    out = subprocess.run([tool, "--list-widenings"], capture_output=True, text=True, check=True).stdout
    table = {}
    for line in out.splitlines():
        head, types, attribute, inputs, _ = line.split("|")
        name, version = head.split()
        words, count = table.get((name, int(version)), (set(), 0))
        table[name, int(version)] = words | set(types.split()) | set(attribute.split()), max(count, int(inputs))
    for (domain, name), schemas in sorted(history.items()):
        full = f"{domain}.{name}" if domain else name
        if domain not in OLDEST or name in RESOLVED:
            continue
        for old, new in zip(schemas, schemas[1:]):
            if new.since_version <= OLDEST[domain]:
                continue
            for element in elements(new) - elements(old):
                if new.since_version < YOUNG.get(element, 0):
                    yield f"{full} {new.since_version}: has {element} before opset {YOUNG[element]}"
            want = additions(old, new)
            got = table.pop((full, new.since_version), (set(), 0))
            got = got[0] - set(WIDENED.get((full, new.since_version), "").split()), got[1]
            if got != want:
                yield f"{full} {new.since_version}: the table of widenings has {got}, the standard {want}"
    for key in sorted(table.keys() - WIDENED.keys()):
        yield f"{key}: a widening that the standard does not have"


def compare_outputs(tool, history):
    got = {name: count for name, count in read(tool, "--list-outputs") if not name.startswith("com.microsoft")}
    want = {(f"{d}.{n}" if d else n): s[-1].min_output for (d, n), s in history.items() if s[-1].min_output > 1}
    for name in sorted(got.keys() | want.keys()):
        if got.get(name) != want.get(name):
            yield f"{name}: {got.get(name)} outputs are required, the standard's number is {want.get(name)}"


def main():
    tool = sys.argv[1]
    history = defaultdict(list)
    for schema in defs.get_all_schemas_with_history():
        history[schema.domain, schema.name].append(schema)
    problems = []
    operators = dict(read(tool, "--list-operators"))
    standard = {name: min(s.since_version for s in schemas) for (domain, name), schemas in history.items() if not domain}
    for name in sorted(operators.keys() | standard.keys()):
        if operators.get(name) != standard.get(name):
            problems.append(f"{name}: first version {operators.get(name)}, the standard's {standard.get(name)}")
    steps = set(read(tool, "--list-upgrades"))
    newest = defs.onnx_opset_version()
    bumps = 0
    for (domain, name), schemas in sorted(history.items()):
        schemas.sort(key=lambda s: s.since_version)
        for old, new in zip(schemas, schemas[1:]):
            bumps += 1
            why = needs_step(old, new)
            key = (f"{domain}.{name}" if domain else name, new.since_version)
            covered = key in steps or (key[0], newest + 1) in steps and new.deprecated
            if why and not covered and not HARMLESS.get((name, new.since_version)):
                problems.append(f"{key[0]}: no step to version {new.since_version}: {why}")
    problems += compare_widenings(tool, history)
    problems += compare_outputs(tool, history)
    versions = {(f"{d}.{n}" if d else n, s.since_version) for (d, n), schemas in history.items() for s in schemas}
    for name, version in sorted(steps):
        if (name, version) not in versions and version != newest + 1:
            problems.append(f"{name}: a step to version {version}, which the standard does not have")
    print("\n".join(problems))
    print(f"{len(operators)} operators, {bumps} changes of version compared, {len(problems)} problems")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
