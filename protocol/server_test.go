package protocol

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/loglimit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// handlerFunc is a Handler of one function.
type handlerFunc func(ctx context.Context, call *Call) (any, error)

func (f handlerFunc) ServeCall(ctx context.Context, call *Call) (any, error) { return f(ctx, call) }

// echoes answers create and lookup with what they ask for, and fails in other
// ways when told to by the name.
var echoes = handlerFunc(func(_ context.Context, call *Call) (any, error) {
	switch call.Request.Method {
	case MethodInfo:
		return testInfo, nil
	case MethodCreate:
		var r CreateRequest
		if err := call.Decode(&r); err != nil {
			return nil, err
		}
		return HeroReply{Hero: crdt.Hero{ID: call.Request.ID, Name: r.Name, Location: "home", Health: 100}}, nil
	case MethodUpdate:
		var r UpdateRequest
		if err := call.Decode(&r); err != nil {
			return nil, err
		}
		return UpdateReply{Changed: uint64(r.Entries.Len())}, nil
	}
	return nil, Errorf(Forbidden, "not in this test")
})

var testInfo = InfoReply{Network: "main", City: "paris", Software: "test/1"}

// serving is a server at work on one end of a stream, with the raw other end.
type serving struct {
	t       *testing.T
	end     *pipeStream // the caller's
	server  *pipeStream
	in      *bufio.Reader
	outcome chan error
	cancel  context.CancelFunc
	log     *bytes.Buffer // not to be read before the server has ended
}

// serve starts a server of the city paris; it is joined when the test ends.
func serve(t *testing.T, h Handler) *serving {
	t.Helper()
	end, server := newPipe(64 << 10)
	ctx, cancel := context.WithCancel(context.Background())
	s := &serving{
		t: t, end: end, server: server, in: bufio.NewReader(end),
		outcome: make(chan error, 1), cancel: cancel, log: new(bytes.Buffer),
	}
	joined := make(chan struct{})
	go func() {
		defer close(joined)
		paris := &Server{City: "paris", Handler: h, Logger: slog.New(slog.NewTextHandler(s.log, nil))}
		s.outcome <- paris.Serve(ctx, server, "caller-1")
		if server.wasReleased() == "" {
			t.Error("the server has left its stream open")
		}
	}()
	t.Cleanup(func() {
		_ = end.Reset()
		cancel()
		<-joined
	})
	return s
}

func (s *serving) send(payload []byte) {
	s.t.Helper()
	if err := WriteFrame(s.end, payload); err != nil {
		s.t.Fatal(err)
	}
}

func (s *serving) sendRaw(b []byte) {
	s.t.Helper()
	if _, err := s.end.Write(b); err != nil {
		s.t.Fatal(err)
	}
}

func (s *serving) receive() Response {
	s.t.Helper()
	payload, err := ReadFrame(s.in, FrameBytesMax)
	if err != nil {
		s.t.Fatalf("no response: %v", err)
	}
	var r Response
	if err := UnmarshalLenient(payload, &r); err != nil {
		s.t.Fatalf("response %x: %v", payload, err)
	}
	return r
}

func (s *serving) expect(code Code) Response {
	s.t.Helper()
	r := s.receive()
	if r.Code != code {
		s.t.Fatalf("answered %v %q, want %v", r.Code, r.Message, code)
	}
	return r
}

// expectEOF checks that the server has closed its writing side in order.
func (s *serving) expectEOF() {
	s.t.Helper()
	if b, err := s.in.ReadByte(); err != io.EOF {
		s.t.Fatalf("read %#02x, %v; want the end of the stream", b, err)
	}
}

// expectUsable checks that the stream still answers calls.
func (s *serving) expectUsable() {
	s.t.Helper()
	s.send(request(s.t, MethodInfo, nil))
	s.expect(OK)
}

func request(t *testing.T, method string, body any) []byte {
	t.Helper()
	return encode(t, Request{Method: method, ID: testID(1), Body: rawBody(t, body)})
}

