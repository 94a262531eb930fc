#!/usr/bin/env bash
# Holds the call graph against gcc's own, taken before anything is inlined or dropped:
#
#   test/compiler/run.sh 7.x | 6.12     [--list: print each pair that differs]
#
# Fetches Debian's whole kernel source into the cache, configures it broadly (a tool's own choice, config.txt), compiles
# arch/x86/kvm and virt/kvm up to the end of parsing with the plug-in beside this file, and compares.
# Takes some five minutes and 2 GB the first time, so CI does not run it. Needs gcc with its plug-in headers, flex, bison,
# bc, libelf and libssl headers (Debian: gcc-12-plugin-dev flex bison bc libelf-dev libssl-dev).
# Exit: 0 compared; 1 something is missing; 2 usage.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tree=${1-}
[ "$tree" = 7.x ] || [ "$tree" = 6.12 ] || { echo 'run.sh: which tree? 7.x or 6.12' >&2; exit 2; }
shift
cache=${KVM_LENS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kvm-lens}
work=$cache/compiler/$tree
for tool in gcc g++ make flex bison bc dpkg-deb xz; do
  command -v "$tool" >/dev/null || { echo "run.sh: $tool is not installed" >&2; exit 1; }
done
[ -f "$(gcc -print-file-name=plugin)/include/gcc-plugin.h" ] || { echo "run.sh: gcc's plug-in headers are not installed" >&2; exit 1; }

"$here/../kernel/fetch-trees.sh" >&2
read -r package version <"$cache/trees/$tree/.package"
if [ "$(cat "$work/.package" 2>/dev/null || true)" != "$package $version" ]; then
  rm -rf "$work"
  mkdir -p "$work/deb"
  apt=$cache/apt
  (cd "$work" && apt-get -o "Dir::Etc::SourceList=$apt/etc/sources.list" -o 'Dir::Etc::SourceParts=/dev/null' \
    -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt" -o "Dir::Cache::archives=$apt/archives" \
    -o 'APT::Sandbox::User=root' -qq download "$package=$version" >&2)
  dpkg-deb -x "$work"/*.deb "$work/deb"
  mkdir "$work/source"
  tar -C "$work/source" --strip-components=1 -xJf "$work"/deb/usr/src/linux-source-*.tar.xz
  rm -rf "$work"/*.deb "$work/deb"
  (
    cd "$work/source"
    make -s x86_64_defconfig
    while read -r option value; do scripts/config --set-val "$option" "$value"; done < <(grep -v '^#' "$here/config.txt")
    make -s olddefconfig
    make -s -j"$(nproc)" prepare modules_prepare
  ) >"$work/prepare.log" 2>&1 || { echo "run.sh: the kernel cannot be prepared, see $work/prepare.log" >&2; exit 1; }
  echo "$package $version" >"$work/.package"
fi

g++ -shared -fPIC -fno-rtti -O1 "-I$(gcc -print-file-name=plugin)/include" -o "$work/plugin.so" "$here/call-graph-plugin.cc"
rm -rf "$work/records"
mkdir "$work/records"
# A compiler that gives KVM's C files to the plug-in, and leaves empty objects: make goes on to the next file.
cat >"$work/cc" <<CC
#!/bin/sh
case " \$* " in *" arch/x86/kvm/kvm-asm-offsets.c "*) exec gcc "\$@" ;; esac
for arg; do
  case \$arg in arch/x86/kvm/*.c | virt/kvm/*.c)
    gcc "-fplugin=$work/plugin.so" "-fplugin-arg-plugin-out=$work/records" "\$@"
    exit 1 ;;
  esac
done
exec gcc "\$@"
CC
chmod +x "$work/cc"
(cd "$work/source" && make -k -j"$(nproc)" "CC=$work/cc" arch/x86/kvm/) >"$work/compile.log" 2>&1 || true
files=$(ls "$work/records" | wc -l)
[ "$files" -ge 40 ] || { echo "run.sh: only $files files were compiled, see $work/compile.log" >&2; exit 1; }
echo "$files files compiled, $(gcc -dumpfullversion), $package $version"
node "$here/../../dist/cli.js" graph "$cache/trees/$tree" --format json --output "$work/graph.json"
node "$here/compare.mjs" "$work/records" "$work/graph.json" "$work/source/.config" "$@"
