package reconcile

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
	"github.com/citynode/citynode/crdt/sketch"
)

// A scenario is what a transcript is made from: what each side holds, what happens
// between the messages, and, of a side that no correct program would be, what it
// says.
type scenario struct {
	name, rule string
	a, b       crdt.Entries // of the initiator, of the responder
	pageBytes  int
	salt       uint64
	audit      uint64
	cursor     func(b *fakeReplica) crdt.Cursor
	// happens has what comes to pass behind the message of that number, from 1.
	happens map[int]line
	// says is all that a scripted initiator says, answers all that a scripted
	// responder says to each message that it answers; both are encoded messages.
	says    func(b *fakeReplica) [][]byte
	answers func(b *fakeReplica, in Message) [][]byte
}

const (
	scenarioNow = crdt.Stamp(0x0198_2f0a_0000_0000)
	hourOf      = crdt.Stamp(3600 * 1000 << 16)
)

// folk are heroes of Paris whose stamps are an hour old, of the IDs from first on.
func folk(first, n int) (e crdt.Entries) {
	for i := range n {
		at := scenarioNow - hourOf + crdt.Stamp(first+i)<<16
		e.Heroes = append(e.Heroes, crdt.Hero{
			ID: crdttest.IDOf(first + i), Name: "Zoë", Location: "paris", Health: uint8(1 + i%100),
			Version: crdt.Version{Assigned: at, Replica: 7, HLC: at + 1},
		})
	}
	return e
}

// graves are deaths of an hour ago.
func graves(first, n int) (e crdt.Entries) {
	for _, h := range folk(first, n).Heroes {
		e.Tombstones = append(e.Tombstones, crdt.Tombstone{ID: h.ID, Version: h.Version})
	}
	return e
}

// healed are the same heroes, written again since.
func healed(e crdt.Entries) (later crdt.Entries) {
	for _, h := range e.Heroes {
		h.Health, h.Version.HLC = 100, h.Version.HLC+1<<16
		later.Heroes = append(later.Heroes, h)
	}
	return later
}

// early is a hero that nobody takes yet.
func early(first int) crdt.Entries {
	e := folk(first, 1)
	e.Heroes[0].Version.HLC = scenarioNow + 61*1000<<16
	return e
}

func mergedEntries(parts ...crdt.Entries) (all crdt.Entries) {
	for _, e := range parts {
		all.Append(e)
	}
	return all
}

func encoded(messages ...Message) (all [][]byte) {
	for _, m := range messages {
		b, err := m.Encode()
		if err != nil {
			panic(err)
		}
		all = append(all, b)
	}
	return all
}

func inHex(e crdt.Entries) string { return hex.EncodeToString(crdt.AppendEntries(nil, e)) }

func helloOf(r *fakeReplica) Hello {
	return Hello{Incarnation: r.incarnation, Summary: r.state.Summary(), Now: r.now}
}