func rawBody(t *testing.T, body any) RawItem {
	if body == nil {
		return nil
	}
	return encode(t, body)
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	b, err := Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func testID(n byte) (id crdt.ID) {
	id[0], id[15] = 0xc1, n
	return id
}

func TestCallsAreAnsweredInOrder(t *testing.T) {
	s := serve(t, echoes)
	var all []byte
	for n := range byte(20) {
		var frame bytes.Buffer
		payload := encode(t, Request{Method: MethodCreate, ID: testID(n), Body: encode(t, CreateRequest{Name: fmt.Sprint(n)})})
		if err := WriteFrame(&frame, payload); err != nil {
			t.Fatal(err)
		}
		all = append(all, frame.Bytes()...)
	}
	s.sendRaw(all)
	for n := range byte(20) {
		var reply HeroReply
		if err := UnmarshalLenient(s.expect(OK).Body, &reply); err != nil {
			t.Fatal(err)
		}
		if reply.Hero.ID != testID(n) || reply.Hero.Name != fmt.Sprint(n) {
			t.Fatalf("answer %d is for %v", n, reply.Hero)
		}
	}
}

func TestStreamEndsWithoutErrorWhenTheCallerCloses(t *testing.T) {
	s := serve(t, echoes)
	s.expectUsable()
	_ = s.end.CloseWrite()
	s.expectEOF()
	if err := <-s.outcome; err != nil {
		t.Fatal(err)
	}
	if how := s.server.wasReleased(); how != "closed" {
		t.Fatalf("stream %s, want closed", how)
	}
}

func TestWellFormedButWrongRequestsLeaveTheStreamUsable(t *testing.T) {
	id := encode(t, testID(1))
	raw := func(parts ...any) []byte {
		var b []byte
		for _, p := range parts {
			switch p := p.(type) {
			case byte:
				b = append(b, p)
			case int:
				b = append(b, byte(p))
			case string:
				b = append(b, p...)
			case []byte:
				b = append(b, p...)
			}
		}
		return b
	}
	info := raw(0x01, 0x64, "info", 0x02, id)
	cases := []struct {
		name    string
		payload []byte
		code    Code
		says    string
	}{
		{"not a map", raw(0x80), BadRequest, "want map"},
		{"method missing", raw(0xa1, 0x02, id), BadRequest, "key 1 is missing"},
		{"id missing", raw(0xa1, 0x01, 0x64, "info"), BadRequest, "key 2 is missing"},
		{"id short", raw(0xa2, 0x01, 0x64, "info", 0x02, 0x41, 0x00), BadRequest, "id of 1 bytes"},
		{"method of another type", raw(0xa2, 0x01, 0x01, 0x02, id), BadRequest, "want text"},
		{"method null", raw(0xa2, 0x01, 0xf6, 0x02, id), BadRequest, "key 1"},
		{"method empty", raw(0xa2, 0x01, 0x60, 0x02, id), BadRequest, "method is empty"},
		{"unknown key", raw(0xa3, info, 0x05, 0x00), BadRequest, "unknown key"},
		{"text for a key", raw(0xa3, info, 0x61, "1", 0x00), BadRequest, "unknown key"},
		{"repeated key", raw(0xa3, info, 0x01, 0x64, "info"), BadRequest, "repeated key"},
		{"repeated key in another form", raw(0xa3, info, 0x18, 0x01, 0x64, "info"), BadRequest, "repeated key"},
		{"tag", raw(0xc0, 0xa2, info), BadRequest, "tag 0"},
		{"float", raw(0xa3, info, 0x04, 0xf9, 0x00, 0x00), BadRequest, "float"},
		{"undefined", raw(0xa3, info, 0x04, 0xf7), BadRequest, "simple value 23"},
		{"indefinite map", raw(0xbf, info, 0xff), BadRequest, "indefinite length"},
		{"indefinite text", raw(0xa2, 0x01, 0x7f, 0x64, "info", 0xff, 0x02, id), BadRequest, "indefinite length"},
		{"text not UTF-8", raw(0xa2, 0x01, 0x64, "inf\xff", 0x02, id), BadRequest, "UTF-8"},
		{"nested nine deep", raw(0xa3, info, 0x03, bytes.Repeat([]byte{0x81}, 8), 0x00), BadRequest, "nesting"},
		{"body where none is", raw(0xa3, info, 0x03, 0xa0), BadRequest, "has no body"},
		{"body missing", raw(0xa2, 0x01, 0x63, "get", 0x02, id), BadRequest, "body (key 3) is missing"},
		{"body null", raw(0xa3, 0x01, 0x63, "get", 0x02, id, 0x03, 0xf6), BadRequest, "null"},
		{"body not a map", raw(0xa3, 0x01, 0x66, "create", 0x02, id, 0x03, 0x80), BadRequest, "create: body: got array, want map"},
		{"unknown key in the body", raw(0xa3, 0x01, 0x66, "create", 0x02, id, 0x03, 0xa2, 0x01, 0x61, "x", 0x09, 0x00), BadRequest, "unknown key"},
		{"unknown method", raw(0xa2, 0x01, 0x63, "got", 0x02, id), Unsupported, `"got"`},
		{"another city", raw(0xa3, info, 0x04, 0x64, "rome"), WrongCity, "this is the city paris, not rome"},
		{"city empty", raw(0xa3, info, 0x04, 0x60), BadRequest, "empty text"},
		{"city too long", raw(0xa3, info, 0x04, 0x78, 64, strings.Repeat("x", 64)), BadRequest, "64 bytes"},
		{"malformed entries", raw(0xa3, 0x01, 0x66, "update", 0x02, id, 0x03, 0xa1, 0x01, 0xa1, 0x01, 0x81, 0x80), BadRequest, "update: body: byte 2: heroes"},
		{"forbidden", request(t, MethodBomb, nil), Forbidden, "not in this test"},
	}
	s := serve(t, echoes)
	for _, c := range cases {
		s.send(c.payload)
		r := s.receive()
		if r.Code != c.code || !strings.Contains(r.Message, c.says) {
			t.Errorf("%s: answered %v %q, want %v with %q", c.name, r.Code, r.Message, c.code, c.says)
		}
		s.expectUsable()
	}
}

func TestRequestsMayBeInAnyWellFormedForm(t *testing.T) {
	s := serve(t, echoes)
	id := testID(1)
	payload := append([]byte{0xb8, 0x03, 0x18, 0x02, 0x58, 0x10}, id[:]...) // id first, lengths longer than minimal
	payload = append(payload, 0x04, 0x78, 0x05)
	payload = append(payload, "paris"...)
	payload = append(payload, 0x19, 0x00, 0x01, 0x64)
	payload = append(payload, "info"...)
	s.send(payload)
	s.expect(OK)
}

func TestWhatCannotBeParsedIsAnsweredAndEndsTheStream(t *testing.T) {
	cases := map[string]struct {
		bytes []byte
		code  Code
	}{
		"length not minimal":       {[]byte{0x81, 0x00, 0xa0}, BadRequest},
		"length of ten bytes":      {[]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, TooLarge},
		"length over the limit":    {[]byte{0x81, 0x80, 0x10}, TooLarge},
		"no item":                  {[]byte{0x00}, BadRequest},
		"two items":                {[]byte{0x02, 0x00, 0x00}, BadRequest},
		"item cut":                 {[]byte{0x02, 0x82, 0x00}, BadRequest},
		"length over what is left": {[]byte{0x05, 0x9a, 0xff, 0xff, 0xff, 0xff}, BadRequest},
		"reserved first byte":      {[]byte{0x01, 0x1c}, BadRequest},
		"break alone":              {[]byte{0x01, 0xff}, BadRequest},
		"indefinite map cut":       {[]byte{0x02, 0xbf, 0x00}, BadRequest},
		"key without a value":      {[]byte{0x03, 0xbf, 0x00, 0xff}, BadRequest},
		"tag of nothing":           {[]byte{0x01, 0xc1}, BadRequest},
		"simple value too long":    {[]byte{0x02, 0xf8, 0x10}, BadRequest},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := serve(t, echoes)
			s.expectUsable()
			s.sendRaw(c.bytes)
			s.sendRaw(bytes.Repeat([]byte{0x00}, 100<<10)) // more than fits the window: must be read away
			s.expect(c.code)
			s.expectEOF()
			_ = s.end.CloseWrite()
			if err := <-s.outcome; CodeOf(err) != c.code {
				t.Errorf("served with %v, want %v", err, c.code)
			}
			if how := s.server.wasReleased(); how != "closed" {
				t.Errorf("stream %s, want closed, for the caller has", how)
			}
		})
	}
}

