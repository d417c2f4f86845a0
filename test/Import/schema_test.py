#!/usr/bin/env python3
"""Compares our ONNX schema with the descriptor inside the onnx package, message by message and field by field.

usage: schema_test.py DESCRIPTOR_SET     (made by protoc --descriptor_set_out; needs the onnx package)
"""
import sys

from google.protobuf import descriptor_pb2
from onnx import onnx_ml_pb2

OURS, THEIRS = "laic.onnx_proto", "onnx"


def flatten(file, package):
    """-> {qualified name: comparable facts} over messages, fields, oneofs, reserved ranges and enums."""
    facts = {}

    def strip(name):
        return name.removeprefix("." + package + ".")

    def enum(e, scope):
        facts[f"enum {scope}{e.name}"] = sorted((v.number, v.name) for v in e.value)

    def message(m, scope):
        name = scope + m.name
        facts[f"message {name}"] = sorted(f.name for f in m.field)
        for f in m.field:
            oneof = m.oneof_decl[f.oneof_index].name if f.HasField("oneof_index") else ""
            facts[f"field {name}.{f.name}"] = (
                f.number, f.type, f.label, strip(f.type_name), f.options.packed, oneof, f.default_value)
        facts[f"reserved {name}"] = (
            sorted((r.start, r.end) for r in m.reserved_range), sorted(m.reserved_name))
        for nested in m.nested_type:
            message(nested, name + ".")
        for e in m.enum_type:
            enum(e, name + ".")

    for m in file.message_type:
        message(m, "")
    for e in file.enum_type:
        enum(e, "")
    return facts


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    files = descriptor_pb2.FileDescriptorSet()
    with open(sys.argv[1], "rb") as f:
        files.ParseFromString(f.read())
    ours = flatten(next(f for f in files.file if f.package == OURS), OURS)
    standard = descriptor_pb2.FileDescriptorProto()
    onnx_ml_pb2.DESCRIPTOR.CopyToProto(standard)
    theirs = flatten(standard, THEIRS)
    differences = [f"{key}: ours {ours.get(key)}, the standard's {theirs.get(key)}"
                   for key in sorted(ours.keys() | theirs.keys()) if ours.get(key) != theirs.get(key)]
    for line in differences:
        print(line)
    fields = sum(key.startswith("field ") for key in theirs)
    print(f"{fields} fields in {sum(key.startswith('message ') for key in theirs)} messages compared, "
          f"{len(differences)} differ")
    sys.exit(1 if differences or fields < 100 else 0)


if __name__ == "__main__":
    main()
