//go:build tools

// Package tool pins consul-template, which tests run against Rollcall.
package tool

import _ "github.com/hashicorp/consul-template"
