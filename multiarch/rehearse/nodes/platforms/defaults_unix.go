// In place of the file of this name in github.com/containerd/platforms, for the containerd of the emulated node: there
// the kernel runs programs of another architecture than that of containerd itself, and images of that one are wanted.

package platforms

import (
	"runtime"

	specs "github.com/opencontainers/image-spec/specs-go/v1"
)

// architecture is the node's. The linker sets it.
var architecture = runtime.GOARCH

// DefaultSpec is what containerd goes by when it chooses from an index.
func DefaultSpec() specs.Platform {
	return specs.Platform{OS: runtime.GOOS, Architecture: architecture}
}

// Default matches what the node can run.
func Default() MatchComparer {
	return Only(DefaultSpec())
}
