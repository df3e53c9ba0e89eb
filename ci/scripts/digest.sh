digest=
read -r digest <"$digest_file" || [ -n "$digest" ] || die "the builder left no digest in $digest_file."
case "$digest" in sha256:*) ;; *) die "the builder left '$digest' in $digest_file, which is not a digest." ;; esac
rm -f "$digest_file" || :
printf '{"platform": "linux/%s", "image": "%s", "digest": "%s"}\n' "$ARCH" "$image" "$digest" >"$root/$digests/$ARCH.json"
say "$image:$tag-$ARCH is $digest; the merge job takes it from $digests/$ARCH.json"
