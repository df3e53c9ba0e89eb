//go:build tools

// Package tools pins the Pulumi CLI that is built where none is installed.
package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
