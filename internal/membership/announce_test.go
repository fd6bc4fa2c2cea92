package membership

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// meshless is a topic of which a peer is known and whose mesh is built after a time.
type meshless struct {
	built time.Time
	said  []string // how each presence was published
}

func (m *meshless) Publish(ctx context.Context, data []byte, opts ...pubsub.PubOpt) error {
	var news protocol.Presence
	if err := protocol.UnmarshalLenient(data, &news); err != nil || !news.Leaving {
		return errors.Join(err, errors.New("no goodbye"))
	}
	if len(opts) == 0 {
		m.said = append(m.said, "at once")
		return nil
	}
	select {
	case <-time.After(time.Until(m.built)):
		m.said = append(m.said, "to the mesh")
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (*meshless) Subscribe() (*pubsub.Subscription, error) { return nil, errors.New("not here") }
func (*meshless) ListPeers() []peer.ID                     { return []peer.ID{"metropolis"} }

type aCity struct{ Self }

func (aCity) Presence(context.Context) (protocol.Presence, error) {
	return protocol.Presence{City: "gotham", Since: 1, Incarnation: 1, Software: "test"}, nil
}

func TestAGoodbyeWaitsForAMeshToBeSaidTo(t *testing.T) {
	for fact, row := range map[string]struct {
		builds time.Duration
		want   string
	}{
		"a mesh that is there":          {0, "to the mesh"},
		"a mesh that is being built":    {meshWithin / 2, "to the mesh"},
		"a mesh that nobody builds":     {time.Hour, "at once"},
		"a mesh that is built too late": {meshWithin + time.Second, "at once"},
	} {
		synctest.Test(t, func(t *testing.T) {
			topic := &meshless{built: time.Now().Add(row.builds)}
			m := &Members{cfg: Config{Topic: topic, Self: aCity{}}}
			begun := time.Now()
			if err := m.sayGoodbye(t.Context()); err != nil || !slices.Equal(topic.said, []string{row.want}) {
				t.Errorf("%s: %v, said %v", fact, err, topic.said)
			}
			if took := time.Since(begun); took > meshWithin+goodbyeTimeout+goodbyeFor {
				t.Errorf("%s: it took %v", fact, took)
			}
		})
	}
}

// backward is a city whose clock is set back a little each time that it is looked at.
type backward struct {
	Self
	sent crdt.Stamp
}

func (c *backward) Presence(context.Context) (protocol.Presence, error) {
	c.sent -= 5
	return protocol.Presence{City: "gotham", Since: 1, Incarnation: 1, Sent: c.sent, Software: "test"}, nil
}

// recorder is a topic that keeps what was published.
type recorder struct {
	Topic
	sent []crdt.Stamp
}

func (r *recorder) Publish(_ context.Context, data []byte, _ ...pubsub.PubOpt) error {
	var news protocol.Presence
	err := protocol.UnmarshalLenient(data, &news)
	r.sent = append(r.sent, news.Sent)
	return err
}

func TestPresencesAreStampedInTheirOrderThoughTheClockIsSetBack(t *testing.T) {
	topic := new(recorder)
	m := &Members{cfg: Config{Self: &backward{sent: after(100)}, Topic: topic}}
	for range 3 {
		if err := m.publish(t.Context(), false); err != nil {
			t.Fatal(err)
		}
	}
	if s := topic.sent; s[1] <= s[0] || s[2] <= s[1] {
		t.Errorf("presences are stamped %v", s)
	}
}

// interrupted is a city that is told to stop while it is asked for a presence.
type interrupted struct {
	aCity
	stop context.CancelFunc
}

func (c interrupted) Presence(ctx context.Context) (protocol.Presence, error) {
	if c.stop(); ctx.Err() != nil {
		return protocol.Presence{}, ctx.Err()
	}
	return c.aCity.Presence(ctx) // of the goodbye, which nothing stops
}

func TestACityThatIsStoppedWhileItAnnouncesItselfSaysGoodbye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		topic := new(meshless)
		m := &Members{cfg: Config{Topic: topic, Self: interrupted{stop: stop}}}
		if err := m.send(ctx); err != nil || !slices.Equal(topic.said, []string{"to the mesh"}) {
			t.Errorf("said %v, %v", topic.said, err)
		}
	})
}
