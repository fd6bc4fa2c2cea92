package loglimit

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// A Handler limits the records that peers can make happen. Make one with New. Its methods
// are safe for concurrent use.
type Handler struct {
	next slog.Handler
	by   cause // of the logger's own attributes
	*limit
}

// limit is what a handler shares with those that are made from it.
type limit struct {
	mu      sync.Mutex // guards windows
	windows *windows
}

// New returns a handler before next.
func New(next slog.Handler) *Handler {
	return &Handler{next: next, limit: &limit{windows: newWindows()}}
}

// Enabled reports whether next takes records of that level.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle writes the record, or counts it for a later line.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	by := h.by
	r.Attrs(func(a slog.Attr) bool {
		c, ok := causeOf(a)
		if ok {
			by = c
		}
		return !ok
	})
	if by.peer == "" || r.Level < slog.LevelInfo {
		return h.next.Handle(ctx, r)
	}
	if !h.take(kind{r.Level, r.Message, by}, entry{record: r, to: h.next}, r.Time) {
		return nil
	}
	return h.next.Handle(ctx, r)
}

// WithAttrs returns a handler of the same limit. A cause among the attributes is that of
// all its records that name none.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := &Handler{next: h.next.WithAttrs(attrs), by: h.by, limit: h.limit}
	for _, a := range attrs {
		if c, ok := causeOf(a); ok {
			with.by = c
		}
	}
	return with
}

// WithGroup returns a handler of the same limit.
func (h *Handler) WithGroup(name string) slog.Handler {
	return &Handler{next: h.next.WithGroup(name), by: h.by, limit: h.limit}
}

// Serve writes the lines for what was counted as they become due, until ctx is done, and
// then all that are left. It returns nil.
func (h *Handler) Serve(ctx context.Context) error {
	// A quarter of a window: a count comes a quarter late at most.
	tick := time.NewTicker(windowFor / 4)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			h.flush(context.WithoutCancel(ctx), time.Now().Add(windowFor))
			return nil
		case <-tick.C:
			h.flush(ctx, time.Now())
		}
	}
}

// flush writes the lines that are due at the time now.
func (h *Handler) flush(ctx context.Context, now time.Time) {
	for _, line := range h.due(now) {
		line.record.Time = time.Now()
		line.record.AddAttrs(slog.Uint64("times", line.times))
		_ = line.to.Handle(ctx, line.record) // whoever logs does not look either
	}
}

func (l *limit) take(k kind, e entry, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.windows.take(k, e, now)
}

func (l *limit) due(now time.Time) []entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.windows.due(now)
}
