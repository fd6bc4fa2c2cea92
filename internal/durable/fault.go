package durable

import (
	"errors"
	"fmt"
	"time"
)

const (
	// ResumeEvery is how often a store that failed is tried again. A try opens the
	// database anew, which is too much to do all the time; the city refuses orders until
	// one succeeds, so it must not be rare.
	ResumeEvery = time.Second
	// StuckAfter is how long a commit may take before the store counts as failed:
	// a disk that hangs gives no error. It is well within a dispatcher's patience of 30 s
	// (node/dispatch), so that a caller hears the cause and can try again.
	StuckAfter = 5 * time.Second
)

var (
	errStuck       = fmt.Errorf("the disk has not answered for %v", StuckAfter)
	errInterrupted = errors.New("the writer crashed during a write")
)

// started takes a write that a crash of the writer interrupted for a fault, since
// nobody knows what came of it. A resume or the reading of a page that was interrupted
// is taken for one too: the rewrite after it costs less than a rule for each.
func (m *Machine) started(now time.Time) {
	interrupted := m.job.kind != idle
	m.job, m.stopping = job{}, false
	if interrupted {
		m.fail(now, errInterrupted)
	}
}

// fail notes that the store does not work. What waits is dropped. Of that, what
// neighbours and callers brought is in the state, which is written whole once the store
// works again; own writes that no commit holds are dropped by the city too, which sees
// them beyond Tried. The city's loop must hear of it before it reads a page.
func (m *Machine) fail(now time.Time, err error) {
	known := m.fault != nil
	m.fault = err
	if l := m.log; l != nil {
		l.take()
		l.rewrite = nil
		m.do(News{})
	}
	if known {
		return // the pause before the next try has begun, and has been told
	}
	m.retryAt = now.Add(ResumeEvery)
	m.do(Wake{})
	m.do(FaultBegan{Err: err})
}

// tick takes a commit that does not end for a fault. The job goes on, and the writing
// goroutine is within it: the store is tried again once the disk has answered.
func (m *Machine) tick(now time.Time) {
	if m.fault == nil && m.Writing() && now.Sub(m.job.since) > StuckAfter {
		m.fail(now, errStuck)
	}
}

// retry has a store that failed tried again when that is due.
func (m *Machine) retry(now time.Time) {
	switch {
	case m.stopping: // a store that fails must not hold up the end
	case now.Before(m.retryAt):
		m.do(Wait{Until: m.retryAt})
	default:
		m.job = job{kind: resuming, since: now}
		m.do(Resume{})
	}
}

// resumed ends a fault if there is no state to be written, and else begins the
// rewrite that ends it. The epoch may be another than before: a bomb whose raise
// failed may have reached the disk all the same.
func (m *Machine) resumed(now time.Time, e Resumed) {
	m.job = job{}
	if e.Err != nil {
		m.retryAt = now.Add(ResumeEvery)
		return
	}
	m.learnEpoch(e.Epoch) // first: the state of a voided incarnation must not be written
	if m.log == nil || m.voided() {
		m.works()
		return
	}
	m.beginRewrite()
}

// works ends a fault.
func (m *Machine) works() {
	if m.fault == nil {
		return
	}
	m.fault = nil
	m.do(FaultEnded{})
}
