# Exit code 7 is drift, and only the command may say so: curl's 7 in front of it would be 'could not tell'.
leave() { rm -rf "$private" || :; [ "$1" != 7 ] || [ -n "${compared:-}" ] || exit 3; exit "$1"; }
private=$(umask 077 && mktemp -d)
trap 'leave $?' EXIT
