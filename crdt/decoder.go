package crdt

import "github.com/citynode/citynode/internal/cbor"

// decoder reads the wire form of entries. It adds to a reader of CBOR what
// messages about entries need, and one copy of the input for all texts.
type decoder struct {
	cbor.Reader
	input []byte
	// copied is the input as a string, once a text was read; see text.
	copied string
	// kind and entry say what is being read. After a fault they keep saying
	// what it was.
	kind  Kind
	entry int
}

// strict reads entries: there is one form of each, and nothing is passed over.
func strict(b []byte) *decoder { return newDecoder(b, cbor.Limits{}) }

const (
	// looseNestingMax bounds the nesting of a summary with what is unknown in it,
	// so that no input can exhaust the stack. No message nests deeper.
	looseNestingMax = 8
	// looseElementsMax bounds an array that is unknown there as everywhere in a
	// message.
	looseElementsMax = 128 << 10
)

// loose reads what is no entry and stands in requests and responses, which may
// be any well-formed CBOR.
func loose(b []byte) *decoder {
	return newDecoder(b, cbor.Limits{Loose: true, Nesting: looseNestingMax, Elements: looseElementsMax})
}

func newDecoder(b []byte, l cbor.Limits) *decoder {
	return &decoder{Reader: cbor.NewReader(b, l), input: b, entry: -1}
}

// fault returns the first fault as a *DecodeError.
func (d *decoder) fault() error {
	if err := d.Err(); err != nil {
		return &DecodeError{Offset: err.Offset, Kind: d.kind, Entry: d.entry, Err: err.Err}
	}
	return nil
}

// check fails for a value that starts there and breaks a rule.
func (d *decoder) check(start int, err error) {
	if err != nil {
		d.Fail(start, err)
	}
}

// inputText returns the whole input as a string, of which the texts in it are
// parts: one copy, however many there are.
func (d *decoder) inputText() string {
	if len(d.copied) != len(d.input) {
		d.copied = string(d.input)
	}
	return d.copied
}

// text reads a text string; whether it is UTF-8 is left to validation. If it
// equals known, that string is returned.
func (d *decoder) text(what string, bytesMax int, known string) string {
	part := d.Text(what, bytesMax)
	if d.Failed() || string(part) == known {
		return known
	}
	return d.inputText()[d.At()-len(part) : d.At()]
}

func (d *decoder) id() (id ID) {
	copy(id[:], d.Bytes("id", idBytes, idBytes))
	return id
}

func (d *decoder) digest() (digest Digest) {
	copy(digest[:], d.Bytes("digest", len(digest), len(digest)))
	return digest
}
