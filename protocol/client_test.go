package protocol

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/crdt"
)

// dial returns a client of a server of the city paris; both are joined when the
// test ends.
func dial(t *testing.T, h Handler) *Client {
	t.Helper()
	end, server := newPipe(64 << 10)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = (&Server{City: "paris", Handler: h}).Serve(context.Background(), server, "caller-1")
	}()
	c := NewClient(end)
	t.Cleanup(func() {
		_ = c.Close()
		<-served
		if end.wasReleased() == "" {
			t.Error("the client has left its stream open")
		}
	})
	return c
}

// dialScript returns a client of a peer that reads requests and writes what
// script returns for each, until that is nil.
func dialScript(t *testing.T, script func(n int, r Request) []byte) *Client {
	t.Helper()
	end, peer := newPipe(64 << 10)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		in := bufio.NewReader(peer)
		for n := 0; ; n++ {
			var r Request
			payload, err := ReadFrame(in, FrameBytesMax)
			if err != nil || UnmarshalStrict(payload, &r) != nil {
				return
			}
			answer := script(n, r)
			if answer == nil {
				_ = peer.Close()
				return
			}
			if _, err := peer.Write(answer); err != nil {
				return
			}
		}
	}()
	c := NewClient(end)
	t.Cleanup(func() {
		_ = c.Close()
		_ = peer.Reset()
		<-ended
	})
	return c
}

func framed(payload []byte) []byte {
	var b strings.Builder
	_ = WriteFrame(&b, payload)
	return []byte(b.String())
}

var (
	hero = crdt.Hero{
		ID: crdt.ID{1}, Name: "Ada", Location: "paris", Health: 100,
		Version: crdt.Version{Assigned: 1, Replica: 2, HLC: 3},
	}
	tombstone = crdt.Tombstone{ID: crdt.ID{2}, Version: crdt.Version{HLC: 4}}
	summary   = crdt.Summary{Heroes: 1, Tombstones: 1, Digest: crdt.Digest{7}}
	exportCut = ExportCut{Network: "main", City: "paris", Peer: []byte("peer"), Taken: 9, Summary: summary}
)

// complete answers every method in full.
var complete = handlerFunc(func(ctx context.Context, call *Call) (any, error) {
	switch call.Request.Method {
	case MethodGet:
		for _, e := range []crdt.Entries{{Tombstones: []crdt.Tombstone{tombstone}}, {Heroes: []crdt.Hero{hero}}} {
			if err := call.Send(GetReply{Entries: &e}); err != nil {
				return nil, err
			}
		}
		return GetReply{Summary: &summary}, nil
	case MethodCreate, MethodAssign:
		return HeroReply{Hero: hero, Summary: summary}, nil
	case MethodRetire:
		return RetireReply{Tombstone: tombstone, Summary: summary}, nil
	case MethodInfo:
		return testInfo, nil
	case MethodLog:
		return &LogReply{Levels: "info", Components: []string{"city"}}, nil
	case MethodLookup:
		return LookupReply{Peer: []byte("peer"), Addrs: [][]byte{{4, 127, 0, 0, 1}}}, nil
	case MethodProblems:
		return ProblemsReply{Problems: problemLines}, nil
	case MethodExport:
		if err := call.Send(ExportReply{Cut: &exportCut}); err != nil {
			return nil, err
		}
		for _, e := range []crdt.Entries{{Tombstones: []crdt.Tombstone{tombstone}}, {Heroes: []crdt.Hero{hero}}} {
			if err := call.Send(ExportReply{Entries: &e}); err != nil {
				return nil, err
			}
		}
		count := uint64(2)
		return ExportReply{Count: &count}, nil
	case MethodForget:
		return ForgetReply{Peers: [][]byte{[]byte("peer")}}, nil
	case MethodCities:
		line := CityLine{
			Presence: Presence{City: "paris", Incarnation: 1, Summary: summary, Software: "test/1"},
			Peer:     []byte("peer"), Status: StatusAlive,
		}
		if err := call.Send(CitiesReply{Cities: []CityLine{line}}); err != nil {
			return nil, err
		}
		line.Agreed = 9
		return CitiesReply{Cities: []CityLine{line}}, nil
	case MethodSettle:
		for _, l := range settleLines {
			if err := call.Send(l); err != nil {
				return nil, err
			}
		}
		return nil, nil
	case MethodBomb:
		return nil, nil
	case MethodWatch:
		ctx, cancel := call.UntilClosed(ctx)
		defer cancel()
		if err := call.Send(GetReply{Summary: &summary}); err != nil {
			return nil, err
		}
		for {
			if err := call.Send(GetReply{Entries: &crdt.Entries{Heroes: []crdt.Hero{hero}}}); err != nil {
				return nil, err
			}
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(time.Second):
			}
		}
	}
	return echoes(ctx, call)
})

