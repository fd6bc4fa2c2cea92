package city

import "container/heap"

// The bytes of memory that remembered answers may take. 16 MiB are 37,000 answers: those
// of 37 s of a caller that gives 1,000 orders a second, and of 1.5 s of one that gives
// 25,000. TestAnswersTakeTheBytesThatTheyAreCountedFor prints what one takes. Where a share
// is full the caller with the most answers gives way, its oldest first, so each of n
// callers has an n-th of the share at least.
const (
	// AnswerBytesAdmin is the share of each admin.
	AnswerBytesAdmin = 16 << 20
	// AnswerBytesConnected is the share of the callers that have a connection.
	AnswerBytesConnected = 32 << 20
	// AnswerBytesOthers is the share of all other callers. What is read back at a start
	// has a share as large as both, until its caller orders again.
	AnswerBytesOthers = 16 << 20
)

// answerBytes is what an answer takes beside the hero's name: itself, its places in two
// maps and a list, and its summary. TestAnswersTakeTheBytesThatTheyAreCountedFor
// measures it.
const answerBytes = 430

func (a *answer) bytes() int { return answerBytes + len(a.reply.Hero.Name) }

// A share is the room that the answers to some callers have. It is a heap of these: in
// front is the caller whose oldest answer gives way.
type share struct {
	bytesMax, bytes int
	callers         []*callerAnswers
}

func newShare(bytesMax int) *share { return &share{bytesMax: bytesMax} }

// before reports whether a gives way before b.
func (s *share) before(a, b *callerAnswers) bool {
	if a.bytes != b.bytes {
		return a.bytes > b.bytes
	}
	return a.oldest() < b.oldest()
}

// oldest returns the number of the oldest answer.
func (of *callerAnswers) oldest() uint64 {
	if len(of.order) == 0 {
		return 0
	}
	return of.order[0].number
}

// move gives a caller another share.
func (of *callerAnswers) move(to *share) {
	if of.share != nil {
		of.share.remove(of)
	}
	of.share = to
	to.bytes += of.bytes
	heap.Push(to, of)
}

// grow accounts for an answer more or less.
func (of *callerAnswers) grow(bytes int) {
	of.bytes += bytes
	of.share.bytes += bytes
	heap.Fix(of.share, of.index)
}

func (s *share) remove(of *callerAnswers) {
	s.bytes -= of.bytes
	heap.Remove(s, of.index)
}

// Len, Less, Swap, Push and Pop are those of heap.Interface.
func (s *share) Len() int { return len(s.callers) }

func (s *share) Less(i, j int) bool { return s.before(s.callers[i], s.callers[j]) }

func (s *share) Swap(i, j int) {
	s.callers[i], s.callers[j] = s.callers[j], s.callers[i]
	s.callers[i].index, s.callers[j].index = i, j
}

func (s *share) Push(x any) {
	of := x.(*callerAnswers)
	of.index = len(s.callers)
	s.callers = append(s.callers, of)
}

func (s *share) Pop() any {
	last := len(s.callers) - 1
	of := s.callers[last]
	s.callers[last] = nil
	s.callers = s.callers[:last]
	return of
}
