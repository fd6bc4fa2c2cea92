package streams

import (
	"context"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"github.com/citynode/citynode/protocol"
)

// What one peer's calls may cost: a call costs 1 and another 1 for each
// costBytes of its body, about three heroes.
const (
	costBytes = 256
	// costRate, a second, lets a peer bring 16 MiB or make 64k small calls.
	costRate = 64 << 10
	// costBurst is four seconds of that, so that a large update goes through
	// in one go.
	costBurst = 4 * costRate
	// budgetsMax bounds the peers whose spending is remembered, at about 200
	// bytes each. A peer that is forgotten begins with a full budget.
	budgetsMax = 4096
)

// Budgets bound what the calls of each peer may cost. Their methods are safe for
// concurrent use.
type Budgets struct {
	byPeer *lru.Cache[string, *rate.Limiter]
}

// NewBudgets returns budgets of which nothing is spent.
func NewBudgets() *Budgets {
	byPeer, err := lru.New[string, *rate.Limiter](budgetsMax)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &Budgets{byPeer: byPeer}
}

// busyCosts is how many times its cost a call is to be paid for besides that was read,
// decoded and looked at, and then answered busy. So who goes on without a pause has its
// calls refused before they are looked at.
const busyCosts = 8

// Repay takes more from the budget of a caller whose call was answered busy for what it
// brought. The budget may go below nothing.
func (b *Budgets) Repay(c *protocol.Call) {
	if budget, ok := b.byPeer.Get(c.Caller); ok {
		budget.ReserveN(time.Now(), min(busyCosts*(1+len(c.Request.Body)/costBytes), costBurst))
	}
}

const (
	// busyPause is how long the answer to a long call waits that its caller cannot pay:
	// what is refused had to be read, and who has no answer does not send the next. It is
	// less than the pause that a caller makes itself.
	busyPause = 30 * time.Millisecond
	// busyPauseOver is from how many bytes of its body on a call is long.
	busyPauseOver = 4 << 10
)

// Slow waits before a call is answered that Spend has refused, if it is long. It ends
// with ctx.
func (b *Budgets) Slow(ctx context.Context, c *protocol.Call) {
	if len(c.Request.Body) < busyPauseOver {
		return
	}
	pause := time.NewTimer(busyPause)
	defer pause.Stop()
	select {
	case <-ctx.Done():
	case <-pause.C:
	}
}

// Spend takes the cost of a call from its caller's budget. It returns an error that
// matches protocol.ErrBusy, and takes nothing, where too little is left.
func (b *Budgets) Spend(c *protocol.Call) error {
	budget, ok := b.byPeer.Get(c.Caller)
	if !ok {
		budget = rate.NewLimiter(costRate, costBurst)
		b.byPeer.Add(c.Caller, budget)
	}
	if budget.AllowN(time.Now(), 1+len(c.Request.Body)/costBytes) {
		return nil
	}
	return protocol.Errorf(protocol.Busy, "peer %s calls too much; try again after a pause", peer.ID(c.Caller))
}
