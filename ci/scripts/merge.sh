root=${CI_PROJECT_DIR:-$PWD}
platforms=
arches=$(printf '%s' "${MULTIARCH_ARCHES:-amd64,arm64}" | tr -d '[]"' | tr ',' ' ')
for arch in $arches; do platforms=${platforms:+$platforms,}linux/$arch; done
moving=${MULTIARCH_TAGS:-${IMAGE_EXTRA_TAGS:-}}
if [ -n "${CI_COMMIT_BRANCH:-}" ] && [ "$CI_COMMIT_BRANCH" = "${CI_DEFAULT_BRANCH:-}" ]; then moving="$moving,${MULTIARCH_DEFAULT_BRANCH_TAGS:-}"; fi
if [ -n "${CI_COMMIT_TAG:-}" ]; then moving="$moving,${MULTIARCH_RELEASE_TAGS:-}"; fi
# The first tag is the commit's, and never moves; what people pull moves after it, when all is well.
if [ -n "${MULTIARCH_IMAGE:-}" ]; then
  first=$tag
else
  moving="$tag,$moving" first=$tag
  [ -z "${CI_COMMIT_SHORT_SHA:-}" ] || case "$tag" in *"$CI_COMMIT_SHORT_SHA"*) ;; *) first=$tag-$CI_COMMIT_SHORT_SHA ;; esac
fi
tags=
for name in $(printf '%s' "$moving" | tr ',' ' '); do
  # A variable that this pipeline doesn't have stays as it was written.
  case ",$first,$tags," in *",$name,"*) continue ;; esac
  case "$name" in *'$'*) continue ;; esac
  # The slug is a branch's tag; a release 1.2.0 would be 1-2-0 as well.
  [ -z "${CI_COMMIT_TAG:-}" ] || [ "$name" != "${CI_COMMIT_REF_SLUG:-}" ] || [ "$name" = "$CI_COMMIT_TAG" ] || continue
  tags=${tags:+$tags,}$name
done
set -- push --target "$image:$first" --digest-file "$root/${MULTIARCH_RESULT:-image}.digest" --dotenv "$root/${MULTIARCH_RESULT:-image}.env"
[ -z "$tags" ] || set -- "$@" --tags "$tags"
for pair in "revision=${CI_COMMIT_SHA:-}" "source=${OCI_IMAGE_SOURCE:-${CI_PROJECT_URL:-}}" "vendor=${OCI_IMAGE_VENDOR:-}"; do
  [ -z "${pair#*=}" ] || set -- "$@" --annotation "org.opencontainers.image.$pair"
done
if option insecure-registry=true; then set -- "$@" --plain-http "$host"; fi
if option verify-binaries=true; then set -- "$@" --verify-binaries; fi
found=
for file in "$root/$digests"/*.json; do [ ! -f "$file" ] || found=yes; done
if [ -n "$found" ] || [ -n "${MULTIARCH_IMAGE:-}" ]; then
  set -- "$@" --platforms "$platforms" --from "$root/$digests"/*.json
else
  # The classic recipe with `artifacts: false`, or without `needs`: by tag then, which another pipeline may move meanwhile.
  say "no digest files in $digests: reading $image:$tag-ARCH by tag. With 'needs:' on the build jobs, digests are used, and nothing can race."
  set -- "$@" --
  for arch in $arches; do set -- "$@" "linux/$arch=$image:$tag-$arch"; done
fi
archmerge "$@"
