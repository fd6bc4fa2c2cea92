package city

import (
	"context"
	"io"
	"slices"

	"github.com/citynode/citynode/crdt"
)

// idsPerTurn is how many IDs one turn of the loop collects, in some 20 µs.
const idsPerTurn = 4096

// A Cut reads the state as it was at one moment, while the city goes on. It is in pieces,
// each of which takes the loop well under a millisecond. It needs 16 bytes of memory for
// each entry of the state, since it gives them in the order of their IDs, and what has
// changed meanwhile is kept, up to a bound. It belongs to one goroutine.
type Cut struct {
	// Summary is that of all entries that Next returns.
	Summary crdt.Summary
	// Taken is when the state was so, by the city's clock.
	Taken crdt.Stamp

	read        func(context.Context, func(*Core)) error // runs in the loop
	name        string                                   // the city's
	ids, looks  int                                      // that one turn collects, and looks up
	cut         *cut
	collected   bool
	dead, alive []crdt.ID   // that are still to be looked up, ascending
	late        []crdt.Hero // those of dead that lived at the cut; ascending
}

// Cut begins to read the state as it is now: what is durable, and what others brought, and
// no own write that is not durable yet. Close ends it. The error is a *[Refusal] as busy if
// another cut is being read.
func (i *Incarnation) Cut(ctx context.Context) (*Cut, error) {
	c := &Cut{name: i.name, read: i.Read, ids: idsPerTurn, looks: recordsPerTurn}
	err := c.begin(ctx, func() crdt.Stamp { return crdt.StampAt(i.opts.Now()) })
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Cut) begin(ctx context.Context, now func() crdt.Stamp) error {
	var begun *cut
	err := c.read(ctx, func(core *Core) {
		if begun = core.beginCut(); begun != nil {
			c.Summary, c.Taken = core.State().Summary(), now()
		}
	})
	switch {
	case err != nil:
		// The turn may still come, and nobody would read the cut.
		_ = c.read(context.WithoutCancel(ctx), func(core *Core) { core.endCut(begun) })
		return err
	case begun == nil:
		return refuse(Busy, "the state of city %s is being exported already; try again after a pause", c.name)
	}
	c.cut = begun
	return nil
}

// Close ends the reading.
func (c *Cut) Close() {
	// Fails only if the incarnation has ended, and the cut with it.
	_ = c.read(context.Background(), func(core *Core) { core.endCut(c.cut) })
}

// Next returns the next entries, never none: tombstones first, then heroes, of each kind by
// ascending ID, none twice. It ends with io.EOF. The error is a *[Refusal] as busy if
// too much has changed since the cut, or as unavailable after a crash, or that of ctx.
func (c *Cut) Next(ctx context.Context) (crdt.Entries, error) {
	if !c.collected {
		if err := c.collect(ctx); err != nil {
			return crdt.Entries{}, err
		}
	}
	for len(c.dead) > 0 {
		e, err := c.tombstones(ctx)
		if err != nil || e.Len() > 0 {
			return e, err
		}
	}
	for len(c.alive) > 0 {
		e, err := c.heroes(ctx)
		if err != nil || e.Len() > 0 {
			return e, err
		}
	}
	return crdt.Entries{}, io.EOF
}

// collect collects the IDs of all entries, and perhaps of some that are born meanwhile.
func (c *Cut) collect(ctx context.Context) error {
	c.dead = make([]crdt.ID, 0, c.Summary.Tombstones)
	c.alive = make([]crdt.ID, 0, c.Summary.Heroes)
	for at, more := crdt.Cursor(0), true; more; {
		var dead, alive []crdt.ID
		err := c.read(ctx, func(core *Core) { dead, alive, at, more = core.State().IDs(at, c.ids) })
		if err != nil {
			return err
		}
		c.dead, c.alive = append(c.dead, dead...), append(c.alive, alive...)
	}
	c.dead, c.alive = ascending(c.dead), ascending(c.alive)
	c.collected = true
	return nil
}

// ascending sorts IDs, and leaves out those that are there already.
func ascending(ids []crdt.ID) []crdt.ID {
	slices.SortFunc(ids, crdt.ID.Compare)
	return slices.Compact(ids)
}

// tombstones looks up the next IDs of those that were met dead. Who lived at the cut goes
// to the heroes.
func (c *Cut) tombstones(ctx context.Context) (e crdt.Entries, err error) {
	_, records, err := c.lookUp(ctx, crdt.KindTombstone, &c.dead)
	if err != nil {
		return e, err
	}
	for i := range records {
		switch records[i].Kind {
		case crdt.KindTombstone:
			e.Tombstones = append(e.Tombstones, records[i].Tombstone)
		case crdt.KindHero:
			c.late = append(c.late, records[i].Hero)
			c.alive = append(c.alive, records[i].Hero.ID)
		}
	}
	if len(c.dead) == 0 && len(c.late) > 0 {
		c.alive = ascending(c.alive)
	}
	return e, nil
}

// heroes looks up the next IDs of those that lived. Nobody who was met alive was dead at the
// cut, so a tombstone is of one who was born after it, or who was met dead as well.
func (c *Cut) heroes(ctx context.Context) (e crdt.Entries, err error) {
	ids, records, err := c.lookUp(ctx, crdt.KindHero, &c.alive)
	if err != nil {
		return e, err
	}
	for i := range records {
		switch {
		case len(c.late) > 0 && c.late[0].ID == ids[i]:
			e.Heroes, c.late = append(e.Heroes, c.late[0]), c.late[1:]
		case records[i].Kind == crdt.KindHero:
			e.Heroes = append(e.Heroes, records[i].Hero)
		}
	}
	return e, nil
}

// lookUp takes the next IDs from a list, and looks up what was there at the cut.
func (c *Cut) lookUp(ctx context.Context, kind crdt.Kind, from *[]crdt.ID) ([]crdt.ID, []crdt.Record, error) {
	n := min(c.looks, len(*from))
	ids := (*from)[:n]
	*from = (*from)[n:]
	var records []crdt.Record
	ok := false
	if err := c.read(ctx, func(core *Core) { records, ok = core.cutRecords(c.cut, kind, ids) }); err != nil {
		return nil, nil, err // the turn may still come, and write to records
	}
	if !ok {
		return nil, nil, refuse(Busy, "city %s has changed more than %d heroes while its state was exported; try again where it is read faster", c.name, cutChangesMax)
	}
	return ids, records, nil
}
