set -- build --frontend dockerfile.v0 --local "context=$context" --local "dockerfile=${dockerfile%/*}" --opt "filename=${dockerfile##*/}" \
  --progress plain --metadata-file "$digest_file.json"
output="type=image,name=$image:$tag-$ARCH,push=true,oci-mediatypes=true"
insecure=
if option insecure-registry=true; then insecure=,registry.insecure=true output=$output,registry.insecure=true; fi
set -- "$@" --output "$output"
if ! option cache=false; then
  set -- "$@" --import-cache "type=registry,ref=$cache:buildcache$insecure" \
    --export-cache "type=registry,ref=$cache:buildcache,mode=max,oci-mediatypes=true,image-manifest=true,ignore-error=true$insecure"
fi
[ -z "${MULTIARCH_TARGET:-}" ] || set -- "$@" --opt "target=$MULTIARCH_TARGET"
quoted=
quote() { printf "'"; printf '%s' "$1" | sed "s/'/'\\\\''/g"; printf "'"; }
build_arg() { case "$1" in TARGET*) ;; *) quoted="$quoted --opt $(quote "build-arg:$1")" ;; esac; } # BuildKit sets TARGET* itself
label() { quoted="$quoted --opt $(quote "label:$1")"; }
each_build_arg build_arg
each_label label
eval "set -- \"\$@\" $quoted"
if [ -n "${MULTIARCH_HUB_MIRROR:-}" ]; then
  mirrors=$(mktemp -d)/buildkitd.toml
  printf '[registry."docker.io"]\n  mirrors = ["%s"]\n' "${MULTIARCH_HUB_MIRROR#*://}" >"$mirrors"
  BUILDKITD_FLAGS="${BUILDKITD_FLAGS:-} --config=$mirrors"
fi
# Without a process sandbox: a pod that may not mount /proc can't have one, and this pod builds one image only.
export BUILDKITD_FLAGS="--oci-worker-no-process-sandbox ${BUILDKITD_FLAGS:-}"
# shellcheck disable=SC2086 # a list of further options
buildctl-daemonless.sh "$@" ${MULTIARCH_BUILDER_ARGS:-}
sed -n 's/.*"containerimage.digest": *"\([^"]*\)".*/\1/p' "$digest_file.json" >"$digest_file"
rm -f "$digest_file.json"
