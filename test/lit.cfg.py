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
python = os.path.join(config.bit_source_dir, ".venv", "bin", "python")
config.substitutions.append(("%python", python))

# What counts the instructions of a kernel's inner loop, and llvm-mca's cycles.
hot_loop = os.path.join(config.test_source_root, "Target", "Inputs", "hot_loop.py")
mca = os.path.join(config.llvm_tools_dir, "llvm-mca")
config.substitutions.append(("%hot_loop", f"{python} {hot_loop} --mca={mca}"))

# What runs a lowered test: upstream's passes down to LLVM, then its JIT runner with the functions that print.
config.substitutions.append(
    (
        "%bufferize_and_lower",
        " ".join(
            [
                "--convert-elementwise-to-linalg --one-shot-bufferize=bufferize-function-boundaries",
                "--convert-linalg-to-loops --expand-strided-metadata --lower-affine",
                "--convert-scf-to-cf --convert-vector-to-llvm",
                "--convert-math-to-llvm --finalize-memref-to-llvm --convert-arith-to-llvm --convert-index-to-llvm",
                "--convert-func-to-llvm --convert-cf-to-llvm --reconcile-unrealized-casts",
            ]
        ),
    )
)
runner_libs = [f"--shared-libs={config.llvm_tools_dir}/../lib/libmlir_{lib}_utils.so" for lib in ("runner", "c_runner")]
config.substitutions.append(("%run_main", " ".join(["mlir-runner -e main --entry-point-result=void", *runner_libs])))