// honest are sessions of two correct sides.
func honest() []scenario {
	one, other := crdttest.Twins()
	base := folk(0, 20)
	return []scenario{
		{name: "equal", rule: "equal summaries end a session with same", a: base, b: base},
		{name: "both empty", rule: "two new cities are equal", a: crdt.Entries{}, b: crdt.Entries{}},
		{
			name: "a few differences", rule: "the sample alone shows up to about 16 differences; of two versions the greater is sent on",
			a: mergedEntries(base, folk(100, 2), graves(110, 1)), b: mergedEntries(base, folk(200, 3), healed(folk(5, 1))),
		},
		{name: "a new city", rule: "the initiator has nothing", a: crdt.Entries{}, b: mergedEntries(folk(0, 4), graves(50, 2))},
		{name: "a new responder", rule: "the responder has nothing", a: mergedEntries(folk(0, 4), graves(50, 2)), b: crdt.Entries{}},
		{
			name: "a sketch", rule: "more differences take a sketch, as long as the estimate says",
			a: mergedEntries(folk(0, 60), folk(100, 25)), b: mergedEntries(folk(0, 60), folk(200, 25)),
		},
		{
			name: "a sketch too short", rule: "a sketch that does not decode is asked for again, longer",
			a: mergedEntries(folk(0, 30), folk(13_395, 9)), b: mergedEntries(folk(0, 30), folk(3_395, 9)), // found by trying
		},
		{
			name: "a whole state", rule: "where most differs a state comes whole: one pull is answered by all pages, one after another",
			a: folk(500, 3), b: mergedEntries(graves(0, 140), folk(600, 10)), pageBytes: 2048,
		},
		{
			name: "a whole state, from a cursor", rule: "a transfer that was cut goes on where it ended",
			a: graves(0, 60), b: graves(0, 220), pageBytes: 2048,
			cursor: func(b *fakeReplica) crdt.Cursor {
				_, _, next, _ := b.state.AppendPage(nil, 0, 2048)
				return next
			},
		},
		{
			name: "two whole states", rule: "what is still too much after the pull is pushed whole",
			a: graves(0, 220), b: graves(1000, 220), pageBytes: 8192,
		},
		{
			name: "replaced meanwhile", rule: "an entry that was replaced since the sketch is answered with what replaced it",
			a: base, b: mergedEntries(base, folk(100, 2)),
			happens: map[int]line{2: {At: responding, Merge: inHex(healed(folk(100, 1)))}},
		},
		{
			name: "unknown meanwhile", rule: "an entry that was replaced, and nobody knows by what, is counted, and looked for in another round",
			a: base, b: mergedEntries(base, folk(100, 2)),
			happens: map[int]line{2: {At: responding, Merge: inHex(healed(folk(100, 1))), Forgets: true}},
		},
		{
			name: "future heroes", rule: "a hero that is more than 60 s ahead is skipped where it comes, and not pushed to who would skip it",
			a: mergedEntries(base, early(100)), b: mergedEntries(base, early(200), folk(210, 1)),
		},
		{
			name: "an audit of a part", rule: "after same an audit of one part of 64 may follow; here it finds nothing",
			a: folk(0, 100), b: folk(0, 100), audit: 0x0123456789abcdef,
		},
		{
			name: "an audit of all", rule: "two entries with one symbol hide each other in the sketch: an audit of all IDs finds them",
			a: mergedEntries(base, crdt.Entries{Tombstones: []crdt.Tombstone{one}}), b: mergedEntries(base, crdt.Entries{Tombstones: []crdt.Tombstone{other}}),
			salt: 0xfedcba9876543210,
		},
		{
			name: "unavailable at once", rule: "a city that is starting answers unavailable",
			a: base, b: base, happens: map[int]line{1: {At: responding, Ends: true}},
		},
		{
			name: "unavailable in the end", rule: "a responder whose incarnation has ended answers unavailable, also to done",
			a: base, b: mergedEntries(base, folk(100, 2)), happens: map[int]line{4: {At: responding, Ends: true}},
		},
	}
}

