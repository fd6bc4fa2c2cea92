package durable

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/store"
)

// TestScripts plays testdata/scripts/*.txt: a machine that is told events one by
// one. What it answers is what is to be done, and then how the present incarnation
// stands. Rewrite what is expected with -rewrite, and read the diff.
//
//	machine [epoch=N] [max=BYTES]
//	time D
//	begin | started | free | tick | stop
//	own N… [of=INCARNATION]        orders that create heroes
//	lazy N… [of=INCARNATION]       heroes that gossip brought
//	committed [err=TEXT | epoch=N]
//	resumed [err=TEXT] [epoch=N]
//	page N… at=N next=N [more] [of=INCARNATION] [answers]
//	nopage | failed                of an error
//	raised N
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		s := &script{now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			return s.run(t, d)
		})
	})
}

type script struct {
	now time.Time
	m   *Machine
}

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	switch d.Cmd {
	case "machine":
		epoch, bytesMax := uint64(1), 0
		d.MaybeScanArgs(t, "epoch", &epoch)
		d.MaybeScanArgs(t, "max", &bytesMax)
		s.m = NewMachine(store.Epoch(epoch), bytesMax)
		return ""
	case "time":
		step, err := time.ParseDuration(d.CmdArgs[0].Key)
		if err != nil {
			t.Fatal(err)
		}
		s.now = s.now.Add(step)
		return ""
	}
	var out strings.Builder
	for _, e := range s.events(t, d) {
		for _, effect := range s.m.Step(s.now, e) {
			fmt.Fprintln(&out, s.describe(effect))
		}
	}
	out.WriteString(s.standing())
	return out.String()
}

func (s *script) events(t *testing.T, d *datadriven.TestData) []Event {
	var text string
	var number, at, next uint64
	of := s.m.Incarnation()
	d.MaybeScanArgs(t, "err", &text)
	d.MaybeScanArgs(t, "epoch", &number)
	d.MaybeScanArgs(t, "of", &of)
	d.MaybeScanArgs(t, "at", &at)
	d.MaybeScanArgs(t, "next", &next)
	var err error
	if text != "" {
		err = errors.New(text)
	}
	switch d.Cmd {
	case "begin":
		return []Event{Begin{}}
	case "started":
		return []Event{Started{}}
	case "free":
		return []Event{Free{}}
	case "tick":
		return []Event{Tick{}}
	case "stop":
		return []Event{Stop{}}
	case "own", "lazy":
		var all []Event
		for _, n := range numbers(d) {
			all = append(all, Append{Incarnation: of, Effects: effectsOf(s.now, n, d.Cmd == "own")})
		}
		return all
	case "committed":
		if number != 0 {
			return []Event{Committed{Err: fmt.Errorf("refused: %w", store.ErrEpoch), Epoch: store.Epoch(number)}}
		}
		return []Event{Committed{Err: err}}
	case "resumed":
		return []Event{Resumed{Err: err, Epoch: store.Epoch(max(number, 1))}}
	case "page":
		page := PageRead{Incarnation: of, At: crdt.Cursor(at), Next: crdt.Cursor(next), More: d.HasArg("more")}
		for _, n := range numbers(d) {
			page.Entries.Heroes = append(page.Entries.Heroes, heroNumber(n))
		}
		if d.HasArg("answers") {
			fx := effectsOf(s.now, 1, true)
			a, _ := fx.Answered()
			page.Answers = []city.Answered{a}
		}
		return []Event{page}
	case "nopage":
		return []Event{PageFailed{Err: errors.New("the city is starting")}}
	case "failed":
		return []Event{Failed{Err: errors.New("no disk")}}
	case "raised":
		return []Event{Raised{Epoch: store.Epoch(numbers(d)[0])}}
	}
	t.Fatalf("unknown command %s", d.Cmd)
	return nil
}

// numbers returns the arguments that are numbers.
func numbers(d *datadriven.TestData) (all []byte) {
	for _, arg := range d.CmdArgs {
		var n byte
		if _, err := fmt.Sscan(arg.Key, &n); err == nil {
			all = append(all, n)
		}
	}
	return all
}

// effectsOf returns the effects of an order of a real core, or of gossip.
func effectsOf(now time.Time, n byte, own bool) city.Effects {
	core := city.NewCore(city.Config{Name: "gotham", Replica: 1}, 1)
	rng := rand.New(rand.NewPCG(1, 1))
	core.Step(now, rng, city.Open{})
	var m city.Message = city.Update{Entries: crdt.Entries{Heroes: []crdt.Hero{heroNumber(n)}}, Source: city.SourceGossip}
	if own {
		m = city.Create{Caller: city.Caller{Name: "alfred", Request: heroID(n)}, HeroName: "Robin"}
	}
	_, fx := core.Step(now, rng, m)
	return fx
}

func TestDeathsThatWaitCountForTheBoundToo(t *testing.T) {
	m := NewMachine(1, crdt.TombstoneSize(crdt.Tombstone{}))
	core := city.NewCore(city.Config{Name: "gotham", Replica: 1}, 1)
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	m.Step(now, Begin{})
	for n := range byte(3) {
		death := crdt.Entries{Tombstones: []crdt.Tombstone{{ID: heroID(n), Version: crdt.Version{HLC: 1}}}}
		_, fx := core.Step(now, nil, city.Update{Entries: death, Source: city.SourceGossip})
		m.Step(now, Append{Incarnation: m.Incarnation(), Effects: fx})
	}
	if !m.log.behind {
		t.Error("more than the bound waits, and nothing was left out")
	}
}

func heroNumber(n byte) crdt.Hero {
	return crdt.Hero{ID: heroID(n), Name: "Robin", Health: 50, Location: crdt.Home, Version: crdt.Version{HLC: 1}}
}

func (s *script) describe(effect Effect) string {
	switch effect := effect.(type) {
	case Commit:
		return "commit " + describeBatch(effect.Batch)
	case ReadPage:
		return fmt.Sprintf("read page at %d of %d", effect.At, effect.Incarnation)
	case Wait:
		return fmt.Sprintf("wait %v", effect.Until.Sub(s.now))
	case FaultBegan:
		return "fault began: " + effect.Err.Error()
	case StayedBehind:
		return "stayed behind: " + effect.Err.Error()
	case Wake:
		return "wake"
	case News:
		return "news"
	case Resume:
		return "resume"
	case FaultEnded:
		return "fault ended"
	case FellBehind:
		return "fell behind"
	}
	return fmt.Sprintf("%T", effect)
}

func describeBatch(b store.Batch) string {
	text := "synced"
	if b.Lazy {
		text = "lazy"
	}
	var ids []string
	for _, h := range b.Entries.Heroes {
		ids = append(ids, fmt.Sprint(h.ID[15]))
	}
	return fmt.Sprintf("%s, epoch %d, heroes [%s], %d answers", text, b.Epoch, strings.Join(ids, " "), len(b.Answers))
}

func (s *script) standing() string {
	if s.m.Incarnation() == 0 {
		return fmt.Sprintf("no incarnation, fault %v\n", s.m.Fault())
	}
	w := s.m.Written(s.m.Incarnation())
	return fmt.Sprintf("durable %d of %d, tried %d, fault %v\n", w.Durable, s.m.Appended(), w.Tried, w.Fault)
}
