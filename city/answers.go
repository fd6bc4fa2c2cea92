package city

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
	"time"

	"github.com/citynode/citynode/crdt"
)

// AnswersFor is how long a city remembers its answers to create, assign and retire, of its
// running time, from the answer or from the city's last start, while there is room. The
// room is [AnswerBytesAdmin] for each admin, [AnswerBytesConnected] for all other callers
// that have a connection, and [AnswerBytesOthers] for all the rest; what a start reads
// back has as much until its caller is there again. Where the room is full, the caller with
// the most answers gives way, so each of n has an n-th of it at least. A bomb, and a crash
// of a city that stores nothing, end the memory. A clock that is set does not move running
// time. Ten minutes are longer than any caller of this project tries again.
const AnswersFor = 10 * time.Minute

// RequestDigest tells two requests apart: a hash of the method and the body as
// decoded, without the caller.
type RequestDigest [sha256.Size]byte

// answers remembers what create, assign and retire were answered with code 0,
// so that a retried request changes nothing and gets the same answer. What it holds
// beyond a share or for too long it forgets, the oldest of a caller first.
type answers struct {
	ran     time.Duration // running time of the city
	next    uint64        // the number of the next answer
	callers map[string]*callerAnswers
	admins  map[string]bool
	// connected is the share of callers that have a connection, others that of all
	// other strangers. In restored are those that were read back at a start, until the
	// caller orders again: at a start nobody is connected.
	connected, others, restored *share
	// oldest and newest are the ends of the list of all answers.
	oldest, newest *answer
	// forgotten has the numbers of answers of which no journal has been told.
	forgotten []uint64
}

// callerAnswers are the answers to one caller.
type callerAnswers struct {
	name  string
	byID  map[crdt.ID]*answer
	order []*answer // oldest first
	bytes int
	share *share
	index int // in share.callers
}

// notGiven is the time of an answer that waits for the disk. It is not too old however long
// that takes, for the caller has yet to hear it.
const notGiven time.Duration = math.MaxInt64

type answer struct {
	number       uint64
	at           time.Duration // of running time: when it was given, or read back; notGiven before
	caller       *callerAnswers
	request      crdt.ID
	digest       RequestDigest
	reply        Reply
	older, newer *answer
}

func (a *answer) answered() Answered {
	return Answered{Caller: Caller{Name: a.caller.name, Request: a.request}, Digest: a.digest, Number: a.number, Reply: a.reply}
}

// newAnswers returns a memory without answers. Each of the admins has a share for
// itself.
func newAnswers(admins []string) *answers {
	a := &answers{
		next:      1,
		callers:   make(map[string]*callerAnswers),
		admins:    make(map[string]bool),
		connected: newShare(AnswerBytesConnected),
		others:    newShare(AnswerBytesOthers),
		restored:  newShare(AnswerBytesConnected + AnswerBytesOthers),
	}
	for _, name := range admins {
		a.admins[name] = true
	}
	return a
}

// once runs an order unless its answer is remembered. It refuses what would not
// become durable, for what it remembers may not be either.
func (c *Core) once(caller Caller, digest RequestDigest, fx *Effects, run func() Reply) Reply {
	if refusal := c.storing(); refusal != nil {
		return Reply{Summary: c.summary(), Err: refusal}
	}
	if known := c.answers.find(caller); known != nil {
		if known.digest != digest {
			return Reply{
				Summary: c.summary(),
				Err:     refuse(BadRequest, "request id %s was used for another request", caller.Request),
			}
		}
		fx.repeated = known
		return known.reply
	}
	reply := run()
	reply.Summary = c.summary()
	if reply.Err == nil && caller.Name != "" {
		fx.answered = c.answers.add(caller, c.answers.next, digest, reply)
		if c.overlay != nil {
			fx.answered.at = notGiven
		}
		fx.forgotten = c.answers.takeForgotten()
	}
	return reply
}

// restore remembers again what a store held, in the order in which it was given. Of two
// answers to one request, the first of which had been forgotten when it came again, the
// later counts.
func (a *answers) restore(all []Answered) {
	for i := range all {
		old := &all[i]
		if known := a.find(old.Caller); known != nil {
			a.forget(known)
		}
		a.enter(a.callerOf(old.Name, a.restored), old.Request, old.Number, old.Digest, old.Reply)
	}
}

// all returns what is remembered, the oldest first.
func (a *answers) all() []Answered {
	var all []Answered
	for known := a.oldest; known != nil; known = known.newer {
		all = append(all, known.answered())
	}
	return all
}

// find returns the answer that is remembered, nil if none is. A caller that is connected
// has its answers in that share from now on.
func (a *answers) find(caller Caller) *answer {
	a.expire()
	of, ok := a.callers[caller.Name]
	if !ok {
		return nil
	}
	known := of.byID[caller.Request]
	if known != nil && caller.Connected {
		a.settle(of, a.connected)
	}
	return known
}

