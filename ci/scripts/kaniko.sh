executor=$(command -v executor || printf /kaniko/executor)
set -- --context "dir://$context" --dockerfile "$dockerfile" --destination "$image:$tag-$ARCH" --digest-file "$digest_file" \
  --image-format=oci --snapshot-mode=redo --compressed-caching=false \
  --push-retry=3 --image-download-retry=3 --image-fs-extract-retry=3
# One cache per architecture: kaniko's keys don't know the platform, and a shared cache has given arm64 images x86 layers.
if option cache=false; then set -- "$@" --cache=false; else set -- "$@" --cache=true --cache-repo "$cache"; fi
if option insecure-registry=true; then set -- "$@" --insecure-registry "$host"; fi
# A GitLab with certificates of its own gives its runners the authority's, and its registry mostly has the same.
if [ "$host" = "${CI_REGISTRY:-}" ] && [ -f "${CI_SERVER_TLS_CA_FILE:-}" ]; then
  set -- "$@" --registry-certificate "$host=$CI_SERVER_TLS_CA_FILE"
fi
[ -z "${MULTIARCH_TARGET:-}" ] || set -- "$@" --target "$MULTIARCH_TARGET"
[ -z "${MULTIARCH_HUB_MIRROR:-}" ] || set -- "$@" --registry-mirror "${MULTIARCH_HUB_MIRROR#*://}"
# The functions below can't change the arguments of the script: they write down what is to be added, one per line, quoted.
quoted=
quote() { printf "'"; printf '%s' "$1" | sed "s/'/'\\\\''/g"; printf "'"; }
build_arg() { quoted="$quoted --build-arg $(quote "$1")"; }
label() { quoted="$quoted --label $(quote "$1")"; }
each_build_arg build_arg
each_label label
eval "set -- \"\$@\" $quoted"
# shellcheck disable=SC2086 # a list of further options
"$executor" "$@" ${MULTIARCH_BUILDER_ARGS:-}
