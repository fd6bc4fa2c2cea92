package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// The measures of the picture, in pixels.
const (
	chartWidth, chartHeight = 420, 280
	marginLeft, marginTop   = 56, 40
	marginRight             = 24
	marginBottom            = 48
)

type point struct{ x, y float64 }

type line struct {
	title  string
	points []point
}

// chart has two logarithmic axes.
type chart struct {
	title, xName, yName string
	lines               []line
}

// colors are told apart also by those who see few colors.
var colors = []string{"#0072b2", "#d55e00", "#009e73"}

// dashes let a line be seen that lies under another.
var dashes = []string{"none", "8 6", "2 4"}

// picture writes the charts side by side.
func picture(to io.Writer, charts []chart) error {
	width := len(charts) * (chartWidth + marginLeft + marginRight)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n",
		width, chartHeight+marginTop+marginBottom)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="white"/>`+"\n")
	drawn := false
	for i, c := range charts {
		left := i*(chartWidth+marginLeft+marginRight) + marginLeft
		fmt.Fprintf(&b, `<g transform="translate(%d,%d)">`+"\n", left, marginTop)
		drawn = c.write(&b) || drawn
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	if !drawn {
		return errors.New("none of the figures that are drawn are in the input: run make bench whole")
	}
	_, err := io.WriteString(to, b.String())
	return err
}

// write draws the chart, and reports whether there was anything to draw.
func (c chart) write(b *strings.Builder) bool {
	fmt.Fprintf(b, `<text x="0" y="-16" font-weight="bold">%s</text>`+"\n", c.title)
	x, y, ok := c.axes()
	if !ok {
		fmt.Fprintf(b, `<text x="0" y="20">not measured</text>`+"\n")
		return false
	}
	for e := x.from; e <= x.to; e++ {
		at := x.place(math.Pow10(e)) * chartWidth
		fmt.Fprintf(b, `<path d="M%.1f 0V%d" stroke="#ddd"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n",
			at, chartHeight, at, chartHeight+18, label(e))
	}
	for e := y.from; e <= y.to; e++ {
		at := chartHeight - y.place(math.Pow10(e))*chartHeight
		fmt.Fprintf(b, `<path d="M0 %.1fH%d" stroke="#ddd"/><text x="-6" y="%.1f" text-anchor="end">%s</text>`+"\n",
			at, chartWidth, at+4, label(e))
	}
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end">%s</text><text x="-6" y="-16" text-anchor="end">%s</text>`+"\n",
		chartWidth, chartHeight+38, c.xName, c.yName)
	for i, l := range c.lines {
		l.write(b, x, y, colors[i%len(colors)], i)
	}
	return true
}

func (l line) write(b *strings.Builder, x, y axis, color string, nth int) {
	var path []string
	for _, p := range l.points {
		px, py := x.place(p.x)*chartWidth, chartHeight-y.place(p.y)*chartHeight
		path = append(path, fmt.Sprintf("%.1f %.1f", px, py))
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"><title>%g: %.3g</title></circle>`+"\n", px, py, color, p.x, p.y)
	}
	if len(path) > 0 {
		fmt.Fprintf(b, `<path d="M%s" fill="none" stroke="%s" stroke-width="2" stroke-dasharray="%s"/>`+"\n",
			strings.Join(path, "L"), color, dashes[nth%len(dashes)])
	}
	fmt.Fprintf(b, `<text x="%d" y="%d" fill="%s">%s</text>`+"\n", chartWidth/2, chartHeight-64+18*nth, color, l.title)
}

// axis is a range of powers of ten.
type axis struct{ from, to int }

// place returns where a value is, from 0 to 1.
func (a axis) place(v float64) float64 {
	return (math.Log10(v) - float64(a.from)) / float64(a.to-a.from)
}

func (c chart) axes() (x, y axis, ok bool) {
	x, y = axis{math.MaxInt, math.MinInt}, axis{math.MaxInt, math.MinInt}
	for _, l := range c.lines {
		for _, p := range l.points {
			x.cover(p.x)
			y.cover(p.y)
			ok = true
		}
	}
	return x, y, ok
}

func (a *axis) cover(v float64) {
	a.from = min(a.from, int(math.Floor(math.Log10(v))))
	a.to = max(a.to, int(math.Ceil(math.Log10(v))), a.from+1)
}

// label names a power of ten.
func label(e int) string {
	names := map[int]string{-1: "0.1", 0: "1", 1: "10", 2: "100", 3: "1k", 4: "10k", 5: "100k", 6: "1M"}
	if name, ok := names[e]; ok {
		return name
	}
	return fmt.Sprintf("1e%d", e)
}
