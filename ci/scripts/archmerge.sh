# archmerge @VERSION@, unless this image has its own: nothing is fetched. Made of this commit's sources, byte for byte, by
# `python archmerge/packaging/make_zipapp.py --without-yaml FILE`, which has the sha256
# @SHA256@.
if ! command -v archmerge >/dev/null; then
  python3 -IS -c 'import sys; sys.version_info >= (3, 11) or sys.exit(1); import bz2' ||
    die "this job's image has neither archmerge nor Python 3.11 or later (with its module bz2)." \
      "Leave the input 'merge-image' out, or let it name an image that has one of them (docs/ci.md, 'The merge job')."
  no_room() {
    rm -rf "${unpacked:-}" || :
    die "could not write to ${TMPDIR:-/tmp}, where archmerge is unpacked." \
      "Give the job a folder with 300 KB to spare: the variable TMPDIR names it."
  }
  unpacked=$(mktemp -d) || no_room
  python3 -IS -c 'import base64, bz2, sys
try:
    with open(sys.argv[1], "wb") as file:
        file.write(bz2.decompress(base64.b64decode(sys.stdin.buffer.read())))
except OSError as error:
    sys.exit(str(error))' "$unpacked/archmerge.pyz" <<'ARCHMERGE' ||
@ARCHMERGE@
ARCHMERGE
    no_room
  archmerge() { # once: what was unpacked goes with it
    python3 -IS "$unpacked/archmerge.pyz" "$@" && ended=0 || ended=$?
    rm -rf "$unpacked" || :
    return "$ended"
  }
fi
