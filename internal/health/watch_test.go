package health

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/protocol"
)

// A scene is what a watch in a test is shown, and what it told.
type scene struct {
	mu        sync.Mutex // guards the rest
	found     []Finding
	begun     []Problem
	over      []Problem
	announced int
	looks     int
	changed   chan struct{}
	during    func() // runs once, within the next look
}

func (s *scene) show(found ...Finding) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found = found
}

// An account is what a watch has told until now.
type account struct {
	begun, over      []Problem
	announced, looks int
}

// told returns what the watch has told, once it waits.
func (s *scene) told() account {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return account{begun: slices.Clone(s.begun), over: slices.Clone(s.over), announced: s.announced, looks: s.looks}
}

// run serves a watch of the city "me" until the test ends.
func (s *scene) run(t *testing.T) *Watch {
	t.Helper()
	locked := func(f func()) {
		s.mu.Lock()
		defer s.mu.Unlock()
		f()
	}
	s.changed = make(chan struct{})
	w := New(Config{
		Self: "me",
		Find: func() (found []Finding) {
			locked(func() {
				found, s.looks = s.found, s.looks+1
				if s.during != nil {
					s.during()
					s.during = nil
				}
			})
			return found
		},
		Changed: func() (changed <-chan struct{}) {
			locked(func() { changed = s.changed })
			return changed
		},
		OwnChanged: func() { locked(func() { s.announced++ }) },
		Begun:      func(p Problem) { locked(func() { s.begun = append(s.begun, p) }) },
		Over:       func(p Problem) { locked(func() { s.over = append(s.over, p) }) },
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = w.Serve(ctx) // always nil
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	synctest.Wait()
	return w
}

func TestAProblemThatLastsIsToldOnceHoweverLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s scene
		w := s.run(t)
		time.Sleep(lookGap)
		begin := time.Now()
		s.show(finding(protocol.ProblemStore, "me"), finding(protocol.ProblemFailed, "b"), finding(protocol.ProblemFull, "c"))
		w.Wake()
		time.Sleep(time.Hour)
		if told := s.told(); len(told.begun) != 3 || len(told.over) != 0 || told.announced != 1 || len(w.All()) != 3 {
			t.Errorf("told %+v, all %v", told, w.All())
		}
		if own := w.Own(); !slices.Equal(own, []protocol.Problem{protocol.ProblemStore}) || !w.All()[0].Since.Equal(begin) {
			t.Errorf("own %v, since %v, want %v", own, w.All()[0].Since, begin)
		}
		s.show()
		time.Sleep(2 * lookEvery)
		if told := s.told(); len(told.over) != 3 || told.announced != 2 || w.Own() != nil || len(w.All()) != 0 {
			t.Errorf("told %+v, all %v", told, w.All())
		}
	})
}

func TestNewsIsSeenAtOnce(t *testing.T) {
	for fact, wake := range map[string]func(*scene, *Watch){
		"of the own city": func(_ *scene, w *Watch) { w.Wake() },
		"of others": func(s *scene, _ *Watch) {
			s.mu.Lock()
			defer s.mu.Unlock()
			close(s.changed)
			s.changed = make(chan struct{})
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			var s scene
			w := s.run(t)
			s.mu.Lock()
			s.found = []Finding{finding(protocol.ProblemStore, "me")}
			s.mu.Unlock()
			wake(&s, w)
			time.Sleep(lookGap)
			synctest.Wait()
			if len(w.Own()) != 1 {
				t.Errorf("%s: not seen", fact)
			}
		})
	}
}

func TestNewsThatComesDuringALookIsSeenByTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scene{changed: make(chan struct{})}
		s.during = func() {
			s.found = []Finding{finding(protocol.ProblemStore, "me")}
			close(s.changed)
			s.changed = make(chan struct{})
		}
		w := s.run(t)
		time.Sleep(lookGap)
		synctest.Wait()
		if len(w.Own()) != 1 {
			t.Error("not seen")
		}
	})
}

func TestACityTellsOfNoMoreThanItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s scene
		w := s.run(t)
		var many []Finding
		for _, code := range strings.Fields("a b c d e f g h i j") {
			many = append(many, finding(protocol.Problem(code), "me"))
		}
		s.show(many...)
		w.Wake()
		time.Sleep(lookGap)
		synctest.Wait()
		if len(w.Own()) != protocol.ProblemsMax || len(w.All()) != len(many) {
			t.Errorf("tells of %v, knows %d", w.Own(), len(w.All()))
		}
	})
}

// Whoever changes what it says all the time costs ten looks a second.
func TestLooksAreFarEnoughApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s scene
		w := s.run(t)
		for range 1000 {
			w.Wake()
			time.Sleep(time.Millisecond)
		}
		if looks := s.told().looks; looks > int(time.Second/lookGap)+1 {
			t.Errorf("%d looks in a second", looks)
		}
	})
}
