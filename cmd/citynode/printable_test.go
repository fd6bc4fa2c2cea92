package main

import "testing"

func TestPrintableKeepsEmojiAndNothingThatSteersATerminal(t *testing.T) {
	for text, want := range map[string]string{
		"👨\u200d👩🏽\u200d👧 fights": "👨\u200d👩🏽\u200d👧 fights",
		"❤\ufe0f\u200d🔥":          "❤\ufe0f\u200d🔥",
		"🏴\U000e0067\U000e007f":   "🏴\U000e0067\U000e007f",
		"a\u200db":                "a\ufffdb",
		"a\U000e0067":             "a\ufffd",
		"\x1b[31m":                "\ufffd[31m",
		"a\u202eb\n":              "a\ufffdb\ufffd",
	} {
		if got := printable(text); got != want {
			t.Errorf("%+q becomes %+q, want %+q", text, got, want)
		}
	}
}