var settleLines = []SettleLine{
	{City: "rome", Peer: []byte("p1")},
	{City: "oslo", Peer: []byte("p2"), Differed: 3, Skipped: 1},
	{City: "bonn", Peer: []byte("p3"), Error: "timed out"},
}

func TestWhatASettleSaysToPeopleIsPlainText(t *testing.T) {
	line := SettleLine{City: "bonn", Peer: []byte("p3"), Error: "\x1b[2Jgone\n" + strings.Repeat("x", 2*MessageBytesMax)}
	if err := line.validate(); err != nil || strings.ContainsAny(line.Error, "\x1b\n") || len(line.Error) > MessageBytesMax {
		t.Errorf("%v: %d bytes, %.20q", err, len(line.Error), line.Error)
	}
}

func TestEveryMethodIsAnsweredOverTheWire(t *testing.T) {
	c, ctx := dial(t, complete), t.Context()
	var got crdt.Entries
	s, err := c.Get(ctx, GetRequest{}, func(e crdt.Entries) error {
		got.Heroes = append(got.Heroes, e.Heroes...)
		got.Tombstones = append(got.Tombstones, e.Tombstones...)
		return nil
	})
	same(t, err, fmt.Sprint(got, s), fmt.Sprint(crdt.Entries{Heroes: []crdt.Hero{hero}, Tombstones: []crdt.Tombstone{tombstone}}, summary))
	created, err := c.Create(ctx, testID(1), CreateRequest{Name: "Ada"})
	same(t, err, created, HeroReply{hero, summary})
	assigned, err := c.Assign(ctx, testID(2), AssignRequest{Hero: hero.ID})
	same(t, err, assigned, HeroReply{hero, summary})
	retired, err := c.Retire(ctx, testID(3), RetireRequest{Hero: hero.ID})
	same(t, err, retired, RetireReply{tombstone, summary})
	info, err := c.Info(ctx)
	same(t, err, fmt.Sprint(info), fmt.Sprint(testInfo))
	found, err := c.Lookup(ctx, "paris")
	same(t, err, fmt.Sprint(found), fmt.Sprint(LookupReply{Peer: []byte("peer"), Addrs: [][]byte{{4, 127, 0, 0, 1}}}))
	cities, err := c.Cities(ctx)
	same(t, err, len(cities), 2)
	same(t, err, cities[1].Agreed, crdt.Stamp(9))
	var lines []SettleLine
	err = c.Settle(ctx, func(l SettleLine) error {
		lines = append(lines, l)
		return nil
	})
	same(t, err, fmt.Sprint(lines), fmt.Sprint(settleLines))
	problems, err := c.Problems(ctx)
	same(t, err, fmt.Sprint(problems), fmt.Sprint(problemLines))
	forgotten, err := c.Forget(ctx, ForgetRequest{City: "rome"})
	same(t, err, fmt.Sprint(forgotten), fmt.Sprint(ForgetReply{[][]byte{[]byte("peer")}}.Peers))
	same(t, c.Bomb(ctx), 0, 0)
	same(t, c.Close(), 0, 0)
}

func same[T comparable](t *testing.T, err error, got, want T) {
	t.Helper()
	if err != nil || got != want {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}

func TestConcurrentCallsGetTheirOwnAnswers(t *testing.T) {
	c := dial(t, echoes)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for n := range 50 {
				name := fmt.Sprintf("%d/%d", worker, n)
				reply, err := c.City("paris").Create(t.Context(), testID(byte(n)), CreateRequest{Name: name})
				if err != nil || reply.Hero.Name != name {
					t.Errorf("%s: got %v, %v", name, reply.Hero, err)
					return
				}
			}
		})
	}
	all.Wait()
}

func TestErrorsAreFoundByCodeAtTheFarEnd(t *testing.T) {
	for code := BadRequest; code <= Unsupported; code++ {
		c := dial(t, handlerFunc(func(context.Context, *Call) (any, error) {
			return nil, fmt.Errorf("wrapped: %w", Errorf(code, "because"))
		}))
		_, err := c.Info(t.Context())
		if !errors.Is(err, &Error{Code: code}) || CodeOf(err) != code {
			t.Errorf("%v arrived as %v", code, err)
		}
	}
}

