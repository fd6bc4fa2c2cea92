package city

import (
	"encoding/binary"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
)

// orderer gives orders to a city and sends them again.
type orderer struct {
	t    testing.TB
	core *Core
	now  time.Time
}

func newOrderer(t testing.TB, admins ...string) *orderer {
	core := NewCore(Config{Name: "gotham", Replica: 1, Admins: admins}, 1)
	core.open = true
	core.newcomers.strangers = core.newcomers.knowns // a test gives more orders than strangers may
	return &orderer{t: t, core: core, now: scriptStart}
}

func numberedID(n int) (id crdt.ID) {
	binary.BigEndian.PutUint64(id[:], 1)
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return id
}

// create orders the n-th hero of a caller, and reports whether the city carried it out
// rather than answered from memory.
func (o *orderer) create(caller string, connected bool, n int) (carriedOut bool) {
	o.t.Helper()
	id := numberedID(n)
	copy(id[1:], caller)
	who := Caller{Name: caller, Connected: connected, Request: id}
	reply, fx := o.core.Step(o.now, nil, Create{Caller: who, HeroName: "Robin"})
	if reply.Err != nil {
		o.t.Fatal(reply.Err)
	}
	_, answered := fx.Answered()
	return answered
}

func (o *orderer) remembers(caller string, n int) bool {
	id := numberedID(n)
	copy(id[1:], caller)
	return o.core.answers.find(Caller{Name: caller, Request: id}) != nil
}

// fill has a caller give as many orders as the share of all others has room for.
func (o *orderer) fill(caller string, connected bool, bytes int) {
	for n := range bytes/answerBytes + 1 {
		o.create(caller, connected, n)
	}
}

// small gives the shares room for so many answers to orders of this test.
func (o *orderer) small(connected, others int) {
	one := answerBytes + len("Robin")
	o.core.answers.connected.bytesMax, o.core.answers.others.bytesMax = connected*one, others*one
}

// README tells users how many answers there is room for.
func TestTheRoomForAnswersIsAsLargeAsUsersAreTold(t *testing.T) {
	const in16MiB = 37_000
	for _, c := range []struct {
		caller    string
		connected bool
		answers   int
	}{
		{"operator", true, in16MiB},
		{"caller", true, 2 * in16MiB},
		{"stranger", false, in16MiB},
	} {
		o := newOrderer(t, "operator")
		for n := range c.answers {
			o.create(c.caller, c.connected, n)
			if n%1000 == 0 {
				o.now = o.now.Add(time.Second)
			}
		}
		if !o.remembers(c.caller, 0) {
			t.Errorf("the first of %d answers to the %s is forgotten", c.answers, c.caller)
		}
	}
}

func TestNobodyTakesTheShareOfAnother(t *testing.T) {
	o := newOrderer(t, "admin", "operator")
	o.create("admin", true, 1)
	o.create("connected", true, 1)
	o.create("stranger", false, 1)
	o.fill("busy stranger", false, AnswerBytesOthers)
	if !o.remembers("stranger", 1) || !o.remembers("connected", 1) || !o.remembers("admin", 1) || o.remembers("busy stranger", 0) {
		t.Error("a busy stranger must take its own room alone")
	}
	o.fill("operator", true, AnswerBytesAdmin)
	o.fill("busy", true, AnswerBytesConnected)
	if !o.remembers("connected", 1) || !o.remembers("admin", 1) || o.remembers("busy", 0) || o.remembers("operator", 0) {
		t.Error("a busy caller must take its own room alone")
	}
}

func TestAnAdminNeedsNoRoomOfOthers(t *testing.T) {
	o := newOrderer(t, "admin")
	o.small(2, 2)
	for n := range 10 {
		o.create("admin", n%2 == 0, n)
	}
	if !o.remembers("admin", 0) {
		t.Error("the room of others was counted")
	}
}

func TestOfThoseThatAreConnectedWhoHasMostGivesWay(t *testing.T) {
	o := newOrderer(t)
	o.small(10, 10)
	for n := range 7 {
		o.create("busy", true, n)
	}
	for n := range 4 {
		o.create("calm", true, n)
	}
	for n := range 7 {
		if want := n >= 1; o.remembers("busy", n) != want {
			t.Errorf("order %d of the busy one: remembered %t, want %t", n, !want, want)
		}
	}
	for n := range 4 {
		if !o.remembers("calm", n) {
			t.Errorf("order %d of the calm one is forgotten", n)
		}
	}
}

func TestOfThoseThatHaveAsMuchWhoseAnswersAreOlderGivesWay(t *testing.T) {
	o := newOrderer(t)
	o.small(3, 3)
	for n := range 2 {
		o.create("first", true, n)
	}
	for n := range 2 {
		o.create("second", true, n)
	}
	if o.remembers("first", 0) || !o.remembers("first", 1) || !o.remembers("second", 0) {
		t.Error("the oldest of all must give way")
	}
}

