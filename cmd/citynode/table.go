package main

import (
	"bufio"
	"io"
	"os"
	"strings"

	"github.com/rivo/uniseg"
	"golang.org/x/term"
)

const (
	// columnGap is how many blanks are between two columns.
	columnGap = 2
	// columnMin is how narrow a column is made at most to fit a table to a terminal: what
	// is left of a cell must still tell two apart.
	columnMin = 8
)

// A table is lines of cells, for a person.
type table struct {
	head  []string
	lines [][]string
}

func (t *table) add(cells ...string) { t.lines = append(t.lines, cells) }

// write aligns the columns by the cells of a terminal that a text takes. On a terminal the
// widest columns are cut until a line fits; elsewhere every cell is whole. Cells may come
// from peers.
func (t *table) write(w io.Writer) error { return t.writeWithin(w, terminalWidth(w)) }

// writeWithin writes lines of at most that many cells, where the columns can be made so
// narrow; 0 is no limit.
func (t *table) writeWithin(w io.Writer, width int) error {
	for _, line := range t.lines {
		for i, cell := range line {
			line[i] = printable(cell)
		}
	}
	widths := t.widths()
	fitColumns(widths, width)
	out := bufio.NewWriter(w)
	writeLine(out, t.head, widths)
	for _, line := range t.lines {
		writeLine(out, line, widths)
	}
	return out.Flush() // which returns the first error
}

// widths returns how wide each column is by its widest cell.
func (t *table) widths() []int {
	widths := make([]int, len(t.head))
	for i, cell := range t.head {
		widths[i] = cellWidth(cell)
	}
	for _, line := range t.lines {
		for i, cell := range line {
			widths[i] = max(widths[i], cellWidth(cell))
		}
	}
	return widths
}

// fitColumns makes the widest columns narrower until a line fits into width cells, or all are
// as narrow as they may be.
func fitColumns(widths []int, width int) {
	line := (len(widths) - 1) * columnGap
	for _, n := range widths {
		line += n
	}
	for ; width > 0 && line > width; line-- {
		widest := 0
		for i, n := range widths {
			if n > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= columnMin {
			return
		}
		widths[widest]--
	}
}

// writeLine writes cells, each but the last filled up to its column's width.
func writeLine(out *bufio.Writer, cells []string, widths []int) {
	for i, cell := range cells {
		cell = cutCell(cell, widths[i])
		out.WriteString(cell)
		if i < len(cells)-1 {
			out.WriteString(strings.Repeat(" ", widths[i]-cellWidth(cell)+columnGap))
		}
	}
	out.WriteByte('\n')
}

// cutCell returns the beginning of a text that fits into width cells, with an ellipsis where
// something is missing. It cuts between what a reader takes for characters.
func cutCell(text string, width int) string {
	if cellWidth(text) <= width {
		return text
	}
	end, used, state := 0, 0, -1
	for rest := text; rest != ""; {
		var cluster string
		var cells int
		cluster, rest, cells, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if used+cells > width-1 {
			break
		}
		end, used = end+len(cluster), used+cells
	}
	return text[:end] + "…"
}

// cellWidth returns how many cells of a terminal a text takes: two for what is wide, none for
// what joins the character before it.
func cellWidth(text string) int {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return uniseg.StringWidth(text)
		}
	}
	return len(text)
}

// terminalWidth returns how many cells a line of a terminal has, 0 for what is none or does
// not say.
func terminalWidth(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}
