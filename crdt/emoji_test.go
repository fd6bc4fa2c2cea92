package crdt_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"github.com/citynode/citynode/crdt"
)

// tags returns a text in tag characters.
func tags(text string) string {
	var b strings.Builder
	for _, c := range text {
		b.WriteRune(0xE0000 + c)
	}
	return b.String()
}

func TestEmojiSequencesInNames(t *testing.T) {
	const joiner, selector, flagEnd = "\u200d", "\ufe0f", "\U000e007f"
	for name, ok := range map[string]bool{
		"👩" + joiner + "🚀":                               true, // an astronaut
		"👩🏽" + joiner + "🚀":                              true, // with a skin tone
		"🕵" + selector + joiner + "♂" + selector:         true, // a detective
		"🏳" + selector + joiner + "🌈":                    true,
		"👨" + joiner + "👩" + joiner + "👧" + joiner + "👦": true,
		"🙂" + joiner + "↔" + selector:                    true, // of Unicode 15.1
		"❤" + selector + " Zoë":                          true,
		"1" + selector + "\u20e3":                        true,
		"#" + selector + "\u20e3*" + selector + "\u20e3": true,
		"\u20e3":                             true, // a mark like others
		"🇩🇪":                                 true,
		"🏴":                                  true,
		"🏴" + joiner + "☠" + selector:        true, // a pirate
		"🏴" + tags("gbeng") + flagEnd:        true,
		"🏴" + tags("gbwls") + flagEnd + " a": true,
		"葛\U000e0100城":                       true, // a shape of an ideograph
		"🏽":                                  true, // a swatch

		joiner:                       false,
		"a" + joiner + "b":           false,
		"👩" + joiner:                 false,
		joiner + "👩":                 false,
		"👩" + joiner + joiner + "🚀":  false,
		"👩" + joiner + "a":           false,
		"👩 " + joiner + "🚀":          false,
		"👩🏽" + selector:              false,
		"🏽" + joiner + "👩":           false,
		"🇩🇪" + joiner + "👩":          false,
		"a" + selector:               false,
		selector:                     false,
		"1" + selector:               false,
		"1" + selector + "a":         false,
		"❤" + selector + selector:    false,
		"❤\ufe0e":                    false, // the plain form
		"🏴" + tags("usca") + flagEnd: false, // has no picture
		"🏴" + tags("gbeng"):          false,
		"🏴" + tags("gbeng") + flagEnd + joiner + "👩": false,
		"🏳" + tags("gbeng") + flagEnd:                false,
		flagEnd:                                      false,
		"a\U000e0100":                                false,
		"葛\U000e0100\U000e0100":                      false,
		"葛" + selector:                               false,
		"\u3164":                                     false, // a name that nobody sees
	} {
		if err := crdt.ValidateHeroName(name); (err == nil) != ok {
			t.Errorf("%+q: %v, want valid: %v", name, err, ok)
		}
	}
}

// The list is that of Unicode 15.0, which uniseg has too: it takes code points that a joiner
// joins for one character. If a later edition of uniseg differs the list stays: it is
// frozen.
func TestPictographsAreThoseOfUnicode(t *testing.T) {
	for c := rune(0x80); c <= 0x20000; c++ { // there are none beyond
		joined := string(c) + "\u200d👩"
		if !utf8.ValidRune(c) || crdt.ForbiddenInName(c) {
			continue
		}
		want := uniseg.GraphemeClusterCount(joined) == 1
		if got := crdt.ValidateHeroName(joined) == nil; got != want {
			t.Errorf("%U is a pictograph: %v, want %v", c, got, want)
		}
	}
}

// namesPage is the page of the wire that defines names for other programs.
const namesPage = "../docs/wire/names.md"

// pageRanges returns a list of the page, which is a block of code points after its heading,
// as the class of a regular expression.
func pageRanges(tb testing.TB, heading string) string {
	tb.Helper()
	page, err := os.ReadFile(namesPage)
	if err != nil {
		tb.Fatal(err)
	}
	_, after, ok := strings.Cut(string(page), "## "+heading+"\n")
	if !ok {
		tb.Fatalf("the page has no %s", heading)
	}
	_, block, _ := strings.Cut(after, "```\n")
	block, _, _ = strings.Cut(block, "```")
	var class strings.Builder
	for _, item := range strings.Fields(block) {
		first, last, isRange := strings.Cut(item, "-")
		if !isRange {
			last = first
		}
		fmt.Fprintf(&class, `\x{%s}-\x{%s}`, first, last)
	}
	return class.String()
}

