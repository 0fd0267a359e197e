"""Writes the model that a test holds beside its comments, in ONNX's text form, to a file.

Usage: write.py TEST MODEL. Lines that begin with # are the test's, the rest is for onnx.parser.
"""

import sys

import onnx
import onnx.parser

with open(sys.argv[1]) as test:
    text = "".join(line for line in test if not line.startswith("#"))
onnx.save(onnx.parser.parse_model(text), sys.argv[2])
