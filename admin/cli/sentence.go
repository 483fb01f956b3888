package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gantrymq/gantry/admin"
	"github.com/gantrymq/gantry/protocol"
	"github.com/gantrymq/gantry/remoting"
)

// Sentence is an error as one line that says what was asked, what was found and, where
// that is known, what to do.
func Sentence(err error) string {
	text := strings.Join(strings.Fields(explain(err)), " ")
	// The clients' own hint to the reference's pages, which servers put into remarks.
	text, _, _ = strings.Cut(text, " See https://rocketmq.apache.org")
	return text
}

func explain(err error) string {
	if c, ok := errors.AsType[*remoting.ConnectError](err); ok {
		return fmt.Sprintf("%v; is the server running, and is %s its address as seen from here?", err, c.Addr)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return err.Error() + "; it may be overloaded, or need more time: see --timeout"
	}
	answer, ok := errors.AsType[*admin.Error](err)
	if !ok {
		return err.Error()
	}
	if hint := hints[answer.Code]; hint != "" && answer.Request != protocol.GetRouteinfoByTopic {
		return answer.Error() + "; " + hint
	}
	if answer.Request == protocol.GetRouteinfoByTopic && answer.Code == protocol.ResponseTopicNotExist {
		return routeSentence(answer)
	}
	return answer.Error()
}

// routeSentence names what has no route: the topic of a group's retries, for example,
// stands for the group.
func routeSentence(answer *admin.Error) string {
	_, topic, _ := strings.Cut(answer.Remark, "for the topic: ")
	topic, _, _ = strings.Cut(strings.TrimSpace(topic), "\n")
	if group, ok := strings.CutPrefix(topic, protocol.PrefixRetry); ok {
		return fmt.Sprintf("group %s is not known: it has not consumed yet, or is misspelt; topicList shows the groups there are as topics %s…",
			group, protocol.PrefixRetry)
	}
	return fmt.Sprintf("%s; topicList shows the topics there are, updateTopic creates one", firstLine(answer.Remark))
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// hints say what to do about an answer.
var hints = map[protocol.ResponseCode]string{
	protocol.ResponseSystemBusy:                "it is overloaded; try again",
	protocol.ResponseRequestCodeNotSupported:   "the server does not know this request: it is older, or the feature is not part of it",
	protocol.ResponseTopicNotExist:             "topicList shows the topics there are",
	protocol.ResponseSubscriptionGroupNotExist: "updateSubGroup creates a group",
	protocol.ResponseConsumerNotOnline:         "start a consumer of the group, or name another",
	protocol.ResponseNoPermission:              "the server does not allow it; with ACLs, give credentials by tools.yml or --accessKey and --secretKey",
}
