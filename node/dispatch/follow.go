package dispatch

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// An Update is one thing that a Follow tells.
type Update struct {
	// Change is a change, from what was told before to what is known now. It is
	// zero where Live is set.
	Change crdt.Change
	// Live says that all that the city holds has been told, and that the city now
	// tells each change as it happens. There is one such update at the beginning,
	// after the changes that tell what is there, and one after each gap, after the
	// changes that tell what happened in it.
	Live bool
	// Peer is the city that told.
	Peer peer.ID
}

// Follow tells the changes that concern a location, a city's name or home, or
// all changes if the location is empty. It first tells what is there, each hero
// (and, of all locations, each death) as a change from nothing, then [Update.Live],
// then what happens.
//
// Of each hero the versions that are told only grow, no change is told twice, and
// a death is final. None is lost: if the stream breaks, Follow asks another city,
// and tells what the heroes went through in the gap in one step each, deaths and
// departures included. It prefers the city of that name; while that cannot be
// reached, the node that is asked, another candidate of the configuration, or a
// city that the node knew tells. The node is asked each 5 s which cities it knows, and
// four of them are remembered. Such a city may know of a change later than others do.
//
// A Follow remembers what it told, at most Config.RememberedMax entries; it ends
// with an error that matches [ErrTooManyEntries] rather than exceed that. Of all
// locations it remembers what a city holds. Of one location it remembers the
// heroes that are there and at least the last 32,768 that left or died: a hero that
// left before those may be told again, by a city that has not heard of it yet.
//
// The sequence ends with an error where the location is no location, or no city
// has answered for Config.Patience; the error is then the last one. It ends with
// the error of ctx if that ends before the first Live, and without one if ctx ends
// later. A reader that is slow delays the Follow and loses nothing, but may be told
// several changes of one hero as one.
func (d *Dispatcher) Follow(ctx context.Context, location string) iter.Seq2[Update, error] {
	return func(yield func(Update, error) bool) {
		err := error(nil)
		if location != "" {
			err = crdt.ValidateLocation(location)
		}
		if err == nil {
			f := &follower{
				memory:       newMemory(location, d.config.RememberedMax),
				sources:      d.sources(location),
				keepLearning: d.keepLearning,
				patience:     d.config.Patience,
				logger:       d.config.Logger,
				yield:        yield,
			}
			err = f.run(ctx)
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(Update{}, err)
		}
	}
}

// errStopped is the error of a follow whose reader has had enough.
var errStopped = errors.New("stopped by its reader")

// A source is a city that may tell.
type source struct {
	peer peer.ID
	// open returns a client on a new stream, which the caller closes.
	open func(context.Context) (*protocol.Client, error)
	// drop ends the connection to the city, so that the next stream dials anew; nil
	// where there is none.
	drop func()
}

// A follower runs one Follow. One goroutine owns it: that of the reader.
type follower struct {
	memory *memory
	// sources returns the cities to ask, in this order, each when those before it
	// could not tell.
	sources []func(context.Context) (source, error)
	// keepLearning finds more sources while one tells. It runs beside the follow.
	keepLearning func(context.Context)
	patience     time.Duration
	logger       *slog.Logger
	yield        func(Update, error) bool
	began        bool // there has been a Live

	// unseen are the heroes at the location that the present source has not shown
	// to be there. The source may come to know of their departure or death in one
	// step, which concerns the location for the reader but not for the source, so
	// the source is asked for them until it has caught up.
	unseen map[crdt.ID]struct{}
}

// run follows source after source until the reader has had enough, ctx ends, or
// none has answered for as long as patience lasts.
func (f *follower) run(ctx context.Context) error {
	pauses, heard := Backoff{}, time.Now()
	for {
		begin := time.Now()
		live, err := f.attempt(ctx)
		if live {
			heard = time.Now()
			if heard.Sub(begin) > pauseMax {
				pauses.Reset()
			}
		}
		switch {
		case errors.Is(err, errStopped):
			return err
		case ctx.Err() != nil:
			return f.interrupted(ctx)
		case !isPassing(err), time.Since(heard) > f.patience:
			return err
		}
		f.logger.Info("no city tells now, another attempt follows", "err", err)
		if pauses.Wait(ctx) != nil {
			return f.interrupted(ctx)
		}
	}
}

// interrupted returns the error of a follow whose context has ended.
func (f *follower) interrupted(ctx context.Context) error {
	if f.began {
		return nil
	}
	return ctx.Err()
}

// attempt has the sources tell, the first that can. It returns when that one has
// ended, or when none can, and reports whether one was live.
func (f *follower) attempt(ctx context.Context) (live bool, err error) {
	tried := make(map[peer.ID]bool)
	for _, next := range f.sources {
		s, sourceErr := next(ctx)
		if sourceErr == nil {
			if tried[s.peer] {
				continue
			}
			tried[s.peer] = true
			live, sourceErr = f.session(ctx, s)
		}
		if live || ctx.Err() != nil || isFinal(sourceErr) {
			return live, sourceErr
		}
		if err == nil || !isPassing(err) {
			err = sourceErr
		}
	}
	return false, err
}

// isFinal reports whether no other city can help.
func isFinal(err error) bool {
	return errors.Is(err, errStopped) || errors.Is(err, ErrTooManyEntries)
}

// isPassing reports whether a follow may go on after an error: a city cannot tell
// now, or is not to be found.
func isPassing(err error) bool {
	return Transient(err) || errors.Is(err, ErrUnreachable) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, protocol.ErrNotFound) || errors.Is(err, protocol.ErrWrongCity)
}

// tell takes entries of a source in and tells what is new of them.
func (f *follower) tell(s source, e crdt.Entries) error {
	for _, h := range e.Heroes {
		if h.Location == f.memory.location {
			delete(f.unseen, h.ID)
		}
	}
	changes, err := f.memory.merge(e)
	if err != nil {
		return err
	}
	for _, c := range changes {
		if !f.yield(Update{Change: c, Peer: s.peer}, nil) {
			return errStopped
		}
	}
	return nil
}
