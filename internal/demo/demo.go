package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
)

// Bounds of a demo: a bombed city needs a neighbour, and each city is a host of
// its own that takes its share of one machine.
const (
	CitiesMin = 2
	CitiesMax = 16
)

// statusEvery is the pause between two times that Run tells how the cities are: some
// patrols and fights happen in between, each of which is told too.
const statusEvery = 4 * time.Second

// Config is what a demo is told. All fields are required. The functions are
// called from several goroutines and must not wait.
type Config struct {
	Cities   int           // CitiesMin to CitiesMax
	Network  string        // a name that no other cluster on this machine has
	Until    time.Time     // when the show is over, if the story is told by then
	Patience time.Duration // how long an act of the story may take
	Software string        // names the program, as in node.Config

	// Told tells a line of the story.
	Told func(Line)
	// Changed tells what a city does by itself.
	Changed func(city.SourcedChange)
	// Status tells how the cities are, now and then.
	Status func(Status)
	// Ended tells how it all ended.
	Ended func(Summary)
}

// A Line is a line of the story.
type Line struct {
	Event string // "up", "found", "equal", "bomb", "empty", "healed"
	City  string // the city that it is about, "" for all
	Text  string // a sentence
}

// A Status is how the cities are at one moment.
type Status struct {
	Cities []City
	Equal  bool // all hold the same
}

// A City is how one city is.
type City struct {
	Name     string
	Peer     peer.ID
	Summary  crdt.Summary
	Restarts uint64
}

// A Summary is how a demo ended, and what happened in it.
type Summary struct {
	Status
	Patrols, Fights, Deaths uint64
	Deltas                  uint64 // entries that came by gossip
	Syncs                   uint64 // complete ones
}

// ErrDiffer is returned by Run if the cities do not hold the same in the end.
var ErrDiffer = errors.New("the cities do not hold the same in the end")

// A StoryError says in which act the story broke off, and why. It matches
// context.DeadlineExceeded if the act took longer than Config.Patience.
type StoryError struct {
	Act string
	Err error
}

func (e *StoryError) Error() string { return fmt.Sprintf("%s: %v", e.Act, e.Err) }
func (e *StoryError) Unwrap() error { return e.Err }

// Run runs the whole show: the story, then a status now and then until
// Config.Until or the end of ctx, then the summary. If ctx ends before the story
// is told, the error is a *[StoryError]; after that it ends the show early, which
// is no error. Whatever happens, all cities have been told to leave when it returns.
func Run(ctx context.Context, c Config) error {
	p := &play{config: c, stage: &stage{config: c}}
	defer p.stage.close()
	if err := p.story(ctx); err != nil {
		return err
	}
	p.goOn(ctx)
	return p.finale()
}

// goOn lets the cities play until the end.
func (p *play) goOn(ctx context.Context) {
	ctx, cancel := context.WithDeadline(ctx, p.config.Until)
	defer cancel()
	looks := time.NewTicker(statusEvery)
	defer looks.Stop()
	for {
		select {
		case <-looks.C:
		case <-ctx.Done():
			return
		}
		// An error says that ctx has ended, or that a city cannot be asked now. The finale
		// tells of one that lasts.
		if status, err := p.stage.status(ctx); err == nil {
			p.config.Status(status)
		}
	}
}

// finale waits once more until all hold the same, and sums up. The context of the show has
// ended by then, so it has one of its own. Nothing that happens later is told: it would
// not be in the sums.
func (p *play) finale() error {
	ctx, cancel := context.WithTimeout(context.Background(), p.config.Patience)
	defer cancel()
	_, err := p.equal(ctx)
	p.stage.over.Store(true)
	status, statusErr := p.stage.status(context.WithoutCancel(ctx))
	if statusErr != nil {
		return statusErr
	}
	status.Equal = err == nil
	p.config.Ended(p.stage.sum(status))
	if err != nil {
		return ErrDiffer
	}
	return nil
}
