# By digest, never by tag; the index and its children, so that a pull by any name verifies.
root=${CI_PROJECT_DIR:-$PWD}
digest=
read -r digest <"$root/${MULTIARCH_RESULT:-image}.digest" || [ -n "$digest" ] || die "the merge left no ${MULTIARCH_RESULT:-image}.digest."
set -- sign --yes --recursive
if option insecure-registry=true; then set -- "$@" --allow-insecure-registry --allow-http-registry; fi
# The key as a variable of type file is a path, and as any other the key itself.
if [ -f "${COSIGN_PRIVATE_KEY:-}" ]; then set -- "$@" --key "$COSIGN_PRIVATE_KEY"
elif [ -n "${COSIGN_PRIVATE_KEY:-}" ]; then set -- "$@" --key env://COSIGN_PRIVATE_KEY; fi
# Which log, time stamps and authority. Without it Sigstore's public ones, whose log then names the digest for ever.
if [ -n "${COSIGN_SIGNING_CONFIG:-}" ]; then
  [ -f "$COSIGN_SIGNING_CONFIG" ] || die "COSIGN_SIGNING_CONFIG is no file." "Make it a CI/CD variable of type file."
  set -- "$@" --signing-config "$COSIGN_SIGNING_CONFIG"
fi
"$(command -v cosign || printf /ko-app/cosign)" "$@" "$image@$digest"
