package membership

import (
	"context"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/detection"
	"github.com/citynode/citynode/internal/supervise"
	"github.com/citynode/citynode/protocol"
)

// signTimeout bounds giving one sign to GossipSub.
const signTimeout = time.Second

// ValidateSign judges messages of the topic of signs: it rejects what is none. GossipSub
// calls it on several goroutines at once.
func ValidateSign(_ context.Context, _ peer.ID, m *pubsub.Message) pubsub.ValidationResult {
	var sign protocol.Sign
	if len(m.Data) > protocol.AliveBytesMax || protocol.UnmarshalLenient(m.Data, &sign) != nil {
		return pubsub.ValidationReject
	}
	m.ValidatorData = sign
	return pubsub.ValidationAccept
}

// receiveSigns takes the signs of others.
func (d *detector) receiveSigns(ctx context.Context, sub *pubsub.Subscription) error {
	for {
		message, err := sub.Next(ctx)
		if err != nil {
			return supervise.UnlessDone(ctx, err)
		}
		// The author has signed the message. The peer that passed it on may be any.
		author := message.GetFrom()
		if sign, ok := message.ValidatorData.(protocol.Sign); ok && author != d.host.ID() {
			d.tell(ctx, detection.Heard{
				Peer: detection.Peer(author), Stamp: uint64(sign.Sent), About: detection.Peer(sign.About),
			})
		}
	}
}

// sign queues a sign, or drops it where the queue is full: others give the same.
func (d *detector) sign(s protocol.Sign) {
	select {
	case d.signs <- s:
	default:
	}
}

// publishSigns gives the others this city's signs, one after another, so that their stamps
// rise.
func (d *detector) publishSigns(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case s := <-d.signs:
			if err := d.publish(ctx, s); err != nil {
				d.log.Debug("sign not published", "about", peer.ID(s.About), "err", err)
			}
		}
	}
}

func (d *detector) publish(ctx context.Context, s protocol.Sign) error {
	d.last = max(crdt.StampAt(d.now()), d.last.Next())
	s.Sent = d.last
	data, err := protocol.Marshal(s)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, signTimeout)
	defer cancel()
	return d.topic.Publish(ctx, data)
}