func TestStreamOfACallerThatDoesNotCloseIsResetAfterASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, echoes)
		start := time.Now()
		s.sendRaw([]byte{0x01, 0xff})
		s.expect(BadRequest)
		s.expectEOF()
		<-s.outcome
		if how := s.server.wasReleased(); how != "reset" || time.Since(start) != CloseTimeout {
			t.Errorf("stream %s after %v", how, time.Since(start))
		}
	})
}

func TestCallerThatPoursIntoAnEndedStreamIsReadAwayWithinBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, echoes)
		start := time.Now()
		s.sendRaw([]byte{0x01, 0xff})
		s.expect(BadRequest)
		junk := make([]byte, 64<<10)
		var err error
		for sent := 0; err == nil && sent <= 16*drainBytesMax; sent += len(junk) {
			_, err = s.end.Write(junk)
		}
		if err != errReset || time.Since(start) != CloseTimeout {
			t.Errorf("pouring ended with %v after %v, want a reset after a second", err, time.Since(start))
		}
		<-s.outcome
		if n := s.server.in.received; n > drainBytesMax+64<<10 {
			t.Errorf("%d bytes were read away, at most %d are to be", n, drainBytesMax)
		}
	})
}

func TestFrameCutByTheEndIsNotAnswered(t *testing.T) {
	for _, part := range [][]byte{{0x80}, {0x05}, {0x05, 0xa0}} {
		s := serve(t, echoes)
		s.sendRaw(part)
		_ = s.end.CloseWrite()
		s.expectEOF()
		if err := <-s.outcome; !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%x: served with %v", part, err)
		}
		if how := s.server.wasReleased(); how != "closed" {
			t.Errorf("%x: stream %s", part, how)
		}
	}
}

func TestSlowFrameEndsTheStreamAfterTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, echoes)
		s.expectUsable()
		time.Sleep(time.Minute) // the deadline starts with the frame
		start := time.Now()
		s.sendRaw([]byte{0x14})
		for range 3 { // each byte in time does not make the frame so
			time.Sleep(3 * time.Second)
			s.sendRaw([]byte{0x00})
		}
		s.expectEOF()
		if took := time.Since(start); took != FrameTimeout {
			t.Errorf("ended after %v", took)
		}
		<-s.outcome
	})
}

func TestIdleStreamEndsAfterFiveMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, echoes)
		time.Sleep(IdleTimeout - time.Second)
		s.expectUsable()
		start := time.Now()
		s.expectEOF()
		if took := time.Since(start); took != IdleTimeout {
			t.Errorf("ended after %v", took)
		}
		_ = s.end.Close()
		<-s.outcome
		if how := s.server.wasReleased(); how != "closed" {
			t.Errorf("stream %s", how)
		}
	})
}

func TestIdleTimeIsWholeAfterAFrameThatCameInParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, echoes)
		frame := framed(request(t, MethodInfo, nil))
		for range 3 {
			s.sendRaw(frame[:5])
			time.Sleep(FrameTimeout - time.Second)
			s.sendRaw(frame[5:])
			s.expect(OK)
			time.Sleep(IdleTimeout - time.Second)
		}
		s.expectUsable()
		start := time.Now()
		s.expectEOF()
		if took := time.Since(start); took != IdleTimeout {
			t.Errorf("ended after %v", took)
		}
		_ = s.end.Close()
		<-s.outcome
	})
}

