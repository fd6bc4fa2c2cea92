package city

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
)

// voidedJournal is the journal of an incarnation that is bombed at the first
// effects that it appends.
type voidedJournal struct {
	news   chan struct{}
	voided bool
}

func (j *voidedJournal) Append(Effects) uint64 {
	j.voided = true
	j.news <- struct{}{}
	return 1
}

func (j *voidedJournal) Written() (w Written) {
	if j.voided {
		w.Fault = fmt.Errorf("voided: %w", ErrBombed)
	}
	return w
}

func (j *voidedJournal) News() <-chan struct{} { return j.news }

func TestAnIncarnationThatWasBombedWhileItWasFilledAnswersNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal := &voidedJournal{news: make(chan struct{}, 1), voided: true}
		c, err := New(Config{Name: "gotham", PatrolEvery: Off, FightEvery: Off}, Options{Journal: func() Journal { return journal }})
		if err != nil {
			t.Fatal(err)
		}
		serve, err := c.Start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		asked := make(chan error, 1)
		go func() {
			_, err := c.Do(context.Background(), Open{})
			asked <- err
		}()
		synctest.Wait()
		if err := serve(t.Context()); !errors.Is(err, ErrBombed) {
			t.Errorf("ended with %v", err)
		}
		if err := <-asked; ReasonOf(err) != Unavailable {
			t.Errorf("answered %v", err)
		}
	})
}

func TestAnIncarnationWhoseStoreWasVoidedEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal := &voidedJournal{news: make(chan struct{}, 1)}
		c, err := New(Config{Name: "gotham", PatrolEvery: Off, FightEvery: Off}, Options{Journal: func() Journal { return journal }})
		if err != nil {
			t.Fatal(err)
		}
		serve, err := c.Start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- serve(t.Context()) }()
		_, _ = c.Do(t.Context(), Open{})
		if _, err := c.Do(context.Background(), createNumber(1)); ReasonOf(err) != Unavailable {
			t.Errorf("the order: %v, want unavailable", err)
		}
		if err := <-ended; !errors.Is(err, ErrBombed) {
			t.Errorf("ended with %v", err)
		}
	})
}
