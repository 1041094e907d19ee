#!/usr/bin/env bash
# Runs every fuzz target for a while: tests/fuzz/run.sh [--smoke] [SECONDS] [TARGET…]
# 60 seconds each by default, 10 with --smoke. Fails when a target crashes; the input is then in artifacts/.
set -euo pipefail
cd "$(dirname "$0")"

seconds=60
if [[ "${1:-}" == --smoke ]]; then
  seconds=10
  shift
fi
if [[ "${1:-}" =~ ^[0-9]+$ ]]; then
  seconds=$1
  shift
fi
targets=("$@")
if ((${#targets[@]} == 0)); then
  targets=(handle snapshot vocabulary)
fi

if ! rustup toolchain list | grep --quiet '^nightly'; then
  rustup toolchain install nightly --profile minimal
fi
if ! cargo fuzz --version >/dev/null 2>&1; then
  cargo install cargo-fuzz --locked
fi

failed=()
for target in "${targets[@]}"; do
  echo "== $target, $seconds seconds"
  mkdir -p "corpus/$target" "seeds/$target"
  # Core has no unsafe code, so that a sanitizer would find nothing and cost most of the speed.
  if ! cargo +nightly fuzz run --fuzz-dir . --sanitizer none "$target" "corpus/$target" "seeds/$target" -- \
    -max_total_time="$seconds" -max_len=4096 -timeout=10 -print_final_stats=1 -verbosity=0; then
    failed+=("$target")
  fi
done
if ((${#failed[@]} > 0)); then
  echo "crashed: ${failed[*]}; what they crashed on is in tests/fuzz/artifacts/" >&2
  exit 1
fi
