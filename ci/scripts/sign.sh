# By digest, never by tag; the index and its children, so that a pull by any name verifies.
root=${CI_PROJECT_DIR:-$PWD}
digest=
read -r digest <"$root/${MULTIARCH_RESULT:-image}.digest" || [ -n "$digest" ] || die "the merge left no ${MULTIARCH_RESULT:-image}.digest."
set -- sign --yes --recursive
if option insecure-registry=true; then set -- "$@" --allow-insecure-registry --allow-http-registry; fi
if [ -n "${COSIGN_PRIVATE_KEY:-}" ]; then set -- "$@" --key env://COSIGN_PRIVATE_KEY; fi
"$(command -v cosign || printf /ko-app/cosign)" "$@" "$image@$digest"
