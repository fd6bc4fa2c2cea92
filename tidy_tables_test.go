package citynode_test

import (
	"regexp"
	"strings"
)

// The tables of goroutines and of locks in ARCHITECTURE.md have a column
// "where", with the path of a file in code, then names in code: of the functions
// in that file that begin the goroutines of the row or run them, or of locks as
// Type.field. More files with names may follow.

// A place is what one cell of a column "where" names in one file.
type place struct {
	file  string
	names []string
}

// A row is a line of a table: its cells by the heads of their columns.
type row map[string]string

// table reads the table whose first column has this head.
func (r *repo) table(head string) (rows []row) {
	var heads []string
	for line := range strings.SplitSeq(r.text(mapFile), "\n") {
		cells := tableCells(line)
		switch {
		case cells == nil:
			heads = nil
		case cells[0] == head:
			heads = cells
		case heads != nil && !strings.HasPrefix(cells[0], "---") && len(cells) == len(heads):
			row := row{}
			for i, cell := range cells {
				row[heads[i]] = cell
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func tableCells(line string) []string {
	line = strings.TrimSpace(line)
	if len(line) < 2 || !strings.HasPrefix(line, "|") || !strings.HasSuffix(line, "|") {
		return nil
	}
	cells := strings.Split(line[1:len(line)-1], "|")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells
}

var inCode = regexp.MustCompile("`([^`]+)`")

// codeIn returns what stands in code in a cell.
func codeIn(cell string) (spans []string) {
	for _, m := range inCode.FindAllStringSubmatch(cell, -1) {
		spans = append(spans, m[1])
	}
	return spans
}

func (w row) places() (places []place) {
	for _, s := range codeIn(w["where"]) {
		switch {
		case strings.HasSuffix(s, ".go"):
			places = append(places, place{file: s})
		case len(places) > 0:
			last := &places[len(places)-1]
			last.names = append(last.names, s)
		}
	}
	return places
}

// forTests reports whether a room has code for tests only.
func forTests(room string) bool {
	for ; room != "." && room != "/"; room = parent(room) {
		if _, ok := supports(room); ok {
			return true
		}
	}
	return false
}

func parent(room string) string {
	if i := strings.LastIndexByte(room, '/'); i >= 0 {
		return room[:i]
	}
	return "."
}
