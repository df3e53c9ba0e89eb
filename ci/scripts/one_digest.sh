root=${CI_PROJECT_DIR:-$PWD}
file=$root/$digests/$ARCH.json
[ -f "$file" ] || die "there is no $digests/$ARCH.json." "It is an artifact of the build job for $ARCH: this job needs it ('needs:')."
digest=$(sed -n 's/.*"digest": *"\([^"]*\)".*/\1/p' "$file")
image=$(sed -n 's/.*"image": *"\([^"]*\)".*/\1/p' "$file")