func TestCallerThatDoesNotReadIsResetAfterTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, handlerFunc(func(_ context.Context, call *Call) (any, error) {
			for {
				if err := call.Send(GetReply{Summary: &crdt.Summary{}}); err != nil {
					return nil, err
				}
			}
		}))
		start := time.Now()
		s.send(request(t, MethodGet, GetRequest{}))
		<-s.outcome
		if how := s.server.wasReleased(); how != "reset" || time.Since(start) != FrameTimeout {
			t.Errorf("stream %s after %v", how, time.Since(start))
		}
	})
}

func TestPanicIsAnsweredWithInternalAndLogged(t *testing.T) {
	s := serve(t, handlerFunc(func(ctx context.Context, call *Call) (any, error) {
		if call.Request.Method == MethodBomb {
			panic("secret")
		}
		return echoes(ctx, call)
	}))
	s.send(request(t, MethodBomb, nil))
	if r := s.expect(Internal); strings.Contains(r.Message, "secret") {
		t.Errorf("the answer tells %q", r.Message)
	}
	s.expectUsable()
	_ = s.end.CloseWrite()
	<-s.outcome
	if log := s.log.String(); !strings.Contains(log, "secret") || !strings.Contains(log, "server_test.go") {
		t.Errorf("log without the panic and its stack: %s", log)
	}
}

// Answered as it is, it would be a success without a body.
func TestErrorWithTheCodeOfSuccessIsAnsweredVaguely(t *testing.T) {
	s := serve(t, handlerFunc(func(context.Context, *Call) (any, error) { return nil, Errorf(OK, "all is well") }))
	s.send(request(t, MethodInfo, nil))
	if r := s.expect(Internal); r.Message != vagueMessage {
		t.Errorf("answered %+v", r)
	}
}

func TestForeignErrorIsAnsweredVaguelyAndLogged(t *testing.T) {
	s := serve(t, handlerFunc(func(context.Context, *Call) (any, error) { return nil, errors.New("disk of secrets full") }))
	s.send(request(t, MethodInfo, nil))
	if r := s.expect(Internal); strings.Contains(r.Message, "secret") {
		t.Errorf("the answer tells %q", r.Message)
	}
	_ = s.end.CloseWrite()
	<-s.outcome
	if !strings.Contains(s.log.String(), "disk of secrets full") {
		t.Errorf("log: %s", s.log)
	}
}

func TestAnswerThatIsTooLongIsInternalAndLeavesTheStreamUsable(t *testing.T) {
	s := serve(t, handlerFunc(func(ctx context.Context, call *Call) (any, error) {
		if call.Request.Method == MethodLookup {
			long := LookupReply{Peer: make([]byte, FrameBytesMax)}
			if err := call.Send(long); err == nil {
				t.Error("a page over the limit was sent")
			}
			return long, nil
		}
		return echoes(ctx, call)
	}))
	s.send(request(t, MethodLookup, LookupRequest{City: "rome"}))
	s.expect(Internal)
	s.expectUsable()
}

func TestErrorMessagesArePlainAndShort(t *testing.T) {
	s := serve(t, handlerFunc(func(context.Context, *Call) (any, error) {
		return nil, &Error{Code: Dead, Message: "a\x1b[31m\u202e\xff" + strings.Repeat("é", MessageBytesMax)}
	}))
	s.send(request(t, MethodInfo, nil))
	r := s.expect(Dead)
	if !strings.HasPrefix(r.Message, "a [31m  é") || len(r.Message) > MessageBytesMax || !strings.HasSuffix(r.Message, "é") {
		t.Errorf("message of %d bytes: %.20q", len(r.Message), r.Message)
	}
}

