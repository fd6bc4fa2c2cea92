package membership

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	mocknet "github.com/libp2p/go-libp2p/p2p/net/mock"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// knownPeers returns the peers of a directory.
func knownPeers(d *Directory) (some []peer.ID) {
	for _, e := range d.All() {
		some = append(some, e.Peer)
	}
	return some
}

// goodbye has the city of withGotham leave.
func goodbye(t *testing.T, d *Directory) {
	t.Helper()
	news := presenceOf(gotham(after(1), after(3)))
	news.Leaving = true
	if event, _ := d.Hear("p", news, noon); event == nil {
		t.Fatal("it has not left")
	}
}

func TestACityThatIsGoneIsForgottenAfterADayOrThree(t *testing.T) {
	for status, row := range map[protocol.CityStatus]struct {
		move  func(*testing.T, *Directory)
		after time.Duration
	}{
		protocol.StatusLeft:   {goodbye, 24 * time.Hour},
		protocol.StatusFailed: {func(_ *testing.T, d *Directory) { d.Judge("p", protocol.StatusFailed) }, 72 * time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := withGotham()
			row.move(t, d)
			changed := d.Changed()
			time.Sleep(row.after - time.Second)
			if dropped := d.forgetOld(time.Now()); len(dropped) != 0 {
				t.Errorf("%s: forgotten a second too early", status)
			}
			time.Sleep(time.Second)
			if dropped := d.forgetOld(time.Now()); len(dropped) != 1 || len(d.All()) != 0 {
				t.Errorf("%s: not forgotten after %v", status, row.after)
			}
			select {
			case <-changed:
			default:
				t.Errorf("%s: nobody was told", status)
			}
		})
	}
}

func TestACityThatIsAliveIsNeverForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := withGotham()
		d.Judge("p", protocol.StatusFailed)
		time.Sleep(71 * time.Hour)
		d.Confirmed("p", gotham(after(1), after(4)), noon)
		time.Sleep(10_000 * time.Hour)
		if dropped := d.forgetOld(time.Now()); len(dropped) != 0 {
			t.Error("forgotten")
		}
	})
}

func TestOnlyTheGoneAreForgottenOnRequest(t *testing.T) {
	all := func(Entry) bool { return true }
	d := withGotham()
	if dropped, kept := d.ForgetGone(all); len(dropped) != 0 || kept != 1 {
		t.Errorf("of one that lives %v were dropped, %d kept", dropped, kept)
	}
	if dropped, kept := d.ForgetGone(func(e Entry) bool { return e.Presence.City == "rome" }); len(dropped)+kept != 0 {
		t.Errorf("of an unknown one %v were dropped, %d kept", dropped, kept)
	}
	d.Judge("p", protocol.StatusFailed)
	if dropped, kept := d.ForgetGone(all); !slices.Equal(dropped, []peer.ID{"p"}) || kept != 0 || len(knownPeers(d)) != 0 {
		t.Errorf("%v were dropped, %d kept, %v are known", dropped, kept, knownPeers(d))
	}
}

func TestOldNewsDoesNotBringAForgottenCityBack(t *testing.T) {
	d := withGotham()
	old := presenceOf(gotham(after(1), after(3)))
	d.Judge("p", protocol.StatusFailed)
	d.ForgetGone(func(Entry) bool { return true })
	if change, confirm := d.Hear("p", old, noon); change != nil || !confirm || len(d.All()) != 0 {
		t.Errorf("a presence again: change %v, to be asked %t, %d known", change, confirm, len(d.All()))
	}
	if change := d.Confirmed("p", gotham(after(1), after(4)), noon); change == nil || change.Before != "" || len(d.All()) != 1 {
		t.Errorf("its own info: change %v", change)
	}
}

// What a forgotten city signed long ago, and anybody can say again, makes no entry and has
// its author asked.
func TestAReplayedPresenceOfAForgottenCityHasItsAuthorAsked(t *testing.T) {
	net := mocknet.New()
	defer net.Close() //nolint:errcheck // always nil
	host, err := net.GenPeer()
	if err != nil {
		t.Fatal(err)
	}
	d := withGotham()
	m := &Members{log: slog.New(slog.DiscardHandler), deaf: newDeafDetector(host), cfg: Config{Host: host, Directory: d, Now: time.Now, Agreements: NewAgreements(), Hearsay: NewHearsay()}}
	m.confirm = newConfirmer(host, m)
	d.Judge("p", protocol.StatusFailed)
	d.ForgetGone(func(Entry) bool { return true })
	m.hear("p", "q", presenceOf(gotham(after(1), after(3))))
	m.hear("p", "q", presenceOf(gotham(after(1), after(3))))
	if len(d.All()) != 0 || len(m.confirm.asked) != 1 {
		t.Errorf("%d cities are known, %d are asked", len(d.All()), len(m.confirm.asked))
	}
}

// trusting is a city that is told of its clock.
type trusting struct{ aCity }

func (trusting) DoubtClock(context.Context, string) {}

// Whoever ages the cities of a node forgets them, in the virtual time of three days.
func TestMembersForgetWhatIsGoneForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := mocknet.New()
		defer net.Close() //nolint:errcheck // always nil
		host, err := net.GenPeer()
		if err != nil {
			t.Fatal(err)
		}
		d := withGotham()
		goodbye(t, d)
		d.Confirmed("q", paris(after(1)), noon)
		d.Judge("q", protocol.StatusFailed)
		m := &Members{log: slog.New(slog.DiscardHandler), deaf: newDeafDetector(host), cfg: Config{
			Host: host, Directory: d, Topic: new(meshless), Self: trusting{}, Now: time.Now, ClockSkewMax: time.Minute,
			Agreements: NewAgreements(), Hearsay: NewHearsay(),
		}}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = m.ageCities(ctx) // nil once ctx is done
		}()
		for _, want := range []struct {
			sleep time.Duration
			known []peer.ID
		}{
			{23 * time.Hour, []peer.ID{"p", "q"}},
			{2 * time.Hour, []peer.ID{"q"}},
			{46 * time.Hour, []peer.ID{"q"}},
			{2 * time.Hour, nil},
		} {
			time.Sleep(want.sleep)
			if got := knownPeers(d); !slices.Equal(got, want.known) {
				t.Errorf("%v known, want %v", got, want.known)
			}
		}
		stop()
		<-ended
	})
}

func paris(started crdt.Stamp) protocol.InfoReply {
	info := gotham(started, started)
	info.City = "paris"
	return info
}