// naiveNames is the rule of the page as one regular expression.
func naiveNames(tb testing.TB) *regexp.Regexp {
	tb.Helper()
	picture := "[" + pageRanges(tb, "Pictographs") + "]"
	emoji := picture + `(?:\x{FE0F}|[\x{1F3FB}-\x{1F3FF}])?`
	flag := `\x{1F3F4}(?:` + tags("gbeng") + "|" + tags("gbsct") + "|" + tags("gbwls") + `)\x{E007F}`
	return regexp.MustCompile(`^(?:` + strings.Join([]string{
		emoji + `(?:\x{200D}` + emoji + `)*`,
		flag,
		`[0-9#*]\x{FE0F}\x{20E3}`,
		"[" + pageRanges(tb, "Ideographs") + `][\x{E0100}-\x{E01EF}]`,
		"[^" + pageRanges(tb, "Refused") + "]",
	}, "|") + `)*$`)
}

func isNaiveName(rule *regexp.Regexp, name string) bool {
	return len(name) >= 1 && len(name) <= crdt.NameBytesMax && utf8.ValidString(name) &&
		strings.Trim(name, " ") != "" && rule.MatchString(name)
}

func TestThePageOfNamesIsTheRule(t *testing.T) {
	rule := naiveNames(t)
	for c := rune(0); c <= utf8.MaxRune; c++ {
		if c == 0x40000 {
			c = 0xDFFF0 // no list has any of these planes
		}
		if c == 0xE1010 {
			c = 0x10FFF0
		}
		if !utf8.ValidRune(c) {
			continue
		}
		for _, name := range []string{"👩" + string(c), "葛" + string(c), "👩\u200d" + string(c), string(c) + "\ufe0f"} {
			if got, want := crdt.ValidateHeroName(name) == nil, isNaiveName(rule, name); got != want {
				t.Fatalf("%+q is valid: %v, want %v", name, got, want)
			}
		}
	}
}

// nameParts are what names are put together from where something may go wrong.
var nameParts = []string{
	"👩", "🏽", "\u200d", "\ufe0f", "1", "#", "\u20e3", "🏴", tags("gbeng"), tags("gbsct"), "\U000e007f", "葛",
	"\U000e0100", "a", " ", "\ufe0e", "♂", "é", "\xff",
}

// nameOf returns a name of the parts that picks choose.
func nameOf(picks []byte) string {
	var b strings.Builder
	for _, pick := range picks {
		b.WriteString(nameParts[int(pick)%len(nameParts)])
	}
	return b.String()
}

func TestNamesOfAllKindsOfPartsFollowThePage(t *testing.T) {
	rule := naiveNames(t)
	random, valid := rand.New(rand.NewPCG(1, 2)), 0
	for range 20_000 {
		picks := make([]byte, 1+random.IntN(6))
		for i := range picks {
			picks[i] = byte(random.IntN(len(nameParts)))
		}
		name := nameOf(picks)
		got := crdt.ValidateHeroName(name) == nil
		if want := isNaiveName(rule, name); got != want {
			t.Fatalf("%+q is valid: %v, want %v", name, got, want)
		}
		if got {
			valid++
		}
	}
	if valid < 1000 {
		t.Errorf("only %d were valid", valid)
	}
}

func FuzzHeroName(f *testing.F) {
	rule := naiveNames(f)
	for i := range nameParts {
		f.Add([]byte(strconv.Itoa(i) + "0123"))
	}
	f.Fuzz(func(t *testing.T, picks []byte) {
		for _, name := range []string{nameOf(picks), string(picks)} {
			if got, want := crdt.ValidateHeroName(name) == nil, isNaiveName(rule, name); got != want {
				t.Errorf("%+q is valid: %v, want %v", name, got, want)
			}
		}
	})
}

func TestAValidNameCostsNoMemory(t *testing.T) {
	for _, name := range []string{"Batman", "超人", "👨\u200d👩\u200d👧\u200d👦", "1\ufe0f\u20e3", "🏴" + tags("gbeng") + "\U000e007f"} {
		if n := testing.AllocsPerRun(100, func() {
			if err := crdt.ValidateHeroName(name); err != nil {
				t.Error(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
