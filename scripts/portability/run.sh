#!/bin/sh
# Builds and runs the specs in other ways than this machine's usual one, a step each, which says what ran or why it
# was skipped:
#
#   sh scripts/portability/run.sh [STEP...]     all of them by default; from the top of the tree
#
#   gcc clang        the compilers, with their newest versions that are installed
#   lua-SUITE        Lua 5.4 from Debian's sources (bookworm, trixie, sid), with LUA_USE_APICHECK
#   debian-SUITE     the whole in a Debian of this suite (trixie), its compiler, Lua and BLAS: a folder for chroot
#   plain            x86-64 without AVX: qemu-x86_64's Nehalem, for which OpenBLAS and the loops have other code
#   arm64            built by the cross compiler, and run by qemu-aarch64
#   musl             core and bindings compiled by musl-gcc
#   serial openmp    OpenBLAS's other builds of Debian, by the loader's path
#   reference blis   other libraries than OpenBLAS
#
# SPEC: the specs, SPEC=spec all of them; what must be fetched, and what a step's specs said (STEP.out), lies in
# build/portability (fetch.sh).
set -u
here=$(pwd)
base=$here/build/portability
triplet=$(gcc -print-multiarch)
suite=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-}")
SPEC=${SPEC:-spec/base_spec.lua spec/module_spec.lua spec/matrix_linear_spec.lua spec/eigen_spec.lua spec/kmeans_spec.lua \
  spec/gmm_spec.lua spec/ppca_spec.lua spec/lds_spec.lua spec/nn_values_spec.lua spec/save_spec.lua}
. scripts/portability/fetch.sh
mkdir -p "$base"
failed=0

say() { echo "$step: $*"; }
skip() {
  say "skipped: $*"
  return 0
}
has() { command -v "$1" >/dev/null; }

# What a build says of itself: Lua, BLAS, threads, and the specs' count. $1: the interpreter; the rest is make's.
specs() {
  lua=$1
  shift
  make --no-print-directory test LUA="$lua" SPEC="$SPEC" BUSTED_FLAGS=--output=plainTerminal "$@" \
    >"$base/$step.out" 2>&1
  tell $?
}

# Of a run of specs: its exit status is $1, what it said in STEP.out.
tell() {
  count=$(sed -n '/ success.* pending/p' "$base/$step.out" | tail -1)
  if [ "$1" -ne 0 ] || [ -z "$count" ]; then
    tail -40 "$base/$step.out"
    say "FAILED ($what) ${count:-}"
    failed=$((failed + 1))
    return 1
  fi
  say "ran ($what): $count"
}

build() {
  make --no-print-directory -j2 "$@" >"$base/$step.log" 2>&1 && return 0
  tail -20 "$base/$step.log"
  say "FAILED: it doesn't build"
  failed=$((failed + 1))
  return 1
}

compiler() {
  has "$step" || { skip "$step is not installed"; return; }
  what=$($step --version | head -1)
  build CC="$step" BUILD="build/portability/$step" CFLAGS="-O2 -g -Werror" && specs lua5.4 CC="$step" \
    BUILD="build/portability/$step" CFLAGS="-O2 -g -Werror"
}

# The module is this system's, as is what a host would load; the interpreter is built with the checks of its API.
lua_source() {
  apt_for "$base/source-$1" "$1" "$(dpkg --print-architecture)" || { skip "no sources of Debian's $1"; return; }
  source=$(unpack_source "$base/source-$1" lua5.4) || { skip "Debian's $1 has no source of lua5.4"; return; }
  [ -x "$base/$step/lua" ] || { mkdir -p "$base/$step" && (cd "$source/src" &&
    gcc -O2 -DLUA_USE_LINUX -DLUA_USE_APICHECK -DLUA_COMPAT_5_3 -o "$base/$step/lua" \
      $(ls *.c | grep -v '^luac.c$') -Wl,-E -lm -ldl); } || { say "FAILED: Lua doesn't build"; failed=$((failed + 1)); return; }
  what="$("$base/$step/lua" -v | cut -d' ' -f1-2) of $1, LUA_USE_APICHECK"
  # Lua's own paths are /usr/local's; modules of Debian's are where its interpreter looks
  LUA_PATH=$(lua5.4 -e 'print(package.path)') LUA_CPATH=$(lua5.4 -e 'print(package.cpath)')
  SPEC="$SPEC" specs "$base/$step/lua" ENV="LUA_PATH='$here/build/lua/?.lua;$LUA_PATH' LUA_CPATH='$here/build/?.so;$LUA_CPATH'"
}

# What its compiler makes in a copy of the tree, for its own Lua and OpenBLAS.
debian() {
  [ "$(id -u)" -eq 0 ] || { skip "chroot is root's"; return; }
  packages=make,gcc,libc6-dev,pkg-config,lua5.4,liblua5.4-dev,libopenblas-dev,liblapacke-dev,lua-busted
  mkdir -p "$base/$step"
  debian_in "$base/$step" "$1" "$packages" || { skip "no Debian $1 is to be had: $base/$step/log"; return; }
  rm -rf "$base/$step/root/latent" && mkdir -p "$base/$step/root/latent" || return
  tar -cf - --exclude=./build --exclude=./.git . | tar -xf - -C "$base/$step/root/latent"
  unshare --mount --pid --fork --mount-proc="$base/$step/root/proc" chroot "$base/$step/root" sh -c "cd latent &&
    make -j2 && make test SPEC='$SPEC' BUSTED_FLAGS=--output=plainTerminal" >"$base/$step.out" 2>&1
  status=$?
  what=$(chroot "$base/$step/root" sh -c 'gcc --version | head -1; lua5.4 -v | cut -d" " -f1-2' | tr '\n' ' ')
  tell $status
}

