package reconcile

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"testing"

	"github.com/citynode/citynode/crdt"
)

// transcriptsPath is the file of whole sessions that other implementations test
// against; docs/wire/sync.md says what the fields mean.
const transcriptsPath = "../../docs/wire/sessions.json"

// A session is one transcript: what each side held, and every message.
type session struct {
	Name      string `json:"name"`
	Rule      string `json:"rule"`
	Initiator place  `json:"initiator"`
	Responder place  `json:"responder"`
	Lines     []line `json:"lines"`
	// Skipped counts the heroes that were left out, Differed the entries that one
	// side lacked; both sides of a complete session agree.
	Differed uint64 `json:"differed"`
	Skipped  uint64 `json:"skipped"`
}

// A place is one side: what it is at the start, and how the session ends for it.
type place struct {
	Incarnation string `json:"incarnation,omitempty"` // decimal, as all numbers of 64 bits
	Now         string `json:"now,omitempty"`
	Entries     string `json:"entries,omitempty"`    // hex, of an entries map
	PageBytes   int    `json:"page_bytes,omitempty"` // of the pages that it sends
	// Salt is that of an audit that turns out to be needed, Audit that of one after
	// equal summaries, Cursor where an earlier transfer ended; of an initiator.
	Salt   string `json:"salt,omitempty"`
	Audit  string `json:"audit,omitempty"`
	Cursor string `json:"cursor,omitempty"`
	// Scripted says that no correct program says what this side does.
	Scripted bool `json:"scripted,omitempty"`
	// End is complete, unavailable, over or strike; none for a side that is scripted.
	End    string `json:"end,omitempty"`
	Digest string `json:"digest,omitempty"` // of the state at the end
}

// A line is a message, or what happens to a side: after the message before it was
// sent, and before that side takes it.
type line struct {
	From string `json:"from,omitempty"`
	Kind string `json:"kind,omitempty"`
	Hex  string `json:"hex,omitempty"`

	At    string `json:"at,omitempty"`
	Merge string `json:"merge,omitempty"` // entries that come to it from elsewhere
	// Forgets says that it no longer knows what replaced what, Ends that its
	// incarnation has ended.
	Forgets bool `json:"forgets,omitempty"`
	Ends    bool `json:"ends,omitempty"`
}

const (
	initiating = "initiator"
	responding = "responder"
)

// decimal returns a number as the file has it.
func decimal[T ~uint64](n T) string { return strconv.FormatUint(uint64(n), 10) }

