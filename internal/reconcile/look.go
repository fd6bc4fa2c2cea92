package reconcile

import (
	"context"
	"errors"

	"github.com/citynode/citynode/crdt/sketch"
)

// auditCells is how many cells the first sketch of an audit has: no difference
// is expected.
const auditCells = 256

// look begins a round, or another attempt of it.
func (i *Initiator) look(a Audit, cells int) (Message, error) {
	if i.round.attempts == 0 {
		i.rounds++
	}
	if i.rounds > roundsMax {
		return Message{}, ErrMoving
	}
	i.round.audit, i.round.prefix, i.round.asked = a, nil, min(cells, cellsMax)
	i.phase = looking
	return Message{kind: KindAsk, cells: uint64(i.round.asked), audit: a}, nil
}

// lookAgain begins a new round, in which little is expected.
func (i *Initiator) lookAgain() (Message, error) {
	i.round = round{}
	return i.look(Audit{}, sketch.CellsMin)
}

// shown takes a part of the other side's sketch.
func (i *Initiator) shown(ctx context.Context, in Message) (Message, error) {
	if in.kind != KindSketch {
		return Message{}, violation("%s where %s was due", in.kind, KindSketch)
	}
	if err := i.checkIncarnation(in.hello.Incarnation); err != nil {
		return Message{}, err
	}
	if len(i.round.prefix) > 0 && in.hello != i.round.peer {
		return Message{}, violation("a sketch of two instants")
	}
	i.round.peer = in.hello
	i.round.prefix = append(i.round.prefix, in.prefix...)
	cells := len(i.round.prefix) / sketch.CellBytes
	switch {
	case len(in.prefix) == 0 || len(in.prefix)%sketch.CellBytes != 0 || cells > i.round.asked:
		return Message{}, violation("a sketch of %d bytes, %d cells asked for", len(i.round.prefix), i.round.asked)
	case in.more:
		return Message{}, nil
	}
	i.result.CellsIn += uint64(cells)
	return i.decode(ctx)
}

// decode compares the other side's sketch with the own one.
func (i *Initiator) decode(ctx context.Context) (Message, error) {
	cells := len(i.round.prefix) / sketch.CellBytes
	view, err := i.view(ctx, Query{Cells: cells, Audit: i.round.audit})
	if err != nil {
		return Message{}, err
	}
	cells = min(cells, len(view.Cells))
	own, other := view.Cells[:cells], i.round.prefix[:cells*sketch.CellBytes]
	mine, theirs, err := sketch.Decode(own, other)
	switch {
	case err == nil:
		return i.exchange(ctx, view.Hello, mine, theirs)
	case !errors.Is(err, sketch.ErrIncomplete):
		return Message{}, violation("a sketch: %w", err)
	}
	i.round.attempts++
	if i.round.attempts > 1 || cells < sketch.CellsMin {
		return i.reachFurther(ctx, cells)
	}
	return i.reach(ctx, view, sketch.SampleOf(other))
}

// reach asks for a sketch that shows the difference, as estimated from a sample
// of the other side's, or for all there is.
func (i *Initiator) reach(ctx context.Context, own View, sample []byte) (Message, error) {
	d, err := sketch.Estimate(own.Cells, sample, int(i.round.peer.size()))
	if err != nil {
		return Message{}, violation("a sample: %w", err)
	}
	if most := int(max(own.Hello.size(), i.round.peer.size())); d > i.options.BulkOver && d > most/bulkShare {
		return i.bulk(ctx)
	}
	i.round.attempts++
	return i.look(i.round.audit, max(sketch.PrefixFor(d), 2*sketch.SamplePrefix))
}

// reachFurther asks for a longer sketch than one that was too short, unless
// that was all that a side keeps.
func (i *Initiator) reachFurther(ctx context.Context, cells int) (Message, error) {
	if cells < i.round.asked || i.round.attempts > attemptsMax {
		return i.bulk(ctx)
	}
	return i.look(i.round.audit, max(sketch.Next(cells), cells+sketch.CellsMin))
}
