package node

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// knows returns what the member knows of another city.
func (m *member) knows(t *testing.T, of string) CityInfo {
	t.Helper()
	for _, c := range m.Cities() {
		if c.Name == of {
			return c
		}
	}
	t.Fatalf("%s does not know %s", m.cfg.City.Name, of)
	return CityInfo{}
}

// said returns a verdict in words.
func said(agrees *bool) string {
	if agrees == nil {
		return "not known"
	}
	return fmt.Sprint(*agrees)
}

// Cities that tick are hardly ever equal to what they said of themselves some seconds ago,
// and are nevertheless seen to agree, if their states are equal now.
func TestCitiesThatTickAndHoldTheSameAreSeenToAgree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		var configs []Config
		for _, name := range cityNames(3) {
			configs = append(configs, Config{City: city.Config{Name: name}})
		}
		cities := net.chain(t, configs...)
		awaitAlive(t, cities...)
		for _, c := range cities {
			for n := range 100 {
				c.assign(t, c.create(t, fmt.Sprint("hero ", n)).ID)
			}
		}
		time.Sleep(30 * time.Second)
		const looks = 60
		equalNow, plain, lately, proved := 0, 0, 0, 0
		for range looks {
			time.Sleep(1730 * time.Millisecond) // at no fixed place within the intervals of 5 s
			own := cities[0].summary()
			for _, other := range cities[1:] {
				told, known := cities[0].directory.Get(other.Peer())
				if other.summary() != own || !known {
					continue
				}
				equalNow++
				if told.Presence.Summary == own {
					plain++
				}
				if c := cities[0].knows(t, other.cfg.City.Name); c.Agrees != nil && *c.Agrees {
					proved++
				}
				synced := time.Since(told.Agreed.Time()) <= 30*time.Second
				if synced || told.Presence.Summary == own {
					lately++
				}
			}
		}
		t.Logf("of %d looks at another city %d found the live digests equal; of these were said to agree: "+
			"%d by the last presence alone, %d by that or a sync in the last 30 s, %d by proof", 2*looks, equalNow, plain, lately, proved)
		if equalNow < looks || proved < equalNow {
			t.Errorf("of %d looks at equal cities %d saw them agree", equalNow, proved)
		}
		if plain > equalNow*9/10 {
			t.Error("the cities changed so rarely that the test says nothing")
		}
	})
}

func TestACityWhoseWordIsNotProvedIsSeenToDifferAndThenNotKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		cfg := quiet("gotham")
		cfg.SyncEvery = time.Hour // no round of chance
		gotham := net.start(t, cfg)
		awaitReady(t, gotham)
		other := newStranger(t, net)
		other.claimsTo(protocol.InfoReply{
			Network: protocol.DefaultNetwork, City: "metropolis", Software: "stranger",
			Since: crdt.StampAt(time.Now()), Incarnation: crdt.StampAt(time.Now()),
			Summary: crdt.Summary{Heroes: 16, Digest: crdt.Digest{7}}, // which nobody else has
		})
		other.meets(t, gotham)
		eventually(t, "gotham knows it", func() bool { return len(gotham.directory.Alive()) == 1 })
		if c := gotham.knows(t, "metropolis"); c.Agrees != nil {
			t.Errorf("at first it agrees: %s", said(c.Agrees))
		}
		time.Sleep(5*time.Second + mockLatency*10)
		if c := gotham.knows(t, "metropolis"); c.Agrees == nil || *c.Agrees || c.Summary.Heroes != 16 {
			t.Errorf("after five seconds it agrees: %s, %+v", said(c.Agrees), c)
		}
		time.Sleep(16 * time.Second) // it sends no presence
		if c := gotham.knows(t, "metropolis"); c.Agrees != nil || c.Status != Alive {
			t.Errorf("after two intervals without a word it is %s, and agrees: %s", c.Status, said(c.Agrees))
		}
		before := other.syncs.Load()
		if _, err := gotham.members.Identify(t.Context(), other.ID()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1500 * time.Millisecond)
		if c := gotham.knows(t, "metropolis"); other.syncs.Load() == before || c.Agrees != nil {
			t.Errorf("its word began %d syncs; at first it agrees: %s", other.syncs.Load()-before, said(c.Agrees))
		}
	})
}

func TestACityThatWasBombedAgreesOnlyOnceItHasLearnedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gotham, metropolis := twoCities(t)
		gotham.create(t, "Batman")
		awaitEqual(t, gotham, metropolis)
		time.Sleep(20 * time.Second)
		for _, m := range []*member{gotham, metropolis} {
			if c := m.Cities()[0]; c.Agrees == nil || !*c.Agrees {
				t.Fatalf("to %s %s agrees: %s", m.cfg.City.Name, c.Name, said(c.Agrees))
			}
		}
		gotham.bomb(t) // and waits until it is back
		if c := gotham.Cities()[0]; c.Agrees != nil && *c.Agrees && gotham.summary() != metropolis.summary() {
			t.Error("to a city that has just started empty all agree")
		}
		eventually(t, "both agree again", func() bool {
			for _, m := range []*member{gotham, metropolis} {
				if c := m.Cities()[0]; c.Agrees == nil || !*c.Agrees {
					return false
				}
			}
			return gotham.summary() == metropolis.summary()
		})
	})
}

func TestWhoHasFailedOrLeftAgreesWithNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		cities := net.quietChain(t, cityNames(3)...)
		awaitAlive(t, cities...)
		time.Sleep(20 * time.Second)
		net.vanish(t, cities[1])
		cities[2].leave(t)
		awaitStatus(t, cities[1], Failed, cities[0])
		awaitStatus(t, cities[2], Left, cities[0])
		for _, name := range cityNames(3)[1:] {
			if c := cities[0].knows(t, name); c.Agrees != nil {
				t.Errorf("%s, which has %s, agrees: %s", name, c.Status, said(c.Agrees))
			}
		}
	})
}

func TestACityTellsWhatItKnowsOfTheOthersAgreement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gotham, metropolis := twoCities(t)
		time.Sleep(12 * time.Second)
		ahead := time.Now() // the presence of a moment ago, or the one before
		gotham.call(t, "metropolis", func(ctx context.Context, c *protocol.Client) error {
			lines, err := c.Cities(ctx)
			if err != nil {
				return err
			}
			for _, line := range lines {
				own := string(line.Peer) == string(metropolis.Peer())
				switch heard := ahead.Sub(line.Heard.Time()); {
				case own && (line.Heard != 0 || line.RTT != 0 || line.Agrees != nil):
					t.Errorf("of itself it says %+v", line)
				case !own && (line.Agrees == nil || !*line.Agrees || heard < 0 || heard > 13*time.Second):
					t.Errorf("agrees: %s, heard %v ago", said(line.Agrees), heard)
				case !own && (line.RTT < 2000 || line.RTT > 8000): // two or four times the latency
					t.Errorf("round trip of %d µs", line.RTT)
				}
			}
			return nil
		})
	})
}