func TestAfterReplyRunsOnceTheAnswerIsOut(t *testing.T) {
	crashed := make(chan struct{})
	s := serve(t, handlerFunc(func(_ context.Context, call *Call) (any, error) {
		call.AfterReply(func() { close(crashed) })
		select {
		case <-crashed:
			t.Error("crashed before the answer")
		default:
		}
		return nil, nil
	}))
	s.send(request(t, MethodBomb, nil))
	s.expect(OK)
	<-crashed
}

func TestEndOfTheServersContextEndsAnIdleStreamInOrder(t *testing.T) {
	s := serve(t, echoes)
	s.expectUsable()
	s.cancel()
	s.expectEOF()
	_ = s.end.CloseWrite()
	if err := <-s.outcome; !errors.Is(err, context.Canceled) {
		t.Errorf("served with %v", err)
	}
	if how := s.server.wasReleased(); how != "closed" {
		t.Errorf("stream %s", how)
	}
}

func TestEndOfTheServersContextIsToldToTheCallThatRuns(t *testing.T) {
	running := make(chan struct{})
	s := serve(t, handlerFunc(func(ctx context.Context, _ *Call) (any, error) {
		close(running)
		<-ctx.Done()
		return nil, ctx.Err()
	}))
	s.send(request(t, MethodSettle, nil))
	<-running
	s.cancel()
	s.expect(Unavailable)
	s.expectEOF()
}

// deafStream is a stream whose deadlines have no effect, as those of libp2p's
// mocknet.
type deafStream struct{ *pipeStream }

func (deafStream) SetReadDeadline(time.Time) error  { return nil }
func (deafStream) SetWriteDeadline(time.Time) error { return nil }

func TestServerEndsOnStreamsWithoutDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, server := newPipe(1 << 10)
		ctx, cancel := context.WithCancel(t.Context())
		outcome := make(chan error, 1)
		go func() { outcome <- (&Server{City: "paris", Handler: echoes}).Serve(ctx, deafStream{server}, "") }()
		synctest.Wait() // until it waits for a frame
		cancel()
		<-outcome
		if how := server.wasReleased(); how != "reset" {
			t.Errorf("stream %s", how)
		}
	})
}

// watches answers watch with its summary and then with nothing until it ends.
func watches(ended *atomic.Bool) handlerFunc {
	return func(ctx context.Context, call *Call) (any, error) {
		ctx, cancel := call.UntilClosed(ctx)
		defer cancel()
		if err := call.Send(GetReply{Summary: &crdt.Summary{}}); err != nil {
			return nil, err
		}
		<-ctx.Done()
		ended.Store(true)
		return nil, ctx.Err()
	}
}

func TestWatchEndsWhenTheCallerCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Bool
		s := serve(t, watches(&ended))
		s.send(request(t, MethodWatch, WatchRequest{}))
		if !s.expect(OK).More {
			t.Error("a live watch has more to come")
		}
		time.Sleep(24 * time.Hour)
		if ended.Load() {
			t.Fatal("a quiet watch ended")
		}
		_ = s.end.CloseWrite()
		s.expect(OK)
		s.expectEOF()
		if err := <-s.outcome; err != nil || !ended.Load() {
			t.Error(err)
		}
		if how := s.server.wasReleased(); how != "closed" {
			t.Errorf("stream %s", how)
		}
	})
}

func TestWatchIsTheLastCallOfItsStream(t *testing.T) {
	var ended atomic.Bool
	s := serve(t, watches(&ended))
	s.send(request(t, MethodWatch, WatchRequest{}))
	s.expect(OK)
	s.send(request(t, MethodInfo, nil))
	s.expect(BadRequest)
	s.expectEOF()
}

