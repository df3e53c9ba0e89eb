set -- image --exit-code 1 --severity "${MULTIARCH_SEVERITY:-CRITICAL}" --ignore-unfixed --no-progress --platform "linux/$ARCH" --image-src remote
if option insecure-registry=true; then set -- "$@" --insecure; fi
trivy "$@" "$image@$digest"