// hostile are sessions with a side that no correct program is.
func hostile() []scenario {
	base, more := folk(0, 20), folk(0, 22)
	responder := func(name, rule string, a, b crdt.Entries, answers func(b *fakeReplica, in Message) [][]byte) scenario {
		return scenario{name: name, rule: rule, a: a, b: b, answers: answers}
	}
	initiator := func(name, rule string, says func(b *fakeReplica) [][]byte) scenario {
		return scenario{name: name, rule: rule, a: base, b: more, says: says}
	}
	greeting := func(b *fakeReplica) Message {
		return Message{kind: KindHello, hello: Hello{Incarnation: 3, Summary: crdt.Summary{Heroes: 1}, Now: b.now}}
	}
	// begins has a scripted initiator say its hello and then something.
	begins := func(then ...Message) func(b *fakeReplica) [][]byte {
		return func(b *fakeReplica) [][]byte { return encoded(append([]Message{greeting(b)}, then...)...) }
	}
	differ := func(b *fakeReplica) Message {
		return Message{kind: KindDiffer, hello: helloOf(b), prefix: sketch.AppendSample(nil, b.state.AppendCells(nil, sketch.CellsMin))}
	}
	// answersTo has a scripted responder answer hello as it should, and then once as
	// it likes.
	answersTo := func(f func(b *fakeReplica, in Message) Message) func(b *fakeReplica, in Message) [][]byte {
		return func(b *fakeReplica, in Message) [][]byte {
			if in.kind == KindHello {
				return encoded(differ(b))
			}
			return encoded(f(b, in))
		}
	}
	return []scenario{
		responder("same, and they differ", "same is for equal summaries", base, more, func(b *fakeReplica, _ Message) [][]byte {
			return encoded(Message{kind: KindSame, hello: helloOf(b)})
		}),
		responder("differ, and they are equal", "differ is for different summaries", base, base, func(b *fakeReplica, _ Message) [][]byte {
			return encoded(differ(b))
		}),
		responder("a sample too short", "a sample has 576 bytes", base, more, func(b *fakeReplica, _ Message) [][]byte {
			m := differ(b)
			m.prefix = m.prefix[1:]
			return encoded(m)
		}),
		responder("a claim beyond all bounds", "a summary has at most 2^32 heroes", base, more, func(b *fakeReplica, _ Message) [][]byte {
			m := differ(b)
			m.hello.Summary.Heroes = claimMax + 1
			return encoded(m)
		}),
		responder("a sketch of other entries", "what one side has more of must be in the difference", base, more, func(b *fakeReplica, _ Message) [][]byte {
			m := differ(b)
			m.hello.Summary.Heroes += 5
			return encoded(m)
		}),
		responder("an entry that was not asked for", "an entry of found has a symbol that was wanted", base, more,
			answersTo(func(b *fakeReplica, _ Message) Message {
				return Message{kind: KindFound, incarnation: b.incarnation, entries: folk(5, 1)}
			})),
		responder("not all that was asked for", "for each symbol there is an entry, a replacement or one unknown", base, more,
			answersTo(func(b *fakeReplica, _ Message) Message {
				return Message{kind: KindFound, incarnation: b.incarnation, entries: folk(20, 1)}
			})),
		responder("found by another incarnation", "an answer of another incarnation ends the session; nobody is blamed", base, more,
			answersTo(func(b *fakeReplica, _ Message) Message {
				return Message{kind: KindFound, incarnation: b.incarnation + 1, entries: folk(20, 2)}
			})),
		responder("more cells than asked for", "no more cells are sent than were asked for",
			mergedEntries(folk(0, 60), folk(100, 25)), mergedEntries(folk(0, 60), folk(200, 25)),
			answersTo(func(b *fakeReplica, in Message) Message {
				return Message{kind: KindSketch, hello: helloOf(b), prefix: sketch.AppendPrefix(nil, b.state.AppendCells(nil, int(in.cells)+1))}
			})),
		responder("a page that leads to itself", "a page that is not the last gives another cursor", crdt.Entries{}, graves(0, 200),
			answersTo(func(b *fakeReplica, in Message) Message {
				return Message{kind: KindPage, incarnation: b.incarnation, entries: graves(0, 1), cursor: in.cursor, more: true}
			})),
		responder("an empty page before the last", "a page that is not the last has entries", crdt.Entries{}, graves(0, 200),
			answersTo(func(b *fakeReplica, _ Message) Message {
				return Message{kind: KindPage, incarnation: b.incarnation, cursor: 5, more: true}
			})),
		responder("more changed than was sent", "changed is at most what the other side has sent", more, base,
			answersTo(func(b *fakeReplica, _ Message) Message {
				return Message{kind: KindAgreed, incarnation: b.incarnation, changed: 3}
			})),
		initiator("a push before hello", "nothing comes before hello", func(*fakeReplica) [][]byte {
			return encoded(Message{kind: KindPush, entries: base})
		}),
		initiator("two hellos", "a session has one hello", begins(Message{kind: KindHello, hello: Hello{Incarnation: 3}})),
		initiator("an answer from the initiator", "found is the responder's", begins(Message{kind: KindFound})),
		initiator("an empty push", "a push has entries", begins(Message{kind: KindPush})),
		initiator("no cells", "an ask is for 1 to 2^20 cells", begins(Message{kind: KindAsk})),
		initiator("too many cells", "an ask is for 1 to 2^20 cells", begins(Message{kind: KindAsk, cells: cellsMax + 1})),
		initiator("no symbols", "a want has 1 to 16,384 symbols", begins(Message{kind: KindWant})),
		initiator("more changed than was received", "changed is at most what the other side has sent", begins(Message{kind: KindDone, changed: 1})),
		initiator("no message", "a message of an unknown kind is a violation", func(b *fakeReplica) [][]byte {
			return append(encoded(greeting(b)), []byte{0xa1, 0x01, 0x0e})
		}),
	}
}

// record plays a scenario and returns its transcript.
func (sc *scenario) record(t *testing.T) session {
	t.Helper()
	s := session{
		Name: sc.name, Rule: sc.rule,
		Initiator: place{Incarnation: decimal(scenarioNow - 5*hourOf), Now: decimal(scenarioNow), Entries: inHex(sc.a)},
		Responder: place{Incarnation: decimal(scenarioNow - 9*hourOf), Now: decimal(scenarioNow + 7), Entries: inHex(sc.b), PageBytes: sc.pageBytes},
	}
	s.Initiator.PageBytes = sc.pageBytes
	if sc.salt != 0 {
		s.Initiator.Salt = decimal(sc.salt)
	}
	if sc.audit != 0 {
		s.Initiator.Audit = decimal(sc.audit)
	}
	if sc.cursor != nil {
		s.Initiator.Cursor = decimal(sc.cursor(s.Responder.replica(t)))
	}
	r := recording{t: t, scenario: sc, session: &s}
	r.play()
	return s
}

