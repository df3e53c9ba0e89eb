root=${CI_PROJECT_DIR:-$PWD}
version=${MULTIARCH_RUNNER_VERSION#v}
flavor=${MULTIARCH_FLAVOR:+$MULTIARCH_FLAVOR-}
first=${flavor}v$version
set -- push --target "$image:$first" --digest-file "$root/helper.digest" --dotenv "$root/helper.env"
[ -z "${MULTIARCH_TAGS:-}" ] || set -- "$@" --tags "$MULTIARCH_TAGS"
if option insecure-registry=true; then set -- "$@" --plain-http "$host"; fi
if option insecure-source=true; then set -- "$@" --plain-http "${MULTIARCH_SOURCE%%/*}"; fi
archmerge "$@" -- "linux/amd64=$MULTIARCH_SOURCE:${flavor}x86_64-v$version" "linux/arm64=$MULTIARCH_SOURCE:${flavor}arm64-v$version"
say "in the runner's config: helper_image = \"$image:${flavor}v\${CI_RUNNER_VERSION}\""
