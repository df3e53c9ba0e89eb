# A builder makes images of the node that it runs on, whatever the tag says. So: look, before anything is built.
machine=$(uname -m)
case "$machine" in
  x86_64 | amd64) node=amd64 ;;
  aarch64 | arm64) node=arm64 ;;
  *) node=$machine ;;
esac
[ "$node" = "${ARCH:-}" ] || die "this job builds for '${ARCH:-}', but its node is $node (uname -m: $machine)." \
  "It would have pushed a $node image as ${ARCH:-}; nothing was built." \
  "The job asked for KUBERNETES_NODE_SELECTOR_ARCH='${KUBERNETES_NODE_SELECTOR_ARCH:-}', and the runner did not follow:" \
  "- node_selector_overwrite_allowed is empty in its config.toml, so the wish was silently ignored; it should be" \
  "  '^kubernetes\\.io/arch=(amd64|arm64)\$';" \
  "- or the job ran on another runner than the one with both architectures: look at the job's tags;" \
  "- or a project or group variable overrides ARCH or KUBERNETES_NODE_SELECTOR_ARCH of this job."
say "building ${image}:${tag}-$ARCH on a native $machine node"
