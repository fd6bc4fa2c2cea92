package node

import (
	"context"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/durable"
	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/internal/store/storetest"
	"github.com/citynode/citynode/protocol"
)

// storeIdentity is whose the stores of these tests are.
var storeIdentity = store.Identity{City: "gotham", Network: protocol.DefaultNetwork, Peer: "a peer"}

// places are where the stores of tests lie that kill cities. All lose at a kill what was
// not synced; a disk may keep some of it.
var places = map[string]func() storetest.KillablePlace{
	"memory":                  func() storetest.KillablePlace { return new(store.Memory) },
	"disk that keeps nothing": func() storetest.KillablePlace { return storetest.NewDisk(0, 1) },
	"disk that keeps some":    func() storetest.KillablePlace { return storetest.NewDisk(50, 1) },
}

// atEachPlace runs a test in a bubble for each kind of place.
func atEachPlace(t *testing.T, test func(*testing.T, storetest.KillablePlace)) {
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, place()) })
		})
	}
}

// stored is the configuration of a city whose store lies there.
func stored(t *testing.T, place storetest.Place, cfg Config) Config {
	t.Helper()
	id := storeIdentity
	id.City = cfg.City.Name
	s, err := place.Open(store.Config{Identity: id})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	cfg.store = s
	return cfg
}

// killed ends a city's process in the middle of everything, as a power cut does:
// nothing that it does after this is stored, and in its place is what was durable by
// then.
func (m *member) killed(t *testing.T, place storetest.KillablePlace) {
	t.Helper()
	place.Kill()
	if err := m.cfg.store.Close(); err != nil { // which ends what it runs
		t.Fatal(err)
	}
	m.leave(t)
}

func TestWhatWasAnsweredIsThereAfterAKill(t *testing.T) {
	atEachPlace(t, func(t *testing.T, place storetest.KillablePlace) {
		net := newMockNet(t)
		gotham := net.start(t, stored(t, place, quiet("gotham")))
		awaitReady(t, gotham)
		batman, robin := gotham.create(t, "Batman"), gotham.create(t, "Robin")
		order := city.Assign{Caller: orderer(newID()), Hero: batman.ID, Home: true}
		answer := gotham.do(t, order)
		gotham.do(t, city.Retire{Caller: orderer(newID()), Hero: robin.ID})
		held, since, incarnation := gotham.summary(), gotham.facts.Since(), gotham.facts.Incarnation()
		gotham.killed(t, place)

		again := net.start(t, stored(t, place, quiet("gotham")))
		awaitReady(t, again)
		if again.summary() != held || again.facts.Since() != since || again.facts.Incarnation() <= incarnation {
			t.Errorf("holds %v since %v, want %v since %v", again.summary(), again.facts.Since(), held, since)
		}
		if got := again.do(t, order); got.Hero != answer.Hero || got.Summary != answer.Summary || again.summary() != held {
			t.Errorf("the order again: %+v, want %+v", got, answer)
		}
	})
}

func TestACityThatCrashedHasWhatItStored(t *testing.T) {
	atEachPlace(t, func(t *testing.T, place storetest.KillablePlace) {
		m := prepare(t, newMockNet(t).config(stored(t, place, quiet("gotham"))))
		deadly := newPoison(0)
		m.cfg.Events.Changed = func(city.SourcedChange) { deadly.take() }
		m.cfg.Events.call = crashes
		m.run(t)
		awaitReady(t, m)
		batman := m.create(t, "Batman")
		deadly.left.Store(1)
		robin := m.create(t, "Robin") // is answered, and then kills
		eventually(t, "it crashes", func() bool { return m.crashed(childCity) == 1 })
		eventually(t, "it is back", func() bool { return m.record(t, robin.ID).Hero == robin })
		if m.record(t, batman.ID).Hero != batman {
			t.Error("Batman is lost")
		}
	})
}

func TestABombVoidsTheStoreBeforeItIsAnswered(t *testing.T) {
	atEachPlace(t, func(t *testing.T, place storetest.KillablePlace) {
		net := newMockNet(t)
		cfg := stored(t, place, quiet("gotham"))
		gotham := net.start(t, cfg)
		awaitReady(t, gotham)
		operator := newStranger(t, net)
		operator.meets(t, gotham)
		gotham.cfg.Admins = append(gotham.cfg.Admins, operator.ID())
		gotham.create(t, "Batman")
		if err := operator.client(t, gotham).Bomb(t.Context()); err != nil {
			t.Fatal(err)
		}
		gotham.killed(t, place) // at once
		again := net.start(t, stored(t, place, quiet("gotham")))
		awaitReady(t, again)
		if got := again.summary(); got != (crdt.Summary{}) {
			t.Errorf("after the bomb it holds %v", got)
		}
		again.create(t, "Robin")
		if again.summary().Heroes != 1 {
			t.Error("the new epoch does not hold")
		}
	})
}

