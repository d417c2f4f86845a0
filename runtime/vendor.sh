#!/bin/sh
# vendor.sh BUILD DEST: copies the runtime and the headers that it is compiled with into one folder, to be built by any build system.
#   BUILD  a configured and built tree (it holds the generated sources)
#   DEST   is created: include/ for users, src/ to compile, third_party/ with FlatBuffers (Apache-2.0), xxHash (BSD-2-Clause) and
#          headers that drivers need, each under its own license
set -eu
[ $# -eq 2 ] || { sed -n '2,5s/^# //p' "$0" >&2; exit 2; }
root=$(cd "$(dirname "$0")/.." && pwd)
build=$1
dest=$2
cached() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"; }
flatbuffers=$(cached LAIC_FLATBUFFERS_INCLUDE)
xxhash=$(cached LAIC_XXHASH_INCLUDE)
mkdir -p "$dest/include/laic" "$dest/src" "$dest/third_party/flatbuffers" "$dest/third_party/laic/Artifact"
cp "$root"/runtime/include/laic/*.h "$dest/include/laic/"
mkdir -p "$dest/src/drivers"
cp -R "$root"/runtime/src/core "$dest/src/"
while read -r kind what; do
  case $kind in
    driver) cp -R "$root/runtime/src/drivers/$what" "$dest/src/drivers/" ;;
    headers) cp -R "$what" "$dest/third_party/" ;;
  esac
done <"$build/runtime/vendored.list"
rm -f "$dest/src/core/Registry.cpp.in" "$dest"/src/drivers/*/CMakeLists.txt
cp "$build/runtime/Registry.cpp" "$dest/src/core/"
cp "$root/include/laic/Artifact/Format.h" "$build/include/laic/Artifact/artifact_generated.h" "$dest/third_party/laic/Artifact/"
cp "$flatbuffers"/flatbuffers/*.h "$dest/third_party/flatbuffers/"
cp "$xxhash/xxhash.h" "$dest/third_party/"
