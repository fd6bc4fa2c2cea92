package protocol

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestErrorsAreEqualByCode(t *testing.T) {
	err := fmt.Errorf("call: %w", Errorf(NotFound, "hero %d", 7))
	if !errors.Is(err, ErrNotFound) || errors.Is(err, ErrDead) {
		t.Error(err)
	}
	if err.Error() != "call: not_found: hero 7" || ErrBusy.Error() != "busy" {
		t.Error(err, ErrBusy)
	}
}

func TestErrorfKeepsWhatItWrapsOnThisSide(t *testing.T) {
	if err := Errorf(BadRequest, "body: %w", context.Canceled); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestCodeOfForeignErrorsIsInternal(t *testing.T) {
	for want, err := range map[Code]error{
		OK:       nil,
		Internal: errors.New("disk full"),
		Dead:     fmt.Errorf("a: %w", errors.Join(errors.New("b"), ErrDead)),
	} {
		if got := CodeOf(err); got != want {
			t.Errorf("code of %v is %v", err, got)
		}
	}
}

func TestCodesHaveTheNamesOfTheWire(t *testing.T) {
	var names []string
	for c := OK; c <= Unsupported+1; c++ {
		names = append(names, c.String())
	}
	const want = "ok bad_request not_found dead forbidden busy unavailable too_large wrong_city internal unsupported code_11"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func FuzzPlainText(f *testing.F) {
	for _, s := range []string{"", "é", "a\nb\x00", "\xff\xfe", "\u202eabc", strings.Repeat("é", MessageBytesMax), strings.Repeat("\xff", 3*MessageBytesMax)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := plainText(s)
		if len(got) > MessageBytesMax || !utf8.ValidString(got) || strings.ContainsAny(got, "\n\r\x00\x1b\u202e") {
			t.Errorf("%q became %q", s, got)
		}
		if again := plainText(got); again != got {
			t.Errorf("%q is not plain: it became %q", got, again)
		}
	})
}