func TestWatchOfAStreamThatIsResetEnds(t *testing.T) {
	var ended atomic.Bool
	s := serve(t, watches(&ended))
	s.send(request(t, MethodWatch, WatchRequest{}))
	s.expect(OK)
	_ = s.end.Reset()
	if err := <-s.outcome; err == nil || !ended.Load() {
		t.Error(err)
	}
}

func TestWatchEndsWithTheServersContext(t *testing.T) {
	var ended atomic.Bool
	s := serve(t, watches(&ended))
	s.send(request(t, MethodWatch, WatchRequest{}))
	s.expect(OK)
	s.cancel()
	s.expect(Unavailable)
	s.expectEOF()
}

func TestWatchEndedByTheCityIsAnswered(t *testing.T) {
	s := serve(t, handlerFunc(func(ctx context.Context, call *Call) (any, error) {
		_, cancel := call.UntilClosed(ctx)
		defer cancel()
		return nil, Errorf(Busy, "too slow")
	}))
	s.send(request(t, MethodWatch, WatchRequest{}))
	s.expect(Busy)
	s.expectEOF()
	_ = s.end.CloseWrite()
	<-s.outcome
	if how := s.server.wasReleased(); how != "closed" {
		t.Errorf("stream %s", how)
	}
}

func TestWatchOfACallerThatDoesNotCloseIsResetAfterASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, handlerFunc(func(ctx context.Context, call *Call) (any, error) {
			_, cancel := call.UntilClosed(ctx)
			defer cancel()
			return nil, ErrUnavailable
		}))
		start := time.Now()
		s.send(request(t, MethodWatch, WatchRequest{}))
		s.expect(Unavailable)
		s.expectEOF()
		<-s.outcome
		if how := s.server.wasReleased(); how != "reset" || time.Since(start) != CloseTimeout {
			t.Errorf("stream %s after %v", how, time.Since(start))
		}
	})
}

func TestACallerThatGoesAwayDuringAWatchIsNoFault(t *testing.T) {
	for fact, leave := range map[string]func(*serving){
		"it closes":               func(s *serving) { _ = s.end.CloseWrite() },
		"it resets the stream":    func(s *serving) { _ = s.end.Reset() },
		"its connection is gone":  func(s *serving) { _ = s.server.Reset() },
		"it breaks the stream up": func(s *serving) { _ = s.end.CloseWrite(); _ = s.end.Reset() },
	} {
		begun := make(chan struct{})
		s := serve(t, handlerFunc(func(ctx context.Context, call *Call) (any, error) {
			ctx, cancel := call.UntilClosed(ctx)
			defer cancel()
			close(begun)
			<-ctx.Done()
			return nil, ctx.Err()
		}))
		s.send(request(t, MethodWatch, WatchRequest{}))
		<-begun
		leave(s)
		<-s.outcome
		if log := s.log.String(); strings.Contains(log, "ERROR") {
			t.Errorf("%s, and the log says %s", fact, log)
		}
	}
}

// A fault that a caller can repeat is in the log once, and counted.
func TestAFaultOfManyCallsIsALineAndACount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		limit := loglimit.New(slog.NewTextHandler(&log, nil))
		server := &Server{City: "paris", Logger: slog.New(limit), Handler: handlerFunc(func(context.Context, *Call) (any, error) {
			return nil, errors.New("broken")
		})}
		end, stream := newPipe(64 << 10)
		served := make(chan struct{})
		go func() {
			defer close(served)
			_ = server.Serve(context.Background(), stream, "p") // ends with the client
		}()
		c := NewClient(end)
		for range 100 {
			if _, err := c.Info(t.Context()); CodeOf(err) != Internal {
				t.Fatal(err)
			}
		}
		_ = c.Close() // always nil
		<-served
		ctx, stop := context.WithCancel(t.Context())
		stop()
		_ = limit.Serve(ctx) // which tells what is left; always nil
		if got := log.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "times=99") {
			t.Errorf("the log is\n%s", got)
		}
	})
}
