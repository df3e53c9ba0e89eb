# What is built, from the components' inputs or the classic variables.
root=${CI_PROJECT_DIR:-$PWD}
dockerfile=${MULTIARCH_DOCKERFILE:-${DOCKERFILE_LOCATION:-Dockerfile}}
context=${MULTIARCH_CONTEXT:-}
case "$dockerfile" in /*) ;; *) dockerfile=$root/$dockerfile ;; esac
if [ -d "$dockerfile" ]; then
  # A folder is the context too, as in `docker build FOLDER`; MULTIARCH_CONTEXT says otherwise.
  dockerfile=${dockerfile%/}
  : "${context:=$dockerfile}"
  dockerfile=$dockerfile/Dockerfile
fi
: "${context:=$root}"
case "$context" in /*) ;; *) context=$root/$context ;; esac
[ -f "$dockerfile" ] || die "there is no file $dockerfile." "Set the input 'dockerfile' (classic: DOCKERFILE_LOCATION), relative to the project."
[ -d "$context" ] || die "there is no folder $context." "Set the input 'context' (classic: MULTIARCH_CONTEXT), relative to the project."
cache=${MULTIARCH_CACHE_REPO:-$image/cache}-$ARCH
digest_file=$root/$digests/$ARCH.digest
mkdir -p "$root/$digests"
rm -f "$digest_file" "$root/$digests/$ARCH.json"
build_args=
for pair in ${MULTIARCH_BUILD_ARGS:-}; do
  case "$pair" in
    *=*) ;;
    *[!A-Za-z0-9_]* | [0-9]*) die "the build argument '$pair' is neither KEY=VALUE nor the name of a variable." ;;
  esac
  build_args="$build_args $pair"
done
title=${image##*/}
[ -z "${MULTIARCH_VENDOR:-}" ] || OCI_IMAGE_VENDOR=$MULTIARCH_VENDOR
base=${BASE_IMAGE_NAME:+$BASE_IMAGE_NAME${BASE_IMAGE_TAG:+:$BASE_IMAGE_TAG}}
each_build_arg() { # FUNCTION: call it with every KEY=VALUE; a bare KEY takes the variable's value, blanks and all
  "$1" "TARGETPLATFORM=linux/$ARCH"
  "$1" TARGETOS=linux
  "$1" "TARGETARCH=$ARCH"
  for name in BASE_IMAGE_NAME BASE_IMAGE_TAG OCI_IMAGE_SOURCE OCI_IMAGE_VENDOR; do
    eval "value=\${$name:-}"
    [ -z "$value" ] || "$1" "$name=$value"
  done
  for pair in $build_args; do
    case "$pair" in
      *=*) "$1" "$pair" ;;
      *) eval "value=\${$pair-}"; "$1" "$pair=$value" ;;
    esac
  done
}
each_label() { # FUNCTION: call it with every KEY=VALUE that has a value
  # The commit's time, not the clock's: building the same commit again can give the same image again.
  for pair in "title=$title" "created=${CI_COMMIT_TIMESTAMP:-}" "revision=${CI_COMMIT_SHA:-}" "version=${CI_COMMIT_TAG:-$tag}" \
    "source=${OCI_IMAGE_SOURCE:-${CI_PROJECT_URL:-}}" "vendor=${OCI_IMAGE_VENDOR:-}" "base.name=$base"; do
    [ -z "${pair#*=}" ] || "$1" "org.opencontainers.image.$pair"
  done
}