func TestRequestForAnotherCityIsRefused(t *testing.T) {
	c := dial(t, complete)
	if _, err := c.City("rome").Info(t.Context()); !errors.Is(err, ErrWrongCity) || !strings.Contains(err.Error(), "paris") {
		t.Fatalf("rome answered: %v", err)
	}
	if _, err := c.City("paris").Info(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestCanceledCallReturnsAtOnceAndTheStreamStaysUsable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, handlerFunc(func(ctx context.Context, call *Call) (any, error) {
			if call.Request.Method == MethodSettle {
				time.Sleep(5 * time.Second)
				_ = call.Send(settleLines[0])
				return nil, nil
			}
			return complete(ctx, call)
		}))
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := c.Settle(ctx, func(SettleLine) error { return errors.New("line of a call that was given up") })
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Fatalf("gave up with %v after %v", err, time.Since(start))
		}
		if _, err := c.Info(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, err := c.Info(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestCallGivenUpAndNeverAnsweredEndsTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dialScript(t, func(int, Request) []byte { return []byte{} })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, first := c.Info(ctx)
		start := time.Now()
		_, second := c.Info(t.Context())
		if !errors.Is(first, context.DeadlineExceeded) || !errors.Is(second, ErrStreamClosed) {
			t.Errorf("got %v, then %v", first, second)
		}
		if took := time.Since(start); took != FrameTimeout {
			t.Errorf("ended after %v", took)
		}
	})
}

func TestCallGivenUpBehindASlowOneDoesNotEndTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, handlerFunc(func(ctx context.Context, call *Call) (any, error) {
			if call.Request.Method == MethodSettle {
				time.Sleep(time.Minute)
			}
			return complete(ctx, call)
		}))
		settled := make(chan error, 1)
		go func() { settled <- c.Settle(t.Context(), func(SettleLine) error { return nil }) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Info(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if err := <-settled; err != nil {
			t.Error(err)
		}
	})
}

func TestEndOfTheStreamFailsAllCallsThatWait(t *testing.T) {
	c := dialScript(t, func(n int, _ Request) []byte {
		if n < 2 {
			return []byte{}
		}
		return nil
	})
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if _, err := c.Info(t.Context()); !errors.Is(err, ErrStreamClosed) || !errors.Is(err, io.EOF) {
				t.Errorf("got %v", err)
			}
		})
	}
	all.Wait()
	<-c.Done()
	if _, err := c.Info(t.Context()); !errors.Is(err, ErrStreamClosed) {
		t.Errorf("a later call: %v", err)
	}
}

func TestClosedClientFailsCalls(t *testing.T) {
	c := dial(t, complete)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Info(t.Context()); !errors.Is(err, ErrStreamClosed) {
		t.Errorf("got %v", err)
	}
	_ = c.Close()
}

func TestGarbageForAnAnswerEndsTheStream(t *testing.T) {
	ok := encode(t, Response{Body: encode(t, testInfo)})
	cases := map[string][]byte{
		"length not minimal":       {0x80, 0x00},
		"length over the limit":    {0xff, 0xff, 0xff, 0x01},
		"not CBOR":                 framed([]byte{0xff}),
		"not a map":                framed([]byte{0x80}),
		"code missing":             framed([]byte{0xa0}),
		"code null":                framed([]byte{0xa1, 0x01, 0xf6}),
		"code text":                framed([]byte{0xa1, 0x01, 0x60}),
		"error with more":          framed([]byte{0xa2, 0x01, 0x01, 0x04, 0xf5}),
		"no body":                  framed([]byte{0xa1, 0x01, 0x00}),
		"body of another kind":     framed([]byte{0xa2, 0x01, 0x00, 0x03, 0xa1, 0x01, 0x00}),
		"more than one":            framed(append(append([]byte{0xa3}, ok[1:]...), 0x04, 0xf5)),
		"response to no request":   append(framed(ok), framed(ok)...),
		"a peer that names nobody": framed(encode(t, Response{Body: encode(t, InfoReply{})})),
	}
	for name, answer := range cases {
		t.Run(name, func(t *testing.T) {
			c := dialScript(t, func(int, Request) []byte { return answer })
			_, err := c.Info(t.Context())
			if name == "response to no request" {
				if err != nil {
					t.Fatal(err)
				}
				<-c.Done()
				_, err = c.Info(t.Context())
			}
			if !errors.Is(err, ErrBadResponse) || !errors.Is(err, ErrStreamClosed) {
				t.Errorf("got %v", err)
			}
			<-c.Done()
		})
	}
}

func TestUnknownKeysAndCodesOfALaterVersionAreRead(t *testing.T) {
	info := encode(t, testInfo)
	info = append(append([]byte{info[0] + 1}, info[1:]...), 0x18, 99, 0xf6)
	later := encode(t, Response{Body: info})
	later = append(append([]byte{later[0] + 2}, later[1:]...), 0x61, '1', 0x81, 0x01, 0x20, 0xa1, 0x01, 0x40)
	c := dialScript(t, func(n int, _ Request) []byte {
		if n == 0 {
			return framed(later)
		}
		return framed([]byte{0xa1, 0x01, 0x18, 42})
	})
	got, err := c.Info(t.Context())
	same(t, err, fmt.Sprint(got), fmt.Sprint(testInfo))
	if _, err := c.Info(t.Context()); CodeOf(err) != 42 {
		t.Errorf("got %v", err)
	}
}

