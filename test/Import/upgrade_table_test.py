#!/usr/bin/env python3
"""Compares the importer's operator and upgrade tables with the history of operator schemas in the onnx package.

usage: upgrade_table_test.py TOOL        (onnx-upgrade-dump)
Wherever a version of an operator takes something away (an attribute, a default, an optional input) or moves it, the importer must
have a step to that version; a version that only adds needs none.
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
    versions = {(f"{d}.{n}" if d else n, s.since_version) for (d, n), schemas in history.items() for s in schemas}
    for name, version in sorted(steps):
        if (name, version) not in versions and version != newest + 1:
            problems.append(f"{name}: a step to version {version}, which the standard does not have")
    print("\n".join(problems))
    print(f"{len(operators)} operators, {bumps} changes of version compared, {len(problems)} problems")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
