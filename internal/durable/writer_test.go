package durable

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/store"
)

// run is one process of a city with a store: a city that starts again when it
// crashes, and a Writer.
type run struct {
	t      *testing.T
	place  *store.Memory
	store  *store.Store
	writer *Writer
	city   *city.City
	stop   func() // waits for the end
	lives  atomic.Int32
}

// start runs a city on what the place holds, without ticks.
func start(t *testing.T, place *store.Memory, adjust ...func(*Config)) *run {
	t.Helper()
	s, err := place.Open(store.Config{Identity: store.Identity{City: "gotham", Network: "test", Peer: "a peer"}})
	if err != nil {
		t.Fatal(err)
	}
	r := &run{t: t, place: place, store: s}
	cfg := Config{Store: s, Facts: StoredFacts(s, "gotham", nil), InLoop: r.inLoop, Logger: slog.New(slog.DiscardHandler)}
	for _, f := range adjust {
		f(&cfg)
	}
	r.writer = New(cfg)
	r.city, err = city.New(
		city.Config{Name: "gotham", PatrolEvery: city.Off, FightEvery: city.Off},
		city.Options{
			Journal:         r.writer.Begin,
			Fill:            r.writer.Fill,
			NextIncarnation: func() (crdt.Stamp, error) { return cfg.Facts.NextIncarnation(crdt.StampAt(time.Now())) },
		})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{}, 2)
	go func() { _ = r.writer.Serve(ctx); done <- struct{}{} }()
	go func() { r.live(ctx); done <- struct{}{} }()
	r.stop = func() { cancel(); <-done; <-done; _ = s.Close() }
	t.Cleanup(func() { cancel() })
	synctest.Wait()
	return r
}

// live runs one incarnation after another.
func (r *run) live(ctx context.Context) {
	for ctx.Err() == nil {
		serve, err := r.city.Start(ctx)
		if err != nil {
			return
		}
		r.lives.Add(1)
		if inc, err := r.city.Current(); err == nil {
			go func() { _, _ = inc.Do(ctx, city.Open{}) }()
		}
		_ = serve(ctx)
		time.Sleep(10 * time.Millisecond)
	}
}

func (r *run) inLoop(ctx context.Context, f func(*city.Core)) error {
	inc, err := r.city.Current()
	if err != nil {
		return err
	}
	return inc.Read(ctx, f)
}

// kill ends the process as a power cut does: nothing that it does after this is stored,
// and what was not synced is lost.
func (r *run) kill() {
	r.place.Kill()
	r.stop()
}

// create sends the n-th create and lets the city take it; the channel gets its
// error.
func (r *run) create(n int) <-chan error {
	defer synctest.Wait()
	return r.order(n)
}

func (r *run) order(n int) <-chan error {
	ended := make(chan error, 1)
	m := city.Create{Caller: city.Caller{Name: "alfred", Request: numberedID(n)}, HeroName: "Robin", Here: true}
	go func() {
		_, err := r.city.Do(context.Background(), m)
		ended <- err
	}()
	return ended
}

func (r *run) created(n int) {
	r.t.Helper()
	if err := <-r.create(n); err != nil {
		r.t.Error(err)
	}
}

func (r *run) summary() (s crdt.Summary) {
	r.t.Helper()
	if err := r.inLoop(r.t.Context(), func(c *city.Core) { s = c.State().Summary() }); err != nil {
		r.t.Error(err)
	}
	return s
}

// storedRecords counts the records that the store shows, synced or not.
func (r *run) storedRecords() (n uint64) {
	r.t.Helper()
	err := r.store.Load(r.t.Context(), func(p store.Part) error {
		n += uint64(p.Entries.Len())
		return nil
	})
	if err != nil {
		r.t.Error(err)
	}
	return n
}

// merge gives the city heroes as anti-entropy does.
func (r *run) merge(from, to int) {
	r.t.Helper()
	var some crdt.Entries
	for n := from; n < to; n++ {
		some.Heroes = append(some.Heroes, crdt.Hero{
			ID: numberedID(n), Name: "Robin", Health: 50, Location: crdt.Home, Version: crdt.Version{HLC: crdt.StampAt(time.Now())},
		})
	}
	if _, err := r.city.Do(r.t.Context(), city.Update{Entries: some, Source: city.SourceSync}); err != nil {
		r.t.Error(err)
	}
}

