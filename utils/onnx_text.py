#!/usr/bin/env python3
"""Turns the text form of an ONNX model into a model file, so that tests can be read.

usage: onnx_text.py IN.onnxtxt -o OUT.onnx [--check] [--shape-inference]

The text is what onnx.parser reads; lines that start with `#` or `//` are comments, so RUN and CHECK lines may stand in the file.
"""
import argparse
import re

import onnx
import onnx.checker
import onnx.parser
import onnx.shape_inference


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--check", action="store_true", help="refuse what onnx.checker refuses")
    parser.add_argument("--shape-inference", action="store_true", help="add value_info")
    options = parser.parse_args()
    with open(options.input) as file:
        text = re.sub(r"^\s*(#|//).*$", "", file.read(), flags=re.MULTILINE)
    model = onnx.parser.parse_model(text)
    if options.check:
        onnx.checker.check_model(model)
    if options.shape_inference:
        model = onnx.shape_inference.infer_shapes(model)
    with open(options.output, "wb") as file:
        file.write(model.SerializeToString())


if __name__ == "__main__":
    main()
