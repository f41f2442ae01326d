#!/bin/sh
# latent: lua5.4 with latent loaded, a prompt, and help. `latent --help` and latent(1) say how it is called.
# Scripts and code are run by lua5.4 itself, so that arguments, messages and exit codes are its own.
lua=@LUA@ luadir=@LUADIR@ libdir=@LIBDIR@

# Where this file lies counts more than where it was made for: a tree may be staged, or moved.
self=$(readlink -f -- "$0") && prefix=${self%/bin/*}
[ -f "$prefix/share/lua/5.4/latent/command.lua" ] && luadir=$prefix/share/lua/5.4
for folder in "$prefix/lib/lua/5.4" "$prefix"/lib*/lua/5.4 "$prefix"/lib/*/lua/5.4; do
  if [ -f "$folder/latent.so" ]; then
    libdir=$folder
    break
  fi
done
command=$luadir/latent/command.lua

# The user's own paths come after.
find_latent() {
  LUA_PATH_5_4="$luadir/?.lua;${LUA_PATH_5_4-${LUA_PATH-;;}}"
  LUA_CPATH_5_4="$libdir/?.so;${LUA_CPATH_5_4-${LUA_CPATH-;;}}"
  export LUA_PATH_5_4 LUA_CPATH_5_4
}

run() {
  find_latent
  exec "$lua" -l latent "$@"
}

case ${1-} in
  help) shift; run "$command" help "$@" ;;
  -h | --help) run "$command" usage ;;
  --version) run "$command" version ;;
esac

# lua5.4's options go to the end of the list, -i and -E are ours; then the script and its arguments follow.
left=$# interactive= code= dashes=
while [ "$left" -gt 0 ]; do
  case $1 in
    -i) interactive=yes ;;
    -E) unset LUA_INIT LUA_INIT_5_4 LUA_PATH LUA_PATH_5_4 LUA_CPATH LUA_CPATH_5_4 ;;
    --) dashes=$1 ;;
    - | [!-]* | '') break ;;
    -e | -l)
      [ "$1" = -e ] && code=yes
      set -- "$@" "$1"
      if [ "$left" -gt 1 ]; then
        shift
        left=$((left - 1))
        set -- "$@" "$1"
      fi ;;
    *)
      case $1 in -e* | -v) code=yes ;; esac
      set -- "$@" "$1" ;;
  esac
  shift
  left=$((left - 1))
  [ -n "$dashes" ] && break
done
[ "$left" -eq 0 ] && [ -z "$code" ] && [ -t 0 ] && interactive=yes
if [ -n "$interactive" ]; then
  set -- "$@" "$command" repl
elif [ -n "$dashes" ] && [ "$left" -gt 0 ]; then
  set -- "$@" --
fi
while [ "$left" -gt 0 ]; do
  set -- "$@" "$1"
  shift
  left=$((left - 1))
done
run "$@"
