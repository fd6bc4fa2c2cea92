package protocol

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/citynode/citynode/crdt"
)

const (
	vectorsPath = "../docs/wire/vectors.json"
	schemaPath  = "../docs/wire/citynode.cddl"
)

// vector is one test vector; docs/wire/README.md says what the fields mean for
// each kind.
type vector struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"`
	Rule  string `json:"rule"`
	Hex   string `json:"hex"`
	Diag  string `json:"diag"`
	Valid bool   `json:"valid"`

	Method      string   `json:"method,omitempty"`      // body, reply
	Consequence string   `json:"consequence,omitempty"` // of what is not valid, and of deltas
	Form        bool     `json:"form,omitempty"`        // not valid, and in the form of the CDDL all the same
	Horizon     string   `json:"horizon,omitempty"`     // delta
	Codes       []string `json:"codes,omitempty"`       // stream, request
	Fingerprint string   `json:"fingerprint,omitempty"` // hero, tombstone
	Symbol      string   `json:"symbol,omitempty"`      // hero, tombstone
	Digest      string   `json:"digest,omitempty"`      // entries
	Replica     string   `json:"replica,omitempty"`     // peer
	Network     string   `json:"network,omitempty"`     // name
	City        string   `json:"city,omitempty"`        // name
	CID         string   `json:"cid,omitempty"`         // name
}

func readVectors(t testing.TB) (vectors []vector) {
	t.Helper()
	b, err := os.ReadFile(vectorsPath)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&vectors); err != nil {
		t.Fatal(err)
	}
	return vectors
}

func TestVectors(t *testing.T) {
	checks := map[string]func(*testing.T, vector, []byte){
		"stream":    checkStream,
		"request":   checkRequest,
		"response":  func(t *testing.T, v vector, b []byte) { checkValid(t, v, UnmarshalLenient(b, new(Response))) },
		"presence":  func(t *testing.T, v vector, b []byte) { checkValid(t, v, UnmarshalLenient(b, new(Presence))) },
		"question":  func(t *testing.T, v vector, b []byte) { checkValid(t, v, UnmarshalLenient(b, new(Question))) },
		"sign":      func(t *testing.T, v vector, b []byte) { checkValid(t, v, UnmarshalLenient(b, new(Sign))) },
		"delta":     checkDelta,
		"body":      checkBody,
		"reply":     checkReply,
		"hero":      checkHero,
		"tombstone": checkTombstone,
		"entries":   checkEntries,
		"versions":  checkVersions,
		"merge":     checkMerge,
		"peer":      checkPeer,
		"name":      checkName,
	}
	names := make(map[string]bool)
	for _, v := range readVectors(t) {
		t.Run(v.Kind+"/"+v.Name, func(t *testing.T) {
			if id := v.Kind + "/" + v.Name; names[id] {
				t.Errorf("name is taken")
			} else {
				names[id] = true
			}
			check := checks[v.Kind]
			if check == nil {
				t.Fatalf("kind %q is unknown", v.Kind)
			}
			b := unhex(t, v.Hex)
			check(t, v, b)
			checkConsequence(t, v)
			checkDiag(t, v, b)
		})
	}
	for kind := range checks {
		if !slices.Contains(kindOrder, kind) {
			t.Errorf("kind %s has no place in the file", kind)
		}
	}
}

func checkValid(t *testing.T, v vector, err error) {
	t.Helper()
	if (err == nil) != v.Valid {
		t.Errorf("%s\nvalid is %v, but decoded with %v", v.Diag, v.Valid, err)
	}
}

// checkConsequence checks that a vector says what follows if and only if it is not
// valid, or is a delta. What follows is shown where it is done: for streams and
// requests here and in node, for gossip in internal/gossip.
func checkConsequence(t *testing.T, v vector) {
	t.Helper()
	want := consequences[v.Kind]
	switch {
	case v.Kind == "delta", v.Kind == "stream" && !v.Valid: // there are several
		want = cmp.Or(v.Consequence, "any")
	case v.Valid:
		want = ""
	}
	if v.Consequence != want {
		t.Errorf("consequence %q, want %q", v.Consequence, want)
	}
}

// checkDiag compares the diagnostic notation (RFC 8949 §8), which is empty for
// what is not one CBOR item.
func checkDiag(t *testing.T, v vector, b []byte) {
	t.Helper()
	if v.Kind == "stream" || v.Kind == "peer" || v.Kind == "name" {
		return
	}
	want, err := cbor.Diagnose(b)
	if err != nil {
		want = ""
	}
	if v.Diag != want {
		t.Errorf("diag is %s, want %s", v.Diag, want)
	}
}

