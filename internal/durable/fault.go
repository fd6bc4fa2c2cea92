package durable

import (
	"errors"
	"fmt"
	"time"
)

const (
	// ResumeEvery is how often a store that failed is tried again.
	ResumeEvery = time.Second
	// StuckAfter is how long a commit may take before the store counts as failed:
	// a disk that hangs gives no error.
	StuckAfter = 5 * time.Second
)

var (
	errStuck       = fmt.Errorf("the disk has not answered for %v", StuckAfter)
	errInterrupted = errors.New("the writer crashed during a write")
)

// started takes a write that a crash of the writer interrupted for a fault, since
// nobody knows what came of it.
func (m *Machine) started(now time.Time) {
	interrupted := m.job.kind != idle
	m.job, m.stopping = job{}, false
	if interrupted {
		m.fail(now, errInterrupted)
	}
}

// fail notes that the store does not work. What waits is dropped: the state holds
// it, and the whole state is written once the store works again.
func (m *Machine) fail(now time.Time, err error) {
	known := m.fault != nil
	m.fault = err
	if l := m.log; l != nil {
		l.take()
		l.rewrite = nil
		m.do(News{})
	}
	if known {
		return
	}
	m.retryAt = now.Add(ResumeEvery)
	m.do(Wake{})
	m.do(FaultBegan{Err: err})
}

// tick takes a commit that does not end for a fault.
func (m *Machine) tick(now time.Time) {
	if m.fault == nil && m.Writing() && now.Sub(m.job.since) > StuckAfter {
		m.fail(now, errStuck)
	}
}

// retry has a store that failed tried again when that is due.
func (m *Machine) retry(now time.Time) {
	switch {
	case m.stopping:
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
	m.learnEpoch(e.Epoch)
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