func parse(t *testing.T, text string) uint64 {
	t.Helper()
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func entriesIn(t *testing.T, text string) crdt.Entries {
	t.Helper()
	e, err := crdt.DecodeEntries(unhex(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// replica returns the side as it is at the start.
func (p place) replica(t *testing.T) *fakeReplica {
	t.Helper()
	r := newFakeReplica(max(p.PageBytes, 1))
	if p.PageBytes == 0 {
		r.pageBytes = 64 << 10
	}
	r.incarnation, r.now = crdt.Stamp(parse(t, p.Incarnation)), crdt.Stamp(parse(t, p.Now))
	r.horizon = r.now.Add(crdt.FutureSkewMax)
	r.state.Merge(entriesIn(t, p.Entries), crdt.NoHorizon)
	return r
}

func (p place) options(t *testing.T, responder place) Options {
	t.Helper()
	o := Options{Salt: parse(t, p.Salt), Audit: parse(t, p.Audit)}
	if p.Cursor != "" {
		o.Bookmark = Bookmark{
			Incarnation: crdt.Stamp(parse(t, responder.Incarnation)),
			Cursor:      crdt.Cursor(parse(t, p.Cursor)),
		}
	}
	return o
}

// happen does to a replica what a line says.
func (l line) happen(t *testing.T, r *fakeReplica) {
	t.Helper()
	if l.Merge != "" {
		r.state.Merge(entriesIn(t, l.Merge), r.horizon)
	}
	if l.Forgets {
		again := crdt.NewState()
		again.Merge(all(r.state), crdt.NoHorizon)
		r.state = again
	}
	r.ended = r.ended || l.Ends
}

// endOf returns how a session has ended for a side.
func endOf(complete bool, err error) string {
	switch {
	case errors.Is(err, ErrProtocol):
		return "strike"
	case errors.Is(err, ErrUnavailable), errors.Is(err, errFakeEnded), errors.Is(err, ErrEnded):
		return "unavailable"
	case err == nil && complete:
		return "complete"
	default:
		return "over"
	}
}

// A machine is either side of a session: what it says to what it is told.
type machine struct {
	replica  *fakeReplica
	tell     func(Message) (Message, error)
	next     func() (Message, error)
	complete func() bool
	result   func() Result
}

func (s *session) initiatorMachine(t *testing.T) (m machine, first Message, err error) {
	t.Helper()
	r := s.Initiator.replica(t)
	i := NewInitiator(r, s.Initiator.options(t, s.Responder))
	first, err = i.Begin(t.Context())
	return machine{
		replica:  r,
		tell:     func(m Message) (Message, error) { return i.Step(t.Context(), m) },
		next:     func() (Message, error) { return i.Next(t.Context()) },
		complete: func() bool { return i.Result().Complete },
		result:   i.Result,
	}, first, err
}

func (s *session) responderMachine(t *testing.T) machine {
	t.Helper()
	r := s.Responder.replica(t)
	session := NewResponder(r)
	return machine{
		replica:  r,
		tell:     func(m Message) (Message, error) { return session.Step(t.Context(), m) },
		next:     func() (Message, error) { return session.Next(t.Context()) },
		complete: func() bool { return session.Result().Complete },
		result:   session.Result,
	}
}

// replay has one real side live through the lines: it is told what the other side
// says, and must say, byte for byte, what the transcript says that it says.
func (s *session) replay(t *testing.T, own string) {
	t.Helper()
	var (
		m    machine
		said Message // what it has to say now
		err  error
		end  = s.Responder
	)
	if own == initiating {
		m, said, err = s.initiatorMachine(t)
		end = s.Initiator
	} else {
		m = s.responderMachine(t)
	}
	var taken []byte // what it has been sent and has not taken yet
	take := func() {
		if taken == nil || err != nil {
			return
		}
		in, decodeErr := Decode(taken)
		if taken, err = nil, decodeErr; err == nil {
			said, err = m.tell(in)
		}
	}
	for n, l := range s.Lines {
		switch {
		case l.At == own:
			l.happen(t, m.replica)
		case l.From == own:
			if take(); said.IsZero() && err == nil {
				said, err = m.next()
			}
			b, encodeErr := said.Encode()
			if encodeErr != nil || hex.EncodeToString(b) != l.Hex || said.Kind().String() != l.Kind {
				t.Fatalf("line %d: %s says %v (%x, %v), want %s %s", n, own, said, b, err, l.Kind, l.Hex)
			}
			said = Message{}
		case l.From != "":
			if take(); err != nil {
				t.Fatalf("line %d: %s has ended with %v", n, own, err)
			}
			taken = unhex(t, l.Hex)
		}
	}
	take()
	if !said.IsZero() {
		t.Errorf("%s has still to say %v", own, said)
	}
	if more, _ := m.next(); err == nil && !more.IsZero() {
		t.Errorf("%s has still to say %v", own, more)
	}
	if got := endOf(m.complete(), err); got != end.End {
		t.Errorf("%s ends %s with %v, want %s", own, got, err, end.End)
	}
	if got := m.replica.state.Summary().Digest.String(); got != end.Digest {
		t.Errorf("%s holds %s in the end, want %s", own, got, end.Digest)
	}
	if r := m.result(); end.End == "complete" && (r.Differed != s.Differed || r.Skipped != s.Skipped) {
		t.Errorf("%s counts %d differed and %d skipped, want %d and %d", own, r.Differed, r.Skipped, s.Differed, s.Skipped)
	}
}

func TestBothSidesSayWhatTheTranscriptsSay(t *testing.T) {
	text, err := os.ReadFile(transcriptsPath)
	if err != nil {
		t.Fatal(err)
	}
	var sessions []session
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&sessions); err != nil {
		t.Fatal(err)
	}
	replayed := map[string]int{}
	for i := range sessions {
		s := &sessions[i]
		t.Run(s.Name, func(t *testing.T) {
			for side, of := range map[string]place{initiating: s.Initiator, responding: s.Responder} {
				if !of.Scripted {
					s.replay(t, side)
					replayed[side]++
				}
			}
		})
	}
	t.Logf("%d sessions, replayed by a real side: %v", len(sessions), replayed)
}
