// Command findsums searches for two sets of tombstones with the same digest, as somebody
// would who wants cities to differ and not to notice. It takes some 2^23 hashes, a few
// seconds of one processor, and prints the IDs that crdttest.SameSums has.
//
// A digest adds fingerprints in two lanes modulo 2^64, so what is looked for is one entry
// of each of 128 lists such that those of the first half and the negatives of the others
// add up to zero: the generalized birthday problem (D. Wagner, CRYPTO 2002). The lists
// are joined two by two, seven times. Each join keeps the sums whose next 16 bits are
// zero, from the low bits up, so that no carry disturbs what is zero already; about as
// many sums are left as before. The last join finds the 32 bits that are left.
package main
