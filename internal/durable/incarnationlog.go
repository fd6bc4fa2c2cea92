package durable

import (
	"errors"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/store"
)

// WaitingBytesMax bounds what neighbours sent that waits for the disk. Beyond that
// it is left out, and the whole state is written later: 64 MiB are about half a
// million heroes, which a disk that works takes in seconds.
const WaitingBytesMax = 64 << 20

var errEnded = errors.New("the city has crashed meanwhile")

// incarnationLog is what one incarnation has appended.
type incarnationLog struct {
	incarnation uint64
	epoch       store.Epoch // of the store when the incarnation began
	waiting     store.Batch
	bytes       int    // of the entries that wait, without those of pages
	appended    uint64 // the number of the last effects
	durable     uint64
	tried       uint64   // the number of the last effects when a commit last began
	behind      bool     // some effects were left out: the whole state has to be written
	rewrite     *rewrite // of the whole state; nil: none runs
}

// begin begins the log of a new incarnation. What the one before appended and no
// commit holds is forgotten, since it may be older than what the new one is filled
// with. The news is of a fault, if there is one.
func (m *Machine) begin() {
	m.log = &incarnationLog{
		incarnation: m.Incarnation() + 1,
		epoch:       m.epoch,
		waiting:     store.Batch{Lazy: true},
	}
	m.do(News{})
}

// append has effects written with the next commit, or notes that they are left
// out. During a fault all are, until the rewrite that ends it has begun: from then on
// they go with its pages. Own writes and what callers brought are never left out for want
// of room: they wait for StuckAfter at most, and then there is a fault.
func (m *Machine) append(e Append) {
	if !m.isPresent(e.Incarnation) {
		return
	}
	l, fx := m.log, &e.Effects
	l.appended++
	if m.fault != nil && !m.rewriting() || m.voided() || fx.Lazy() && l.bytes > m.waitingBytesMax {
		l.behind = true
		return
	}
	for r := range fx.ToStore() {
		l.add(r)
	}
	if a, ok := fx.Answered(); ok {
		l.waiting.Answers = append(l.waiting.Answers, EncodeAnswer(a))
	}
	l.waiting.Forgotten = append(l.waiting.Forgotten, fx.Forgotten()...)
	l.waiting.Lazy = l.waiting.Lazy && fx.Lazy() // one caller who waits has all of it synced
	m.do(Wake{})
}

func (l *incarnationLog) add(r *crdt.Record) {
	switch r.Kind {
	case crdt.KindHero:
		l.waiting.Entries.Heroes = append(l.waiting.Entries.Heroes, r.Hero)
		l.bytes += crdt.HeroSize(r.Hero)
	case crdt.KindTombstone:
		l.waiting.Entries.Tombstones = append(l.waiting.Entries.Tombstones, r.Tombstone)
		l.bytes += crdt.TombstoneSize(r.Tombstone)
	}
}

// addPage adds a page of a rewrite, behind what waits: the store keeps the later of two
// records, and the page was read after that was appended. The last one has all answers:
// which of those that the store has were forgotten during a fault it was not told. What
// is appended after it goes into the same batch, or a later one, and is kept.
func (l *incarnationLog) addPage(page PageRead) {
	l.waiting.Entries.Append(page.Entries)
	if page.More {
		return
	}
	l.waiting.OnlyAnswers = true
	for _, a := range page.Answers {
		l.waiting.Answers = append(l.waiting.Answers, EncodeAnswer(a))
	}
}

// isEmpty reports whether a commit would write nothing. What is Forgotten comes with the
// next answer, so it never waits alone.
func (l *incarnationLog) isEmpty() bool {
	return len(l.waiting.Answers) == 0 && l.waiting.Entries.Len() == 0
}

// take returns all that waits, which then waits no more. The batch's memory is then its
// taker's: the next append begins new slices, while the disk reads the old ones.
func (l *incarnationLog) take() store.Batch {
	b := l.waiting
	b.Epoch = l.epoch
	l.waiting, l.bytes = store.Batch{Lazy: true}, 0
	return b
}
