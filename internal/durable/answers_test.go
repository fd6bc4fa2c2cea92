package durable

import (
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/internal/store"
)

// stored returns the numbers of the answers that the store has.
func (r *run) stored() (numbers []uint64) {
	r.t.Helper()
	err := r.store.Load(r.t.Context(), func(p store.Part) error {
		for _, a := range p.Answers {
			numbers = append(numbers, a.Number)
		}
		return nil
	})
	if err != nil {
		r.t.Error(err)
	}
	return numbers
}

// remembered returns the numbers of the answers that the city remembers.
func (r *run) remembered() (numbers []uint64) {
	r.t.Helper()
	err := r.inLoop(r.t.Context(), func(c *city.Core) {
		for _, a := range c.Answers() {
			numbers = append(numbers, a.Number)
		}
	})
	if err != nil {
		r.t.Error(err)
	}
	return numbers
}

func TestAStoreKeepsTheAnswersThatTheCityRemembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var place store.Memory
		gotham := start(t, &place)
		for n := range 5 {
			gotham.created(n)
		}
		time.Sleep(city.AnswersFor + time.Second)
		gotham.created(5) // forgets the others
		if stored, want := gotham.stored(), gotham.remembered(); !slices.Equal(stored, want) || len(want) != 1 {
			t.Errorf("%v are stored, the city remembers %v, want one", stored, want)
		}
		gotham.stop()
	})
}

func TestAnswersAreWrittenAnewAfterAFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var place store.Memory
		gotham := start(t, &place)
		gotham.created(1)
		gotham.created(2)
		time.Sleep(city.AnswersFor - time.Minute)
		gotham.created(3)
		time.Sleep(2 * time.Minute)
		place.Fail(syscall.EIO)
		if err := <-gotham.create(4); err == nil { // forgets the first two
			t.Error("it was stored")
		}
		place.Fail(nil)
		time.Sleep(10 * ResumeEvery)
		if stored, want := gotham.stored(), gotham.remembered(); !slices.Equal(stored, want) || !slices.Contains(want, 3) {
			t.Errorf("%v are stored, the city remembers %v, want the third among them", stored, want)
		}
		if err := <-gotham.create(4); err != nil {
			t.Error(err)
		}
		gotham.stop()
	})
}
