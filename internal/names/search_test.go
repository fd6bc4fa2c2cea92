package names

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	mocknet "github.com/libp2p/go-libp2p/p2p/net/mock"

	"github.com/citynode/citynode/bootstrap"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/membership"
	"github.com/citynode/citynode/protocol"
)

// others are peers that say which cities they are; one that says "" does not answer.
type others struct {
	cities map[peer.ID]string
	asked  atomic.Int64
	// presences are heard before the name is taken; by peer, what they say.
	presences map[peer.ID]string
	leaving   bool // so all presences say
	silent    bool // all of them: a question ends with its context
}

func (o *others) Identify(ctx context.Context, p peer.ID) (protocol.InfoReply, error) {
	o.asked.Add(1)
	if o.silent {
		<-ctx.Done()
	}
	if o.cities[p] == "" {
		return protocol.InfoReply{}, errors.New("no answer")
	}
	return protocol.InfoReply{City: o.cities[p], Since: crdt.EarliestSet}, nil
}

func (*others) AddrInfo(p peer.ID) peer.AddrInfo { return peer.AddrInfo{ID: p} }

func (o *others) Overhear(ctx context.Context, heard func(peer.ID, protocol.Presence)) error {
	for p, city := range o.presences {
		heard(p, protocol.Presence{City: city, Leaving: o.leaving})
	}
	<-ctx.Done()
	return nil
}

// emptyDHT is one in which nobody provides any name.
type emptyDHT struct{}

func (emptyDHT) Lookup(context.Context, string, bootstrap.Verifier) (peer.AddrInfo, error) {
	return peer.AddrInfo{}, bootstrap.ErrNameNotFound
}

// tenure notes whether the name was taken.
type tenure struct{ since crdt.Stamp }

func (n *tenure) Since() crdt.Stamp { return n.since }

func (n *tenure) Claim(now crdt.Stamp) error { n.since = now; return nil }

// namesOf returns the names of the city star, whose directory knows these peers as
// gotham, the first for longest.
func namesOf(t *testing.T, o *others, known ...peer.ID) (*Names, *tenure) {
	t.Helper()
	host, err := mocknet.New().GenPeer()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = host.Close() })
	directory, found := membership.NewDirectory(), time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	for n, p := range known {
		info := protocol.InfoReply{City: "gotham", Since: crdt.EarliestSet, Incarnation: crdt.EarliestSet, Now: crdt.EarliestSet}
		directory.Confirmed(p, info, found.Add(time.Duration(n)*time.Second))
	}
	own := new(tenure)
	return New(Config{
		Host: host, Network: "main", City: "star", Directory: directory, Members: o, DHT: emptyDHT{}, Tenure: own,
		Apart:      func(string) []Apart { return nil },
		Neighbours: func(int) []peer.ID { return nil }, Await: func(context.Context) {},
		Now: func() crdt.Stamp { return crdt.EarliestSet + 1 }, Logger: slog.New(slog.DiscardHandler),
	}), own
}

func TestOnlyAPeerThatSaysTheNameItselfIsFound(t *testing.T) {
	for fact, row := range map[string]struct {
		says  string
		asker peer.ID
		want  error // nil: it is found
	}{
		"it says so":              {"gotham", "asker", nil},
		"it is another by now":    {"metropolis", "asker", protocol.ErrNotFound},
		"it does not answer":      {"", "asker", protocol.ErrUnavailable},
		"it is who wants to know": {"", "p", nil}, // from memory
	} {
		n, _ := namesOf(t, &others{cities: map[peer.ID]string{"p": row.says}}, "p")
		info, err := n.Lookup(t.Context(), row.asker, "gotham")
		if !errors.Is(err, row.want) || err == nil && info.ID != "p" {
			t.Errorf("%s: %v, %v, want %v", fact, info.ID, err, row.want)
		}
	}
}

func TestOfThoseWhoClaimANameABoundedNumberIsAsked(t *testing.T) {
	o, known := new(others), []peer.ID(nil)
	for n := range 3 * candidatesMax {
		known = append(known, peer.ID(fmt.Sprint(n)))
	}
	n, _ := namesOf(t, o, known...)
	if _, err := n.Lookup(t.Context(), "asker", "gotham"); !errors.Is(err, protocol.ErrUnavailable) {
		t.Errorf("%v, want that it is unavailable", err)
	}
	if asked := o.asked.Load(); asked != candidatesMax {
		t.Errorf("%d were asked, want %d", asked, candidatesMax)
	}
}

func TestANameIsNotTakenAfterASearchThatWasCutShort(t *testing.T) {
	n, own := namesOf(t, new(others))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := n.Claim(ctx); !errors.Is(err, context.Canceled) || own.since != 0 {
		t.Errorf("%v, and the name is taken since %v", err, own.since)
	}
	if holder, err := n.Claim(t.Context()); err != nil || holder != nil || own.since == 0 {
		t.Errorf("a free name: held by %v, %v, since %v", holder, err, own.since)
	}
}

// A peer that is known only through others was asked in vain a moment ago, so it is not
// asked again: whoever gives an order learns at once that it cannot be given.
func TestAPeerThatIsKnownOnlyThroughOthersIsNotAsked(t *testing.T) {
	far := errors.New("known only through star")
	for fact, row := range map[string]struct {
		cities map[peer.ID]string
		found  peer.ID
	}{
		"nobody else has the name": {map[peer.ID]string{"far": "gotham"}, ""},
		"somebody near has it too": {map[peer.ID]string{"far": "gotham", "near": "gotham"}, "near"},
	} {
		o := &others{cities: row.cities}
		known := []peer.ID{"far"}
		if row.found != "" {
			known = append(known, row.found)
		}
		n, _ := namesOf(t, o, known...)
		n.cfg.Apart = func(string) []Apart { return []Apart{{"far", far}} }
		found, err := n.Lookup(t.Context(), "asker", "gotham")
		if found.ID != row.found || (row.found == "") != (errors.Is(err, protocol.ErrUnavailable) && errors.Is(err, far)) {
			t.Errorf("%s: found %q, %v", fact, found.ID, err)
		}
		if asked := o.asked.Load(); int(asked) != len(known)-1 {
			t.Errorf("%s: %d were asked", fact, asked)
		}
	}
}
