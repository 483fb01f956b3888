// Package java holds the sources of the Java driver and of its Maven build, so that the
// conformance runner can build it wherever it runs. It must know nothing of what is
// driven; that is conformance/javadriver.
package java

import "embed"

// Source is the Maven project: pom.xml and src.
//
//go:embed pom.xml src
var Source embed.FS
