# Credentials go into a file of this job, by builtins and pipes: never in argv, never in the log.
case "$-" in *x*) traced=1; set +x ;; *) traced= ;; esac
entries=
entry() { # HOST USER PASSWORD
  key=$1
  case "$key" in docker.io | index.docker.io | registry-1.docker.io) key=https://index.docker.io/v1/ ;; esac
  # Without line breaks: base64 wraps at 76 columns, and a token is longer.
  encoded=$(printf '%s:%s' "$2" "$3" | base64 | tr -d '\r\n')
  entries=${entries:+$entries,}"\"$key\":{\"auth\":\"$encoded\"}"
}
with_entries() { # the JSON document $1, with our entries before its own, so that a hand-written one wins
  document=$(printf '%s' "$1" | tr -d '\r\n\t')
  case "$document" in
    *'"auths"'*) before=${document%%\"auths\"*}'"auths":{' after=${document#*\"auths\"} end= ;;
    *) before='{"auths":{' after=${document:-'{}'} end='}' ;;
  esac
  after=${after#*\{}
  after=${after#"${after%%[! ]*}"}
  case "$after" in
    '}'*) printf '%s%s%s%s' "$before" "$entries" "$end" "$after" ;;
    *) printf '%s%s%s%s%s' "$before" "$entries" "$end" "${entries:+,}" "$after" ;;
  esac
}
if [ -n "${MULTIARCH_REGISTRY_PASSWORD:-}" ]; then
  entry "$host" "${MULTIARCH_REGISTRY_USER:-}" "$MULTIARCH_REGISTRY_PASSWORD"
elif [ -n "${CI_REGISTRY_PASSWORD:-}" ]; then
  # GitLab's own job token is shown to GitLab's own registry only.
  if [ "$host" = "${CI_REGISTRY:-}" ]; then entry "$host" "${CI_REGISTRY_USER:-}" "$CI_REGISTRY_PASSWORD"
  elif [ "$host" = "${registry%%/*}" ] && [ "${CI_REGISTRY_USER:-}" != gitlab-ci-token ]; then
    entry "$host" "${CI_REGISTRY_USER:-}" "$CI_REGISTRY_PASSWORD"
  fi
fi
if [ -n "${CI_DEPENDENCY_PROXY_PASSWORD:-}" ] && [ -n "${CI_DEPENDENCY_PROXY_SERVER:-}" ] && [ "$host" != "$CI_DEPENDENCY_PROXY_SERVER" ]; then
  entry "$CI_DEPENDENCY_PROXY_SERVER" "${CI_DEPENDENCY_PROXY_USER:-}" "$CI_DEPENDENCY_PROXY_PASSWORD"
fi
known=${DOCKER_AUTH_CONFIG:-}
[ ! -f "$known" ] || known=$(cat "$known")
theirs=${DOCKER_CONFIG:-${HOME:-}/.docker}/config.json
[ -n "$known" ] || [ ! -r "$theirs" ] || known=$(cat "$theirs")
if [ -n "$entries$known" ]; then
  # Kaniko leaves /kaniko out of the image, and deletes everything else between stages.
  private=$(umask 077 && if [ -d /kaniko ] && [ -w /kaniko ]; then mktemp -d /kaniko/auth.XXXXXX; else mktemp -d; fi)
  trap 'rm -rf "$private" || :' EXIT
  (umask 077 && with_entries "$known" >"$private/config.json")
  export DOCKER_CONFIG="$private"
else
  say "no registry credentials in this job: pulling and pushing as nobody"
fi
unset entries known document before after encoded
if [ -n "$traced" ]; then set -x; fi