// A recording writes down a session as it is played.
type recording struct {
	t        *testing.T
	scenario *scenario
	session  *session
	a, b     machine
	messages int
}

// note writes down a message and what happens behind it.
func (r *recording) note(from string, b []byte) {
	l := line{From: from, Hex: hex.EncodeToString(b)}
	if m, err := Decode(b); err == nil {
		l.Kind = m.kind.String()
	}
	r.session.Lines = append(r.session.Lines, l)
	r.messages++
	if e, ok := r.scenario.happens[r.messages]; ok {
		r.session.Lines = append(r.session.Lines, e)
		e.happen(r.t, map[string]machine{initiating: r.a, responding: r.b}[e.At].replica)
	}
}

// play has both sides talk until one has nothing more to say.
func (r *recording) play() {
	s := r.session
	var out Message
	var errA, errB error
	r.a, out, errA = s.initiatorMachine(r.t)
	r.b = s.responderMachine(r.t)
	switch {
	case r.scenario.says != nil:
		errB = r.playScript()
	default:
		errA, errB = r.talk(out, errA)
	}
	s.Initiator.Scripted, s.Responder.Scripted = r.scenario.says != nil, r.scenario.answers != nil
	if !s.Initiator.Scripted {
		s.Initiator.End, s.Initiator.Digest = endOf(r.a.complete(), errA), r.a.replica.state.Summary().Digest.String()
	}
	if !s.Responder.Scripted {
		s.Responder.End, s.Responder.Digest = endOf(r.b.complete(), errB), r.b.replica.state.Summary().Digest.String()
	}
	if s.Initiator.End == "complete" {
		s.Differed, s.Skipped = r.a.result().Differed, r.a.result().Skipped
	}
}

// playScript has a responder told all that a scripted initiator says.
func (r *recording) playScript() (err error) {
	for _, b := range r.scenario.says(r.b.replica) {
		r.note(initiating, b)
		in, decodeErr := Decode(b)
		if decodeErr != nil {
			return decodeErr
		}
		var out Message
		for out, err = r.b.tell(in); err == nil && !out.IsZero(); out, err = r.b.next() {
			r.note(responding, encoded(out)[0])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// talk has the initiator and a responder, real or scripted, talk to their end.
func (r *recording) talk(out Message, errA error) (_, errB error) {
	var next Message // what the initiator says to the answer
	answered := false
	hear := func(b []byte) {
		r.note(responding, b)
		in, err := Decode(b)
		if err == nil {
			next, err = r.a.tell(in)
		}
		errA, answered = err, true
	}
	for errA == nil && errB == nil && !out.IsZero() {
		r.note(initiating, encoded(out)[0])
		next, answered = Message{}, false
		if r.scenario.answers != nil {
			r.answerByScript(out, hear)
		} else {
			errB = r.answer(throughWire(out), hear)
		}
		if out = next; !answered && errA == nil {
			out, errA = r.a.next()
		}
	}
	return errA, errB
}

// answer has the real responder answer, and the initiator hear it.
func (r *recording) answer(in Message, hear func([]byte)) error {
	answer, err := r.b.tell(in)
	for !answer.IsZero() {
		hear(encoded(answer)[0])
		if err != nil {
			return err
		}
		answer, err = r.b.next()
	}
	return err
}

// answerByScript does what answer does, of a scripted responder.
func (r *recording) answerByScript(in Message, hear func([]byte)) {
	if in.kind == KindPush {
		return
	}
	for _, b := range r.scenario.answers(r.b.replica, in) {
		hear(b)
	}
}

func TestTheTranscriptsAreWhatTheMachinesSay(t *testing.T) {
	var all []session
	for _, sc := range slices.Concat(honest(), hostile()) {
		all = append(all, sc.record(t))
	}
	var want bytes.Buffer
	e := json.NewEncoder(&want)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(all); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(transcriptsPath, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(transcriptsPath)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%s is not what the machines say; go test -run %s -update", transcriptsPath, t.Name())
	}
	for i := range all {
		t.Logf("%-36s %2d lines, %s and %s", all[i].Name, len(all[i].Lines), all[i].Initiator.End, all[i].Responder.End)
	}
}
