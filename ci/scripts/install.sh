folder=${MULTIARCH_PROJECT:-.}
[ -f "$folder/Pulumi.yaml" ] || die "there is no Pulumi.yaml in '$folder'." "Name the folder that has it by the input 'project'."
if [ -n "${MULTIARCH_PACKAGE:-}" ]; then
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "this image has no Python 3.11 or later." "Name one that has by the input 'image'."
  # The program's own environment, as its Pulumi.yaml has it: a preview runs the program there.
  python3 -m venv "$folder/.venv"
  set -- --quiet --disable-pip-version-check
  [ -n "${MULTIARCH_MERGES:-}" ] || [ ! -f "$folder/requirements.txt" ] || set -- "$@" -r "$folder/requirements.txt"
  "$folder/.venv/bin/python" -m pip install "$@" $MULTIARCH_PACKAGE
  PATH="$(cd "$folder/.venv/bin" && pwd):$PATH"
fi
command -v multiarch >/dev/null || die "there is no 'multiarch' in this image." "Let the input 'package' say what to install, or use an image that has it."
