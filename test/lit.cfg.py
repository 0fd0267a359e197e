"""lit's configuration: every .mlir and .test file below test/ except the folders that another runner owns."""

import os

import lit.formats

config.name = "bit-mlir"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["unit", "python", "conformance", "Inputs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.bit_build_dir, "test")

path = [os.path.join(config.bit_build_dir, "bin"), config.llvm_tools_dir, os.environ["PATH"]]
config.environment["PATH"] = os.pathsep.join(path)
config.substitutions.append(("%bit_source_dir", config.bit_source_dir))
config.substitutions.append(("%bit_build_dir", config.bit_build_dir))
config.substitutions.append(("%python", os.path.join(config.bit_source_dir, ".venv", "bin", "python")))
