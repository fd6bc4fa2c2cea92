package protocol

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"
)

// unmarshalBoth decodes b into values of m's type as a request and as a
// response, and checks what holds for every message: what is accepted as a
// request is accepted as a response and means the same, and what was decoded is
// encoded in one way only, which decodes to the same; and that
// a library decodes and encodes it alike.
func unmarshalBoth(t *testing.T, b []byte, m any) {
	t.Helper()
	expectTheSame(t, b, m)
	typ := reflect.TypeOf(m).Elem()
	lenient, strict := reflect.New(typ).Interface(), reflect.New(typ).Interface()
	lenientErr := UnmarshalLenient(b, lenient)
	if strictErr := UnmarshalStrict(b, strict); strictErr == nil {
		if lenientErr != nil || !reflect.DeepEqual(lenient, strict) {
			t.Fatalf("%v %x: strict %+v; lenient %+v, %v", typ, b, strict, lenient, lenientErr)
		}
	}
	if lenientErr != nil {
		return
	}
	canonical := encode(t, lenient)
	again := reflect.New(typ).Interface()
	if err := UnmarshalStrict(canonical, again); err != nil {
		t.Fatalf("%v %x, encoded as %x: %v", typ, b, canonical, err)
	}
	if twice := encode(t, again); string(twice) != string(canonical) {
		t.Fatalf("%v %x: encoded as %x, then as %x", typ, b, canonical, twice)
	}
}

// kinds are the types of message without an own target, in a fixed order: a
// corpus names them by position.
var kinds = []any{
	new(GetRequest), new(GetReply), new(CreateRequest), new(HeroReply), new(AssignRequest), new(RetireRequest), new(RetireReply),
	new(UpdateRequest), new(UpdateReply), new(WatchRequest), new(InfoReply), new(LookupRequest), new(LookupReply),
	new(CitiesReply), new(SettleLine),
}

// seedsOf returns messages of m's type, and the test vectors of some kinds, which
// are the committed corpus of all targets.
func seedsOf(f *testing.F, m any, vectorKinds ...string) (seeds [][]byte) {
	for _, seed := range messages() {
		if reflect.TypeOf(seed) == reflect.TypeOf(m) {
			seeds = append(seeds, encode(f, seed))
		}
	}
	for _, v := range readVectors(f) {
		if slices.Contains(vectorKinds, v.Kind) {
			seeds = append(seeds, unhex(f, v.Hex))
		}
	}
	return seeds
}

func FuzzRequest(f *testing.F) {
	for _, seed := range seedsOf(f, new(Request), "request") {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) { unmarshalBoth(t, b, new(Request)) })
}

func FuzzResponse(f *testing.F) {
	for _, seed := range seedsOf(f, new(Response), "response") {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) { unmarshalBoth(t, b, new(Response)) })
}

func FuzzPresence(f *testing.F) {
	for _, seed := range seedsOf(f, new(Presence), "presence") {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) { unmarshalBoth(t, b, new(Presence)) })
}

func FuzzSign(f *testing.F) {
	for _, seed := range seedsOf(f, new(Sign), "sign") {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) { unmarshalBoth(t, b, new(Sign)) })
}

func FuzzQuestion(f *testing.F) {
	for _, seed := range seedsOf(f, new(Question), "question") {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) { unmarshalBoth(t, b, new(Question)) })
}

func FuzzBody(f *testing.F) {
	for i, m := range kinds {
		for _, seed := range seedsOf(f, m, "body", "reply") {
			f.Add(uint8(i), seed)
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, b []byte) { unmarshalBoth(t, b, kinds[int(kind)%len(kinds)]) })
}

// FuzzServe gives a server anything that a caller may send. It must answer or
// not, and then end and release its stream.
func FuzzServe(f *testing.F) {
	for _, m := range []any{
		Request{Method: MethodInfo},
		Request{Method: MethodUpdate, Body: encode(f, UpdateRequest{})},
		Request{Method: MethodWatch, Body: []byte{0xa0}},
		Request{Method: MethodGet, Body: []byte{0xa0}},
	} {
		frame := framed(encode(f, m))
		f.Add(frame)
		f.Add(append(frame, frame...))
		f.Add(append(frame, 0x01, 0xff))
	}
	for _, seed := range seedsOf(f, nil, "stream") {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		end, server := newPipe(1 << 20)
		_, _ = end.Write(b)
		_ = end.CloseWrite()
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = (&Server{City: "paris", Handler: complete}).Serve(context.Background(), server, "")
		}()
		select {
		case <-done:
		case <-time.After(30 * time.Second):
			t.Fatalf("%x: the server has not ended", b)
		}
		if server.wasReleased() == "" {
			t.Fatalf("%x: the stream was left open", b)
		}
	})
}

// FuzzClient gives a client anything that a city may answer.
func FuzzClient(f *testing.F) {
	f.Add(framed(encode(f, Response{Body: encode(f, testInfo)})))
	f.Add(framed(encode(f, Response{Code: Dead, Message: "gone"})))
	f.Add(append(framed(encode(f, Response{More: true})), 0x00))
	f.Fuzz(func(t *testing.T, b []byte) {
		end, city := newPipe(1 << 20)
		_, _ = city.Write(b)
		_ = city.CloseWrite()
		c := NewClient(end)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		for range 3 {
			_, _ = c.Info(ctx)
		}
		if ctx.Err() != nil {
			t.Fatalf("%x: a call hangs", b)
		}
		_ = c.Close()
	})
}
