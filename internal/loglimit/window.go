package loglimit

import (
	"cmp"
	"log/slog"
	"slices"
	"time"
)

const (
	// windowFor is the time in which one line of a kind is written.
	windowFor = time.Minute
	// kindsMax bounds the kinds of line of which a window is open, and with them the lines
	// of a minute, at about 500 bytes each. Peers cost nothing to make, so a bound a peer
	// alone is none.
	kindsMax = 128
)

// A kind is what makes two lines the same.
type kind struct {
	level   slog.Level
	message string
	cause   cause
}

// A window is open from a line of a kind until a minute later.
type window struct {
	until time.Time
	held  uint64 // lines that were not written
	first entry  // the first of them
}

// An entry is a record and where it goes.
type entry struct {
	record slog.Record
	to     slog.Handler
	times  uint64 // how many lines it stands for
}

// windows are plain state: they read no clock and take no lock.
type windows struct {
	open map[kind]*window
	rest window // of all kinds for which there is no room
}

func newWindows() *windows { return &windows{open: make(map[kind]*window)} }

// take judges a line at the time now. It reports whether the line is to be written.
func (w *windows) take(k kind, e entry, now time.Time) (write bool) {
	open, known := w.open[k]
	switch {
	case known:
		open.hold(e)
	case len(w.open) >= kindsMax:
		if w.rest.held == 0 {
			w.rest.until = now.Add(windowFor)
		}
		w.rest.hold(e)
	default:
		w.open[k] = &window{until: now.Add(windowFor)}
		return true
	}
	return false
}

// hold counts a line, and keeps it if it is the first.
func (w *window) hold(e entry) {
	if w.held == 0 {
		w.first = entry{record: e.record.Clone(), to: e.to}
	}
	w.held++
}

// due returns what is to be written at the time now: one line for those of each window
// that is over, in the order of their times. A window with such a line begins anew.
func (w *windows) due(now time.Time) (some []entry) {
	for k, open := range w.open {
		switch {
		case now.Before(open.until):
		case open.held == 0:
			delete(w.open, k)
		default:
			some = append(some, open.renew(now))
		}
	}
	slices.SortFunc(some, func(a, b entry) int {
		return cmp.Or(a.record.Time.Compare(b.record.Time), cmp.Compare(a.record.Message, b.record.Message))
	})
	if w.rest.held > 0 && !now.Before(w.rest.until) {
		left := w.rest.renew(now)
		record := slog.NewRecord(now, slog.LevelWarn, "lines about other peers were left out", 0)
		record.AddAttrs(slog.String("such_as", left.record.Message))
		some = append(some, entry{record: record, to: left.to, times: left.times})
	}
	return some
}

// renew returns the line for those that were held, and begins the next window.
func (w *window) renew(now time.Time) entry {
	line := entry{record: w.first.record, to: w.first.to, times: w.held}
	*w = window{until: now.Add(windowFor)}
	return line
}
