#!/bin/sh
# readers.sh BUILD SECONDS|xRUNS [TARGET...]: feeds every reader of files what is almost right. BUILD has
# liblatent.a (see the Makefile's fuzz-readers: compiled by clang for libFuzzer, or else by gcc for driver.c), the
# corpus grows in BUILD/corpus from the files that seeds.lua makes. Ends at the first fault, whose input is
# left in BUILD/TARGET-*. Environment: CC, LUA, LUA_PATH, LUA_CPATH and LATENT_LIBS.
build=$1 length=$2
shift 2
cd "$(dirname "$0")/../.." || exit 1
[ $# -gt 0 ] || set -- csv npy npz gzip image safetensors json checkpoint model module
flags="-std=c11 -D_GNU_SOURCE -g -O1 -pthread -Icore -isystem ${LUA_INCDIR:-/usr/include/lua5.4}"
sanitizers=address,undefined
fuzzer=
echo 'int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { return d && n ? 0 : 0; }' >"$build/probe.c"
$CC -fsanitize=fuzzer "$build/probe.c" -o "$build/probe" 2>/dev/null && fuzzer=yes
rm -f "$build/probe" "$build/probe.c"
"${LUA:-lua5.4}" spec/fuzz/seeds.lua "$build/corpus" || exit 1
for target in "$@"; do
  program=$build/fuzz_$target corpus=$build/corpus/fuzz_$target
  if [ -n "$fuzzer" ]; then engine="-fsanitize=fuzzer,$sanitizers"; else engine="-fsanitize=$sanitizers spec/fuzz/driver.c"; fi
  $CC $flags -fno-sanitize-recover=all $engine -o "$program" "spec/fuzz/fuzz_$target.c" "$build/liblatent.a" \
    -llua5.4 ${LATENT_LIBS:--lopenblas -llapacke -lm} || exit 1
  case $length in
    x*) end=-runs=${length#x} mutants=$((${length#x} / 40)) ;;
    *) end=-max_total_time=$length mutants=$((length * 500)) ;;
  esac
  export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1
  if [ -n "$fuzzer" ]; then
    "$program" "$end" -seed=1 -max_len=16384 -timeout=20 -rss_limit_mb=2500 -malloc_limit_mb=1500 \
      -print_final_stats=1 -artifact_prefix="$build/$target-" "$corpus" >"$build/$target.log" 2>&1
  else
    "$program" 1 "$mutants" "$corpus"/* >"$build/$target.log" 2>&1
  fi || {
    tail -n 60 "$build/$target.log"
    echo "fuzz_$target found a fault"
    exit 1
  }
  sed -n "s/^stat::number_of_executed_units: */fuzz_$target: executions /p" "$build/$target.log"
done
