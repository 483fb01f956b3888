package compat

import (
	"fmt"

	"github.com/gantrymq/gantry/protocol"
)

// Rules that depend on the release a peer names in its requests. Each is a
// function with a name, so that no number is compared anywhere else.

// goAwayAbove is the last release that does not know GO_AWAY: upstream answers
// it to versions above.
const goAwayAbove = protocol.V5_3_1

// WantsStandardRoute reports whether a route answer must be standard JSON
// (AppendFastjson with Standard). Older clients read the plain form, whose map
// keys are bare numbers. acceptStandardJSONOnly is the request field by which
// clients in other languages ask for it.
func WantsStandardRoute(v protocol.Version, acceptStandardJSONOnly bool) bool {
	return v >= protocol.V4_9_4 || acceptStandardJSONOnly
}

// KnowsGoAway reports whether a client understands GO_AWAY (1500), after which
// it reconnects and repeats the request.
func KnowsGoAway(v protocol.Version) bool { return v > goAwayAbove }

// RegistersTopicMappings reports whether a broker's registration body carries
// static topics behind its topics.
func RegistersTopicMappings(v protocol.Version) bool { return v >= protocol.V5_0_0 }

// HonoursMaxReconsumeTimes reports whether a client's own limit of deliveries
// counts when it sends a message back.
func HonoursMaxReconsumeTimes(v protocol.Version) bool { return v >= protocol.V3_4_9 }

// RegistersBody reports whether a broker sends its topics in the second
// form of the registration body.
func RegistersBody(v protocol.Version) bool { return v >= protocol.V3_0_11 }

// KnowsResetOffset reports whether a consumer can be told to reset its offsets
// or to report its consumption status.
func KnowsResetOffset(v protocol.Version) bool { return v >= protocol.V3_0_7_SNAPSHOT }

// KnowsRunningInfo reports whether a consumer can be asked for its running info.
func KnowsRunningInfo(v protocol.Version) bool { return v >= protocol.V3_1_8_SNAPSHOT }

// firstNames are the releases before 3.0.1, in the order of upstream's MQVersion.
var firstNames = [...]string{
	"SNAPSHOT", "ALPHA1", "BETA1", "BETA2", "BETA3", "BETA4", "BETA5", "BETA6_SNAPSHOT", "BETA6", "BETA7_SNAPSHOT", "BETA7",
	"BETA8_SNAPSHOT", "BETA8", "BETA9_SNAPSHOT", "BETA9", "FINAL",
}

// VersionName is upstream's name of a release (MQVersion.getVersionDesc).
func VersionName(v protocol.Version) string {
	const (
		v301 = protocol.Version(len(firstNames)) // releases from here on are preceded by their snapshots
		v310 = 46
		v331 = 86  // the minor releases from 3.3 to 3.9 begin at patch 1
		v400 = 212 // and from here on at 0 again
		high = 612
	)
	if v < 0 || v >= high {
		return "HIGHER_VERSION"
	}
	if v < v301 {
		return "V3_0_0_" + firstNames[v]
	}
	suffix := ""
	if v%2 == 0 {
		suffix = "_SNAPSHOT"
	}
	var major, minor, patch protocol.Version
	switch n := v; {
	case n < v310:
		major, minor, patch = 3, 0, (n-v301)/2+1
	case n < v331:
		major, minor, patch = 3, 1+(n-v310)/20, (n-v310)%20/2
	case n < v400:
		major, minor, patch = 3, 3+(n-v331)/18, (n-v331)%18/2+1
	default:
		major, minor, patch = 4+(n-v400)/200, (n-v400)/20%10, (n-v400)%20/2
	}
	return fmt.Sprintf("V%d_%d_%d%s", major, minor, patch, suffix)
}
