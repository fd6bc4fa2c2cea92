package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/gologshim"

	"github.com/citynode/citynode/internal/logging"
	"github.com/citynode/citynode/node"
)

// logLevelDefault is the level of all components but offByDefault.
const logLevelDefault = slog.LevelWarn

var offByDefault = map[string]slog.Level{node.LogLibp2p: logging.Off}

// runComponent is what the command itself logs as: with the node's own life.
const runComponent = "node"

// A runLog is the log of a city that runs, on standard error: all of it in one format, and
// never waited for.
type runLog struct {
	lines  *logging.Lines
	levels *logging.Levels
	logger *slog.Logger
	plain  *slog.Logger // whatever the levels are
	json   bool
	silent bool // no first line, and no word of a signal
	quiet  bool
}

// newRunLog reads the flags of the log, and sets the configuration's.
func newRunLog(stderr io.Writer, f *runFlags, c *node.Config) (*runLog, error) {
	l := &runLog{
		levels: newLevels(),
		json:   f.logFormat == "json",
		quiet:  f.quiet,
	}
	if f.logFormat != "text" && f.logFormat != "json" {
		return nil, usagef("--log-format %q: choose text or json", f.logFormat)
	}
	if err := l.levels.Apply(f.logLevel); err != nil {
		return nil, usagef("--log-level %q: %w", f.logLevel, err)
	}
	// On a terminal the message that the city is ready says the same, for a person.
	l.silent = f.quiet || isTerminal(stderr) && l.levels.Of("") > slog.LevelInfo
	l.lines = logging.NewLines(stderr, func(lost uint64) []byte {
		return l.line(func(log *slog.Logger) { log.Warn("lines of the log were lost", "count", lost) })
	})
	l.plain = slog.New(l.format(l.lines)).With(logging.ComponentKey, runComponent)
	handler := logging.NewHandler(l.levels, runComponent, l.format(l.lines))
	l.logger = slog.New(handler)
	gologshim.SetDefaultHandler(handler.WithAttrs([]slog.Attr{slog.String(logging.ComponentKey, node.LogLibp2p)}))
	c.Logger, c.LogLevels = l.logger, l.levels
	l.logger = l.logger.With(logging.ComponentKey, runComponent)
	return l, nil
}

// format returns a handler that writes all levels in the log's format.
func (l *runLog) format(w io.Writer) slog.Handler {
	all := &slog.HandlerOptions{Level: slog.LevelDebug}
	if l.json {
		return slog.NewJSONHandler(w, all)
	}
	return slog.NewTextHandler(w, all)
}

// line returns what is logged as bytes.
func (l *runLog) line(log func(*slog.Logger)) []byte {
	var line bytes.Buffer
	log(slog.New(l.format(&line)).With(logging.ComponentKey, runComponent))
	return line.Bytes()
}

// logCloseTimeout is how long the last lines may take to be read.
const logCloseTimeout = time.Second

// serve begins to write, once begin has been called or serve's function, which ends it.
func (l *runLog) serve() func() {
	go l.lines.Serve()
	return func() { l.lines.Close(logCloseTimeout) }
}

// begin has the first line written: who runs here. What the making of the node has logged
// follows.
func (l *runLog) begin(n *node.Node, c node.Config) {
	if l.silent {
		l.lines.Begin(nil)
		return
	}
	l.lines.Begin(l.line(func(log *slog.Logger) {
		log.Info("citynode runs a city", "city", c.City.Name, "version", versions().Version, "peer", n.Peer().String(),
			"addrs", textsOf(n.Addrs()), "folder", c.DataDir, "network", c.Network)
	}))
}

// warn logs what is told of beside the events.
func (l *runLog) warn(text string) { l.logger.Warn(printable(text)) }

// leaving says that a signal has come. What was logged before there was a first line is
// written too: the making of the node may be what hangs.
func (l *runLog) leaving(s os.Signal) {
	l.lines.Begin(nil)
	if !l.quiet {
		l.plain.Info(leavingText(s))
	}
}

// late says that the process is ended, since something hangs that is no part of the node:
// those the node names itself.
func (l *runLog) late() {
	l.plain.Error("the process did not end in time, and is ended", "after", stopMax)
	if l.logger.Enabled(context.Background(), slog.LevelDebug) {
		var stacks bytes.Buffer
		_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1) // a buffer takes everything
		l.logger.Debug("where it hangs", "stacks", string(stacks.Next(lateStacksMax)))
	}
	l.lines.Close(lateCloseTimeout)
}

const (
	// lateStacksMax bounds the stacks of a process that hangs, of which some hundred
	// goroutines are libp2p's.
	lateStacksMax = 256 << 10
	// lateCloseTimeout is what is left to write the last lines in until 10 s are over.
	lateCloseTimeout = 200 * time.Millisecond
)

// leavingText is what a person is told who has sent a signal.
func leavingText(s os.Signal) string {
	return fmt.Sprintf("%v: leaving; once more to end at once", s)
}

// A loggedError is one that the log has.
type loggedError struct{ error }

// Unwrap returns the error.
func (e *loggedError) Unwrap() error { return e.error }

// report logs why the city has ended, if it is one line of JSON among others. Else it is
// reported as errors of all commands are.
func (l *runLog) report(err error) error {
	if err == nil || !l.json {
		return err
	}
	attrs := []slog.Attr{slog.Int("code", exitCode(err))}
	if e, ok := errors.AsType[*exitError](err); ok && e.hint != "" {
		attrs = append(attrs, slog.String("hint", e.hint))
	}
	message := printable(strings.ReplaceAll(messageOf(err), "\n", "; "))
	l.plain.LogAttrs(context.Background(), slog.LevelError, message, attrs...)
	return &loggedError{err}
}