func TestWhoDepartsSharesWithAllOthersUntilItIsBack(t *testing.T) {
	o := newOrderer(t)
	o.small(10, 4)
	for n := range 3 {
		o.create("gone", true, n)
	}
	o.create("other", false, 0)
	o.create("other", false, 1)
	o.core.Step(o.now, nil, Departed{Name: "gone"})
	if o.remembers("gone", 0) || !o.remembers("gone", 1) || !o.remembers("other", 0) {
		t.Error("who has the most must give way, its oldest answer first")
	}
	if o.create("gone", true, 2) { // it is back, and only tries again
		t.Error("it was carried out again")
	}
	for n := range 9 {
		o.create(fmt.Sprint("newcomer ", n), false, 0)
	}
	if !o.remembers("gone", 1) {
		t.Error("its answers have not come back with it")
	}
}

func TestWhoIsBackMakesRoomAmongThoseThatAreConnected(t *testing.T) {
	o := newOrderer(t)
	o.small(3, 10)
	for n := range 5 {
		o.create("stranger", false, n)
	}
	o.create("calm", true, 0)
	o.create("stranger", true, 4) // it is connected, and only tries again
	if c := o.core.answers.connected; c.bytes > c.bytesMax {
		t.Errorf("%d bytes are held in a share of %d", c.bytes, c.bytesMax)
	}
	if !o.remembers("calm", 0) || !o.remembers("stranger", 4) || o.remembers("stranger", 0) {
		t.Error("the oldest of who has most must give way")
	}
}

func TestAnAdminThatDepartsKeepsItsOwnRoom(t *testing.T) {
	o := newOrderer(t, "admin")
	o.small(2, 2)
	for n := range 3 {
		o.create("admin", true, n)
	}
	o.core.Step(o.now, nil, Departed{Name: "admin"})
	o.create("other", false, 0)
	if !o.remembers("admin", 0) || !o.remembers("admin", 2) || !o.remembers("other", 0) {
		t.Error("an admin must not share with all others")
	}
}

func TestAnAnswerIsWithdrawnOnce(t *testing.T) {
	o := newOrderer(t)
	o.create("alfred", true, 1)
	id := numberedID(1)
	copy(id[1:], "alfred")
	never := o.core.answers.find(Caller{Name: "alfred", Request: id})
	o.create("alfred", true, 2)
	o.core.answers.withdraw(never)
	o.core.answers.withdraw(never)
	if o.remembers("alfred", 1) || !o.remembers("alfred", 2) || len(o.core.answers.takeForgotten()) != 1 {
		t.Error("one answer alone must be forgotten, once")
	}
}

func TestARestartTakesNobodysRoom(t *testing.T) {
	o := newOrderer(t)
	o.small(10, 4)
	for n := range 9 {
		o.create("busy", true, n)
	}
	o.create("calm", true, 0)
	for n := range 4 {
		o.create("stranger", false, n)
	}
	again := newOrderer(t)
	again.small(10, 4)
	again.core.answers.restored.bytesMax = again.core.answers.connected.bytesMax + again.core.answers.others.bytesMax
	again.core.Step(again.now, nil, Remember{Answers: o.core.Answers()})
	if got, want := len(again.core.Answers()), 14; got != want {
		t.Errorf("%d answers came back, want all %d", got, want)
	}
	for n := range 20 {
		again.create("newcomer", false, n)
	}
	if again.create("calm", true, 0) {
		t.Error("it was carried out again")
	}
}

func TestAnswersAgeByRunningTimeWhateverTheClockShows(t *testing.T) {
	o := newOrderer(t)
	o.create("alfred", true, 1)
	o.now = o.now.Add(11 * time.Minute)
	o.core.Ran(AnswersFor)
	if o.create("alfred", true, 1) {
		t.Error("a clock that jumped ahead made the city forget")
	}
	o.now = o.now.Add(-time.Hour)
	o.core.Ran(AnswersFor + 1)
	if o.remembers("alfred", 1) {
		t.Error("a clock that went back keeps an answer for ever")
	}
}

func TestAStartRemembersAnewAndNumbersOn(t *testing.T) {
	o := newOrderer(t)
	o.create("forgotten", true, 0)
	o.core.Ran(9 * time.Minute)
	o.create("alfred", true, 1)
	o.create("alfred", true, 2)
	given := o.core.Answers()[1:]
	again := newOrderer(t)
	again.core.Step(again.now, nil, Remember{Answers: given})
	again.core.Ran(9 * time.Minute)
	if !slices.EqualFunc(again.core.Answers(), given, func(a, b Answered) bool { return a.Number == b.Number && a.Caller == b.Caller }) {
		t.Errorf("remembers %v, want %v", again.core.Answers(), given)
	}
	if again.create("alfred", true, 1) {
		t.Error("it was carried out again")
	}
	again.create("alfred", true, 3)
	if all := again.core.Answers(); all[2].Number <= given[1].Number {
		t.Errorf("the new answer has number %d, an older one %d", all[2].Number, given[1].Number)
	}
}