# An interpreter for make that is run by the emulator $1, which specs run their programs by, too.
emulated() {
  mkdir -p "$base/$step"
  printf '#!/bin/sh\nexec %s "$@"\n' "$1" >"$base/$step/run"
  printf '#!/bin/sh\nexec %s "$@"\n' "$base/$step/run $2" >"$base/$step/lua"
  chmod +x "$base/$step/run" "$base/$step/lua"
  export LATENT_LUA="$base/$step/lua" LATENT_EMULATOR="$base/$step/run"
}

plain() {
  has qemu-x86_64 || { skip "qemu-x86_64 is not installed (qemu-user)"; return; }
  emulated "env OPENBLAS_CORETYPE=Nehalem qemu-x86_64 -cpu Nehalem" "$(command -v lua5.4)"
  what="qemu-x86_64 -cpu Nehalem: no AVX"
  specs "$base/$step/lua"
  unset LATENT_LUA LATENT_EMULATOR
}

# The packages that the interpreter, the module and busted need of the other machine.
ARM64="libc6 libgcc-s1 libgfortran5 libopenblas0-pthread liblapacke liblapack3 libblas3 lua5.4 liblua5.4-0 \
  libreadline8 libtinfo6 lua-filesystem lua-system lua-term liblapacke-dev libtmglib3 liblua5.4-dev"

arm64() {
  has aarch64-linux-gnu-gcc && has qemu-aarch64 || { skip "its gcc or qemu-aarch64 is not installed"; return; }
  apt_for "$base/arm64" "$suite" arm64 && unpack "$base/arm64" $ARM64 || { skip "no packages for it"; return; }
  root=$base/arm64/root
  there=$root/usr/lib/aarch64-linux-gnu
  libraries="-L$there/openblas-pthread -L$there -l:liblapacke.a -l:libopenblas.so.0 -lm"
  set -- CC="aarch64-linux-gnu-gcc -idirafter /usr/include -idirafter /usr/include/$triplet" CFLAGS="-O2 -g" \
    BUILD=build/portability/aarch64 LIBS="$libraries -Wl,-rpath-link,$there"
  build "$@" || return
  emulated "env OPENBLAS_CORETYPE=ARMV8 LD_LIBRARY_PATH= qemu-aarch64 -L $root \
-E LD_LIBRARY_PATH=$there/openblas-pthread:$there:$root/lib/aarch64-linux-gnu" "$root/usr/bin/lua5.4"
  what="qemu-aarch64, Lua and OpenBLAS of $suite's arm64"
  c_modules="$there/lua/5.4/?.so;$here/build/portability/aarch64/?.so"
  specs "$base/$step/lua" "$@" ENV="LUA_PATH='$here/build/portability/aarch64/lua/?.lua;;' LUA_CPATH='$c_modules'"
  unset LATENT_LUA LATENT_EMULATOR
}

musl() {
  has musl-gcc || { skip "musl-gcc is not installed (musl-tools)"; return; }
  what="$(musl-gcc --version | head -1), musl"
  build CC=musl-gcc BUILD=build/portability/musl CFLAGS="-O2 -Werror -idirafter /usr/include -idirafter /usr/include/$triplet" \
    objects && say "ran ($what): core and bindings compile; not linked, as there is no BLAS for musl"
}

flavour() {
  apt_for "$base/blas" "$suite" "$(dpkg --print-architecture)" && unpack "$base/blas" "libopenblas0-$step" ||
    { skip "no package of it"; return; }
  LD_LIBRARY_PATH=$base/blas/root/usr/lib/$triplet/openblas-$step
  export LD_LIBRARY_PATH
  what="$(LUA_CPATH="$here/build/?.so" lua5.4 -e 'print(require("latent").blas())')"
  specs lua5.4
  unset LD_LIBRARY_PATH
}

# other_blas NAME LIBRARY PACKAGES...: LIBRARY is what the linker is given
other_blas() {
  library=$2 name=$1
  shift 2
  apt_for "$base/blas" "$suite" "$(dpkg --print-architecture)" && unpack "$base/blas" liblapack3 "$@" ||
    { skip "no package of it"; return; }
  at=$base/blas/root/usr/lib/$triplet
  libraries="$(make -s --eval 'lapacke:;@echo $(LAPACKE)' lapacke) -L$at/lapack -L$at/$library"
  libraries="$libraries -l:liblapack.so.3 -l:lib$name.so.$(ls "$at/$library" | sed -n "s/^lib$name\.so\.\([0-9]*\)$/\1/p") -lm"
  build BUILD="build/portability/$step" BLAS="$name" LIBS="$libraries" || return
  LD_LIBRARY_PATH=$at/$library:$at/lapack
  export LD_LIBRARY_PATH
  what="$(LUA_CPATH="$here/build/portability/$step/?.so" lua5.4 -e 'print(require("latent").blas())') of $library"
  specs lua5.4 BUILD="build/portability/$step" BLAS="$name" LIBS="$libraries"
  unset LD_LIBRARY_PATH
}

[ $# -gt 0 ] || set -- gcc clang lua-bookworm lua-trixie lua-sid debian-trixie plain arm64 musl serial openmp reference blis
for step; do
  case $step in
    gcc | clang) compiler ;;
    lua-*) lua_source "${step#lua-}" ;;
    debian-*) debian "${step#debian-}" ;;
    plain | arm64 | musl) $step ;;
    serial | openmp) flavour ;;
    reference) other_blas blas blas libblas3 ;;
    blis) other_blas blis blis-pthread libblis4-pthread ;;
    *) say "there is no such step" && failed=$((failed + 1)) ;;
  esac
done
[ "$failed" -eq 0 ]
