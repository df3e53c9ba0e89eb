root=${CI_PROJECT_DIR:-$PWD}
set --
# A stack whose job left no report is named all the same: it could not be told.
for stack in $(printf '%s' "$MULTIARCH_STACKS" | tr -d '[]"' | tr ',' ' '); do
  set -- "$@" --stack "$stack" --merge "$root/drift/$stack.json"
done
report=$root/drift.json
rm -f "$report"
multiarch drift --project "$folder" "$@" --json "$report" --markdown "$root/drift.md" --gitlab-issue --issue-label "$MULTIARCH_LABEL"
