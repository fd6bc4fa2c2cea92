package main

import (
	"errors"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

const (
	// sameSignalMax is the time within which further signals say no more than the first:
	// timeout(1) and some supervisors signal the process and then its group.
	sameSignalMax = 500 * time.Millisecond
	// stopMax is how long a city may take to end once it was told to. Its node has ended
	// after 8.5 s, or has abandoned what hangs (node.ErrHung); Docker kills after 10.
	stopMax = 9500 * time.Millisecond
)

var errAsked = errors.New("asked to stop")

// endSignals ask a command or a node to end.
var endSignals = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}

// heeded returns the signals that end this process. A hang-up that was ignored when it
// started stays ignored: that is how nohup keeps a command alive.
func heeded() []os.Signal {
	if !signal.Ignored(syscall.SIGHUP) {
		return endSignals
	}
	return slices.DeleteFunc(slices.Clone(endSignals), func(s os.Signal) bool { return s == syscall.SIGHUP })
}

// A stopRequest is what a signal asks of a city that may have been asked before.
type stopRequest int

const (
	stopNow   stopRequest = iota // end at once
	stopWell                     // leave, and end
	stopAgain                    // nothing new
)

// A stopJudge tells what signals ask.
type stopJudge struct{ first time.Time } // of the first signal; zero before

// judge returns what a signal asks that comes at this time.
func (j *stopJudge) judge(at time.Time) stopRequest {
	switch {
	case j.first.IsZero():
		j.first = at
		return stopWell
	case at.Sub(j.first) < sameSignalMax:
		return stopAgain
	}
	return stopNow
}

// A stopper does what signals ask.
type stopper struct {
	say  func(s os.Signal) // that the city leaves
	late func()            // that it has not in time
	stop func(error)       // has it leave
	exit func(code int)    // ends the process
}

// stopOnSignals has the first signal stop the city, and a later one end the process. It
// heeds signals until the process has ended: what comes after the city may hang too.
func stopOnSignals(say func(os.Signal), late func(), stop func(error)) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, heeded()...)
	go stopper{say: say, late: late, stop: stop, exit: os.Exit}.heed(signals)
}

// heed does what each signal asks until there are no more. stopMax after the first the
// process ends in any case.
func (s stopper) heed(signals <-chan os.Signal) {
	var judge stopJudge
	for received := range signals {
		switch judge.judge(time.Now()) {
		case stopNow:
			s.exit(exitFailure)
		case stopWell:
			time.AfterFunc(stopMax, func() { s.late(); s.exit(exitFailure) })
			s.say(received)
			s.stop(errAsked)
		case stopAgain:
		}
	}
}