// An answer of before would tell of a hero that is not there.
func TestABombEndsTheMemoryOfAnswers(t *testing.T) {
	atEachPlace(t, func(t *testing.T, place storetest.KillablePlace) {
		net := newMockNet(t)
		gotham := net.start(t, stored(t, place, quiet("gotham")))
		awaitReady(t, gotham)
		operator := newStranger(t, net)
		operator.meets(t, gotham)
		gotham.cfg.Admins = append(gotham.cfg.Admins, operator.ID())
		wantForgotten(t, gotham, func() {
			if err := operator.client(t, gotham).Bomb(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	})
}

func TestACrashOfACityThatStoresNothingEndsTheMemoryOfAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deadly := newPoison(0)
		cfg := quiet("gotham")
		cfg.Events.Changed = func(city.SourcedChange) { deadly.take() }
		cfg.Events.call = crashes
		gotham := newMockNet(t).start(t, cfg)
		awaitReady(t, gotham)
		wantForgotten(t, gotham, func() {
			deadly.left.Store(1)
			gotham.create(t, "Robin") // is answered, and then kills
		})
	})
}

// wantForgotten expects that an order which comes again after the city has crashed is
// carried out again.
func wantForgotten(t *testing.T, m *member, crash func()) {
	t.Helper()
	create := city.Create{Caller: orderer(newID()), HeroName: "Batman"}
	before := m.do(t, create)
	crash()
	eventually(t, "it crashes", func() bool { return m.crashed(childCity) == 1 })
	time.Sleep(time.Second) // so that what is made anew has another stamp
	if again := m.do(t, create); again.Hero == before.Hero || m.record(t, again.Hero.ID).Hero != again.Hero {
		t.Errorf("answered %+v, and %+v before the crash", again.Hero, before.Hero)
	}
}

func TestABombWhoseSyncFailsSaysThatItMayYetHappen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var place store.Memory
		net := newMockNet(t)
		gotham := net.start(t, stored(t, &place, quiet("gotham")))
		awaitReady(t, gotham)
		operator := newStranger(t, net)
		operator.meets(t, gotham)
		gotham.cfg.Admins = append(gotham.cfg.Admins, operator.ID())
		gotham.create(t, "Batman")
		place.FailAfterWrite(syscall.EIO)
		if err := operator.client(t, gotham).Bomb(t.Context()); err == nil || !strings.Contains(err.Error(), "voided all the same") {
			t.Errorf("the bomb: %v", err)
		}
		eventually(t, "it has begun anew", func() bool { return gotham.crashed(childCity) == 1 })
		eventually(t, "it is empty and works", func() bool {
			return gotham.journal.Fault() == nil && gotham.summary() == (crdt.Summary{})
		})
		time.Sleep(time.Minute)
		gotham.create(t, "Robin")
	})
}

// What waits for the disk has not happened yet for anybody.
func TestNothingIsToldBeforeItIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var place store.Memory
		m := prepare(t, newMockNet(t).config(stored(t, &place, quiet("gotham"))))
		var told atomic.Int32
		m.cfg.Events.Changed = func(city.SourcedChange) { told.Add(1) }
		m.run(t)
		awaitReady(t, m)
		goOn := place.Stall()
		answered := make(chan error, 2)
		order := city.Create{Caller: orderer(newID()), HeroName: "Batman", Here: true}
		for range 2 { // the second is a retry, and waits for the first
			go func() {
				_, err := m.city.Do(context.Background(), order)
				answered <- err
			}()
		}
		time.Sleep(time.Second)
		if len(answered) != 0 || told.Load() != 0 {
			t.Errorf("%d answers, %d changes told, with nothing stored", len(answered), told.Load())
		}
		goOn()
		for range 2 {
			if err := <-answered; err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		if told.Load() != 1 {
			t.Errorf("%d changes told", told.Load())
		}
	})
}

