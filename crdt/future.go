package crdt

import "time"

// FutureSkewMax is how far ahead of a city's clock a hero's stamp may be for the
// city to take the hero from others now. Later it is taken; tombstones are taken
// always.
const FutureSkewMax = 60 * time.Second
