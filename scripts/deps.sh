#!/bin/sh
# Installs what is missing to build, test and lint (Debian, Ubuntu). Looks for the things
# themselves, so a compiler or an OpenBLAS of one's own counts; does nothing when all is there.
set -u
missing=

# need PACKAGES COMMAND...: the packages that bring what the command looks for
need() {
  packages=$1
  shift
  "$@" >/dev/null 2>&1 || missing="$missing $packages"
}
has() { command -v "$1"; }
cc=${CC:-gcc}
header() { has "$cc" && echo "#include <$1>" | $cc -E $(pkg-config --cflags lua5.4 2>/dev/null) -x c -; }
library() { has "$cc" && [ "$($cc -print-file-name="lib$1.so")" != "lib$1.so" ]; }

need "gcc libc6-dev" has "$cc"
need "libc6-dev" header stdio.h
need "pkg-config" has pkg-config
need "lua5.4" has "${LUA:-lua5.4}"
need "liblua5.4-dev" header lua.h
need "libopenblas-dev" header cblas.h
need "libopenblas-dev" library openblas
need "liblapacke-dev" header lapacke.h
need "liblapacke-dev" library lapacke
need "lua-busted" has busted
need "gnuplot-nox" has gnuplot
need "lua-readline" "${LUA:-lua5.4}" -e 'require "readline"'
need "lua-check" has luacheck
need "clang-format" has clang-format

[ -z "$missing" ] && exit 0
missing=$(printf '%s\n' $missing | sort -u | tr '\n' ' ')
if ! command -v apt-get >/dev/null; then
  echo "missing, by Debian's names: $missing" >&2
  echo "There is no apt-get here; please install them your system's way." >&2
  exit 1
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "missing: $missing" >&2
    echo "As root: apt-get install $missing" >&2
    exit 1
  fi
  as_root=sudo
fi
echo "installing: $missing"
# libopenblas-dev brings Debian's default, the pthread build, which is the one that may run threaded.
$as_root apt-get update -qq &&
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing || {
  echo "apt-get could not install: $missing" >&2
  exit 1
}
