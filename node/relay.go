package node

import (
	"runtime/debug"
	"sync"

	"github.com/citynode/citynode/internal/supervise"
)

// relay carries a panic from the goroutines that somebody began to the one that
// waits for them, so that it crashes the child, or ends the stream, for which
// they work, and not the process. The zero relay is ready for use.
type relay struct {
	mu    sync.Mutex // guards panic
	panic *supervise.PanicError
}

// guard runs f and turns a panic in it into an error.
func (r *relay) guard(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			caught := &supervise.PanicError{Value: v, Stack: debug.Stack()}
			r.mu.Lock()
			r.panic = caught
			r.mu.Unlock()
			err = caught
		}
	}()
	return f()
}

// rethrow panics if something that was guarded did.
func (r *relay) rethrow() {
	r.mu.Lock()
	caught := r.panic
	r.mu.Unlock()
	if caught != nil {
		panic(caught)
	}
}
