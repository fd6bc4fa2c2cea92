package protocol

import (
	"strings"
	"testing"
)

func TestPresenceIsValidated(t *testing.T) {
	if err := testPresence().Validate(); err != nil {
		t.Fatal(err)
	}
	for says, spoil := range map[string]func(*Presence){
		"city":         func(p *Presence) { p.City = "Paris" },
		"reserved":     func(p *Presence) { p.City = "home" },
		"65 bytes":     func(p *Presence) { p.Software = strings.Repeat("x", 65) },
		"plain text":   func(p *Presence) { p.Software = "a\nb" },
		"incarnation":  func(p *Presence) { p.Incarnation = 0 },
		"at most 8":    func(p *Presence) { p.Problems = make([]Problem, ProblemsMax+1) },
		"33":           func(p *Presence) { p.Problems = []Problem{Problem(strings.Repeat("x", 33))} },
		"letter first": func(p *Presence) { p.Problems = []Problem{"2x"} },
	} {
		p := testPresence()
		spoil(p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
		if err := UnmarshalLenient(encode(t, p), new(Presence)); err == nil {
			t.Errorf("%s: decoded", says)
		}
	}
}

func TestMessagesWithBrokenRulesAreRefused(t *testing.T) {
	long := strings.Repeat("x", 64)
	bad := []any{
		&Request{City: "paris"},
		&Request{Method: "get", City: long},
		&Response{Code: Busy, More: true},
		&GetRequest{Location: long},
		&WatchRequest{Location: long},
		&LookupRequest{City: long},
		&CreateRequest{Name: long + "y"},
		&GetReply{},
		&InfoReply{Network: "Main", City: "paris"},
		&InfoReply{Network: "main", City: "home"},
		&InfoReply{Network: "main", City: "paris", Software: long + "y"},
		&LookupReply{},
		&LookupReply{Peer: make([]byte, 71)},
		&CitiesReply{Cities: []CityLine{{Peer: []byte("p")}}},
		&CitiesReply{Cities: []CityLine{{Presence: *testPresence()}}},
		&InfoReply{Network: "main", City: "paris", Problems: []Problem{"Full"}},
		&ProblemsReply{Problems: []ProblemLine{{Problem: "", City: "paris", Peer: []byte("p")}}},
		&ProblemsReply{Problems: []ProblemLine{{Problem: "full", City: "home", Peer: []byte("p")}}},
		&ProblemsReply{Problems: []ProblemLine{{Problem: "full", City: "paris"}}},
		&ForgetRequest{},
		&ForgetRequest{City: "paris", Peer: []byte("p")},
		&ForgetRequest{City: long},
		&ForgetReply{Peers: [][]byte{{}}},
		&ExportReply{},
		&ExportReply{Cut: &ExportCut{Network: "Main", City: "paris", Peer: []byte("p")}},
		&ExportReply{Cut: &ExportCut{Network: "main", City: "home", Peer: []byte("p")}},
		&ExportReply{Cut: &ExportCut{Network: "main", City: "paris"}},
		&SettleLine{City: "home", Peer: []byte("p")},
		&SettleLine{City: "paris"},
	}
	for _, m := range bad {
		b := encode(t, m)
		if err := UnmarshalLenient(b, m); err == nil {
			t.Errorf("%T %x was let pass", m, b)
		}
	}
}