func TestMessagesAreMadePlainBeforeTheyAreShown(t *testing.T) {
	c := dialScript(t, func(int, Request) []byte {
		return framed(encode(t, Response{Code: Dead, Message: "\x1b[2J" + strings.Repeat("x", 2*MessageBytesMax)}))
	})
	_, err := c.Info(t.Context())
	var e *Error
	if !errors.As(err, &e) || strings.Contains(e.Message, "\x1b") || len(e.Message) != MessageBytesMax {
		t.Errorf("got %.40q", err)
	}
}

func TestErrorOfAPageEndsTheCallOnly(t *testing.T) {
	c := dial(t, complete)
	enough := errors.New("enough")
	if _, err := c.Get(t.Context(), GetRequest{}, func(crdt.Entries) error { return enough }); !errors.Is(err, enough) {
		t.Fatal(err)
	}
	if _, err := c.Info(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestWatchGivesChangesUntilItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, complete)
		ctx, cancel := context.WithCancel(t.Context())
		var got []string
		err := c.Watch(ctx, WatchRequest{}, func(s crdt.Summary) error {
			got = append(got, fmt.Sprint("live ", s == summary))
			return nil
		}, func(e crdt.Entries) error {
			if got = append(got, e.Heroes[0].Name); len(got) == 4 {
				cancel()
			}
			return nil
		})
		if !errors.Is(err, context.Canceled) || fmt.Sprint(got) != "[live true Ada Ada Ada]" {
			t.Errorf("got %v, %v", got, err)
		}
		<-c.Done()
	})
}

func TestWatchTakesTheStream(t *testing.T) {
	c := dial(t, complete)
	stop := errors.New("stop")
	err := c.Watch(t.Context(), WatchRequest{}, func(crdt.Summary) error {
		if _, err := c.Info(t.Context()); !errors.Is(err, ErrWatching) {
			t.Errorf("a call beside a watch: %v", err)
		}
		return stop
	}, nil)
	if !errors.Is(err, stop) {
		t.Error(err)
	}
	if _, err := c.Info(t.Context()); !errors.Is(err, ErrStreamClosed) {
		t.Errorf("a call after a watch: %v", err)
	}
}

func TestWatchThatTheCityEndsIsAnError(t *testing.T) {
	for code, want := range map[Code]error{Busy: ErrBusy, Unavailable: ErrUnavailable, OK: ErrStreamClosed} {
		c := dial(t, handlerFunc(func(ctx context.Context, call *Call) (any, error) {
			_, cancel := call.UntilClosed(ctx)
			defer cancel()
			if code == OK {
				return nil, nil
			}
			return nil, &Error{Code: code}
		}))
		if err := c.Watch(t.Context(), WatchRequest{}, nil, nil); !errors.Is(err, want) {
			t.Errorf("%v: got %v", code, err)
		}
	}
}

func TestClientGivesUpOnAStuckWriteWhenTheContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end, peer := newPipe(1 << 10) // nobody reads
		c := NewClient(end)
		defer c.Close()
		defer peer.Reset()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		entries := crdt.Entries{Heroes: manyHeroes(1000)}
		if _, err := c.Update(ctx, entries); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if _, err := c.Info(t.Context()); !errors.Is(err, ErrStreamClosed) {
			t.Error(err)
		}
	})
}

func manyHeroes(n int) []crdt.Hero {
	heroes := make([]crdt.Hero, n)
	for i := range heroes {
		heroes[i] = hero
		heroes[i].ID[1], heroes[i].ID[2] = byte(i>>8), byte(i)
	}
	return heroes
}

func TestAnswerMayBeLongInComingAfterOneThatCameInParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end, peer := newPipe(64 << 10)
		c := NewClient(end)
		defer c.Close()
		defer peer.Reset()
		answer := framed(encode(t, Response{Body: encode(t, testInfo)}))
		go func() {
			for range 2 {
				time.Sleep(time.Hour)
				_, _ = peer.Write(answer[:5])
				time.Sleep(FrameTimeout - time.Second)
				_, _ = peer.Write(answer[5:])
			}
			time.Sleep(time.Hour)
			_, _ = peer.Write(answer[:5]) // and no more
		}()
		for range 2 {
			if _, err := c.Info(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		if _, err := c.Info(t.Context()); !isTimeout(err) || time.Since(start) != time.Hour+FrameTimeout {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestPipelineHasABound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		c := dialScript(t, func(int, Request) []byte {
			requests++
			return []byte{}
		})
		for range 2 * pipelineMax {
			go func() { _, _ = c.Info(t.Context()) }()
		}
		synctest.Wait()
		if requests != pipelineMax {
			t.Errorf("%d requests on their way at once, want %d", requests, pipelineMax)
		}
		_ = c.Close()
		synctest.Wait()
	})
}
