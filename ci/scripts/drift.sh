root=${CI_PROJECT_DIR:-$PWD}
mkdir -p "$root/drift"
set -- --project "$folder" --stack "$STACK" --time-limit "$MULTIARCH_TIME_LIMIT" --history "$root/.drift"
set -- "$@" --json "$root/drift/$STACK.json" --markdown "$root/drift/$STACK.md" --junit "$root/drift/$STACK.xml"
compared=yes
multiarch drift "$@" ${MULTIARCH_ARGS:-}
