package city

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/citynode/citynode/crdt"
)

// inboxMax is how many messages may wait for the loop. A caller beyond it
// waits in its own goroutine, so this is no limit on callers; it only keeps
// the loop from being woken once a message.
const inboxMax = 128

// ErrBombed ends an incarnation that was bombed.
var ErrBombed = errors.New("bombed")

// Options is what a City needs beside its rules.
type Options struct {
	// Now is the wall clock. Default time.Now.
	Now func() time.Time
	// Rand decides whom ticks pick; owned by the City. Default: seeded at
	// random.
	Rand *rand.Rand
	// NextIncarnation gives a stamp greater than all that it gave before, of
	// former processes too. Default: the wall clock's, or the last one plus 1.
	NextIncarnation func() (crdt.Stamp, error)
	// Journal, if set, gives each incarnation what makes its changes durable:
	// replies, and what observers hear, then wait for that.
	Journal func() Journal
	// Fill, if set, gives each incarnation what is to be in it before it answers:
	// it returns once it has called give with all.
	Fill func(ctx context.Context, give func(Message)) error
}

// An Observer is told what happens in a city. The loop calls its functions, so they
// must return at once and must not call the City. Any may be nil.
type Observer struct {
	// Started tells of a new incarnation, which Fill has filled.
	Started func(incarnation crdt.Stamp)
	// Stepped tells the effects of a message that had any. It must keep nothing of fx.
	Stepped func(fx *Effects)
	// Held tells what the city holds: at the start of an incarnation, after Started, and
	// after each message that changed it, before Stepped.
	Held func(crdt.Summary)
}

// City is the actor: a handle that outlives crashes. Start begins an
// incarnation; between two of them messages are refused as unavailable. All
// methods but Start are safe for concurrent use.
type City struct {
	cfg       Config
	opts      Options
	observers []Observer // only read once Start has been called
	current   atomic.Pointer[Incarnation]
	last      crdt.Stamp // of the incarnations; only Start writes it, and a supervisor calls Start once at a time
}

// New returns a city that has not started. It fails if the configuration is not
// valid.
func New(cfg Config, opts Options) (*City, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("city configuration: %w", err)
	}
	c := &City{cfg: cfg.WithDefaults(), opts: opts}
	if c.opts.Now == nil {
		c.opts.Now = time.Now
	}
	if c.opts.Rand == nil {
		c.opts.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	if c.opts.NextIncarnation == nil {
		c.opts.NextIncarnation = c.nextIncarnation
	}
	return c, nil
}

// Name returns the city's name.
func (c *City) Name() string { return c.cfg.Name }

// Config returns the city's configuration with its defaults set.
func (c *City) Config() Config { return c.cfg }

// Observe adds an observer. The observers are called in the order in which they were
// added. Observe must not be called once Start has been.
func (c *City) Observe(o Observer) { c.observers = append(c.observers, o) }

// Start begins a new incarnation, empty but for what Fill gives it, and returns the
// function that serves it until ctx ends (nil), the city is bombed (ErrBombed), or a
// message makes it panic. It has the form of a supervised child's start.
func (c *City) Start(ctx context.Context) (func(context.Context) error, error) {
	number, err := c.opts.NextIncarnation()
	if err != nil {
		return nil, fmt.Errorf("number the incarnation: %w", err)
	}
	inc := newIncarnation(c.cfg, c.opts, c.observers, number)
	if c.opts.Journal != nil {
		inc.journal, inc.held = c.opts.Journal(), NewHoldBack(inc.core, loopOutlet{inc})
	}
	if c.opts.Fill != nil {
		if err := c.opts.Fill(ctx, inc.fill); err != nil {
			return nil, fmt.Errorf("fill the city: %w", err)
		}
	}
	c.current.Store(inc)
	for _, o := range c.observers {
		if o.Started != nil {
			o.Started(number)
		}
		if o.Held != nil {
			o.Held(inc.core.State().Summary())
		}
	}
	return inc.serve, nil
}

// Current returns the incarnation that answers now, or a *Refusal as unavailable if
// there is none: between a crash and the end of the next start.
func (c *City) Current() (*Incarnation, error) {
	inc := c.current.Load()
	if inc == nil || inc.ended() {
		return nil, errDown(c.cfg.Name)
	}
	return inc, nil
}

// Do sends a message to the current incarnation and waits for the reply. The
// error is a *Refusal or that of ctx.
func (c *City) Do(ctx context.Context, m Message) (Reply, error) {
	inc, err := c.Current()
	if err != nil {
		return Reply{}, err
	}
	return inc.Do(ctx, m)
}

func (c *City) nextIncarnation() (crdt.Stamp, error) {
	c.last = max(crdt.StampAt(c.opts.Now()), c.last.Next())
	return c.last, nil
}

func errDown(name string) *Refusal {
	return refuse(Unavailable, "city %s is starting; try again", name)
}
