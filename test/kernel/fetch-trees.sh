#!/usr/bin/env bash
# Brings the KVM part of Debian's kernel sources into a cache folder outside the repository:
#   CACHE/trees/6.1  CACHE/trees/6.12  CACHE/trees/7.x      (7.x: the newest that trixie-backports offers)
# CACHE is $KVM_LENS_CACHE, else $XDG_CACHE_HOME/kvm-lens, else ~/.cache/kvm-lens.
#
# apt runs with a private configuration: the machine's own lists and sources stay untouched, nothing is installed.
# Safe to run twice: a tree whose package version is still the newest is left alone; a tree is moved into place only
# when it is complete. `--offline` only says which trees are there.
# Exit: 0 all trees are there; 1 the network or a package is missing and a tree is not in the cache; 2 usage.
set -euo pipefail

cache=${KVM_LENS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kvm-lens}
trees=$cache/trees
offline=no
case "${1-}" in
  '') ;;
  --offline) offline=yes ;;
  *) echo "fetch-trees.sh: unknown argument '$1' (only --offline)" >&2; exit 2 ;;
esac
mkdir -p "$trees"

die() { echo "fetch-trees.sh: $*" >&2; exit 1; }

# NAME, its package pattern, its suite, and the mirror that carries the suite.
targets=(
  '6.1  ^linux-source-6\.1$    bookworm-security security'
  '6.12 ^linux-source-6\.12$   bookworm-security security'
  '7.x  ^linux-source-7\.[0-9]+$ trixie-backports main'
)

missing() {
  local t name
  for t in "${targets[@]}"; do
    name=${t%% *}
    [ -f "$trees/$name/.package" ] || echo "$name"
  done
}

if [ $offline = yes ]; then
  [ -z "$(missing)" ] || die "not in $trees:" $(missing)
  exit 0
fi

for tool in apt-get dpkg-deb tar xz; do
  command -v "$tool" >/dev/null || die "$tool is not installed (Debian's tools are needed to fetch the trees)"
done

apt=$cache/apt
mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$apt/etc"

# The machine's own mirrors: the security archive is the one whose address says so.
mirrors=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | sort -u || true)
if [ -z "$mirrors" ]; then # lists were never fetched on this machine
  mirrors=$(grep -rhoE 'https?://[^ ]*/debian(-security)?/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | tr -d ' ' | sort -u || true)
fi
security=$(grep -m1 'debian-security' <<<"$mirrors" || true)
main=$(grep -v 'debian-security' <<<"$mirrors" | grep -m1 -E '/debian/?$' || true)
[ -n "$main" ] || die "no Debian mirror in this machine's apt sources"
# A machine may list only its main mirror so far: the security archive then lies beside it.
[ -n "$security" ] || security=$(sed -E 's#/debian/?$#/debian-security#' <<<"$main")

keys=/usr/share/keyrings/debian-archive-keyring.gpg
[ -f "$keys" ] || die "$keys is missing (package debian-archive-keyring)"
{
  echo "deb [signed-by=$keys] $security bookworm-security main"
  echo "deb [signed-by=$keys] $main trixie-backports main"
} >"$apt/etc/sources.list"

private=(
  -o "Dir::Etc::SourceList=$apt/etc/sources.list" -o 'Dir::Etc::SourceParts=/dev/null'
  -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt" -o "Dir::Cache::archives=$apt/archives"
  -o 'Acquire::Languages=none' -o 'APT::Sandbox::User=root' -o 'Acquire::Retries=2'
)
if ! apt-get "${private[@]}" -qq -o APT::Update::Error-Mode=any update >"$apt/update.log" 2>&1; then
  if [ -z "$(missing)" ]; then
    echo "fetch-trees.sh: no network; using the trees in $trees" >&2
    exit 0
  fi
  die "cannot reach Debian's mirror, and these trees are not in $trees:" $(missing) "($(grep -m1 -E '^(E|W|Err)' "$apt/update.log" || echo "see $apt/update.log"))"
fi

fetch() { # NAME PATTERN SUITE
  local name=$1 pattern=$2 suite=$3 package version stamp work deb archive top
  package=$(apt-cache "${private[@]}" search --names-only "$pattern" | awk '{print $1}' | grep -E "$pattern" | sort -V | tail -n 1)
  [ -n "$package" ] || die "$suite offers no package that matches $pattern"
  version=$(apt-cache "${private[@]}" madison "$package" | awk -F' *\\| *' '{print $2}' | sort -V | tail -n 1)
  stamp="$package $version"
  if [ "$(cat "$trees/$name/.package" 2>/dev/null || true)" = "$stamp" ]; then
    echo "$name: $stamp (cached)"
    return
  fi
  work=$(mktemp -d "$cache/fetch.XXXXXX")
  (cd "$work" && apt-get "${private[@]}" -qq download "$package=$version" >"$apt/download.log" 2>&1) ||
    { rm -rf "$work"; die "cannot download $package $version (see $apt/download.log)"; }
  deb=$(ls "$work"/*.deb)
  mkdir "$work/deb" "$work/tree"
  dpkg-deb -x "$deb" "$work/deb"
  archive=$(find "$work/deb/usr/src" -name 'linux-source-*.tar.xz' | head -n 1)
  top=$(basename "$archive" .tar.xz)
  # Anchored names: `include` alone would also match every other folder of that name.
  tar -C "$work/tree" --strip-components=1 -xJf "$archive" \
    "$top/arch/x86/kvm" "$top/arch/x86/include" "$top/arch/x86/virt" "$top/virt" "$top/include" "$top/Makefile" 2>"$work/tar.log" ||
    grep -q 'arch/x86/virt: Not found' "$work/tar.log" || # 6.1 has no such folder
    { cat "$work/tar.log" >&2; rm -rf "$work"; die "cannot unpack $archive"; }
  echo "$stamp" >"$work/tree/.package"
  rm -rf "${trees:?}/$name"
  mv "$work/tree" "$trees/$name"
  rm -rf "$work"
  echo "$name: $stamp"
}

for t in "${targets[@]}"; do
  read -r name pattern suite _ <<<"$t"
  fetch "$name" "$pattern" "$suite"
done
