package durable

import (
	"errors"
	"time"

	"github.com/citynode/citynode/internal/store"
)

// commit has all that waits committed. There is one batch for all, however many callers
// wait, since what a commit takes is the sync. Pages of a rewrite but the last are not
// synced: the last one's sync holds for all before it.
func (m *Machine) commit(now time.Time, page bool) {
	l := m.log
	b := l.take()
	l.tried = l.appended // before the disk has the batch: from now on all of it is in doubt
	if page && !l.rewrite.more {
		b.Lazy = false
	}
	m.job = job{kind: committing, since: now, incarnation: l.incarnation, number: l.appended, page: page}
	m.do(Commit{Batch: b})
}

// committed ends a commit. Any error but that of another epoch is a fault of the
// store. A refusal for its epoch is none: the store works, and the incarnation that
// made the batch has to end. What a commit of an incarnation that has ended holds is
// durable too, but nobody waits for it any more.
func (m *Machine) committed(now time.Time, e Committed) {
	ended := m.job
	m.job = job{}
	switch {
	case errors.Is(e.Err, store.ErrEpoch):
		m.learnEpoch(e.Epoch)
	case e.Err != nil:
		m.fail(now, e.Err) // leaves retryAt alone where the fault is known, as that of a hanging disk
		m.retryAt = now.Add(ResumeEvery)
	case m.isPresent(ended.incarnation) && !m.voided():
		m.written(ended)
	}
}

// written counts what a commit made durable. A commit that ended well after the
// disk was taken for hanging counts for nothing: effects were left out meanwhile,
// and the rewrite that follows makes all durable together. So does the rewrite
// after any other fault, with its last page.
func (m *Machine) written(ended job) {
	l := m.log
	if r := l.rewrite; ended.page && r != nil {
		r.paged = false
		if !r.more {
			// Before durable rises: it must not while there is a fault.
			l.rewrite = nil
			m.works()
		}
	}
	if m.fault == nil {
		l.durable = ended.number
		m.do(News{})
	}
}
