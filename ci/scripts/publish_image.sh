set -- --base "$PYTHON_IMAGE" --zipapp dist/archmerge.pyz --into image
for pair in "source=${CI_PROJECT_URL:-}" "revision=${CI_COMMIT_SHA:-}"; do
  set -- "$@" --label "org.opencontainers.image.$pair"
done
if option insecure-registry=true; then set -- "$@" --plain-http "${PYTHON_IMAGE%%/*}"; fi
python3 -m ci.image "$@"
set -- push --from image --platforms linux/amd64,linux/arm64 --target "$CI_REGISTRY_IMAGE/archmerge:$CI_COMMIT_SHORT_SHA" --tags "$MULTIARCH_TAGS"
if option insecure-registry=true; then set -- "$@" --plain-http; fi
python3 dist/archmerge.pyz "$@"
