# The image: MULTIARCH_IMAGE of the components, or CI_REGISTRY_URL and IMAGE_NAME of the classic form.
registry=${CI_REGISTRY_URL:-}
registry=${registry#*://}
registry=${registry%/}
image=${MULTIARCH_IMAGE:-}
if [ -z "$image" ]; then
  image=${IMAGE_NAME:-}
  case "$image" in
    '') image=${CI_REGISTRY_IMAGE:-$registry} ;;
    localhost/* | *.*/* | *:*/*) ;;
    *) [ -z "${registry:=${CI_REGISTRY_IMAGE:-}}" ] || image=$registry/$image ;;
  esac
fi
case "$image" in
  */*) ;;
  *) die "no registry for the image '$image'." "Set IMAGE_NAME and CI_REGISTRY_URL (or use a project with a container registry)." ;;
esac
case "${image%%/*}" in
  localhost | *.* | *:*) ;;
  *) die "the image '$image' names no registry: '${image%%/*}' is not a host." "Write HOST/PATH, for example \$CI_REGISTRY_IMAGE/app." ;;
esac
case "/${image#*/}" in
  *[!a-z0-9._/-]*) die "the image '$image' can't be published: registries take small letters, digits, '.', '_', '-' and '/'." ;;
esac
host=${image%%/*}
tag=${MULTIARCH_TAG:-${IMAGE_TAG:-latest}}
case "$tag" in
  [.-]* | *[!A-Za-z0-9._-]*) die "'$tag' is not a valid image tag." "Letters, digits, '.', '_' and '-'; CI_COMMIT_REF_SLUG is always one, a branch's name is not." ;;
esac
digests=${MULTIARCH_DIGESTS:-digests/$(printf '%s' "${image#*/}-$tag" | tr '/' '-')}
