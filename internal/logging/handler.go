package logging

import (
	"context"
	"log/slog"
)

// ComponentKey is the attribute of a logger that names its component.
const ComponentKey = "component"

// A Handler passes the records on whose component is logged at their level.
type Handler struct {
	levels    *Levels
	component string
	next      slog.Handler
}

// NewHandler returns a handler before next, which has to take all levels. A component is
// that of loggers that do not name theirs.
func NewHandler(levels *Levels, component string, next slog.Handler) *Handler {
	return &Handler{levels: levels, component: component, next: next}
}

// Enabled reports whether the component is logged at this level.
func (h *Handler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.levels.Of(h.component)
}

// Handle passes the record on.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error { return h.next.Handle(ctx, r) }

// WithAttrs returns a handler of the component that is named among the attributes, if one
// is.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := &Handler{levels: h.levels, component: h.component, next: h.next.WithAttrs(attrs)}
	for _, a := range attrs {
		if a.Key == ComponentKey {
			with.component = a.Value.String()
		}
	}
	return with
}

// WithGroup returns a handler of the same component.
func (h *Handler) WithGroup(name string) slog.Handler {
	return &Handler{levels: h.levels, component: h.component, next: h.next.WithGroup(name)}
}
