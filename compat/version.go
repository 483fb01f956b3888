package compat

import "github.com/gantrymq/gantry/protocol"

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

// SignsUniqueKeyFlag reports whether the ext field _UNIQUE_KEY_QUERY is part of
// a request's signed content.
func SignsUniqueKeyFlag(v protocol.Version) bool { return v > protocol.V4_9_3 }

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
