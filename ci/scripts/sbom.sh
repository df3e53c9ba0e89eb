if option insecure-registry=true; then export SYFT_REGISTRY_INSECURE_USE_HTTP=true; fi
# Its image has the program at the root, and the root not on the PATH.
"$(command -v syft || printf /syft)" scan "registry:$image@$digest" --platform "linux/$ARCH" -o "spdx-json=$root/sbom-$ARCH.spdx.json"