// numberedID is the n-th ID, from 0.
func numberedID(n int) (id crdt.ID) {
	binary.BigEndian.PutUint32(id[:4], uint32(n)+1)
	return id
}

// answered fails the test if an order is not answered within a time.
func answered(t *testing.T, order <-chan error, within time.Duration) error {
	t.Helper()
	select {
	case err := <-order:
		return err
	case <-time.After(within):
		t.Fatalf("not answered in %v", within)
		return nil
	}
}

// More than may wait for the disk has come from a neighbour.
func TestWhatWasTooMuchForTheDiskIsStoredLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var place store.Memory
		gotham := start(t, &place, func(c *Config) { c.WaitingBytesMax = 100 })
		goOn := place.Stall()
		gotham.merge(0, 10)
		synctest.Wait()
		gotham.merge(10, 20)
		gotham.merge(20, 5000) // is left out
		goOn()
		synctest.Wait()
		held := gotham.summary()
		gotham.kill()
		again := start(t, &place)
		defer again.stop()
		if again.summary() != held {
			t.Errorf("%v of %v are stored", again.summary(), held)
		}
	})
}

func TestAnOrderThatComesWhileTheWholeStateIsWrittenIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var place store.Memory
		var gotham *run
		var order <-chan error
		gotham = start(t, &place, func(c *Config) {
			c.WaitingBytesMax = 100
			inLoop := c.InLoop
			c.InLoop = func(ctx context.Context, f func(*city.Core)) error {
				err := inLoop(ctx, f)
				order = gotham.order(9000)
				time.Sleep(time.Millisecond) // until the city has appended it
				return err
			}
		})
		goOn := place.Stall()
		gotham.merge(0, 10)
		synctest.Wait()
		gotham.merge(10, 20)
		gotham.merge(20, 30) // is left out
		goOn()
		synctest.Wait()
		if err := answered(t, order, time.Minute); err != nil {
			t.Error(err)
		}
		gotham.stop()
	})
}

// What comes while the disk writes the last page of a state is in no page of it, and
// nobody may write anything after it.
func TestWhatComesAfterTheLastPageIsStoredByItself(t *testing.T) {
	test := func(t *testing.T, own bool) {
		var place store.Memory
		lastPage := make(chan func(), 1) // lets the disk write it
		gotham := start(t, &place, func(c *Config) {
			c.WaitingBytesMax = 100
			inLoop := c.InLoop
			c.InLoop = func(ctx context.Context, f func(*city.Core)) error {
				err := inLoop(ctx, f) // the only page
				lastPage <- place.Stall()
				return err
			}
		})
		goOn := place.Stall()
		gotham.merge(0, 10)
		synctest.Wait()
		gotham.merge(10, 20)
		gotham.merge(20, 30) // is left out
		goOn()
		write := <-lastPage
		gotham.merge(30, 40)
		var order <-chan error
		if own {
			order = gotham.create(9000)
		}
		write()
		if own {
			if err := answered(t, order, time.Second); err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		held := gotham.summary()
		if got := gotham.storedRecords(); got != held.Heroes {
			t.Errorf("%d records are stored, want %d", got, held.Heroes)
		}
		gotham.kill()
		again := start(t, &place)
		defer again.stop()
		if got := again.summary(); own && got != held { // the order's sync holds for all before it
			t.Errorf("after the kill it holds %v, want %v", got, held)
		}
	}
	t.Run("neighbours' entries", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, false) })
	})
	t.Run("neighbours' entries and an own order", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, true) })
	})
}

// What is being written shows already, and may yet be lost with the power.
func TestAnIncarnationIsFilledOnceTheLastWriteHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var place store.Memory
		gotham := start(t, &place)
		goOn := place.Stall()
		gotham.create(1)
		gotham.writer.Begin() // the city has crashed
		var given atomic.Int32
		filled := make(chan error, 1)
		go func() { filled <- gotham.writer.Fill(t.Context(), func(city.Message) { given.Add(1) }) }()
		time.Sleep(StuckAfter / 2)
		if given.Load() != 0 || len(filled) != 0 {
			t.Error("it was filled while a write went on")
		}
		goOn()
		if err := <-filled; err != nil || given.Load() == 0 {
			t.Errorf("filled with %d pages, %v", given.Load(), err)
		}
		gotham.stop()
	})
}

