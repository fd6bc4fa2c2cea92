package protocol

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/citynode/citynode/crdt"
)

// Validate returns nil if p keeps the rules of presence: a valid city name,
// plain text of at most [SoftwareBytesMax] bytes in Software, a start, nothing
// sent before it, and at most [ProblemsMax] problems that have the form of one. Stamps may be in the future. An error says which
// field breaks which rule.
func (p Presence) Validate() error {
	if err := crdt.ValidateCityName(p.City); err != nil {
		return fmt.Errorf("presence: city: %w", err)
	}
	if err := validateSoftware(p.Software); err != nil {
		return fmt.Errorf("presence: %w", err)
	}
	if p.Incarnation == 0 {
		return errors.New("presence: incarnation is 0")
	}
	if err := validateProblems(p.Problems); err != nil {
		return fmt.Errorf("presence: %w", err)
	}
	return nil
}

func (p *Presence) validate() error { return p.Validate() }

func (r *Request) validate() error {
	if r.Method == "" {
		return errors.New("method is empty")
	}
	return validateLabelLength("city", r.City)
}

func (r *Response) validate() error {
	if r.More && r.Code != OK {
		return errors.New("more is to follow an error")
	}
	return nil
}

func (r *GetRequest) validate() error    { return validateLabelLength("location", r.Location) }
func (r *WatchRequest) validate() error  { return validateLabelLength("location", r.Location) }
func (r *LookupRequest) validate() error { return validateLabelLength("city", r.City) }

func (r *CreateRequest) validate() error {
	if len(r.Name) > crdt.NameBytesMax {
		return fmt.Errorf("name of %d bytes, at most %d are allowed", len(r.Name), crdt.NameBytesMax)
	}
	return nil
}

func (r *LogRequest) validate() error {
	if len(r.Levels) > LogLevelsBytesMax {
		return fmt.Errorf("levels of %d bytes, at most %d are allowed", len(r.Levels), LogLevelsBytesMax)
	}
	return nil
}

func (r *ForgetRequest) validate() error {
	switch {
	case (r.City == "") == (r.Peer == nil):
		return errors.New("either a city or a peer is to be forgotten")
	case r.Peer != nil:
		return validatePeer(r.Peer)
	}
	return validateLabelLength("city", r.City)
}

func (r *ForgetReply) validate() error {
	for _, p := range r.Peers {
		if err := validatePeer(p); err != nil {
			return err
		}
	}
	return nil
}

func (p *GetReply) validate() error {
	if p.Entries == nil && p.Summary == nil {
		return errors.New("neither entries nor a summary")
	}
	return nil
}

func (r *InfoReply) validate() error {
	if err := ValidateNetwork(r.Network); err != nil {
		return err
	}
	if err := crdt.ValidateCityName(r.City); err != nil {
		return fmt.Errorf("city: %w", err)
	}
	if err := validateProblems(r.Problems); err != nil {
		return err
	}
	return validateSoftware(r.Software)
}

func (r *LookupReply) validate() error { return validatePeer(r.Peer) }

func (p *CitiesReply) validate() error {
	for i := range p.Cities {
		if err := p.Cities[i].validate(); err != nil {
			return fmt.Errorf("line %d: %w", i, err)
		}
	}
	return nil
}

func (l *CityLine) validate() error {
	if err := l.Presence.Validate(); err != nil {
		return err
	}
	return validatePeer(l.Peer)
}

func (p *ProblemsReply) validate() error {
	for i := range p.Problems {
		if err := p.Problems[i].validate(); err != nil {
			return fmt.Errorf("line %d: %w", i, err)
		}
	}
	return nil
}

func (l *ProblemLine) validate() error {
	if err := l.Problem.validate(); err != nil {
		return err
	}
	if err := crdt.ValidateCityName(l.City); err != nil {
		return fmt.Errorf("city: %w", err)
	}
	l.Detail = plainText(l.Detail) // it goes to people's screens
	return validatePeer(l.Peer)
}

func (r *ExportReply) validate() error {
	if r.Cut == nil && r.Entries == nil && r.Count == nil {
		return errors.New("neither a cut nor entries nor a count")
	}
	if r.Cut == nil {
		return nil
	}
	if err := ValidateNetwork(r.Cut.Network); err != nil {
		return err
	}
	if err := crdt.ValidateCityName(r.Cut.City); err != nil {
		return fmt.Errorf("city: %w", err)
	}
	return validatePeer(r.Cut.Peer)
}

func (l *SettleLine) validate() error {
	if err := crdt.ValidateCityName(l.City); err != nil {
		return fmt.Errorf("city: %w", err)
	}
	l.Error = plainText(l.Error) // it goes to people's screens
	return validatePeer(l.Peer)
}

func (s *Sign) validate() error {
	if s.About == nil {
		return nil
	}
	if err := validatePeer(s.About); err != nil {
		return fmt.Errorf("about: %w", err)
	}
	return nil
}

// validateLabelLength checks a length alone: whether a name is one of a city is the
// city's to say.
func validateLabelLength(field, label string) error {
	if len(label) > crdt.CityNameBytesMax {
		return fmt.Errorf("%s of %d bytes, at most %d are allowed", field, len(label), crdt.CityNameBytesMax)
	}
	return nil
}

func validatePeer(peer []byte) error {
	if len(peer) == 0 || len(peer) > peerBytesMax {
		return fmt.Errorf("peer ID of %d bytes, want 1 to %d", len(peer), peerBytesMax)
	}
	return nil
}

func validateSoftware(software string) error {
	if len(software) > SoftwareBytesMax {
		return fmt.Errorf("software of %d bytes, at most %d are allowed", len(software), SoftwareBytesMax)
	}
	if strings.ContainsFunc(software, func(r rune) bool { return !unicode.IsGraphic(r) }) {
		return errors.New("software is not plain text")
	}
	return nil
}
