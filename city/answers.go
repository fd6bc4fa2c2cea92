package city

import (
	"container/list"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/citynode/citynode/crdt"
)

// Bounds on the remembered answers. An answer takes about 400 bytes, so all of
// them stay under 16 MiB.
const (
	answersPerCaller = 4096
	answersTotal     = 32768
	answerLife       = 10 * time.Minute
)

// requestDigest tells two requests apart: a hash of the method and the body as
// decoded, without the caller.
type requestDigest [sha256.Size]byte

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
	byID  map[crdt.ID]answer
	order []crdt.ID // oldest first
	use   *list.Element
}

type answer struct {
	digest requestDigest
	at     time.Time
	reply  Reply
}

func newAnswers() *answers {
	return &answers{callers: make(map[string]*callerAnswers), byUse: list.New()}
}

// once runs an order unless its answer is remembered.
func (c *Core) once(now time.Time, caller Caller, digest requestDigest, run func() Reply) Reply {
	if known, ok := c.answers.find(caller, now); ok {
		if known.digest != digest {
			return Reply{
				Summary: c.state.Summary(),
				Err:     refuse(BadRequest, "request id %s was used for another request", caller.Request),
			}
		}
		return known.reply
	}
	reply := run()
	reply.Summary = c.state.Summary()
	if reply.Err == nil {
		c.answers.add(caller, answer{digest: digest, at: now, reply: reply})
	}
	return reply
}

func (a *answers) find(caller Caller, now time.Time) (answer, bool) {
	of, ok := a.callers[caller.Name]
	if !ok {
		return answer{}, false
	}
	known, ok := of.byID[caller.Request]
	if ok && now.Sub(known.at) > answerLife {
		a.dropThrough(of, caller.Request)
		return answer{}, false
	}
	return known, ok
}

// add remembers an answer to what find did not find.
func (a *answers) add(caller Caller, fresh answer) {
	if caller.Name == "" {
		return
	}
	of, ok := a.callers[caller.Name]
	if !ok {
		of = &callerAnswers{name: caller.Name, byID: make(map[crdt.ID]answer)}
		of.use = a.byUse.PushFront(of)
		a.callers[caller.Name] = of
	}
	a.byUse.MoveToFront(of.use)
	of.order = append(of.order, caller.Request)
	of.byID[caller.Request] = fresh
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
	return len(of.order) > 0 && now.Sub(of.byID[of.order[0]].at) > answerLife
}

// dropThrough drops an expired answer and the older ones.
func (a *answers) dropThrough(of *callerAnswers, request crdt.ID) {
	for dropped := false; !dropped; {
		dropped = of.order[0] == request
		a.dropOldest(of)
	}
}

func (a *answers) dropOldest(of *callerAnswers) {
	delete(of.byID, of.order[0])
	of.order = of.order[1:]
	a.total--
	if len(of.order) == 0 {
		a.byUse.Remove(of.use)
		delete(a.callers, of.name)
	}
}

// digestOf hashes the method and the body of an order, each part behind its
// length.
func digestOf(m Message) requestDigest {
	var b []byte
	part := func(p []byte) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	flag := func(v bool) {
		if v {
			part([]byte{1})
			return
		}
		part([]byte{0})
	}
	switch m := m.(type) {
	case Create:
		part([]byte("create"))
		part([]byte(m.HeroName))
		flag(m.Here)
	case Assign:
		part([]byte("assign"))
		part(m.Hero[:])
		part(crdt.AppendEntries(nil, m.With))
		flag(m.Home)
	case Retire:
		part([]byte("retire"))
		part(m.Hero[:])
	}
	return sha256.Sum256(b)
}
