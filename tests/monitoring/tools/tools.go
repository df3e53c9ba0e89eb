//go:build tools

// Package tools pins promtool, which the alert rules and the dashboard's queries are tested with.
package tools

import _ "github.com/prometheus/prometheus/cmd/promtool"
