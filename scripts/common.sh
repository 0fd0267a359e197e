# shellcheck shell=bash
# What the scripts share; sourced from the root of the checkout.

BIT_ONNX_VERSION=1.23.2
BIT_ONNX_DIR=${BIT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/bit-mlir}/onnx-$BIT_ONNX_VERSION

step_name=""
step_start=0

# Closes the step before with its time and names the next one.
step() {
  done_step
  step_name=$1
  step_start=$SECONDS
  printf '\n== %s\n' "$step_name"
}

done_step() {
  [ -z "$step_name" ] || printf '== %s: %d s\n' "$step_name" $((SECONDS - step_start))
  step_name=""
}

# Configures and builds one preset: build_preset release [target...]
build_preset() {
  local preset=$1
  shift
  step "build ($preset)"
  [ -e "build/$preset/build.ninja" ] || .venv/bin/cmake --preset "$preset" >"build-$preset.log" 2>&1 ||
    { cat "build-$preset.log" >&2; return 1; }
  rm -f "build-$preset.log"
  .venv/bin/cmake --build --preset "$preset" ${1:+--target "$@"}
  done_step
}
