package citynode_test

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// The table of imports is the block of ARCHITECTURE.md that begins with
// ```imports. A line is
//
//	room, another -> room, room   # why
//	room (tests) -> room
//
// and goes on in lines that are indented. internal/{a,b} are internal/a and
// internal/b; "nothing of ours" is none. The second form names what the tests of
// a room import beside what the room may. A package that supports tests, named
// after the room it lies in (crdt/crdttest), needs no line: it may import that
// room and what that room may import, and only tests and its like may import it.
const mapFile = "ARCHITECTURE.md"

var importsBlock = regexp.MustCompile("(?s)```imports\n(.*?)\n```")

// arrows are the imports that the map shows: what a room may import, and what its
// tests may import beside that.
type arrows struct {
	program, tests map[string][]string
}

// arrows reads the table of imports.
func (r *repo) arrows() (a arrows, faults []string) {
	a = arrows{program: map[string][]string{}, tests: map[string][]string{}}
	block := importsBlock.FindStringSubmatch(r.text(mapFile))
	if block == nil {
		return a, []string{mapFile + ": there is no block of imports"}
	}
	for line := range strings.SplitSeq(strings.ReplaceAll(block[1], "\n ", " "), "\n") {
		line, _, _ = strings.Cut(line, "#")
		left, right, ok := strings.Cut(line, "->")
		if !ok {
			faults = append(faults, mapFile+": no arrow in the line of imports "+line)
			continue
		}
		into := a.program
		if cut, tests := strings.CutSuffix(strings.TrimSpace(left), " (tests)"); tests {
			left, into = cut, a.tests
		}
		for _, room := range roomList(left) {
			if _, twice := into[room]; twice {
				faults = append(faults, mapFile+": two lines of imports for "+room)
			}
			into[room] = roomList(right)
		}
	}
	return a, faults
}

var braces = regexp.MustCompile(`([^\s,{}]*)\{([^{}]*)\}`)

// roomList reads the rooms on one side of an arrow.
func roomList(side string) []string {
	side = braces.ReplaceAllStringFunc(side, func(s string) string {
		m := braces.FindStringSubmatch(s)
		rooms := strings.Split(m[2], ",")
		for i, room := range rooms {
			rooms[i] = m[1] + strings.TrimSpace(room)
		}
		return strings.Join(rooms, ",")
	})
	side = strings.TrimSpace(side)
	if side == "nothing of ours" {
		return []string{}
	}
	rooms := strings.Split(side, ",")
	for i := range rooms {
		rooms[i] = strings.TrimSpace(rooms[i])
	}
	return rooms
}

// allows reports whether the map has an arrow from a file to a room.
func (a arrows) allows(f *file, target string) bool {
	room, support := f.room, false
	if supported, ok := supports(f.room); ok {
		room, support = supported, true
	}
	may := slices.Clone(a.program[room])
	if f.test {
		may = append(may, a.tests[room]...)
	}
	if slices.Contains(may, target) || target == room && (support || f.test) {
		return true
	}
	of, ok := supports(target)
	return ok && (f.test || support) && (of == room || slices.Contains(may, of))
}

// importsAgainstTheArrows finds what the code imports and the map does not show.
func importsAgainstTheArrows(r *repo) (faults []string) {
	a, faults := r.arrows()
	if len(faults) > 0 {
		return faults
	}
	missing := map[string]bool{}
	for _, f := range r.files {
		room := f.room
		if supported, ok := supports(room); ok {
			room = supported
		}
		if a.program[room] == nil && room != "." {
			if !missing[room] {
				faults = append(faults, "package "+f.room+" is not in the table of imports of "+mapFile)
			}
			missing[room] = true
			continue
		}
		for imported := range f.imports {
			if target, ours := strings.CutPrefix(imported, modulePath+"/"); ours && !a.allows(f, target) {
				faults = append(faults, f.path+": "+f.room+" must not import "+target)
			}
		}
	}
	return faults
}

// arrowsWithoutImports finds what the map shows and no file imports.
func arrowsWithoutImports(r *repo) []string {
	a, faults := r.arrows()
	for _, f := range r.files {
		for imported := range f.imports {
			target := strings.TrimPrefix(imported, modulePath+"/")
			if f.test {
				a.tests[f.room] = without(a.tests[f.room], target)
			} else {
				a.program[f.room] = without(a.program[f.room], target)
			}
		}
	}
	for room, targets := range a.program {
		for _, target := range targets {
			faults = append(faults, mapFile+": "+room+" does not import "+target)
		}
	}
	for room, targets := range a.tests {
		for _, target := range targets {
			faults = append(faults, mapFile+": no test of "+room+" imports "+target)
		}
	}
	rooms := map[string]bool{}
	for _, f := range r.files {
		rooms[f.room] = true
	}
	for _, room := range slices.Concat(slices.Collect(maps.Keys(a.program)), slices.Collect(maps.Keys(a.tests))) {
		if !rooms[room] {
			faults = append(faults, mapFile+": there is no package "+room)
		}
	}
	return faults
}

func without(list []string, s string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(t string) bool { return t == s })
}

// filesMax is how many files a package may have that are no tests: with more, a
// stranger does not find the one that is meant.
const filesMax = 25

// manyFiles are the packages that may have more, and how many. The command line
// has a file for each command.
var manyFiles = map[string]int{
	"cmd/citynode": 100,
	"crdt":         34, // until the containers that know no hero have a room
}

func tooManyFiles(r *repo) (faults []string) {
	count := map[string]int{}
	for _, f := range r.files {
		if !f.test {
			count[f.room]++
		}
	}
	for room, n := range count {
		limit, ok := manyFiles[room]
		if !ok {
			limit = filesMax
		}
		if n > limit {
			faults = append(faults, path.Clean(room)+" has too many files: split what it does into rooms")
		}
	}
	return faults
}
