package node

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// twoCities are Gotham and Metropolis, which know each other. Metropolis takes
// Gotham for an admin.
func twoCities(t *testing.T) (gotham, metropolis *member) {
	t.Helper()
	net := newMockNet(t)
	gotham = net.start(t, quiet("gotham"))
	cfg := quiet("metropolis")
	cfg.Admins = []peer.ID{gotham.Peer()}
	metropolis = net.start(t, cfg, gotham)
	awaitReady(t, gotham, metropolis)
	awaitAlive(t, gotham, metropolis)
	return gotham, metropolis
}

func TestOrdersAreCarriedOutByTheCityThatIsCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gotham, metropolis := twoCities(t)
		here, home := newID(), newID()
		gotham.call(t, "metropolis", func(ctx context.Context, c *protocol.Client) error {
			made, err := c.Create(ctx, here, protocol.CreateRequest{Name: "Superman", Here: true})
			if err != nil || made.Hero.ID != here || made.Hero.Location != "metropolis" || made.Hero.Health != 100 {
				t.Errorf("created %+v, %v", made.Hero, err)
			}
			made, err = c.Create(ctx, home, protocol.CreateRequest{Name: "Robin"})
			if err != nil || made.Hero.Location != crdt.Home {
				t.Errorf("created %+v, %v", made.Hero, err)
			}
			moved, err := c.Assign(ctx, newID(), protocol.AssignRequest{Hero: home})
			if err != nil || moved.Hero.Location != "metropolis" || moved.Hero.Version.Replica != metropolis.cfg.City.Replica {
				t.Errorf("assigned %+v, %v", moved.Hero, err)
			}
			moved, err = c.Assign(ctx, newID(), protocol.AssignRequest{Hero: here, Home: true})
			if err != nil || moved.Hero.Location != crdt.Home {
				t.Errorf("sent home %+v, %v", moved.Hero, err)
			}
			dead, err := c.Retire(ctx, newID(), protocol.RetireRequest{Hero: here})
			if err != nil || dead.Tombstone.ID != here || dead.Summary != metropolis.summary() {
				t.Errorf("retired %+v, %v", dead, err)
			}
			return nil
		})
		awaitEqual(t, gotham, metropolis)
		if got := gotham.record(t, here); got.Kind != crdt.KindTombstone {
			t.Errorf("the other city holds %+v", got)
		}
	})
}

func TestRefusalsKeepTheirCodesAcrossTheWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gotham, metropolis := twoCities(t)
		dead := metropolis.create(t, "Robin")
		metropolis.do(t, city.Retire{Caller: orderer(newID()), Hero: dead.ID})
		for fact, row := range map[string]struct {
			call func(context.Context, *protocol.Client) error
			want error
		}{
			"an unknown hero": {func(ctx context.Context, c *protocol.Client) error {
				_, err := c.Assign(ctx, newID(), protocol.AssignRequest{Hero: newID()})
				return err
			}, protocol.ErrNotFound},
			"a dead hero": {func(ctx context.Context, c *protocol.Client) error {
				_, err := c.Assign(ctx, newID(), protocol.AssignRequest{Hero: dead.ID})
				return err
			}, protocol.ErrDead},
			"an id that is dead": {func(ctx context.Context, c *protocol.Client) error {
				_, err := c.Create(ctx, dead.ID, protocol.CreateRequest{Name: "Robin"})
				return err
			}, protocol.ErrDead},
			"a name of spaces": {func(ctx context.Context, c *protocol.Client) error {
				_, err := c.Create(ctx, newID(), protocol.CreateRequest{Name: "  "})
				return err
			}, protocol.ErrBadRequest},
			"a location that is none": {func(ctx context.Context, c *protocol.Client) error {
				_, err := c.Get(ctx, protocol.GetRequest{Location: "Gotham City"}, nil)
				return err
			}, protocol.ErrBadRequest},
			"an unknown city": {func(ctx context.Context, c *protocol.Client) error {
				_, err := c.Lookup(ctx, "atlantis")
				return err
			}, protocol.ErrNotFound},
			"another city is meant": {func(ctx context.Context, c *protocol.Client) error {
				_, err := c.City("gotham").Info(ctx)
				return err
			}, protocol.ErrWrongCity},
		} {
			gotham.call(t, "metropolis", func(ctx context.Context, c *protocol.Client) error {
				if err := row.call(ctx, c); !errors.Is(err, row.want) {
					t.Errorf("%s: %v, want %v", fact, err, row.want)
				}
				return nil
			})
		}
	})
}

func TestGetGivesAllOrWhatIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gotham, metropolis := twoCities(t)
		var ids []crdt.ID
		for range 2 * recordsPerReply {
			ids = append(ids, metropolis.create(t, "Superman").ID)
		}
		metropolis.do(t, city.Assign{Caller: orderer(newID()), Hero: ids[0], Home: true})
		metropolis.do(t, city.Retire{Caller: orderer(newID()), Hero: ids[1]})
		for fact, row := range map[string]struct {
			request            protocol.GetRequest
			heroes, tombstones int
		}{
			"all":               {protocol.GetRequest{}, len(ids) - 1, 1},
			"at a location":     {protocol.GetRequest{Location: "metropolis"}, len(ids) - 2, 0},
			"at home":           {protocol.GetRequest{Location: crdt.Home}, 1, 0},
			"nobody there":      {protocol.GetRequest{Location: "gotham"}, 0, 0},
			"by id":             {protocol.GetRequest{IDs: append(slices.Clone(ids), newID())}, len(ids) - 1, 1},
			"none":              {protocol.GetRequest{IDs: []crdt.ID{}}, 0, 0},
			"by id, and there":  {protocol.GetRequest{IDs: ids[:3], Location: "metropolis"}, 1, 0},
			"by id, dead alone": {protocol.GetRequest{IDs: ids[1:2]}, 0, 1},
		} {
			gotham.call(t, "metropolis", func(ctx context.Context, c *protocol.Client) error {
				var got crdt.Entries
				summary, err := c.Get(ctx, row.request, func(e crdt.Entries) error {
					got.Heroes, got.Tombstones = append(got.Heroes, e.Heroes...), append(got.Tombstones, e.Tombstones...)
					return nil
				})
				if len(got.Heroes) != row.heroes || len(got.Tombstones) != row.tombstones || summary != metropolis.summary() {
					t.Errorf("%s: %d heroes, %d tombstones, %v", fact, len(got.Heroes), len(got.Tombstones), summary)
				}
				return err
			})
		}
	})
}

func TestAnUpdateIsMergedCountedAndSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gotham, metropolis := twoCities(t)
		known := metropolis.create(t, "Superman")
		fresh, future := aHero(newID(), 50).Hero, aHero(newID(), 50).Hero
		future.Version.HLC = crdt.StampAt(time.Now().Add(time.Hour))
		gotham.call(t, "metropolis", func(ctx context.Context, c *protocol.Client) error {
			reply, err := c.Update(ctx, crdt.Entries{Heroes: []crdt.Hero{known, fresh, future}})
			if reply.Changed != 1 || reply.Skipped != 1 {
				t.Errorf("%d changed, %d skipped", reply.Changed, reply.Skipped)
			}
			return err
		})
		awaitEqual(t, gotham, metropolis)
		if gotham.record(t, fresh.ID).Kind != crdt.KindHero || gotham.record(t, future.ID).Kind != crdt.KindNone {
			t.Error("the other city does not hold the fresh one, or holds the future one")
		}
		if n := metropolis.status(t).FutureSkipped; n == 0 {
			t.Error("what was skipped is not counted")
		}
	})
}

func TestAWatcherIsToldOfEachChangeWhereItLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gotham, metropolis := twoCities(t)
		var seen []crdt.Entries
		live := make(chan struct{})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- gotham.Call(ctx, "metropolis", func(c *protocol.Client) error {
				return c.Watch(ctx, protocol.WatchRequest{Location: "metropolis"},
					func(crdt.Summary) error { close(live); return nil },
					func(e crdt.Entries) error { seen = append(seen, e); return nil })
			})
		}()
		<-live
		gotham.create(t, "Batman")
		hero := metropolis.create(t, "Superman")
		metropolis.do(t, city.Retire{Caller: orderer(newID()), Hero: hero.ID})
		time.Sleep(time.Second)
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the watch ended with %v", err)
		}
		if len(seen) != 2 || len(seen[0].Heroes) != 1 || len(seen[1].Tombstones) != 1 {
			t.Errorf("seen %+v", seen)
		}
	})
}

