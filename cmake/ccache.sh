#!/bin/sh
# Compiles through ccache so that clones and worktrees share what they compile. ccache makes paths relative that it knows
# to be paths, but not those of the precompiled header, which CMake hands over by -Xclang. That header has absolute paths
# in it: each clone makes its own, and for the cache the texts it was made of stand for it.
makes_header=
for argument; do
  shift
  set -- "$@" "${argument#"$PWD"/}"
  case $argument in *-emit-pch) makes_header=1 ;; esac
  case $previous in -o) output=$argument ;; -MF) depends=$argument ;; esac
  previous=$argument
done
[ "$makes_header" ] || exec ccache "$@"
"$@" || exit
# shellcheck disable=SC2046
cat $(sed 's/^[^:]*: *//; s/\\$//' "$depends") | cksum >"$output.sum"