// The loop is busy from before the fault until after the first page is asked for.
func TestWhatWasRefusedAsNotDoneIsNotStored(t *testing.T) {
	for range 10 { // the loop takes what waits for it in any order
		synctest.Test(t, func(t *testing.T) {
			var place store.Memory
			gotham := start(t, &place)
			goOn := place.Stall()
			gotham.create(1)
			dropped := gotham.create(2)
			go func() {
				_ = gotham.inLoop(t.Context(), func(*city.Core) { time.Sleep(2 * ResumeEvery) })
			}()
			synctest.Wait()
			place.Fail(syscall.EIO)
			goOn()
			synctest.Wait()
			place.Fail(nil)
			err := answered(t, dropped, time.Minute)
			time.Sleep(time.Minute)
			held := gotham.summary()
			gotham.kill()
			again := start(t, &place)
			defer again.stop()
			if got := again.summary(); got != held {
				t.Errorf("after the kill it holds %v, want %v; what was dropped was answered %v", got, held, err)
			}
		})
	}
}

// The sync of the raise fails, and nobody knows what reached the disk.
func TestABombWhoseSyncFailedIsCarriedOutOnceTheStoreWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var place store.Memory
		gotham := start(t, &place)
		gotham.created(1)
		place.FailAfterWrite(syscall.EIO)
		if err := gotham.writer.Raise(); !errors.Is(err, syscall.EIO) {
			t.Errorf("raised: %v", err)
		}
		time.Sleep(time.Minute)
		if fault := gotham.writer.Fault(); fault != nil || gotham.lives.Load() != 2 {
			t.Errorf("after a minute: fault %v, %d lives", fault, gotham.lives.Load())
		}
		if got := gotham.summary(); got != (crdt.Summary{}) {
			t.Errorf("after the bomb it holds %v", got)
		}
		gotham.created(2)
		gotham.kill()
		again := start(t, &place)
		defer again.stop()
		if again.summary().Heroes != 1 {
			t.Errorf("what it answered after the bomb is lost: %v", again.summary())
		}
	})
}

func TestABombOfACityWhoseStoreIsDownIsRefusedAndDidNotHappen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var place store.Memory
		gotham := start(t, &place)
		gotham.created(1)
		place.Fail(syscall.EIO)
		<-gotham.create(2)
		if err := gotham.writer.Raise(); err == nil || strings.Contains(err.Error(), "may have been") {
			t.Errorf("refused with %v", err)
		}
		place.Fail(nil)
		time.Sleep(10 * ResumeEvery)
		if gotham.summary().Heroes == 0 {
			t.Error("it happened")
		}
		gotham.stop()
	})
}

// Nobody may write for long after the start, and an order must not be taken meanwhile.
func TestAnIncarnationThatBeginsOnAStoreThatFailedKnowsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var place store.Memory
		gotham := start(t, &place)
		place.Fail(syscall.EIO)
		if err := gotham.store.Commit(store.Batch{Epoch: gotham.store.Epoch(), Entries: crdt.Entries{Heroes: []crdt.Hero{heroNumber(1)}}}); err == nil {
			t.Fatal("it did not fail")
		}
		if fault := gotham.writer.Begin().Written().Fault; fault == nil {
			t.Error("the new incarnation takes its store for well")
		}
		place.Fail(nil)
		gotham.stop()
	})
}

func TestABombThatFailedBeforeItWroteDidNotHappen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var place store.Memory
		gotham := start(t, &place)
		gotham.created(1)
		place.Fail(syscall.EIO)
		if err := gotham.writer.Raise(); !errors.Is(err, syscall.EIO) {
			t.Errorf("raised: %v", err)
		}
		place.Fail(nil)
		time.Sleep(time.Minute)
		if gotham.summary().Heroes != 1 || gotham.lives.Load() != 1 {
			t.Errorf("holds %v in life %d", gotham.summary(), gotham.lives.Load())
		}
		gotham.created(2)
		gotham.stop()
	})
}

