# archmerge @VERSION@, unless this image has its own: nothing is fetched. Made of this commit's sources, byte for byte, by
# `python archmerge/packaging/make_zipapp.py --without-yaml FILE`, which has the sha256
# @SHA256@.
if ! command -v archmerge >/dev/null; then
  unpacked=$(mktemp -d)
  python3 -IS -c 'import sys; sys.version_info >= (3, 11) or sys.exit(1); import base64, bz2
sys.stdout.buffer.write(bz2.decompress(base64.b64decode(sys.stdin.buffer.read())))' >"$unpacked/archmerge.pyz" <<'ARCHMERGE' ||
@ARCHMERGE@
ARCHMERGE
    die "this job's image has neither archmerge nor Python 3.11 or later." \
      "Leave the input 'merge-image' out, or let it name an image that has one of them (docs/ci.md, 'The merge job')."
  archmerge() { # once: what was unpacked goes with it
    python3 -IS "$unpacked/archmerge.pyz" "$@" && ended=0 || ended=$?
    rm -rf "$unpacked" || :
    return "$ended"
  }
fi
