# ID tokens go into files of this job, and the clouds' own libraries exchange them: no key is stored anywhere.
case "$-" in *x*) traced=1; set +x ;; *) traced= ;; esac
keep() { (umask 077 && printf '%s' "$2" >"$private/$1"); } # FILE TEXT, by builtins: never in argv
plain() { case "$2" in *[!A-Za-z0-9@/_.:-]*) die "$1 is not what it should be: '$2'." "$3" ;; esac; }
clouds=
if [ -n "${GCP_WORKLOAD_IDENTITY_PROVIDER:-}" ]; then
  [ -n "${GCP_ID_TOKEN:-}" ] || die "this job has no GCP_ID_TOKEN." "GitLab gives it by id_tokens: has another job of the same name replaced them?"
  plain GCP_WORKLOAD_IDENTITY_PROVIDER "$GCP_WORKLOAD_IDENTITY_PROVIDER" "It reads projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER."
  plain GCP_SERVICE_ACCOUNT "${GCP_SERVICE_ACCOUNT:-}" "It reads NAME@PROJECT.iam.gserviceaccount.com."
  keep gcp.token "$GCP_ID_TOKEN"
  as=
  [ -z "${GCP_SERVICE_ACCOUNT:-}" ] || as=",\"service_account_impersonation_url\":\"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/$GCP_SERVICE_ACCOUNT:generateAccessToken\""
  keep gcp.json "{\"type\":\"external_account\",\"audience\":\"//iam.googleapis.com/$GCP_WORKLOAD_IDENTITY_PROVIDER\",\"subject_token_type\":\"urn:ietf:params:oauth:token-type:jwt\",\"token_url\":\"https://sts.googleapis.com/v1/token\",\"credential_source\":{\"file\":\"$private/gcp.token\"}$as}"
  export GOOGLE_APPLICATION_CREDENTIALS="$private/gcp.json" CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE="$private/gcp.json"
  clouds="$clouds Google"
fi
if [ -n "${AWS_ROLE_ARN:-}" ] && [ -z "${AWS_WEB_IDENTITY_TOKEN_FILE:-}" ]; then
  [ -n "${AWS_ID_TOKEN:-}" ] || die "this job has no AWS_ID_TOKEN." "GitLab gives it by id_tokens: has another job of the same name replaced them?"
  keep aws.token "$AWS_ID_TOKEN"
  export AWS_WEB_IDENTITY_TOKEN_FILE="$private/aws.token" AWS_ROLE_SESSION_NAME="${AWS_ROLE_SESSION_NAME:-drift-${CI_JOB_ID:-0}}"
  clouds="$clouds AWS"
  # The SDKs would take a key first, and say nothing.
  [ -z "${AWS_ACCESS_KEY_ID:-}" ] || say "AWS_ACCESS_KEY_ID is set too, and wins over the role AWS_ROLE_ARN"
fi
if [ -n "${AZURE_CLIENT_ID:-}" ] && [ -n "${AZURE_TENANT_ID:-}" ] && [ -z "${AZURE_FEDERATED_TOKEN_FILE:-}" ]; then
  [ -n "${AZURE_ID_TOKEN:-}" ] || die "this job has no AZURE_ID_TOKEN." "GitLab gives it by id_tokens: has another job of the same name replaced them?"
  keep azure.token "$AZURE_ID_TOKEN"
  # For the SDKs and kubelogin; and for Pulumi's provider, which has names of its own.
  export AZURE_FEDERATED_TOKEN_FILE="$private/azure.token" AZURE_CLIENT_ID AZURE_TENANT_ID AAD_LOGIN_METHOD=workloadidentity
  export ARM_USE_OIDC=true ARM_OIDC_TOKEN_FILE_PATH="$private/azure.token" ARM_CLIENT_ID="$AZURE_CLIENT_ID" ARM_TENANT_ID="$AZURE_TENANT_ID"
  clouds="$clouds Azure"
fi
say "credentials by ID token:${clouds:- none (README: Credentials)}"
unset as clouds
# What follows is the user's own.
set +u
if [ -n "$traced" ]; then set -x; fi
