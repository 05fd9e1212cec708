#!/usr/bin/env bash
# Runs a fuzz target: tests/fuzz/run.sh intake|clean|config|headers [executions]. Needs a C++ compiler; a stable Rust will do.
# Findings and the corpus stay in target/fuzz.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
target=${1:?usage: tests/fuzz/run.sh intake|clean|config|headers [executions]}
executions=${2:-10000000}
root=$PWD/target/fuzz
mkdir -p "$root/corpus/$target" "$root/findings"
case $target in
    intake) cp tests/shapes/* "$root/corpus/$target/" ;;
    config) cp deploy/*.toml "$root/corpus/$target/" ;;
    clean) cp tests/corpus/*.txt "$root/corpus/$target/" ;;
esac
# Coverage for libFuzzer, by options that stable Rust has; a target triple keeps it away from build scripts.
host=$(rustc -vV | sed -n 's/^host: //p')
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=3 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
-Cllvm-args=-sanitizer-coverage-pc-table --cfg fuzzing"
CARGO_TARGET_DIR=$root cargo build --release --manifest-path tests/fuzz/Cargo.toml --target "$host" --bin "$target"
exec "$root/$host/release/$target" "$root/corpus/$target" -runs="$executions" -max_len=512 -timeout=10 -rss_limit_mb=4096 -print_final_stats=1 \
    -artifact_prefix="$root/findings/$target-"
