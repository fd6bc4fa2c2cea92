package durable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/internal/wake"
)

const (
	// progressEvery is how often the progress of reading the store is told.
	progressEvery = time.Second
	// settleLook is how often it is looked whether the last write has ended. That happens at
	// a start alone, which 10 ms do not delay so that anybody sees it.
	settleLook = 10 * time.Millisecond
)

// Progress is how much of the store has been read at a start.
type Progress struct {
	Records int  // entries and remembered answers
	Done    bool // these are all
}

// Fill gives a new incarnation what the store holds, before the incarnation
// answers anybody. While the store cannot be read, Fill waits: a city that starts
// with less than it acknowledged would deny it. Fill also waits for a write of the
// last incarnation to end, since what is being written can be read already and may
// yet be lost.
//
// The start of the city calls it, in the goroutine of that child, and ends with ctx. A
// read that failed halfway is begun anew, and give gets some of it twice: merging takes
// no harm from that.
func (w *Writer) Fill(ctx context.Context, give func(city.Message)) error {
	r := reading{of: w, give: give, begun: time.Now()}
	for {
		for w.writing() {
			if err := wake.Sleep(ctx, settleLook); err != nil {
				return err
			}
		}
		err := w.cfg.Store.Load(ctx, r.take)
		if err == nil {
			r.done()
			return nil
		}
		if _, down := errors.AsType[*store.DownError](err); down {
			w.step(Failed{Err: err})
		}
		// With a fault the writer tries the store again, and this waits for that. Without
		// one what was read is damaged, or the store was mended just now; then the next
		// start reads it.
		if w.Fault() == nil {
			return fmt.Errorf("read the store: %w", err)
		}
		if err := wake.Sleep(ctx, ResumeEvery); err != nil {
			return err
		}
	}
}

// Messages returns a part of the store as the messages that give it to a core. They take
// the part's memory over. Entries come with SourceStore, so that they are neither judged
// by the clock nor stored again.
func Messages(p store.Part) ([]city.Message, error) {
	var messages []city.Message
	if p.Entries.Len() > 0 {
		messages = append(messages, city.Update{Entries: p.Entries, Source: city.SourceStore})
	}
	answers := make([]city.Answered, 0, len(p.Answers))
	for _, stored := range p.Answers {
		a, err := DecodeAnswer(stored)
		if err != nil {
			return nil, err
		}
		answers = append(answers, a)
	}
	if len(answers) > 0 {
		messages = append(messages, city.Remember{Answers: answers})
	}
	return messages, nil
}

// reading is how far one Fill has come.
type reading struct {
	of    *Writer
	give  func(city.Message)
	begun time.Time
	told  time.Time
	count int // of records
}

func (r *reading) take(p store.Part) error {
	messages, err := Messages(p)
	if err != nil {
		return err
	}
	for _, m := range messages {
		r.give(m)
	}
	r.count = p.Loaded
	if now := time.Now(); now.Sub(r.begun) > progressEvery && now.Sub(r.told) > progressEvery {
		r.told = now
		r.of.cfg.Logger.Info("store is being read", "records", r.count)
		r.tell(false)
	}
	return nil
}

func (r *reading) done() {
	if r.count > 0 {
		r.of.cfg.Logger.Info("store has been read", "records", r.count, "took", time.Since(r.begun).Round(time.Millisecond))
		r.tell(true)
	}
}

func (r *reading) tell(done bool) {
	if r.of.cfg.Filled != nil {
		r.of.cfg.Filled(Progress{Records: r.count, Done: done})
	}
}
