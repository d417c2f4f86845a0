#!/bin/sh
# vendored.sh VENDOR_SCRIPT BUILD CC CXX SOURCE ARTIFACT: builds a vendored copy with the commands of README.md, links it into a C program without
# a C++ library and runs an artifact.
set -eu
vendor=$1 build=$2 cc=$3 cxx=$4 source=$5 artifact=$6
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$vendor" "$build" "$folder/laic"
cd "$folder"
for file in $(find laic/src -name '*.cpp'); do
  "$cxx" -std=c++17 -O1 -fPIC -fno-exceptions -fno-rtti -fno-threadsafe-statics -fvisibility=hidden \
    -Ilaic/include -Ilaic/src/core -isystem laic/third_party -c "$file" -o "$(echo "$file" | tr / _).o"
done
ar rcs liblaic_runtime.a ./*.o
"$cc" -std=c11 -Wall -Wextra -Werror -pedantic -Ilaic/include "$source" liblaic_runtime.a -lpthread -lm -o program
./program "$artifact"
