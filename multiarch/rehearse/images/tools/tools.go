//go:build tools

// Package tools pins the programs of the BuildKit image that is made where its registry is not reached.
package tools

import (
	_ "github.com/moby/buildkit/cmd/buildctl"
	_ "github.com/moby/buildkit/cmd/buildkitd"
	_ "github.com/rootless-containers/rootlesskit/v3/cmd/rootlesskit"
)