func TestAWatchInOneCallDoesNotHinderOthersToTheSameCity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gotham, _ := twoCities(t)
		ctx, stop := context.WithCancel(t.Context())
		live, ended := make(chan struct{}), make(chan error, 1)
		go func() {
			ended <- gotham.Call(ctx, "metropolis", func(c *protocol.Client) error {
				return c.Watch(ctx, protocol.WatchRequest{}, func(crdt.Summary) error { close(live); return nil },
					func(crdt.Entries) error { return nil })
			})
		}()
		<-live
		gotham.call(t, "metropolis", func(ctx context.Context, c *protocol.Client) error {
			_, err := c.Info(ctx)
			return err
		})
		if got := gotham.status(t); got.Alive != 1 {
			t.Errorf("%d cities alive, want 1", got.Alive)
		}
		stop()
		<-ended
	})
}

func TestInfoAndCitiesTellWhoThereIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gotham, metropolis := twoCities(t)
		gotham.create(t, "Batman")
		awaitEqual(t, gotham, metropolis)
		gotham.call(t, "metropolis", func(ctx context.Context, c *protocol.Client) error {
			info, err := c.Info(ctx)
			if err != nil {
				return err
			}
			if info.City != "metropolis" || info.Network != protocol.DefaultNetwork || info.Software != DefaultSoftware ||
				info.Since != metropolis.facts.Since() || info.Incarnation != metropolis.facts.Incarnation() ||
				info.Summary != metropolis.summary() || info.Restarts != 0 ||
				metropolis.now().Time().Sub(info.Now.Time()) > 10*mockLatency {
				t.Errorf("info is %+v", info)
			}
			cities, err := c.Cities(ctx)
			if len(cities) != 2 {
				t.Fatalf("%d cities", len(cities))
			}
			for i, want := range []*member{metropolis, gotham} {
				line := cities[i]
				if peer.ID(line.Peer) != want.Peer() || line.Status != protocol.StatusAlive || line.Presence.City != want.cfg.City.Name ||
					line.Presence.Incarnation != want.facts.Incarnation() {
					t.Errorf("line %d is %+v", i, line)
				}
			}
			if cities[1].Agreed == 0 {
				t.Error("no complete sync with gotham is noted")
			}
			return err
		})
	})
}

func TestOnlyAnAdminMayBomb(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gotham, metropolis := twoCities(t)
		bomb := func(ctx context.Context, c *protocol.Client) error { return c.Bomb(ctx) }
		if err := metropolis.tryCall(t, "gotham", bomb); !errors.Is(err, protocol.ErrForbidden) {
			t.Errorf("a stranger's bomb: %v", err)
		}
		before := metropolis.facts.Incarnation()
		gotham.call(t, "metropolis", bomb)
		eventually(t, "metropolis restarts", func() bool { return metropolis.facts.Incarnation() > before })
		if gotham.crashed(childCity) != 0 || metropolis.crashed(childCity) != 1 {
			t.Error("the wrong city crashed")
		}
	})
}

func TestARetriedOrderIsCarriedOutOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		gotham := net.start(t, quiet("gotham"))
		awaitReady(t, gotham)
		caller := newStranger(t, net)
		caller.meets(t, gotham)
		hurt := aHero(newID(), 50).Hero
		id, order := newID(), newID()
		var made, healed []protocol.HeroReply
		for range 3 {
			c := caller.client(t, gotham) // each try on a stream of its own
			if _, err := c.Update(t.Context(), crdt.Entries{Heroes: []crdt.Hero{hurt}}); err != nil {
				t.Fatal(err)
			}
			m, err := c.Create(t.Context(), id, protocol.CreateRequest{Name: "Batman"})
			if err != nil {
				t.Fatal(err)
			}
			h, err := c.Assign(t.Context(), order, protocol.AssignRequest{Hero: hurt.ID})
			if err != nil {
				t.Fatal(err)
			}
			made, healed = append(made, m), append(healed, h)
			time.Sleep(time.Second)
		}
		if made[0] != made[1] || made[1] != made[2] || healed[0] != healed[1] || healed[1] != healed[2] {
			t.Errorf("created %+v, healed %+v", made, healed)
		}
		if got := gotham.record(t, hurt.ID).Hero; got.Health != 70 {
			t.Errorf("health %d after one order thrice, want 70", got.Health)
		}
		_, err := caller.client(t, gotham).Assign(t.Context(), order, protocol.AssignRequest{Hero: id})
		if !errors.Is(err, protocol.ErrBadRequest) {
			t.Errorf("another body under that id: %v", err)
		}
	})
}

func TestACrashedCityIsUnavailableUntilItHasLearned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		gotham := net.start(t, quiet("gotham"))
		awaitReady(t, gotham)
		mute := newStranger(t, net) // a neighbour with which no sync succeeds
		mute.claims("metropolis")
		mute.meets(t, gotham)
		awaitAlive(t, gotham)
		eventually(t, "gotham knows metropolis", func() bool { return len(gotham.directory.Alive()) == 1 })
		gotham.bomb(t)
		bombed := time.Now()
		create := func() error {
			_, err := mute.client(t, gotham).Create(t.Context(), newID(), protocol.CreateRequest{Name: "Batman"})
			return err
		}
		if err := create(); !errors.Is(err, protocol.ErrUnavailable) {
			t.Errorf("at once: %v", err)
		}
		if _, err := mute.client(t, gotham).Info(t.Context()); err != nil {
			t.Errorf("info: %v", err)
		}
		eventually(t, "it works again", func() bool { return create() == nil })
		const patience = 5 * time.Second // of a city whose neighbours do not answer
		if took := time.Since(bombed); took < patience || took > patience+2*time.Second {
			t.Errorf("after %v, want about %v", took, patience)
		}
	})
}

// The order is that of the page of the wire, from the caller's spending on; what comes
// before is in the vectors.
func TestARequestOfSeveralFaultsIsAnsweredForTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		paris := net.start(t, quiet("paris"))
		awaitReady(t, paris)
		caller := newStranger(t, net)
		caller.meets(t, paris)
		request := func(method, body string) []byte {
			pairs := byte(0xa2)
			if body != "" {
				pairs, body = 0xa3, "\x03"+body
			}
			item := string([]byte{pairs, 1, 0x60 | byte(len(method))}) + method + "\x02\x50" + "0123456789abcdef" + body
			return append(frameHead(len(item)), item...)
		}
		expect := func(want, method, body string) {
			t.Helper()
			if got := caller.answersTo(t, paris, request(method, body)); !slices.Equal(got, []string{want}) {
				t.Errorf("%s: answered %v, want %s", method, got, want)
			}
		}
		const (
			empty  = "\xa0"             // no body of create's
			noName = "\xa1\x01\x61\x01" // a name of one control character
			noCity = "\xa1\x01\x61A"    // no name of a city
		)
		expect("bad_request", "create", empty)
		expect("bad_request", "create", noName)
		expect("bad_request", "lookup", noCity)
		expect("forbidden", "bomb", "")
		paris.draining.begun.Store(true)
		expect("unavailable", "create", empty)
		expect("bad_request", "lookup", noCity)
		paris.spendAll(caller.ID())
		expect("busy", "create", empty)
		expect("busy", "bomb", "")
		expect("unsupported", "crete", empty)
		paris.draining.begun.Store(false)
	})
}

// Two callers may choose one request id, and neither is to get the other's answer.
func TestARequestIsOfItsCaller(t *testing.T) {
	request := protocol.Request{ID: crdt.ID{15: 1}}
	one, other := callerOf(&protocol.Call{Caller: "alfred", Request: request}), callerOf(&protocol.Call{Caller: "lucius", Request: request})
	if one == other || one.Request != request.ID || one.Name != "alfred" {
		t.Errorf("the callers are %+v and %+v", one, other)
	}
}
