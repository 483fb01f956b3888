package report

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/protocol"
)

// sampleRun has one result of every kind on the first target.
func sampleRun() *Run {
	var r Run
	sending := &conformance.Case{Name: "go/send", Client: conformance.Go, Feature: "sending", Codes: []protocol.RequestCode{protocol.SendMessage}}
	pulling := &conformance.Case{Name: "raw/pull", Client: conformance.Raw, Feature: "pulling", Codes: []protocol.RequestCode{protocol.PullMessage, protocol.SendMessage}}
	killing := &conformance.Case{Name: "go/kill", Client: conformance.Go, Feature: "durability"}
	waiting := &conformance.Case{Name: "raw/wait", Client: conformance.Raw, Feature: "pulling"}
	r.Add("ours", []conformance.Result{
		{Case: sending, Target: "ours", Status: conformance.Passed},
		{Case: pulling, Target: "ours", Status: conformance.Failed, Lines: []string{"wrong & <odd>"}, Logs: []string{"/tmp/log"}},
		{Case: killing, Target: "ours", Status: conformance.KnownGap, Reason: "later (issue 5)"},
		{Case: waiting, Target: "ours", Status: conformance.Skipped, Reason: "no tool"},
	})
	r.Add("theirs", []conformance.Result{
		{Case: sending, Target: "theirs", Status: conformance.Passed},
		{Case: pulling, Target: "theirs", Status: conformance.Passed},
		{Case: killing, Target: "theirs", Status: conformance.NotApplicable, Reason: "addresses only"},
	})
	return &r
}

func TestPrint(t *testing.T) {
	var b strings.Builder
	if err := sampleRun().Print(&b); err != nil {
		t.Fatal(err)
	}
	out := b.String()
	for _, want := range []string{
		"feature     ours                   theirs\n",
		"durability  known gap 1            not applicable 1\n",
		"pulling     FAILED 1/2             ok 1\n",
		"10 SEND_MESSAGE  FAILED 1/2  ok 2\n",
		"known gap: go/kill on ours: later (issue 5)\n",
		"failed: raw/pull on ours\n    logs in /tmp\n    wrong & <odd>\nours: 1 passed",
		"ours: 1 passed, 1 failed, 1 skipped, and 1 known gaps that fail as expected\n",
	} {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), strings.Join(strings.Fields(want), " ")) {
			t.Errorf("lacks %q:\n%s", want, out)
		}
	}
	if !strings.HasSuffix(out, "\ntheirs: 2 passed, 0 failed, 0 skipped, and 1 that do not apply\n3 passed, 1 failed, 1 skipped\n") {
		t.Errorf("ends with %q", out[len(out)-100:])
	}
}

func TestJSON(t *testing.T) {
	var b strings.Builder
	if err := sampleRun().WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Targets                                []string
		Passed, Failed, Skipped, NotApplicable int
		Results                                []struct {
			Case, Status string
			RequestCodes []int32
		}
	}
	if err := json.Unmarshal([]byte(b.String()), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Results) != 7 || doc.Passed != 3 || doc.Failed != 1 || doc.Skipped != 1 || doc.NotApplicable != 1 || len(doc.Targets) != 2 || len(doc.Results[1].RequestCodes) != 2 {
		t.Errorf("%+v", doc)
	}
}

// What was written as JSON makes the same page and summary again.
func TestReadJSON(t *testing.T) {
	var written, page, pageAgain, text, textAgain strings.Builder
	want := sampleRun()
	var got Run
	if err := want.WriteJSON(&written); err != nil {
		t.Fatal(err)
	}
	if err := got.ReadJSON(strings.NewReader(written.String())); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(want.WritePage(&page), got.WritePage(&pageAgain), want.Print(&text), got.Print(&textAgain)); err != nil {
		t.Fatal(err)
	}
	if page.String() != pageAgain.String() {
		t.Errorf("the page was %s, and is %s", &page, &pageAgain)
	}
	if text.String() != textAgain.String() {
		t.Errorf("the summary was %s, and is %s", &text, &textAgain)
	}
	again := `{"targets":["ours"],"results":[{"case":"` + want.Results[1].Case.Name + `","target":"ours","status":"passed"}]}`
	if err := got.ReadJSON(strings.NewReader(again)); err != nil || len(got.Results) != len(want.Results) || len(got.Targets) != 2 || got.Counts().Failed != 0 {
		t.Errorf("after the failed case was run again: %v, %+v", err, got.Counts())
	}
	if err := got.ReadJSON(strings.NewReader("{")); err == nil {
		t.Error("half a document was taken")
	}
}

func TestJUnit(t *testing.T) {
	var b strings.Builder
	if err := sampleRun().WriteJUnit(&b); err != nil {
		t.Fatal(err)
	}
	var doc junitSuites
	if err := xml.Unmarshal([]byte(b.String()), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Suites) != 2 || doc.Suites[0].Tests != 4 || doc.Suites[0].Failures != 1 || doc.Suites[0].Skipped != 2 || doc.Suites[0].Cases[1].Failure.Text != "wrong & <odd>" {
		t.Errorf("%+v", doc)
	}
}

func TestPage(t *testing.T) {
	var b strings.Builder
	if err := sampleRun().WritePage(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, want := range []string{
		"| feature | ours | theirs |\n|---|---|---|\n", "| pulling | FAILED 1/2 | ok 1 |\n",
		"| feature | wire | Go v2.1.2 |\n|---|---|---|\n", "| durability | - | known gap 1 / not applicable 1 |\n",
		"| pulling | FAILED 1/2 / ok 1 | - |\n", "| sending | - | ok 1 |\n",
		"- go/kill: later (issue 5)\n", "- 103 REGISTER_BROKER\n", "## Intended differences",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("lacks %q", want)
		}
	}
	if strings.Contains(page, "- 10 SEND_MESSAGE\n") {
		t.Error("a covered code is listed as uncovered")
	}
	for _, d := range conformance.Differences {
		if !strings.Contains(page, d.Title) {
			t.Errorf("lacks difference %d", d.Number)
		}
	}
}

func TestBrief(t *testing.T) {
	for _, c := range []struct{ said, want string }{
		{"broker/x.txt:6: send broker X\n  0 SUCCESS\n- a: 1\n+ a: 2\n", "    broker/x.txt:6: send broker X\n    - a: 1\n    + a: 2\n"},
		{"no message came\nin time", "    no message came\n    in time\n"},
		{"1\n2\n3\n4\n5\n6\n7\n8\n9", "    1\n    2\n    3\n    4\n    5\n    6\n    7\n    8\n"},
	} {
		if got := Brief(&conformance.Result{Lines: []string{c.said}}); got != c.want {
			t.Errorf("of %q: %q, want %q", c.said, got, c.want)
		}
	}
}