// add remembers an answer to what find did not find.
func (a *answers) add(caller Caller, number uint64, digest RequestDigest, reply Reply) *answer {
	share := a.others
	if caller.Connected {
		share = a.connected
	}
	of := a.callerOf(caller.Name, share)
	a.settle(of, share)
	return a.enter(of, caller.Request, number, digest, reply)
}

// enter puts an answer where find finds it, and makes room for it.
func (a *answers) enter(of *callerAnswers, request crdt.ID, number uint64, digest RequestDigest, reply Reply) *answer {
	fresh := &answer{number: number, at: a.ran, caller: of, request: request, digest: digest, reply: reply, older: a.newest}
	if a.newest == nil {
		a.oldest = fresh
	} else {
		a.newest.newer = fresh
	}
	a.newest = fresh
	a.next = max(a.next, number+1)
	of.order = append(of.order, fresh)
	of.byID[fresh.request] = fresh
	of.grow(fresh.bytes())
	a.trim(of.share)
	return fresh
}

// trim forgets what a share has no room for.
func (a *answers) trim(s *share) {
	for s.bytes > s.bytesMax {
		a.forget(s.callers[0].order[0])
	}
}

// callerOf returns the answers to a caller. One that is new has the share, an admin a
// share of its own.
func (a *answers) callerOf(name string, first *share) *callerAnswers {
	of, known := a.callers[name]
	if known {
		return of
	}
	if a.admins[name] {
		first = newShare(AnswerBytesAdmin)
	}
	of = &callerAnswers{name: name, byID: make(map[crdt.ID]*answer)}
	a.callers[name] = of
	of.move(first)
	return of
}

// settle moves the answers to a caller into a share, but for an admin's. Who is connected
// stays so until it has departed.
func (a *answers) settle(of *callerAnswers, share *share) {
	if of.share == share || of.share == a.connected || of.share != a.others && of.share != a.restored {
		return
	}
	of.move(share)
	a.trim(share)
}

// departed moves the answers to a caller that has no connection any more to the share of
// all others.
func (a *answers) departed(name string) {
	if of, ok := a.callers[name]; ok && of.share == a.connected {
		of.move(a.others)
		a.trim(a.others)
	}
}

// given notes that an answer is given now, which is remembered for so long from now on.
// Answers are given in the order of their numbers, so the list stays in that of their times.
func (a *answers) given(now *answer) { now.at = a.ran }

// expire forgets what is too old.
func (a *answers) expire() {
	for a.oldest != nil && a.ran-a.oldest.at > AnswersFor {
		a.forget(a.oldest)
	}
}

// forget drops an answer.
func (a *answers) forget(known *answer) {
	of := known.caller
	if of.order[0] == known {
		of.order[0] = nil
		of.order = of.order[1:]
	} else {
		of.order = slices.DeleteFunc(of.order, func(other *answer) bool { return other == known })
	}
	delete(of.byID, known.request)
	of.grow(-known.bytes())
	if len(of.order) == 0 {
		of.share.remove(of)
		delete(a.callers, of.name)
	}
	a.unlink(known)
	a.forgotten = append(a.forgotten, known.number)
}

// unlink takes an answer out of the list of all.
func (a *answers) unlink(known *answer) {
	if known.older == nil {
		a.oldest = known.newer
	} else {
		known.older.newer = known.newer
	}
	if known.newer == nil {
		a.newest = known.older
	} else {
		known.newer.older = known.older
	}
}

// withdraw forgets an answer that was never given, if it is still there.
func (a *answers) withdraw(never *answer) {
	if never.caller.byID[never.request] == never {
		a.forget(never)
	}
}

// takeForgotten returns the numbers of the answers that were forgotten since it was
// called last.
func (a *answers) takeForgotten() []uint64 {
	some := a.forgotten
	a.forgotten = nil
	return some
}

// digestBytesHint is as much as most orders take to be hashed.
const digestBytesHint = 256

// digestOf hashes the method and the body of an order, each part behind its
// length.
func digestOf(m Message) RequestDigest {
	var room [digestBytesHint]byte
	b := room[:0]
	switch m := m.(type) {
	case Create:
		b = appendPart(b, "create")
		b = appendPart(b, m.HeroName)
		b = appendFlag(b, m.Here)
	case Assign:
		b = appendPart(b, "assign")
		b = appendPart(b, m.Hero[:])
		b = appendEntriesPart(b, m.With)
		b = appendFlag(b, m.Home)
	case Retire:
		b = appendPart(b, "retire")
		b = appendPart(b, m.Hero[:])
	}
	return sha256.Sum256(b)
}

func appendPart[T string | []byte](b []byte, part T) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(part))), part...)
}

func appendEntriesPart(b []byte, e crdt.Entries) []byte {
	start := len(b)
	b = crdt.AppendEntries(append(b, 0, 0, 0, 0), e)
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-4))
	return b
}

func appendFlag(b []byte, set bool) []byte {
	if set {
		return appendPart(b, "\x01")
	}
	return appendPart(b, "\x00")
}
