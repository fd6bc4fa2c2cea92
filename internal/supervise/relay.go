package supervise

import (
	"runtime/debug"
	"sync"
)

// A Relay carries a panic from the goroutines that somebody began to the one that
// waits for them. The panic then crashes the child, or ends the stream, for which
// they work, and not the process. The zero Relay is ready for use.
type Relay struct {
	mu    sync.Mutex // guards panic
	panic *PanicError
}

// Guard runs f and turns a panic in f into an error.
func (r *Relay) Guard(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			caught := &PanicError{Value: v, Stack: debug.Stack()}
			r.mu.Lock()
			r.panic = caught
			r.mu.Unlock()
			err = caught
		}
	}()
	return f()
}

// Rethrow panics if a guarded function did. Call it after all of them have ended.
func (r *Relay) Rethrow() {
	r.mu.Lock()
	caught := r.panic
	r.mu.Unlock()
	if caught != nil {
		panic(caught)
	}
}
