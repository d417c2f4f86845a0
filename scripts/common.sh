# Shared by the shell scripts of this folder: repository root, progress lines, privileges. Sourced, never run.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
started=$SECONDS

# say TEXT: one progress line with the time since the script began.
say() { printf '[%3d:%02d] %s\n' $(((SECONDS - started) / 60)) $(((SECONDS - started) % 60)) "$*"; }

# as_root COMMAND...: through sudo for anybody but root.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "error: needs root or sudo for: $*" >&2
    return 1
  fi
}

# How many compilers may run at once: a compiler process needs about 1.5 GiB.
default_jobs() {
  local cpus memory
  cpus=$(nproc)
  memory=$(awk '/MemAvailable/ {print int($2 / 1572864)}' /proc/meminfo)
  [ "$memory" -ge 1 ] || memory=1
  echo $((cpus < memory ? cpus : memory))
}
