package report

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/protocol"
)

// record is one result in the JSON report.
type record struct {
	Case       string   `json:"case"`
	Client     string   `json:"client"`
	Feature    string   `json:"feature"`
	Codes      []int32  `json:"requestCodes"`
	Difference int      `json:"difference,omitempty"`
	Target     string   `json:"target"`
	Status     string   `json:"status"`
	Reason     string   `json:"reason,omitempty"`
	Seconds    float64  `json:"seconds"`
	Output     []string `json:"output,omitempty"`
	Logs       []string `json:"logs,omitempty"`
}

// document is the JSON report.
type document struct {
	Targets []string `json:"targets"`
	Passed  int      `json:"passed"`
	Failed  int      `json:"failed"`
	Skipped int      `json:"skipped"`
	Gaps    int      `json:"knownGaps"`
	Unfit   int      `json:"notApplicable"`
	Results []record `json:"results"`
}

// ReadJSON adds what WriteJSON has written. A result takes the place of an earlier one of the same
// case on the same target, so that a case can be run again after the others. The cases it makes
// say what they are about, and cannot be run.
func (r *Run) ReadJSON(in io.Reader) error {
	var doc document
	if err := json.NewDecoder(in).Decode(&doc); err != nil {
		return fmt.Errorf("results in JSON: %w", err)
	}
	for _, target := range doc.Targets {
		if !slices.Contains(r.Targets, target) {
			r.Targets = append(r.Targets, target)
		}
	}
	for _, rec := range doc.Results {
		result := rec.result()
		at := slices.IndexFunc(r.Results, func(x conformance.Result) bool { return x.Case.Name == rec.Case && x.Target == rec.Target })
		if at >= 0 {
			r.Results[at] = result
		} else {
			r.Results = append(r.Results, result)
		}
	}
	return nil
}

func (rec *record) result() conformance.Result {
	c := &conformance.Case{Name: rec.Case, Client: conformance.Client(rec.Client), Feature: rec.Feature, Difference: rec.Difference}
	for _, code := range rec.Codes {
		c.Codes = append(c.Codes, protocol.RequestCode(code))
	}
	return conformance.Result{
		Case: c, Target: rec.Target, Status: conformance.Status(rec.Status), Reason: rec.Reason, Lines: rec.Output, Logs: rec.Logs,
		Duration: time.Duration(rec.Seconds * float64(time.Second)),
	}
}

// WriteJSON writes the results as one JSON document.
func (r *Run) WriteJSON(w io.Writer) error {
	n := r.Counts()
	doc := document{r.Targets, n.Passed, n.Failed, n.Skipped, n.Gaps, n.Unfit, nil}
	for _, x := range r.Results {
		rec := record{
			Case: x.Case.Name, Client: string(x.Case.Client), Feature: x.Case.Feature, Codes: []int32{}, Difference: x.Case.Difference,
			Target: x.Target, Status: string(x.Status), Reason: x.Reason, Seconds: x.Duration.Seconds(),
			Output: x.Lines, Logs: x.Logs,
		}
		for _, code := range x.Case.Codes {
			rec.Codes = append(rec.Codes, int32(code))
		}
		doc.Results = append(doc.Results, rec)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}

// The elements of a JUnit report that every reader knows.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Seconds float64       `xml:"time,attr"`
		Failure *junitMessage `xml:"failure"`
		Skipped *junitMessage `xml:"skipped"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes the results as a JUnit document with a suite for each target.
func (r *Run) WriteJUnit(w io.Writer) error {
	var doc junitSuites
	for _, target := range r.Targets {
		results := r.of(target)
		n := count(results)
		suite := junitSuite{Name: target, Tests: len(results), Failures: n.Failed, Skipped: n.Skipped + n.Gaps + n.Unfit}
		for _, x := range results {
			c := junitCase{Class: string(x.Case.Client), Name: x.Case.Name, Seconds: x.Duration.Seconds()}
			switch x.Status {
			case conformance.Passed:
			case conformance.Failed:
				c.Failure = &junitMessage{Message: "failed", Text: strings.Join(x.Lines, "\n")}
			default:
				c.Skipped = &junitMessage{Message: string(x.Status) + ": " + x.Reason}
			}
			suite.Cases = append(suite.Cases, c)
		}
		doc.Suites = append(doc.Suites, suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	return enc.Encode(doc)
}
