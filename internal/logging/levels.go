package logging

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
)

// Off is above every level: what is off logs nothing.
const Off = slog.Level(100)

// SpecBytesMax bounds what Apply reads. All components with a level each have a tenth of it.
const SpecBytesMax = 1 << 10

// Levels are from which level on each component of a program is logged. Their methods are
// safe for concurrent use. Make them with NewLevels.
type Levels struct {
	components []string // sorted
	foreign    map[string]slog.Level
	table      atomic.Pointer[table] // what is in it never changes
}

// A table is a level for all components, and those of some that differ from it.
type table struct {
	common slog.Level
	own    map[string]slog.Level
}

// NewLevels returns levels of these components, all at common. Those that are foreign
// belong to libraries: they have a level of their own, given here, that only their own name
// changes. They may be among the components.
func NewLevels(common slog.Level, components []string, foreign map[string]slog.Level) *Levels {
	l := &Levels{foreign: foreign}
	l.components = append(slices.Clone(components), slices.Collect(maps.Keys(foreign))...)
	slices.Sort(l.components)
	l.components = slices.Compact(l.components)
	own := make(map[string]slog.Level)
	maps.Copy(own, foreign)
	l.table.Store(&table{common: common, own: own})
	return l
}

// Components returns the names of all components, sorted.
func (l *Levels) Components() []string { return slices.Clone(l.components) }

// Of returns the level of a component; of one that is not known, or of none, that of all.
func (l *Levels) Of(component string) slog.Level {
	t := l.table.Load()
	if own, ok := t.own[component]; ok {
		return own
	}
	return t.common
}

// Apply changes the levels by a text such as "info,gossip=debug". Its items count in their
// order: a level alone is that of all components, whatever each had before, but for those
// of libraries; COMPONENT=LEVEL is that of one. If one item is wrong, nothing is changed
// and the error says what is allowed.
func (l *Levels) Apply(spec string) error {
	if len(spec) > SpecBytesMax {
		return fmt.Errorf("levels of %d bytes, at most %d are read", len(spec), SpecBytesMax)
	}
	for {
		before := l.table.Load()
		after := &table{common: before.common, own: maps.Clone(before.own)}
		for item := range strings.SplitSeq(spec, ",") {
			if err := l.apply(after, strings.TrimSpace(item)); err != nil {
				return err
			}
		}
		if l.table.CompareAndSwap(before, after) {
			return nil
		}
	}
}

func (l *Levels) apply(t *table, item string) error {
	component, text, one := strings.Cut(item, "=")
	if !one {
		text = item
	}
	level, err := ParseLevel(text)
	switch {
	case err != nil:
		return err
	case !one:
		t.common = level
		maps.DeleteFunc(t.own, func(name string, _ slog.Level) bool { _, foreign := l.foreign[name]; return !foreign })
		return nil
	case !slices.Contains(l.components, component):
		return fmt.Errorf("unknown component %q: there are %s", component, strings.Join(l.components, ", "))
	}
	t.own[component] = level
	return nil
}

// String returns the levels as Apply reads them: that of all, then those that differ from
// it, sorted.
func (l *Levels) String() string {
	t := l.table.Load()
	items := []string{LevelName(t.common)}
	for _, component := range slices.Sorted(maps.Keys(t.own)) {
		if t.own[component] != t.common {
			items = append(items, component+"="+LevelName(t.own[component]))
		}
	}
	return strings.Join(items, ",")
}

// The levels by name, the least first.
var levelNames = []struct {
	name  string
	level slog.Level
}{{"debug", slog.LevelDebug}, {"info", slog.LevelInfo}, {"warn", slog.LevelWarn}, {"error", slog.LevelError}, {"off", Off}}

// ParseLevel returns the level of that name: debug, info, warn, error or off.
func ParseLevel(name string) (slog.Level, error) {
	for _, known := range levelNames {
		if strings.EqualFold(name, known.name) {
			return known.level, nil
		}
	}
	return 0, fmt.Errorf("unknown level %q: choose debug, info, warn, error or off", name)
}

// LevelName returns the name that ParseLevel reads.
func LevelName(level slog.Level) string {
	for _, known := range levelNames {
		if level <= known.level {
			return known.name
		}
	}
	return "off"
}
