package protocol

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/citynode/citynode/crdt"
)

func TestAnExportBeginsWithItsCutAndEndsWithItsCount(t *testing.T) {
	c := dial(t, complete)
	var cut ExportCut
	var all crdt.Entries
	err := c.Export(t.Context(), func(is ExportCut) error { cut = is; return nil }, func(e crdt.Entries) error {
		all.Append(e)
		return nil
	})
	want := crdt.Entries{Tombstones: []crdt.Tombstone{tombstone}, Heroes: []crdt.Hero{hero}}
	if err != nil || fmt.Sprint(cut) != fmt.Sprint(exportCut) || fmt.Sprint(all) != fmt.Sprint(want) {
		t.Errorf("%+v, %+v, %v", cut, all, err)
	}
}

// A client that took such an export for whole would lose heroes.
func TestAnExportThatIsNotWholeIsNoExport(t *testing.T) {
	one, two := uint64(1), uint64(2)
	cut, page := ExportReply{Cut: &exportCut}, ExportReply{Entries: &crdt.Entries{Heroes: []crdt.Hero{hero}}}
	for fact, replies := range map[string][]ExportReply{
		"no cut":          {page, {Count: &one}},
		"two cuts":        {cut, cut, {Count: &one}},
		"no count":        {cut, page},
		"another count":   {cut, page, {Count: &two}},
		"count amid":      {cut, {Count: &one}, page},
		"nothing follows": {cut},
	} {
		c := dial(t, handlerFunc(func(_ context.Context, call *Call) (any, error) {
			for _, r := range replies[:len(replies)-1] {
				if err := call.Send(r); err != nil {
					return nil, err
				}
			}
			return replies[len(replies)-1], nil
		}))
		err := c.Export(t.Context(), func(ExportCut) error { return nil }, func(crdt.Entries) error { return nil })
		if !errors.Is(err, ErrBadResponse) {
			t.Errorf("%s: %v", fact, err)
		}
	}
}

func TestWhatEndsAnExportIsReturned(t *testing.T) {
	enough := errors.New("enough")
	fine := func(crdt.Entries) error { return nil }
	if err := dial(t, complete).Export(t.Context(), func(ExportCut) error { return enough }, fine); !errors.Is(err, enough) {
		t.Errorf("begin: %v", err)
	}
	page := func(crdt.Entries) error { return enough }
	if err := dial(t, complete).Export(t.Context(), func(ExportCut) error { return nil }, page); !errors.Is(err, enough) {
		t.Errorf("page: %v", err)
	}
}
