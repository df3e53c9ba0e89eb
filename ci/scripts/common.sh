set -eu
die() { printf 'ERROR: %s\n' "$1" >&2; shift; for line in "$@"; do printf '  %s\n' "$line" >&2; done; exit 1; }
say() { printf '%s\n' "$*"; }
option() { case " ${MULTIARCH_OPTIONS:-} " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }
