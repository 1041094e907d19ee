#!/bin/sh
# Says which functions of linked images can reach a panic, and how many calls lead there.
#
#   panic-paths.sh IMAGE...
#
# Exit status: 0 where no image can, 1 where one can, 2 where an image cannot be read.
set -eu
host=$(rustc -vV | sed -n 's/^host: //p')
tools=$(rustc --print sysroot)/lib/rustlib/$host/bin
# What panics go through, none of it generic: it is never inlined.
names='core::panicking|slice_index_fail|slice_error_fail|unwrap_failed|expect_failed|core::cell::panic|rust_begin_unwind'

code=0
for image in "$@"; do
  disassembly=$("$tools/llvm-objdump" --disassemble --demangle --no-show-raw-insn "$image") || exit 2
  calls=$(printf '%s\n' "$disassembly" | awk -v names="$names" '
    /^[0-9a-f]+ <.*>:$/ { caller = $0; sub(/^[0-9a-f]+ </, "", caller); sub(/>:$/, "", caller) }
    /\t(bl?|b[a-z][a-z])(\.w)?\t/ && $0 ~ names && caller !~ names {
      callee = $0; sub(/^[^<]*</, "", callee); sub(/>[^>]*$/, "", callee)
      print "  " caller "  calls  " callee
    }' | sort | uniq)
  if [ -n "$calls" ]; then
    code=1
    echo "$(printf '%s\n' "$calls" | wc -l) panic paths in $image"
    printf '%s\n' "$calls"
  else
    echo "0 panic paths in $image"
  fi
done
exit $code
