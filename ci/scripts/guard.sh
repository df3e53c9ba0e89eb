# Exit code 1 is drift, and only the command may say so, by its report: any other line's 1 is 'could not tell'.
leave() { rm -rf "$private" || :; [ "$1" != 1 ] || [ -s "${report:-}" ] || exit 3; exit "$1"; }
private=$(umask 077 && mktemp -d)
trap 'leave $?' EXIT
