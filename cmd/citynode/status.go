package main

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/protocol"
)

// skewTold is how far two clocks may be apart before a person is told.
const skewTold = 10 * time.Second

func newStatus(g *globals) *cobra.Command {
	check := false
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how the node is",
		Long: `Show how the node is: who it is, what it holds, its clock, how many of the
cities that it knows are alive and agree with it, and what is wrong with any of
them: "healthy" and "problems" in JSON, each with what to do.

With --check it prints one line, for a monitor, and exits with 0 if all is well,
with 1 if another city has a problem, or this one has a slight one, with 2 if this
node refuses orders or cannot be reached, with 3 if that is not known, for the
command line is wrong.

The codes of problems: store_fault, clock_doubt, clock_behind, full, draining,
contested, failed, suspect.`,
		Args: exactly(),
		Example: "  citynode status\n  citynode status --check\n" +
			"  citynode status --node /ip4/192.0.2.1/tcp/4001/p2p/12D3Koo… --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.dispatch(cmd, func(ctx context.Context, d dispatcher) error {
				view, err := d.view(ctx)
				if err != nil {
					return err
				}
				problems, err := d.problems(ctx)
				if err != nil {
					return err
				}
				s := toStatusJSON(view, wallClock())
				s.Problems, s.Healthy = toProblemsJSON(problems), len(problems) == 0
				if check {
					return g.printCheck(s, view.info.Now.Time())
				}
				return g.printStatus(s, view.info.Now.Time())
			})
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "print one line, and exit as monitors expect")
	return cmd
}

