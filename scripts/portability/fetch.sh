# Debian's packages for the steps, unpacked beside this system and not into it: functions, for `.`.
#
# APT asks the mirrors that this machine asks; suite and architecture are the step's. Without APT they fail.

# A configuration in $1 of APT for the suite $2 and the architecture $3.
apt_for() {
  mkdir -p "$1/lists/partial" "$1/cache/archives/partial"
  sources=$(cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null)
  mirror=$(printf '%s\n' "$sources" | sed -n 's/^URIs: *//p; s/^deb \(\[.*\] \)*\([^ ]*\) .*/\2/p' | head -1)
  [ -n "$mirror" ] || return 1
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $2 main
deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $2 main" >"$1/sources.list"
  cat >"$1/apt.conf" <<END
Dir::Etc::sourcelist "$1/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "$1/lists";
Dir::Cache "$1/cache";
APT::Architecture "$3";
APT::Architectures { "$3"; };
APT::Sandbox::User "root";
END
  [ -e "$1/updated" ] || { APT_CONFIG="$1/apt.conf" apt-get update -qq && touch "$1/updated"; }
}

# The packages $2... of the configuration in $1, unpacked into $1/root.
unpack() {
  folder=$1
  shift
  for package; do
    [ -e "$folder/$package.done" ] && continue
    (cd "$folder" && APT_CONFIG="$folder/apt.conf" apt-get download -qq "$package" &&
      dpkg -x "$package"_*.deb root && rm -f "$package"_*.deb && touch "$package.done") || return 1
  done
}

# The source of the package $2 of the configuration in $1: its folder is printed. Where a mirror has lost the files of
# Debian's, the author's own are enough.
unpack_source() {
  (cd "$1" && { ls -d "$2"-*/ 2>/dev/null | grep -q . ||
    APT_CONFIG="$1/apt.conf" apt-get source -qq "$2" >/dev/null 2>&1 ||
    tar xf "$2"_*.orig.tar.* --one-top-level="$2-orig" --strip-components=1 2>/dev/null; } && echo "$1/$(ls -d "$2"-*/ | head -1)")
}

# A whole system of the suite $2 in the folder $1, with the packages $3 (commas between); to be entered by chroot.
debian_in() {
  [ -e "$1/ready" ] && return 0
  apt_for "$1/tools" "$2" "$(dpkg --print-architecture)" && unpack "$1/tools" debootstrap || return 1
  tools=$1/tools/root/usr
  DEBOOTSTRAP_DIR=$tools/share/debootstrap sh "$tools/sbin/debootstrap" --variant=minbase --include="$3" "$2" \
    "$1/root" "$mirror" >"$1/log" 2>&1 && touch "$1/ready"
}