// The second of two bombs raises the epoch when the city has begun anew after the
// first, and is still being filled.
func TestABombThatOvertakesARestartEndsTheNewIncarnation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var place store.Memory
		gotham := start(t, &place)
		gotham.created(1)
		gotham.writer.Begin() // the city has crashed, and begins anew
		if err := gotham.writer.Raise(); err != nil {
			t.Error(err)
		}
		begun := gotham.writer.Begin()
		if err := gotham.writer.Raise(); err != nil {
			t.Error(err)
		}
		if fault := begun.Written().Fault; !errors.Is(fault, city.ErrBombed) {
			t.Errorf("the new incarnation goes on: %v", fault)
		}
		select {
		case <-begun.News():
		default:
			t.Error("the new incarnation is not told")
		}
		gotham.stop()
	})
}

func TestABombEndsTheIncarnationByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var place store.Memory
		gotham := start(t, &place)
		gotham.created(1)
		for range 3 {
			if err := gotham.writer.Raise(); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Duration(gotham.lives.Load()) * 5 * time.Millisecond)
		}
		time.Sleep(time.Second)
		if got := gotham.summary(); got != (crdt.Summary{}) {
			t.Errorf("holds %v", got)
		}
		gotham.created(2)
		gotham.stop()
	})
}

// The bomb is carried out by nobody else: the store says that it is of another
// epoch.
func TestAnIncarnationThatMeetsAnotherEpochEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var place store.Memory
		gotham := start(t, &place)
		gotham.created(1)
		if _, err := gotham.store.Raise(); err != nil {
			t.Fatal(err)
		}
		if err := answered(t, gotham.create(2), time.Second); city.ReasonOf(err) != city.Unavailable {
			t.Errorf("answered %v", err)
		}
		time.Sleep(time.Second)
		gotham.created(3)
		if got := gotham.summary().Heroes; got != 1 || gotham.lives.Load() != 2 {
			t.Errorf("holds %d heroes in life %d", got, gotham.lives.Load())
		}
		gotham.stop()
	})
}

func TestWhatWaitsAtAStopIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var place store.Memory
		gotham := start(t, &place)
		goOn := place.Stall()
		first := gotham.create(1)
		gotham.create(2)
		go func() { time.Sleep(time.Second); goOn() }()
		gotham.stop()
		<-first
		again := start(t, &place)
		defer again.stop()
		if got := again.summary().Heroes; got != 2 {
			t.Errorf("%d heroes are stored", got)
		}
	})
}

func TestFactsThatChangeWhileTheStoreIsDownAreStoredOnceItWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var place store.Memory
		var facts *Facts
		gotham := start(t, &place, func(c *Config) { facts = c.Facts })
		place.Fail(syscall.EIO)
		if err := <-gotham.create(1); err == nil {
			t.Error("it was stored")
		}
		number, err := facts.NextIncarnation(crdt.StampAt(time.Now().Add(time.Hour)))
		if err != nil {
			t.Fatal(err)
		}
		place.Fail(nil)
		time.Sleep(10 * ResumeEvery)
		if got := gotham.store.Facts().Incarnation; got != number {
			t.Errorf("stored %d, want %d", got, number)
		}
		gotham.stop()
	})
}

// Of two changes the later one is stored last, however long the first one takes.
func TestFactsAreStoredInTheOrderOfTheirChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stored []crdt.Stamp
		slow := make(chan struct{})
		f := newFacts(cityFacts{City: "gotham"}, func(c cityFacts) error {
			if len(stored) == 0 && c.Since == 0 {
				<-slow
			}
			stored = append(stored, c.Since)
			return nil
		})
		go func() { _, _ = f.NextIncarnation(day(1)) }()
		synctest.Wait()
		go func() { _ = f.Claim(day(2)) }()
		synctest.Wait()
		close(slow)
		synctest.Wait()
		if len(stored) != 2 || stored[1] != day(2) {
			t.Errorf("stored %v", stored)
		}
	})
}
