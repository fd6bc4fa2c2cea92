package node

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
	// fillNewsEvery is how often the progress of reading the store is told.
	fillNewsEvery = time.Second
	// settleLook is how often it is looked whether the last write has ended.
	settleLook = 10 * time.Millisecond
)

// fill gives a new incarnation what the store holds, before it answers anybody.
// While the store cannot be read it waits: a city that starts with less than it
// acknowledged would deny it. So it does while a write of the last incarnation
// goes on, which shows already and may yet be lost.
func (n *Node) fill(ctx context.Context, give func(city.Message)) error {
	f := filling{node: n, give: give, begun: time.Now()}
	for {
		for n.journal.Writing() {
			if err := wake.Sleep(ctx, settleLook); err != nil {
				return err
			}
		}
		err := n.cfg.Store.Load(ctx, f.page)
		if err == nil {
			f.done()
			return nil
		}
		if down := (*store.DownError)(nil); errors.As(err, &down) {
			n.journal.fail(err)
		}
		if n.journal.Fault() == nil {
			return fmt.Errorf("read the store: %w", err)
		}
		if err := wake.Sleep(ctx, resumeEvery); err != nil {
			return err
		}
	}
}

// filling is how far the reading of the store has come.
type filling struct {
	node   *Node
	give   func(city.Message)
	begun  time.Time
	told   time.Time
	loaded int
}

func (f *filling) page(p store.Page) error {
	if p.Entries.Len() > 0 {
		f.give(city.Update{Entries: p.Entries, Source: city.SourceStore})
	}
	answers := make([]city.Answered, 0, len(p.Answers))
	for _, stored := range p.Answers {
		a, err := answeredOf(stored)
		if err != nil {
			return err
		}
		answers = append(answers, a)
	}
	if len(answers) > 0 {
		f.give(city.Remember{Answers: answers})
	}
	f.loaded = p.Loaded
	if now := time.Now(); now.Sub(f.begun) > fillNewsEvery && now.Sub(f.told) > fillNewsEvery {
		f.told = now
		f.node.log.Info("store is being read", "records", f.loaded)
		f.tell(false)
	}
	return nil
}

func (f *filling) done() {
	if f.loaded > 0 {
		f.node.log.Info("store has been read", "records", f.loaded, "took", time.Since(f.begun).Round(time.Millisecond))
		f.tell(true)
	}
}

func (f *filling) tell(done bool) {
	if tell := f.node.cfg.Events.Filled; tell != nil {
		tell(FillProgress{Records: f.loaded, Done: done})
	}
}
