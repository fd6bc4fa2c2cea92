package main

import (
	"fmt"
	"time"

	"github.com/citynode/citynode/node"
	"github.com/citynode/citynode/protocol"
)

// A cityProblemJSON is one problem of a city as every command prints it.
type cityProblemJSON struct {
	Code   string `json:"code"`
	City   string `json:"city"`
	Peer   string `json:"peer"`
	Since  string `json:"since"`            // when the node that was asked first knew of it
	Detail string `json:"detail,omitempty"` // what is known beside the code
	Do     string `json:"do"`               // what a person does about it

	of    protocol.Problem
	began time.Time
}

func toProblemsJSON(lines []protocol.ProblemLine) []cityProblemJSON {
	some := make([]cityProblemJSON, 0, len(lines))
	for _, l := range lines {
		some = append(some, cityProblemJSON{
			Code: string(l.Problem), City: l.City, Peer: peerText(l.Peer), Since: timeText(l.Since),
			Detail: l.Detail, Do: l.Problem.Remedy(),
			of: l.Problem, began: l.Since.Time(),
		})
	}
	return some
}

// text returns the problem as a sentence, without what to do.
func (p cityProblemJSON) text(now time.Time) string {
	text := fmt.Sprintf("%s: %s, %s", p.City, p.Code, ago(now, p.began))
	if p.Detail != "" {
		text += ", " + p.Detail
	}
	return text
}

// problemEventJSON is the line of run about a problem that was found, or that is over.
type problemEventJSON struct {
	Event  string `json:"event"`
	Time   string `json:"time"`
	Code   string `json:"code"`
	City   string `json:"city"`
	Peer   string `json:"peer"`
	Over   bool   `json:"over"`
	Since  string `json:"since"`
	Detail string `json:"detail,omitempty"`
}

// problemMessage tells of a problem, in the run of the city self. That another city has failed people are told as news
// of that city.
func problemMessage(at time.Time, self string, e node.ProblemEvent) message {
	m := message{at: at, warn: !e.Over, logged: e.City == self, color: colorGreen, objects: []any{problemEventJSON{
		"problem", clockText(at), string(e.Code), e.City, e.Peer.String(), e.Over, clockText(e.Since), e.Detail,
	}}}
	if text := problemNews(e, e.City == self); text != "" {
		m.texts = []string{text}
	}
	return m
}

// problemNews says what happened; "" where another event says it.
func problemNews(e node.ProblemEvent, own bool) string {
	switch {
	case e.Code == protocol.ProblemFailed, e.Code == protocol.ProblemSuspect:
		return ""
	case own && e.Code == protocol.ProblemDraining:
		return "" // who stops it knows
	case own && e.Code == protocol.ProblemStore && e.Over:
		return "the store works again"
	case own && e.Code == protocol.ProblemStore:
		return "the store does not work, own writes are refused until it does: " + e.Detail
	case own && e.Code == protocol.ProblemContested && !e.Over:
		return fmt.Sprintf("the name %s is contested: %s", e.City, e.Detail)
	case e.Over:
		return fmt.Sprintf("%s has no more of its problem: %s", e.City, e.Code)
	}
	return fmt.Sprintf("%s has a problem, %s: %s", e.City, e.Code, e.Code.Remedy())
}