// answersOf returns the codes that a city called paris answers with to the bytes
// of one stream, which the caller closes at their end.
func answersOf(t *testing.T, b []byte) (codes []string) {
	t.Helper()
	end, server := newPipe(1 << 20)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = (&Server{City: "paris", Handler: careful}).Serve(context.Background(), server, "")
	}()
	_, _ = end.Write(b)
	_ = end.CloseWrite()
	in := bufio.NewReader(end)
	for {
		payload, err := ReadFrame(in, FrameBytesMax)
		if err == io.EOF {
			break
		}
		var r Response
		if err == nil {
			err = UnmarshalLenient(payload, &r)
		}
		if err != nil {
			t.Fatal(err)
		}
		if !r.More {
			codes = append(codes, r.Code.String())
		}
	}
	<-served
	return codes
}

func checkStream(t *testing.T, v vector, b []byte) {
	codes := answersOf(t, b)
	if !slices.Equal(codes, v.Codes) {
		t.Errorf("answered with %v, want %v", codes, v.Codes)
	}
	if v.Valid && (len(codes) == 0 || slices.ContainsFunc(codes, func(c string) bool { return c != "ok" })) {
		t.Errorf("valid, but answered with %v", codes)
	}
}

func checkRequest(t *testing.T, v vector, b []byte) { checkStream(t, v, framed(b)) }

// careful decodes the body of every request, as a city does, and then answers it.
var careful = handlerFunc(func(ctx context.Context, call *Call) (any, error) {
	if body := newBody(call.Request.Method); body != nil {
		if err := call.Decode(body); err != nil {
			return nil, err
		}
	}
	if call.Request.Method == MethodUpdate {
		return UpdateReply{Summary: summary}, nil
	}
	return complete(ctx, call)
})

// newBody returns a pointer to a request body of a method, nil if it has none.
func newBody(name string) any { return newOf(methods[name].request) }

func newOf(f *schema) any {
	if f == nil {
		return nil
	}
	return reflect.New(f.typ).Interface()
}

func checkBody(t *testing.T, v vector, b []byte) {
	checkValid(t, v, UnmarshalStrict(b, newBody(v.Method)))
}

func checkReply(t *testing.T, v vector, b []byte) {
	checkValid(t, v, UnmarshalLenient(b, newOf(methods[v.Method].reply)))
}

func checkHero(t *testing.T, v vector, b []byte) {
	h, err := crdt.DecodeHero(b)
	checkValid(t, v, err)
	if err == nil {
		checkFingerprint(t, v, h.Fingerprint())
	}
}

func checkTombstone(t *testing.T, v vector, b []byte) {
	d, err := crdt.DecodeTombstone(b)
	checkValid(t, v, err)
	if err == nil {
		checkFingerprint(t, v, d.Fingerprint())
	}
}

func checkFingerprint(t *testing.T, v vector, f crdt.Fingerprint) {
	t.Helper()
	if got := hex.EncodeToString(f[:]); got != v.Fingerprint {
		t.Errorf("fingerprint %s, want %s", got, v.Fingerprint)
	}
	if got := strconv.FormatUint(f.Symbol(), 10); got != v.Symbol {
		t.Errorf("symbol %s, want %s", got, v.Symbol)
	}
}

func checkDelta(t *testing.T, v vector, b []byte) {
	_, err := crdt.DecodeEntries(b)
	checkValid(t, v, err)
}

func checkEntries(t *testing.T, v vector, b []byte) {
	e, err := crdt.DecodeEntries(b)
	checkValid(t, v, err)
	if err != nil {
		return
	}
	if again := crdt.AppendEntries(nil, e); !bytes.Equal(again, b) {
		t.Errorf("encoded again as %x", again)
	}
	s := crdt.NewState()
	s.Merge(e, crdt.NoHorizon)
	if got := s.Summary().Digest.String(); got != v.Digest {
		t.Errorf("digest %s, want %s", got, v.Digest)
	}
}

