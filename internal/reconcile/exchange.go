package reconcile

import (
	"context"
	"fmt"

	"github.com/citynode/citynode/crdt"
)

// exchange begins to exchange the difference that a round has found: symbols that
// only this side has, and symbols that only the other has.
func (i *Initiator) exchange(ctx context.Context, self Hello, mine, theirs []uint64) (Message, error) {
	if err := i.checkSurplus(self, mine, theirs); err != nil {
		return Message{}, err
	}
	blind := len(mine)+len(theirs) == 0 && self.Summary != i.round.peer.Summary
	switch {
	case blind && i.round.audit.IsZero():
		// What is in one sum and not in the other is not in the sketches.
		i.round = round{}
		return i.look(Audit{Salt: i.options.Salt, Parts: 1}, auditCells)
	case blind && i.round.audit.Parts == 1:
		return i.bulk(ctx)
	}
	i.round.mine, i.round.theirs = mine, i.due(theirs)
	return i.proceed(ctx)
}

// checkSurplus refuses a sketch that does not fit the summary that came with it:
// what one side has more of must be in the difference. It bounds what a peer can
// have this side ask for. An audit covers a part of the state, so it is not held
// against the summary.
func (i *Initiator) checkSurplus(self Hello, mine, theirs []uint64) error {
	surplus := int64(self.size()) - int64(i.round.peer.size())
	if found := int64(len(mine) - len(theirs)); i.round.audit.IsZero() && found != surplus {
		return violation("a sketch of %d entries more than its summary has", surplus-found)
	}
	return nil
}

// due returns the symbols without those of heroes that are known not to be due, and of
// what there is no room for: to ask for them would have them sent in each session.
func (i *Initiator) due(symbols []uint64) (due []uint64) {
	if !i.round.audit.IsZero() {
		return symbols
	}
	for _, s := range symbols {
		switch {
		case i.result.left[s]:
		case i.options.Deferred != nil && i.options.Deferred.has(s, i.self.Now):
			i.result.skip(s)
		case i.options.LeftOut != nil && i.options.LeftOut(s):
			i.result.skip(s)
		default:
			due = append(due, s)
		}
	}
	return due
}

// proceed asks for the next of what the other side has, then pushes what this
// one has, then ends the round.
func (i *Initiator) proceed(ctx context.Context) (Message, error) {
	if len(i.round.theirs) == 0 {
		return i.push(ctx)
	}
	n := min(len(i.round.theirs), wantMax)
	m := Message{kind: KindWant, symbols: i.round.theirs[:n], audit: i.round.audit}
	i.round.theirs = i.round.theirs[n:]
	i.round.answered, i.round.awaited = 0, make(map[uint64]bool, n)
	for _, s := range m.symbols {
		i.round.awaited[s] = false
	}
	i.phase = wanting
	return m, nil
}

// found merges entries that were asked for, and goes on when the answer is whole.
func (i *Initiator) found(ctx context.Context, in Message) (Message, error) {
	if err := i.check(in, KindFound); err != nil {
		return Message{}, err
	}
	if err := i.checkFound(in); err != nil {
		return Message{}, err
	}
	i.round.moved = i.round.moved || in.unknown > 0
	for _, e := range []crdt.Entries{in.entries, in.replaced} {
		if e.Len() == 0 {
			continue
		}
		if err := i.merge(ctx, e); err != nil {
			return Message{}, err
		}
	}
	if in.more {
		return Message{}, nil
	}
	if i.round.answered < len(i.round.awaited) {
		return Message{}, violation("%d of %d symbols answered", i.round.answered, len(i.round.awaited))
	}
	return i.proceed(ctx)
}

// checkFound refuses entries that were not asked for. Two entries may have one
// symbol, if somebody made them so.
func (i *Initiator) checkFound(in Message) error {
	awaited := func(f crdt.Fingerprint) error {
		s := i.round.audit.Symbol(f)
		came, asked := i.round.awaited[s]
		switch {
		case !asked:
			return violation("an entry that was not asked for")
		case !came:
			i.round.awaited[s] = true
			i.round.answered++
		}
		return nil
	}
	for _, t := range in.entries.Tombstones {
		if err := awaited(t.Fingerprint()); err != nil {
			return err
		}
	}
	for _, h := range in.entries.Heroes {
		if err := awaited(h.Fingerprint()); err != nil {
			return err
		}
	}
	asked := len(i.round.awaited)
	if in.replaced.Len() > 2*asked || in.unknown > uint64(asked) {
		return violation("%d replaced and %d unknown of %d symbols", in.replaced.Len(), in.unknown, asked)
	}
	i.round.answered += in.replaced.Len() + int(in.unknown)
	return nil
}

// push sends what only this side has, and then ends the round.
func (i *Initiator) push(ctx context.Context) (Message, error) {
	mine := search{symbols: i.round.mine}
	if !i.round.audit.IsZero() && len(i.round.mine) > 0 {
		view, err := i.view(ctx, Query{Audit: i.round.audit, Locate: i.round.mine})
		if err != nil {
			return Message{}, err
		}
		mine = newSearch(i.round.audit, i.round.mine, view.Located)
	}
	return i.produce(ctx, i.pushes(mine))
}

// pushes sends the own entries that are searched, and then ends the round.
func (i *Initiator) pushes(mine search) producer {
	return func(ctx context.Context) (Message, producer, error) {
		for !mine.done() {
			found, rest, err := mine.next(ctx, i.replica)
			if err != nil {
				return Message{}, nil, fmt.Errorf("find entries to push: %w", err)
			}
			mine = rest
			i.round.moved = i.round.moved || found.Unknown > 0
			if e := i.dueThere(found); e.Len() > 0 {
				return Message{kind: KindPush, entries: e}, i.pushes(mine), nil
			}
		}
		m, err := i.endRound()
		return m, nil, err
	}
}

// dueThere returns the entries that the other side would take. By its clock the
// others are stamped too far ahead, and it would only skip them.
func (i *Initiator) dueThere(found Found) crdt.Entries {
	horizon := i.round.peer.Now.Add(crdt.FutureSkewMax)
	all := crdt.Entries{Tombstones: append(found.Entries.Tombstones, found.Replaced.Tombstones...)}
	for _, heroes := range [][]crdt.Hero{found.Entries.Heroes, found.Replaced.Heroes} {
		for _, h := range heroes {
			if h.Version.HLC > horizon {
				i.result.skip(h.Fingerprint().Symbol())
				continue
			}
			all.Heroes = append(all.Heroes, h)
		}
	}
	return all
}

// endRound ends the session. Where entries were replaced before they could be
// fetched it looks for differences again.
func (i *Initiator) endRound() (Message, error) {
	if i.round.moved {
		return i.lookAgain()
	}
	return i.close()
}
