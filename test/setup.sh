#!/usr/bin/env bash
# Brings what the tests need beside npm's packages: Debian's tools (ctags and cscope as oracles, gcc for the sample's
# syntax, Chromium and a font for the editor's pictures) and Debian's kernel trees. Safe to run twice.
# Outside CI a missing piece is said, and the tests that need it are skipped and counted; in CI it is an error.
set -euo pipefail
cd "$(dirname "$0")"

complain() { # MESSAGE
  echo "setup: $1" >&2
  [ -z "${CI-}" ] || exit 1
}

missing=()
need() { command -v "$1" >/dev/null || missing+=("$2"); }
need ctags universal-ctags
need cscope cscope
need gcc gcc
need make make
need patch patch
need git git
need xz xz-utils
need chromium chromium
[ -d /usr/share/fonts/truetype/dejavu ] || missing+=(fonts-dejavu-core)

if [ ${#missing[@]} -gt 0 ]; then
  as_root=()
  if [ "$(id -u)" != 0 ]; then as_root=(sudo -n); fi
  if command -v apt-get >/dev/null; then
    echo "setup: installing ${missing[*]}"
    log=$(mktemp)
    if ! { "${as_root[@]}" apt-get -qq update &&
      DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get -qq install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
      tail -n 3 "$log" >&2
      complain "could not install ${missing[*]}: run 'apt-get install ${missing[*]}' as root"
    fi
    rm -f "$log"
  else
    complain "these Debian packages are missing: ${missing[*]}"
  fi
fi

kernel/fetch-trees.sh || complain 'the real kernel trees are not complete'
