package sim

import "time"

func (w *world) scheduleFaults() {
	w.repeat(w.profile.crashEvery, "crash", func() { w.anyNode().crash("panic") })
	w.repeat(w.profile.crashEvery, "crash of a writer", func() {
		if j := w.anyNode().journal; j != nil {
			j.crash()
		}
	})
	w.repeat(w.profile.killEvery, "kill", func() { w.anyNode().kill(w.profile.powerCuts && w.rng.IntN(2) == 0) })
	w.repeat(w.profile.bombEvery, "bomb", func() { w.anyNode().bomb() })
	w.repeat(w.profile.partitionEvery, "partition", w.partition)
	w.repeat(w.profile.jumpEvery, "jump", w.jump)
}

func (w *world) anyNode() *node { return w.nodes[w.rng.IntN(len(w.nodes))] }

// partition cuts a random part of the cities off from the rest, in both
// directions or one, for a while.
func (w *world) partition() {
	w.counts.Partitions++
	inside := 1 + w.rng.IntN(1<<len(w.nodes)-2) // a set of cities, neither none nor all
	oneWay := w.profile.oneWay && w.rng.IntN(2) == 0
	w.tracef("partition: cities %b, one-way %t", inside, oneWay)
	w.cut(inside, oneWay, 1)
	w.after(time.Second+w.upTo(2*w.profile.partitionEvery), "mend", func() {
		if !w.calm {
			w.tracef("partition mended: cities %b", inside)
			w.cut(inside, oneWay, -1)
		}
	})
}

func (w *world) cut(inside int, oneWay bool, by int) {
	for _, a := range w.nodes {
		for _, b := range w.nodes {
			aIn, bIn := inside>>a.index&1 == 1, inside>>b.index&1 == 1
			if aIn && !bIn || bIn && !aIn && !oneWay {
				w.links.cuts[a.index][b.index] += by
			}
		}
	}
}

// jump sets one clock to another wrong time.
func (w *world) jump() {
	w.counts.Jumps++
	n := w.anyNode()
	to := w.profile.offset(w.rng)
	n.clock = n.clock.jumped(w.now, to-n.clock.skew(w.now))
	w.tracef("the clock of %v jumps, now %v ahead", n, to)
}
