package bench

import (
	"fmt"
	"html"
	"io"
	"math"
	"strings"
)

// Chart is a plot of lines, written as SVG. It is all that the reports need, in less
// code than the settings of a plotting library.
type Chart struct {
	Title  string
	XLabel string
	YLabel string
	Log    bool // logarithmic y axis
	LogX   bool // logarithmic x axis
	Lines  []Line
}

// Line is one series of a chart. Points that are not above 0 on a logarithmic axis
// are left out.
type Line struct {
	Name string
	X, Y []float64
}

// Sizes of a chart in SVG units.
const (
	chartWidth, chartHeight = 760, 300
	marginLeft, marginRight = 80, 150
	marginTop, marginBottom = 40, 46
	plotWidth               = chartWidth - marginLeft - marginRight
	plotHeight              = chartHeight - marginTop - marginBottom
	tickCount               = 5
)

// palette tells up to six lines apart, also without red-green vision.
var palette = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"}

// WriteCharts writes charts one below the other as one SVG document.
func WriteCharts(out io.Writer, charts ...Chart) error {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n",
		chartWidth, chartHeight*len(charts))
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="white"/>`+"\n")
	for i := range charts {
		fmt.Fprintf(&b, `<g transform="translate(0 %d)">`+"\n", i*chartHeight)
		charts[i].write(&b)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(out, b.String())
	return err
}

// axis maps values to a length in the plot.
type axis struct {
	lo, hi float64
	log    bool
}

func (a axis) at(v float64, length int) float64 {
	lo, hi := a.lo, a.hi
	if a.log {
		v, lo, hi = math.Log10(v), math.Log10(lo), math.Log10(hi)
	}
	return (v - lo) / (hi - lo) * float64(length)
}

// ticks are round values on the axis.
func (a axis) ticks() []float64 {
	var values []float64
	if a.log {
		for v := a.lo; v <= a.hi*1.0001; v *= 10 {
			values = append(values, v)
		}
		return values
	}
	step := niceStep((a.hi - a.lo) / tickCount)
	for v := math.Ceil(a.lo/step) * step; v <= a.hi+step/1000; v += step {
		values = append(values, v)
	}
	return values
}

// niceStep is 1, 2 or 5 times a power of ten, not below raw.
func niceStep(raw float64) float64 {
	base := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5} {
		if m*base >= raw {
			return m * base
		}
	}
	return 10 * base
}

// decades widens an axis to powers of ten.
func (a *axis) decades() {
	a.lo, a.hi = math.Pow(10, math.Floor(math.Log10(a.lo))), math.Pow(10, math.Ceil(math.Log10(a.hi)))
	if a.hi <= a.lo {
		a.hi = a.lo * 10
	}
}

// omits reports whether a logarithmic axis has no place for a point.
func (c *Chart) omits(l Line, i int) bool { return c.Log && l.Y[i] <= 0 || c.LogX && l.X[i] <= 0 }

// axes spans all points; a linear y axis starts at 0, a logarithmic one at a power
// of ten.
func (c *Chart) axes() (x, y axis) {
	x = axis{lo: math.Inf(1), hi: math.Inf(-1), log: c.LogX}
	y = axis{lo: math.Inf(1), hi: math.Inf(-1), log: c.Log}
	for _, l := range c.Lines {
		for i := range l.X {
			if c.omits(l, i) {
				continue
			}
			x.lo, x.hi = min(x.lo, l.X[i]), max(x.hi, l.X[i])
			y.lo, y.hi = min(y.lo, l.Y[i]), max(y.hi, l.Y[i])
		}
	}
	if math.IsInf(x.lo, 1) { // no points at all
		x.lo, x.hi, y.lo, y.hi = 0, 1, 1, 10
	}
	if x.hi == x.lo {
		x.hi = x.lo + 1
	}
	if c.LogX {
		x.decades()
	}
	if c.Log {
		y.decades()
		return x, y
	}
	y.lo = min(y.lo, 0)
	if y.hi <= y.lo {
		y.hi = y.lo + 1
	}
	y.hi = y.lo + math.Ceil((y.hi-y.lo)/niceStep((y.hi-y.lo)/tickCount))*niceStep((y.hi-y.lo)/tickCount)
	return x, y
}

func (c *Chart) write(b *strings.Builder) {
	x, y := c.axes()
	fmt.Fprintf(b, `<text x="%d" y="22" font-size="14" font-weight="bold">%s</text>`+"\n", marginLeft, html.EscapeString(c.Title))
	for _, v := range y.ticks() {
		at := float64(marginTop+plotHeight) - y.at(v, plotHeight)
		fmt.Fprintf(b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/>`+"\n", marginLeft, marginLeft+plotWidth, at, at)
		fmt.Fprintf(b, `<text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n", marginLeft-6, at+4, short(v))
	}
	for _, v := range x.ticks() {
		at := float64(marginLeft) + x.at(v, plotWidth)
		fmt.Fprintf(b, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#888"/>`+"\n", at, at, marginTop+plotHeight, marginTop+plotHeight+4)
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", at, marginTop+plotHeight+18, short(v))
	}
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n",
		marginLeft+plotWidth/2, marginTop+plotHeight+38, html.EscapeString(c.XLabel))
	fmt.Fprintf(b, `<text transform="translate(16 %d) rotate(-90)" text-anchor="middle">%s</text>`+"\n",
		marginTop+plotHeight/2, html.EscapeString(c.YLabel))
	for i, l := range c.Lines {
		color := palette[i%len(palette)]
		var points strings.Builder
		for k := range l.X {
			if c.omits(l, k) {
				continue
			}
			fmt.Fprintf(&points, "%.1f,%.1f ", marginLeft+x.at(l.X[k], plotWidth), float64(marginTop+plotHeight)-y.at(l.Y[k], plotHeight))
		}
		fmt.Fprintf(b, `<polyline fill="none" stroke="%s" stroke-width="1.8" points="%s"/>`+"\n", color, strings.TrimSpace(points.String()))
		legend := marginTop + 10 + 18*i
		fmt.Fprintf(b, `<line x1="%d" x2="%d" y1="%d" y2="%d" stroke="%s" stroke-width="3"/>`+"\n",
			marginLeft+plotWidth+12, marginLeft+plotWidth+32, legend-4, legend-4, color)
		fmt.Fprintf(b, `<text x="%d" y="%d">%s</text>`+"\n", marginLeft+plotWidth+38, legend, html.EscapeString(l.Name))
	}
}

// short writes a tick's value.
func short(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1e6:
		return trimZeros(v/1e6) + " M"
	case a >= 1e4:
		return trimZeros(v/1e3) + " k"
	}
	return trimZeros(v)
}

func trimZeros(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.3f", v), "0"), ".")
}

// WriteSVG plots the course of the run: rate and latency percentiles by second.
func (r *Report) WriteSVG(out io.Writer) error {
	rate := Chart{Title: "Rate", XLabel: "seconds", YLabel: "per second"}
	latency := Chart{Title: "Latency", XLabel: "seconds", YLabel: "ms", Log: true}
	for _, l := range r.Loads {
		n := len(l.Seconds)
		at, rates, p50, p99, top := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
		for i, s := range l.Seconds {
			at[i], rates[i], p50[i], p99[i], top[i] = s.At, s.Rate, s.P50/1e3, s.P99/1e3, s.Max/1e3
		}
		rate.Lines = append(rate.Lines, Line{l.Name, at, rates})
		latency.Lines = append(latency.Lines, Line{l.Name + " p50", at, p50}, Line{l.Name + " p99", at, p99}, Line{l.Name + " max", at, top})
	}
	return WriteCharts(out, rate, latency)
}
