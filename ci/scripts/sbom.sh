if option insecure-registry=true; then export SYFT_REGISTRY_INSECURE_USE_HTTP=true; fi
syft scan "registry:$image@$digest" --platform "linux/$ARCH" -o "spdx-json=$root/sbom-$ARCH.spdx.json"
