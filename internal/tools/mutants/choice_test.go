package main

import (
	"io"
	"reflect"
	"strings"
	"testing"
)

var some = []mutant{{name: "a"}, {name: "b"}, {name: "c"}, {name: "d"}, {name: "e"}, {name: "f"}, {name: "g"}, {name: "h"}}

func TestASampleIsDrawnAgainByItsSeed(t *testing.T) {
	var told strings.Builder
	first, err := choice{sample: 3, seed: "commit"}.from(&told, some)
	if err != nil || len(first) != 3 {
		t.Fatalf("drew %v, %v", first, err)
	}
	if !strings.Contains(told.String(), "SAMPLE=3 SEED=commit") {
		t.Errorf("how to repeat it is not told: %s", told.String())
	}
	second, err := choice{sample: 3, seed: "commit"}.from(io.Discard, some)
	if err != nil || !reflect.DeepEqual(first, second) {
		t.Errorf("drew %v, then %v, %v", first, second, err)
	}
}

func TestEveryFaultIsDrawnBySomeSeed(t *testing.T) {
	drawn := map[string]bool{}
	for range 200 {
		sample, err := choice{sample: 2}.from(io.Discard, some)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range sample {
			drawn[m.name] = true
		}
	}
	if len(drawn) != len(some) {
		t.Errorf("in 200 samples only %v", drawn)
	}
}

func TestWithoutASampleAllAreChosen(t *testing.T) {
	for _, sample := range []int{0, len(some), len(some) + 1} {
		if all, err := (choice{sample: sample}).from(io.Discard, some); err != nil || len(all) != len(some) {
			t.Errorf("a sample of %d is %v, %v", sample, all, err)
		}
	}
	if _, err := (choice{sample: -1}).from(io.Discard, some); err == nil {
		t.Error("a sample of -1 was accepted")
	}
}

func TestOneIsChosenByItsName(t *testing.T) {
	if one, err := (choice{only: "c"}).from(io.Discard, some); err != nil || len(one) != 1 || one[0].name != "c" {
		t.Errorf("chose %v, %v", one, err)
	}
	if _, err := (choice{only: "z"}).from(io.Discard, some); err == nil {
		t.Error("a fault that is not there was chosen")
	}
}
