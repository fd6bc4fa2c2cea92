package main

import (
	"cmp"
	"slices"
	"strings"
)

const (
	// likeMax is how many words a "did you mean" has.
	likeMax = 3
	// editsMax is how many letters of a word may be wrong, lacking or too many, of
	// which short words may have fewer: of three letters one.
	editsMax = 2
)

// A likeness collects the words that are most like the one that was given, likeMax at
// most, however many it is shown.
type likeness struct {
	word  []rune // in lower case
	edits int    // how far a word may be
	best  []likeWord
}

type likeWord struct {
	text  string
	edits int
}

func newLikeness(word string) *likeness {
	l := &likeness{word: []rune(strings.ToLower(word))}
	l.edits = min(editsMax, len(l.word)/3)
	return l
}

// likeOnes returns the words that are most like the given one.
func likeOnes(word string, words []string) []string {
	l := newLikeness(word)
	for _, w := range words {
		l.add(w)
	}
	return l.words()
}

// add keeps a word if it is like the given one, and more so than what is kept.
func (l *likeness) add(text string) {
	// A letter has four bytes at most, so most words are passed over by their length.
	if len(text) > 4*(len(l.word)+l.edits) {
		return
	}
	n := editsBetween(l.word, []rune(strings.ToLower(text)), l.edits)
	found := likeWord{text, n}
	if n > l.edits || slices.Contains(l.best, found) {
		return
	}
	l.best = append(l.best, found)
	slices.SortFunc(l.best, func(a, b likeWord) int {
		return cmp.Or(cmp.Compare(a.edits, b.edits), cmp.Compare(a.text, b.text))
	})
	l.best = l.best[:min(len(l.best), likeMax)]
}

// words returns what is kept, the most like first.
func (l *likeness) words() []string {
	words := make([]string, 0, len(l.best))
	for _, w := range l.best {
		words = append(words, w.text)
	}
	return words
}

// editsBetween returns how many letters must be put in, taken out, replaced, or swapped
// with the next one to turn a into b (optimal string alignment), or some number above most
// if they are more than that.
func editsBetween(a, b []rune, most int) int {
	if max(len(a)-len(b), len(b)-len(a)) > most {
		return most + 1
	}
	var before, last []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		if slices.Min(row) > most {
			return most + 1
		}
	}
	return row[len(b)]
}
