package city

import (
	"container/list"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"github.com/citynode/citynode/crdt"
)

// Bounds on the remembered answers. An answer takes about 400 bytes, so all of
// them stay under 16 MiB.
const (
	answersPerCaller = 4096
	answersTotal     = 32768
)

// AnswersFor is how long a city remembers an answer, within the bounds above: as long
// as any caller tries again. A store that keeps answers keeps them as long.
const AnswersFor = 10 * time.Minute

// RequestDigest tells two requests apart: a hash of the method and the body as
// decoded, without the caller.
type RequestDigest [sha256.Size]byte

// answers remembers what create, assign and retire were answered with code 0,
// so that a retried request changes nothing and gets the same answer.
type answers struct {
	callers map[string]*callerAnswers
	// byUse has the callers, the one that ordered last in front.
	byUse *list.List
	total int
}

type callerAnswers struct {
	name  string
	byID  map[crdt.ID]*answer
	order []given // oldest first
	use   *list.Element
}

// given is when which request was answered: what is asked of the oldest on each
// order, without a look at an answer that nobody has touched for long.
type given struct {
	at      time.Time
	request crdt.ID
}

type answer struct {
	given
	caller string
	digest RequestDigest
	reply  Reply
}

func (a *answer) answered() Answered {
	return Answered{Caller: Caller{Name: a.caller, Request: a.request}, Digest: a.digest, At: a.at, Reply: a.reply}
}

func newAnswers() *answers {
	return &answers{callers: make(map[string]*callerAnswers), byUse: list.New()}
}

// once runs an order unless its answer is remembered. It refuses what would not
// become durable, for what it remembers may not be either.
func (c *Core) once(now time.Time, caller Caller, digest RequestDigest, fx *Effects, run func() Reply) Reply {
	if refusal := c.storing(); refusal != nil {
		return Reply{Summary: c.summary(), Err: refusal}
	}
	if known := c.answers.find(caller, now); known != nil {
		if known.digest != digest {
			return Reply{
				Summary: c.summary(),
				Err:     refuse(BadRequest, "request id %s was used for another request", caller.Request),
			}
		}
		return known.reply
	}
	reply := run()
	reply.Summary = c.summary()
	if reply.Err == nil && caller.Name != "" {
		fx.answered = &answer{given: given{at: now, request: caller.Request}, caller: caller.Name, digest: digest, reply: reply}
		c.answers.add(fx.answered)
	}
	return reply
}

// restore remembers again what is not too old. Of two answers to one request, the
// first of which had been forgotten when it came again, the later counts.
func (a *answers) restore(all []Answered, now time.Time) {
	for i := range all {
		old := &all[i]
		if now.Sub(old.At) > AnswersFor {
			continue
		}
		if known := a.find(old.Caller, now); known != nil {
			if !known.at.Before(old.At) {
				continue
			}
			a.forget(known)
		}
		a.add(&answer{given: given{at: old.At, request: old.Request}, caller: old.Name, digest: old.Digest, reply: old.Reply})
	}
}

// all returns what is remembered: callers in the order of their names, the
// oldest answer of each first.
func (a *answers) all() []Answered {
	all := make([]Answered, 0, a.total)
	for _, name := range slices.Sorted(maps.Keys(a.callers)) {
		of := a.callers[name]
		for _, g := range of.order {
			all = append(all, of.byID[g.request].answered())
		}
	}
	return all
}

// find returns the answer that is remembered, nil if none is.
func (a *answers) find(caller Caller, now time.Time) *answer {
	of, ok := a.callers[caller.Name]
	if !ok {
		return nil
	}
	known, ok := of.byID[caller.Request]
	if ok && now.Sub(known.at) > AnswersFor {
		a.dropThrough(of, known.request)
		return nil
	}
	return known
}

// add remembers an answer to what find did not find.
func (a *answers) add(fresh *answer) {
	of, ok := a.callers[fresh.caller]
	if !ok {
		of = &callerAnswers{name: fresh.caller, byID: make(map[crdt.ID]*answer)}
		of.use = a.byUse.PushFront(of)
		a.callers[fresh.caller] = of
	}
	a.byUse.MoveToFront(of.use)
	of.order = append(of.order, fresh.given)
	of.byID[fresh.request] = fresh
	a.total++
	a.trim(of, fresh.at)
}

// trim drops what is too old or too much: from the caller that just ordered,
// then from the one that has not ordered for longest.
func (a *answers) trim(of *callerAnswers, now time.Time) {
	for len(of.order) > answersPerCaller || of.expired(now) {
		a.dropOldest(of)
	}
	for a.total > answersTotal {
		a.dropOldest(a.byUse.Back().Value.(*callerAnswers))
	}
	if last := a.byUse.Back(); last != nil {
		for idle := last.Value.(*callerAnswers); idle.expired(now); {
			a.dropOldest(idle)
		}
	}
}

func (of *callerAnswers) expired(now time.Time) bool {
	return len(of.order) > 0 && now.Sub(of.order[0].at) > AnswersFor
}

// dropThrough drops an expired answer and the older ones.
func (a *answers) dropThrough(of *callerAnswers, last crdt.ID) {
	for dropped := false; !dropped; {
		dropped = of.order[0].request == last
		a.dropOldest(of)
	}
}

// forget drops one answer, whatever its age.
func (a *answers) forget(known *answer) {
	of := a.callers[known.caller]
	at := slices.Index(of.order, known.given)
	of.order = slices.Insert(slices.Delete(of.order, at, at+1), 0, known.given)
	a.dropOldest(of)
}

// withdraw forgets an answer that was never given, if it is still there.
func (a *answers) withdraw(never *answer) {
	if of, ok := a.callers[never.caller]; ok && of.byID[never.request] == never {
		a.forget(never)
	}
}

func (a *answers) dropOldest(of *callerAnswers) {
	delete(of.byID, of.order[0].request)
	of.order = of.order[1:]
	a.total--
	if len(of.order) == 0 {
		a.byUse.Remove(of.use)
		delete(a.callers, of.name)
	}
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
