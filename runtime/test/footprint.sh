#!/bin/sh
# footprint.sh LIBRARY STRIP LIMIT: fails when the stripped library has more than LIMIT bytes, needs more than libc, libm and threads, or exports
# what is not laic_*.
set -eu
library=$1
strip=$2
limit=$3
stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
"$strip" -o "$stripped" "$library"
size=$(wc -c <"$stripped")
echo "stripped size: $size bytes"
[ "$size" -le "$limit" ] || { echo "more than $limit bytes"; exit 1; }
extra=$(ldd "$library" | awk '{print $1}' | grep -v -E '^(linux-vdso|libc|libm|libpthread|/lib.*/ld-linux|ld-linux)[^ ]*\.so' || true)
[ -z "$extra" ] || { echo "needs $extra"; exit 1; }
foreign=$(nm -D --defined-only "$library" | awk '{print $3}' | grep -v '^laic_' || true)
[ -z "$foreign" ] || { echo "exports $foreign"; exit 1; }