func TestAStoreThatFailsRefusesOwnWritesAndGoesOnByItself(t *testing.T) {
	failures := map[string]struct {
		fail func(*store.Memory) (mend func())
		says string
	}{
		"full": {func(m *store.Memory) func() {
			m.Fail(syscall.ENOSPC)
			return func() { m.Fail(nil) }
		}, syscall.ENOSPC.Error()},
		"hanging": {func(m *store.Memory) func() { return m.Stall() }, "has not answered"},
	}
	for name, failure := range failures {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var place store.Memory
				net := newMockNet(t)
				ticking := quiet("gotham")
				ticking.City.PatrolEvery = time.Second
				gotham := net.start(t, stored(t, &place, ticking))
				metropolis := net.start(t, quiet("metropolis"), gotham)
				awaitAlive(t, gotham, metropolis)
				batman := gotham.create(t, "Batman")
				time.Sleep(2 * ticking.City.PatrolEvery) // until he is on patrol
				mend := failure.fail(&place)
				order := city.Assign{Caller: orderer(newID()), Hero: batman.ID}
				wantRefused(t, gotham, order, failure.says)
				wantRefused(t, gotham, city.Update{Source: city.SourceCaller}, failure.says)
				superman := metropolis.create(t, "Superman")
				eventually(t, "it merges what neighbours send", func() bool {
					return gotham.record(t, superman.ID).Hero == superman
				})
				if info, err := gotham.calls.info(t.Context()); err != nil || !strings.Contains(info.Store, failure.says) {
					t.Errorf("info says %q, %v", info.Store, err)
				}
				before := gotham.record(t, batman.ID)
				time.Sleep(time.Minute)
				if got := gotham.record(t, batman.ID); got != before {
					t.Errorf("a tick wrote %+v", got.Hero)
				}

				mend()
				eventually(t, "it works again", func() bool {
					info, err := gotham.calls.info(t.Context())
					return err == nil && info.Store == protocol.StoreWorks
				})
				if got := gotham.do(t, order).Hero; got.Patrolling {
					t.Errorf("the order again: %+v", got)
				}
				held := gotham.summary()
				eventually(t, "the neighbour learns of it", func() bool { return metropolis.summary() == gotham.summary() })
				gotham.killed(t, &place)
				again := net.start(t, stored(t, &place, quiet("gotham")))
				eventually(t, "all of it was stored", func() bool { return again.summary().Heroes == held.Heroes })
			})
		})
	}
}

// While the store does not work nothing is written, and then all, in pages, of which
// only the last is synced.
func TestAStateThatWasWrittenAnewIsThereAfterAKill(t *testing.T) {
	atEachPlace(t, func(t *testing.T, place storetest.KillablePlace) {
		disk := place.(interface{ Fail(error) })
		net := newMockNet(t)
		gotham := net.start(t, stored(t, place, quiet("gotham")))
		awaitReady(t, gotham)
		batman := gotham.create(t, "Batman")
		disk.Fail(syscall.EIO)
		wantRefused(t, gotham, city.Assign{Caller: orderer(newID()), Hero: batman.ID}, syscall.EIO.Error())
		var sent crdt.Entries
		for range 20_000 { // several pages
			sent.Heroes = append(sent.Heroes, aHero(newID(), 50).Hero)
		}
		gotham.do(t, city.Update{Entries: sent, Source: city.SourceSync})
		disk.Fail(nil)
		eventually(t, "it works again", func() bool { return gotham.journal.Fault() == nil })
		held := gotham.summary()
		gotham.killed(t, place)
		again := net.start(t, stored(t, place, quiet("gotham")))
		awaitReady(t, again)
		if got := again.summary(); got != held {
			t.Errorf("holds %v, want %v", got, held)
		}
	})
}

func wantRefused(t *testing.T, m *member, msg city.Message, says string) {
	t.Helper()
	_, err := m.city.Do(t.Context(), msg)
	if city.ReasonOf(err) != city.Unavailable || !strings.Contains(err.Error(), says) {
		t.Errorf("%T: %v, want unavailable that says %q", msg, err, says)
	}
}

// A city that crashes while its store does not work has what it stored, or answers
// nobody.
func TestACityThatCrashesWhileItsStoreDoesNotWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var place store.Memory
		gotham := newMockNet(t).start(t, stored(t, &place, quiet("gotham")))
		awaitReady(t, gotham)
		batman := gotham.create(t, "Batman")
		place.Fail(syscall.EIO)
		wantRefused(t, gotham, city.Create{Caller: orderer(newID()), HeroName: "Robin"}, syscall.EIO.Error())
		gotham.do(t, city.Bomb{}) // of the memory alone
		time.Sleep(time.Minute)
		if _, err := gotham.city.Current(); err == nil && gotham.record(t, batman.ID).Hero != batman {
			t.Error("it denies what it stored")
		}
		wantRefused(t, gotham, city.Create{Caller: orderer(newID()), HeroName: "Robin"}, "")
		if info, err := gotham.calls.info(t.Context()); err != nil || !strings.Contains(info.Store, syscall.EIO.Error()) {
			t.Errorf("info says %q, %v", info.Store, err)
		}
		place.Fail(nil)
		eventually(t, "it works again", func() bool { return gotham.journal.Fault() == nil })
		synctest.Wait()
		if gotham.create(t, "Robin"); gotham.record(t, batman.ID).Hero != batman {
			t.Error("what it stored is gone")
		}
	})
}

// Nobody writes anything, so nobody but the start has seen that the store fails.
func TestAStoreThatWasFoundNotToWorkAtAStartIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var place store.Memory
		gotham := newMockNet(t).start(t, stored(t, &place, quiet("gotham")))
		awaitReady(t, gotham)
		place.Fail(syscall.EIO)
		gotham.do(t, city.Bomb{}) // of the memory alone
		time.Sleep(time.Minute)
		place.Fail(nil)
		// Up to one for the store, one for the start that waits for it, and one for the
		// state that is then written.
		time.Sleep(5 * durable.ResumeEvery)
		if err := gotham.journal.Fault(); err != nil {
			t.Error(err)
		}
		gotham.create(t, "Batman")
	})
}
