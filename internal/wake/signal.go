package wake

// A Signal wakes the one goroutine that receives from it. Several sets before that
// goroutine looks count as one, so the receiver must look at everything that may
// have changed. Make one with NewSignal.
type Signal chan struct{}

// NewSignal returns a signal that is not set.
func NewSignal() Signal { return make(Signal, 1) }

// Set wakes the receiver, now or at its next receive. Set never blocks.
func (s Signal) Set() {
	select {
	case s <- struct{}{}:
	default: // it is set already
	}
}
