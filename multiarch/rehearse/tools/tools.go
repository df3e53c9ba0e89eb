//go:build tools

// Package tools pins the programs that the rehearsal's control plane is built from.
//
// Real nodes (rehearse/nodes/) build k8s.io/kubernetes/cmd/kubelet from here, too. It is not named below: on Linux it
// needs no module that these do not need, and for its Windows parts `go mod tidy` would add some, which would have every
// control plane built anew.
package tools

import (
	_ "go.etcd.io/etcd/server/v3/etcdmain"
	_ "helm.sh/helm/v3/cmd/helm"
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kube-scheduler"
	_ "k8s.io/kubernetes/cmd/kubectl"
	_ "sigs.k8s.io/kwok/cmd/kwok"
)
