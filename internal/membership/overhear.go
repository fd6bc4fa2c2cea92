package membership

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/supervise"
	"github.com/citynode/citynode/protocol"
)

// Overhear calls heard with each presence of another that comes, until ctx is done, and
// returns nil then. It tells nobody of this city, and the directory nothing: who said what
// is not confirmed. It is for a city that does not serve yet.
func (m *Members) Overhear(ctx context.Context, heard func(author peer.ID, news protocol.Presence)) error {
	sub, err := m.cfg.Topic.Subscribe()
	if err != nil {
		return fmt.Errorf("subscribe to presence: %w", err)
	}
	defer sub.Cancel()
	for {
		message, err := sub.Next(ctx)
		if err != nil {
			return supervise.UnlessDone(ctx, err)
		}
		author := message.GetFrom()
		if news, ok := message.ValidatorData.(protocol.Presence); ok && author != m.cfg.Host.ID() {
			heard(author, news)
		}
	}
}
