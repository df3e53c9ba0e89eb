root=${CI_PROJECT_DIR:-$PWD}
mkdir -p "$root/drift"
set -- --project "$folder" --stack "$STACK" --time-limit "$MULTIARCH_TIME_LIMIT" --history "$root/.drift"
set -- "$@" --json "$root/drift/$STACK.json" --markdown "$root/drift/$STACK.md" --junit "$root/drift/$STACK.xml"
report=$root/drift/$STACK.json
rm -f "$report"
multiarch drift "$@" ${MULTIARCH_ARGS:-}