// problems asks the node what is wrong with any city.
func (d dispatcher) problems(ctx context.Context) (lines []protocol.ProblemLine, err error) {
	err = d.Node().Call(ctx, func(c *protocol.Client) (err error) {
		lines, err = c.Problems(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ask the node for problems: %w", err)
	}
	return lines, nil
}

// A statusJSON is how a node is.
type statusJSON struct {
	Network     string     `json:"network"`
	City        string     `json:"city"`
	Peer        string     `json:"peer"`
	Software    string     `json:"software"`
	Since       string     `json:"since"`
	Incarnation string     `json:"incarnation"`
	Restarts    uint64     `json:"restarts"`
	Heroes      uint64     `json:"heroes"`
	Tombstones  uint64     `json:"tombstones"`
	Digest      string     `json:"digest"`
	Joining     *joinJSON  `json:"joining,omitempty"` // another city's state is coming
	Store       string     `json:"store"`             // "ok", "none", or why it does not work
	Now         string     `json:"now"`               // by the node's clock
	SkewMS      int64      `json:"skew_ms"`           // how far it is ahead of this command's
	ClockDoubt  bool       `json:"clock_doubted"`     // the other cities' clocks are all far behind
	ClockBehind bool       `json:"clock_behind"`      // they are all far ahead
	Skipped     uint64     `json:"skipped"`           // heroes left out so far for their future stamps
	Cities      countsJSON `json:"cities"`            // itself included
	Differing   []string   `json:"differing"`         // cities that are not gone and do not agree with it
	Unknown     []string   `json:"unknown"`           // those of which that is not known
	Agree       bool       `json:"agree"`             // all that are not gone do

	Healthy  bool              `json:"healthy"`  // there are no problems
	Problems []cityProblemJSON `json:"problems"` // of all cities, the node's own first
}

// A joinJSON is how far the transfer of a whole state has come.
type joinJSON struct {
	City    string `json:"city"`
	Entries uint64 `json:"entries"`
	Of      uint64 `json:"of"`
}

func toJoinJSON(j *protocol.Joining) *joinJSON {
	if j == nil {
		return nil
	}
	return &joinJSON{City: j.City, Entries: j.Entries, Of: j.Of}
}

func (j *joinJSON) text() string {
	if j == nil {
		return "none"
	}
	return fmt.Sprintf("%d of about %d entries have come from %s", j.Entries, j.Of, j.City)
}

type countsJSON struct {
	Alive   int `json:"alive"`
	Left    int `json:"left"`
	Suspect int `json:"suspect"`
	Failed  int `json:"failed"`
	Relayed int `json:"relayed"` // heard only through others, and not to be reached
}

func (c countsJSON) text() string {
	text := fmt.Sprintf("%d alive, %d suspect, %d left, %d failed", c.Alive, c.Suspect, c.Left, c.Failed)
	if c.Relayed > 0 {
		text += fmt.Sprintf(", %d heard only through others", c.Relayed)
	}
	return text
}

func toStatusJSON(v view, now time.Time) statusJSON {
	differing, unknown := v.differing()
	return statusJSON{
		Network:     v.info.Network,
		City:        v.info.City,
		Peer:        v.self.String(),
		Software:    v.info.Software,
		Since:       timeText(v.info.Since),
		Incarnation: timeText(v.info.Incarnation),
		Restarts:    v.info.Restarts,
		Heroes:      v.info.Summary.Heroes,
		Tombstones:  v.info.Summary.Tombstones,
		Digest:      v.info.Summary.Digest.String(),
		Joining:     toJoinJSON(v.info.Joining),
		Store:       cmp.Or(v.info.Store, "none"),
		Now:         timeText(v.info.Now),
		SkewMS:      v.info.Now.Time().Sub(now).Milliseconds(),
		ClockDoubt:  v.clockDoubted(),
		ClockBehind: v.clockBehind(),
		Skipped:     v.info.Skipped,
		Cities: countsJSON{
			Alive:   v.count(protocol.StatusAlive),
			Suspect: v.count(protocol.StatusSuspect),
			Left:    v.count(protocol.StatusLeft),
			Failed:  v.count(protocol.StatusFailed),
			Relayed: v.count(protocol.StatusRelayed),
		},
		Differing: differing,
		Unknown:   unknown,
		Agree:     len(differing) == 0 && len(unknown) == 0,
	}
}

func (g *globals) printStatus(s statusJSON, now time.Time) error {
	if g.json {
		return g.printJSON(s)
	}
	fields := []string{
		"city", s.City,
		"network", s.Network,
		"peer", s.Peer,
		"software", s.Software,
		"since", s.Since,
		"started", fmt.Sprintf("%s (%d restarts)", s.Incarnation, s.Restarts),
		"heroes", strconv.FormatUint(s.Heroes, 10),
		"tombstones", strconv.FormatUint(s.Tombstones, 10),
		"digest", s.Digest,
		"transfer", s.Joining.text(),
		"store", s.store(),
		"clock", s.clock(),
		"cities", s.Cities.text(),
		"agreement", s.agreement(),
		"skipped", s.skipped(),
	}
	if s.Healthy {
		fields = append(fields, "problems", "none")
	}
	for _, p := range s.Problems {
		fields = append(fields, "problem", p.text(now)+". To do: "+p.Do)
	}
	return g.printFields(fields...)
}

func (s statusJSON) skipped() string {
	if s.Skipped == 0 {
		return "none"
	}
	return fmt.Sprintf("%d heroes so far, whose stamps were in the future: they are taken when they are due", s.Skipped)
}

func (s statusJSON) store() string {
	switch s.Store {
	case protocol.StoreWorks:
		return "works, what is answered is stored"
	case "none":
		return "none, the state is lost with the process"
	}
	return s.Store + "; own writes are refused until it works: make room on the disk, or see to it, and it goes on by itself"
}

func (s statusJSON) clock() string {
	skew := time.Duration(s.SkewMS) * time.Millisecond
	switch {
	case s.ClockDoubt:
		return s.Now + ", more than a minute ahead of all other cities: it takes its own clock for wrong and refuses own writes; set the clock of this machine"
	case s.ClockBehind:
		return s.Now + ", more than a minute behind all other cities: what they order now it takes only when its own clock shows that time; set the clock of this machine"
	case skew.Abs() >= skewTold:
		return fmt.Sprintf("%s, %v off this machine's", s.Now, skew.Round(time.Second))
	}
	return s.Now
}
