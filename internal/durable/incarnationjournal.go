package durable

import (
	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/internal/wake"
)

// incarnationJournal is the city.Journal of one incarnation.
type incarnationJournal struct {
	writer   *Writer
	number   uint64 // of the incarnation
	appended uint64 // owned by the incarnation's loop
	news     wake.Signal
}

// Begin ends the journal that there is and returns that of a new incarnation. A
// store that was found not to work is told to the machine here: nobody else may
// write for long.
func (w *Writer) Begin() city.Journal {
	if err := w.cfg.Store.Err(); err != nil {
		w.step(Failed{Err: err})
	}
	j := &incarnationJournal{writer: w, news: wake.NewSignal()}
	// Before Begin, whose News is for this journal.
	w.mu.Lock()
	w.present = j
	w.mu.Unlock()
	w.step(Begin{})
	w.mu.Lock()
	defer w.mu.Unlock()
	j.number = w.machine.Incarnation()
	return j
}

// Append has effects written with the next commit. It counts as the machine does, which
// numbers all effects of the present incarnation, those too that it leaves out.
func (j *incarnationJournal) Append(fx city.Effects) uint64 {
	j.writer.step(Append{Incarnation: j.number, Effects: fx})
	j.appended++
	return j.appended
}

// Written returns how far the journal has come.
func (j *incarnationJournal) Written() city.Written {
	j.writer.mu.Lock()
	defer j.writer.mu.Unlock()
	return j.writer.machine.Written(j.number)
}

// News is set when Written may return something else than before.
func (j *incarnationJournal) News() <-chan struct{} { return j.news }
