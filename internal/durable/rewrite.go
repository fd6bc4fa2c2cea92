package durable

import (
	"time"

	"github.com/citynode/citynode/crdt"
)

// rewrite is a writing of the whole state and all answers, page by page, for what
// was left out is not known. What is appended meanwhile goes with the pages. Pages keep
// the loop from being held up: each takes a turn of it of less than a millisecond, and
// at most one page lies in memory.
type rewrite struct {
	at    crdt.Cursor // of the page that is to be read
	paged bool        // a page was read, and is not committed yet
	more  bool        // that page is not the last
}

func (m *Machine) rewriting() bool { return m.log != nil && m.log.rewrite != nil }

// catchUp begins a rewrite of a state of which some was left out, though the store
// works.
func (m *Machine) catchUp(now time.Time) {
	if now.Before(m.retryAt) {
		m.do(Wait{Until: m.retryAt}) // the last one was given up a moment ago
		return
	}
	m.do(FellBehind{})
	m.beginRewrite()
	m.goOnRewriting(now)
}

// beginRewrite forgets that the log is behind: what is left out from now on is not known
// to be in a page, so it makes the log behind once more.
func (m *Machine) beginRewrite() { m.log.behind, m.log.rewrite = false, &rewrite{} }

// goOnRewriting commits the page that was read, or has the next one read.
func (m *Machine) goOnRewriting(now time.Time) {
	l := m.log
	if l.rewrite.paged {
		m.commit(now, true)
		return
	}
	m.job = job{kind: readingPage, since: now, incarnation: l.incarnation, at: l.rewrite.at}
	m.do(ReadPage{Incarnation: l.incarnation, At: l.rewrite.at})
}

// pageRead takes the page that is being read. Any other is ignored: a loop may read
// a page late, after the writer has stopped waiting for it. The rewrite may have
// been given up meanwhile, as it is when its incarnation ends.
func (m *Machine) pageRead(e PageRead) {
	if m.job.kind != readingPage || m.job.incarnation != e.Incarnation || m.job.at != e.At {
		return
	}
	m.job = job{}
	if !m.rewriting() {
		return
	}
	*m.log.rewrite = rewrite{at: e.Next, paged: true, more: e.More}
	m.log.addPage(e)
}

// pageFailed gives the rewrite up, to be begun again with its first page.
func (m *Machine) pageFailed(now time.Time, err error) {
	if m.job.kind == readingPage {
		m.job = job{}
	}
	m.retryAt = now.Add(ResumeEvery)
	if !m.rewriting() {
		return
	}
	m.log.rewrite, m.log.behind = nil, true
	if m.fault == nil {
		m.do(StayedBehind{Err: err})
	}
}