func checkVersions(t *testing.T, _ vector, b []byte) {
	var versions [][3]uint64
	if err := cbor.Unmarshal(b, &versions); err != nil {
		t.Fatal(err)
	}
	if len(versions) < 2 {
		t.Error("nothing to compare")
	}
	for i := range versions {
		for j := range versions {
			a, b := versionOf(versions[i]), versionOf(versions[j])
			if got, want := a.Compare(b), i-j; got < 0 != (want < 0) || got > 0 != (want > 0) {
				t.Errorf("%v and %v compare as %d", a, b, got)
			}
		}
	}
}

func versionOf(v [3]uint64) crdt.Version {
	return crdt.Version{Assigned: crdt.Stamp(v[0]), Replica: crdt.ReplicaID(v[1]), HLC: crdt.Stamp(v[2])}
}

// checkMerge checks that of two entries with one id the second wins, whichever
// comes first.
func checkMerge(t *testing.T, _ vector, b []byte) {
	var both []cbor.RawMessage
	if err := cbor.Unmarshal(b, &both); err != nil || len(both) != 2 {
		t.Fatalf("%d entries, %v", len(both), err)
	}
	loser, winner := entriesOf(t, both[0]), entriesOf(t, both[1])
	for _, order := range [][]crdt.Entries{{loser, winner}, {winner, loser}} {
		s := crdt.NewState()
		for _, e := range order {
			s.Merge(e, crdt.NoHorizon)
		}
		alone := crdt.NewState()
		alone.Merge(winner, crdt.NoHorizon)
		if s.Summary() != alone.Summary() {
			t.Errorf("the second does not win in order %v", order)
		}
	}
}

func entriesOf(t *testing.T, entry []byte) crdt.Entries {
	t.Helper()
	if h, err := crdt.DecodeHero(entry); err == nil {
		return crdt.Entries{Heroes: []crdt.Hero{h}}
	}
	d, err := crdt.DecodeTombstone(entry)
	if err != nil {
		t.Fatal(err)
	}
	return crdt.Entries{Tombstones: []crdt.Tombstone{d}}
}

func checkPeer(t *testing.T, v vector, b []byte) {
	if got := strconv.FormatUint(uint64(crdt.ReplicaOf(b)), 10); got != v.Replica {
		t.Errorf("replica %s, want %s", got, v.Replica)
	}
}

func checkName(t *testing.T, v vector, b []byte) {
	if got := cidOf(v.Network, v.City); !bytes.Equal(got, b) {
		t.Errorf("CID %x, want %s", got, v.Hex)
	}
	if got := cidText(b); got != v.CID {
		t.Errorf("CID %s, want %s", got, v.CID)
	}
}

// cidOf returns the bytes of CIDv1(raw, sha2-256) of a city's name.
func cidOf(network, city string) []byte {
	digest := NameDigest(network, city)
	return append([]byte{0x01, 0x55, 0x12, 0x20}, digest[:]...)
}

// cidText returns the text schema: base32 in lower case behind its multibase letter.
func cidText(cid []byte) string {
	return "b" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(cid))
}

// kindOrder is the order of the file.
var kindOrder = []string{
	"stream", "request", "body", "response", "reply", "presence", "question", "sign", "delta", "hero", "tombstone", "entries", "versions", "merge", "peer", "name",
}

func TestVectorsAreGroupedAndCoverEveryKindAndMethod(t *testing.T) {
	vectors := readVectors(t)
	has := func(f func(vector) bool) bool { return slices.ContainsFunc(vectors, f) }
	for method, is := range methods {
		if is.reply != nil && !has(func(v vector) bool { return v.Kind == "reply" && v.Valid && v.Method == method }) {
			t.Errorf("no reply of %s", method)
		}
		if !has(func(v vector) bool {
			return v.Kind == "request" && v.Valid && strings.Contains(v.Diag, strconv.Quote(method))
		}) {
			t.Errorf("no request for %s", method)
		}
	}
	rulesOnly := []string{"versions", "merge", "peer", "name"} // nothing in them can be wrong
	for _, kind := range kindOrder {
		for _, valid := range []bool{true, false} {
			if !has(func(v vector) bool { return v.Kind == kind && v.Valid == valid }) && (valid || !slices.Contains(rulesOnly, kind)) {
				t.Errorf("no vector of kind %s with valid %v", kind, valid)
			}
		}
	}
	if !slices.IsSortedFunc(vectors, func(a, b vector) int {
		return slices.Index(kindOrder, a.Kind) - slices.Index(kindOrder, b.Kind)
	}) {
		t.Error("vectors are not grouped by kind")
	}
}