func TestTheLaterOfTwoAnswersToOneRequestCounts(t *testing.T) {
	o := newOrderer(t)
	who := Caller{Name: "alfred", Request: numberedID(1)}
	first, second := crdt.Hero{Name: "first"}, crdt.Hero{Name: "second"}
	o.core.Step(o.now, nil, Remember{Answers: []Answered{
		{Caller: who, Number: 3, Reply: Reply{Hero: first}},
		{Caller: who, Number: 8, Reply: Reply{Hero: second}},
	}})
	if got := o.core.answers.find(who); got == nil || got.reply.Hero != second || got.number != 8 {
		t.Errorf("remembers %+v, want the second", got)
	}
	if forgotten := o.core.answers.takeForgotten(); !slices.Equal(forgotten, []uint64{3}) {
		t.Errorf("forgot %v, want the first", forgotten)
	}
}

func TestAJournalIsToldWhatIsForgotten(t *testing.T) {
	o := newOrderer(t)
	o.small(2, 2)
	kept := make(map[uint64]bool)
	for n := range 10 {
		id := numberedID(n)
		_, fx := o.core.Step(o.now, nil, Create{Caller: Caller{Name: "alfred", Request: id}, HeroName: "Robin"})
		if a, ok := fx.Answered(); ok {
			kept[a.Number] = true
		}
		for _, number := range fx.Forgotten() {
			if !kept[number] {
				t.Fatalf("it is told twice of %d", number)
			}
			delete(kept, number)
		}
		var remembered []uint64
		for _, a := range o.core.Answers() {
			remembered = append(remembered, a.Number)
		}
		if got := slices.Sorted(maps.Keys(kept)); !slices.Equal(got, remembered) {
			t.Fatalf("a journal keeps %v, the city remembers %v", got, remembered)
		}
	}
}

func TestTheShareOfAnAnswerIsFreeAgainOnceItIsForgotten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := newAnswers([]string{"admin"})
		a.connected.bytesMax, a.others.bytesMax = 5*answerBytes, 3*answerBytes
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			name := rapid.SampledFrom([]string{"admin", "a", "b", "c", "d"}).Draw(t, "caller")
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0:
				a.departed(name)
			case 1:
				a.ran += AnswersFor / 4
				a.expire()
			case 2:
				if known := a.newest; known != nil {
					a.withdraw(known)
				}
			default:
				who := Caller{Name: name, Connected: rapid.Bool().Draw(t, "connected"), Request: numberedID(rapid.IntRange(1, 9).Draw(t, "request"))}
				if a.find(who) == nil {
					a.add(who, a.next, RequestDigest{}, Reply{})
				}
			}
			checkShares(t, a)
		}
	})
}

// checkShares compares what is counted with what is there.
func checkShares(t *rapid.T, a *answers) {
	bytes, number := make(map[*share]int), 0
	for known, before := a.oldest, uint64(0); known != nil; known = known.newer {
		if known.number <= before || a.ran-known.at > AnswersFor && known.at < a.ran-AnswersFor-AnswersFor/4 {
			t.Fatalf("answer %d after %d, %v old", known.number, before, a.ran-known.at)
		}
		if known.caller.byID[known.request] != known {
			t.Fatalf("answer %d is not found", known.number)
		}
		bytes[known.caller.share] += known.bytes()
		before = known.number
		number++
	}
	for _, of := range a.callers {
		number -= len(of.order)
		if of.share.callers[of.index] != of || of.share.bytes != bytes[of.share] || of.share.bytes > of.share.bytesMax {
			t.Fatalf("%s is counted with %d bytes, and has %d", of.name, of.share.bytes, bytes[of.share])
		}
		if first := of.share.callers[0]; of.share.before(of, first) {
			t.Fatalf("%s gives way before %s", first.name, of.name)
		}
	}
	if number != 0 {
		t.Fatalf("%d answers more in the list than callers have", number)
	}
	if len(a.connected.callers) == 0 && a.connected.bytes != 0 || len(a.others.callers) == 0 && a.others.bytes != 0 {
		t.Fatal("a share of nobody is not empty")
	}
}

func TestAnswersTakeTheBytesThatTheyAreCountedFor(t *testing.T) {
	const callers, each = 100, 300
	a := newAnswers(nil)
	before := heapBytes()
	for c := range callers {
		for n := range each {
			who := Caller{Name: fmt.Sprintf("caller %030d", c), Connected: true, Request: numberedID(n)}
			reply := Reply{Hero: crdt.Hero{ID: who.Request, Name: fmt.Sprintf("hero %09d", n), Location: "gotham"}}
			a.add(who, a.next, RequestDigest{}, reply)
		}
	}
	took := int(heapBytes()-before) / (callers * each)
	counted := a.connected.bytes / (callers * each)
	runtime.KeepAlive(a)
	t.Logf("an answer takes %d bytes; %d MiB are %d answers, those of %d s at 1,000 a second", took,
		AnswerBytesAdmin>>20, AnswerBytesAdmin/counted, AnswerBytesAdmin/counted/1000)
	if took > counted || took < counted*3/4 {
		t.Errorf("an answer takes %d bytes, and is counted for %d", took, counted)
	}
}

func heapBytes() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
