package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestScalePage(t *testing.T) {
	points := map[string][]point{}
	for _, s := range allSeries {
		for i, x := range s.values {
			points[s.name] = append(points[s.name], point{x: x, rate: 1000, cpu: float64(10 + i), p99: 2000, anonymous: 30e6})
		}
	}
	page := filepath.Join(t.TempDir(), "scaling.md")
	if err := writeScale(page, points, "0.10"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| 10000 | 1000 | 14.00 µs | 2.0 ms | 30 MB |\n", // topics
		"100,000 × (13 + 3 × 13) ÷ 1,000,000 = 5.2 cores at work: brokers of 4 cores, half idle: 3.",
		"![CPU for each message](scaling.svg)\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page lacks %q:\n%s", want, text)
		}
	}
	svg, err := os.ReadFile(filepath.Join(filepath.Dir(page), "scaling.svg"))
	if err != nil || strings.Contains(string(svg), "NaN") || strings.Count(string(svg), "<polyline") != len(allSeries) {
		t.Errorf("the curves: %v\n%s", err, svg)
	}
}
