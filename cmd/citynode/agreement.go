package main

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/citynode/citynode/protocol"
)

// An agreementJSON is what the node knows of how another city's state stands to its own.
type agreementJSON struct {
	// Agrees is true where it is proved that the city held what the node holds, false where
	// that has not been so for five seconds, null where there is no word of the city that
	// is new enough, or it is gone.
	Agrees   *bool   `json:"agrees"`
	AgreedAt string  `json:"agreed_at,omitempty"` // start of the last complete sync with it; absent: none
	Heard    string  `json:"heard,omitempty"`     // when its newest word came; absent: none, or it is the node
	RTTms    float64 `json:"rtt_ms,omitempty"`    // round trip of a question; absent: not measured
	// Live says that the city was asked for its figures now. Otherwise they are those of
	// its newest word.
	Live bool `json:"live"`

	asOf string // of when the figures of its newest word are, for a person
}

// agreement returns what a line says of a city's state.
func (v view) agreement(line protocol.CityLine) agreementJSON {
	a := agreementJSON{Agrees: v.agrees(line), RTTms: float64(line.RTT) / 1000}
	if line.Agreed != 0 {
		a.AgreedAt = timeText(line.Agreed)
	}
	if line.Heard != 0 {
		a.Heard, a.asOf = timeText(line.Heard), ago(v.info.Now.Time(), line.Heard.Time())
	}
	return a
}

// agrees returns whether a city holds what the node holds, nil where that is not known.
func (v view) agrees(line protocol.CityLine) *bool {
	if string(line.Peer) == string(v.self) {
		yes := true
		return &yes
	}
	return line.Agrees
}

// figuresOf returns for a person of when a city's figures are: "now" where it was asked.
func (a agreementJSON) figuresOf() string {
	if a.Live {
		return "now"
	}
	return cmp.Or(a.asOf, "-")
}

// yesNoUnknown returns a verdict for a person.
func yesNoUnknown(v *bool) string {
	if v == nil {
		return "-"
	}
	return yesNo(*v)
}

// here reports whether a city is one that should agree: one that is not gone.
func here(line protocol.CityLine) bool {
	return line.Status != protocol.StatusLeft && line.Status != protocol.StatusFailed
}

// differing returns the names of the cities that are not gone and differ, and of those of
// which it is not known whether they agree.
func (v view) differing() (differ, unknown []string) {
	differ, unknown = []string{}, []string{}
	for _, line := range v.lines {
		switch agrees := v.agrees(line); {
		case !here(line):
		case agrees == nil:
			unknown = append(unknown, line.Presence.City)
		case !*agrees:
			differ = append(differ, line.Presence.City)
		}
	}
	return differ, unknown
}

// agreement returns in words which cities agree with the node.
func (s statusJSON) agreement() string {
	var parts []string
	switch {
	case s.Agree && s.Cities.Alive <= 1:
		return "alone"
	case s.Agree:
		return "all agree"
	}
	if len(s.Differing) > 0 {
		parts = append(parts, "not yet with "+strings.Join(s.Differing, ", "))
	}
	if len(s.Unknown) > 0 {
		parts = append(parts, "not known of "+strings.Join(s.Unknown, ", "))
	}
	return strings.Join(parts, "; ")
}

// roundTrip returns for a person how long a question and its answer take.
func (a agreementJSON) roundTrip() string {
	if a.RTTms == 0 {
		return "not measured"
	}
	return strconv.FormatFloat(a.RTTms, 'f', 1, 64) + " ms"
}
