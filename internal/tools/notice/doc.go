// Command notice writes what the licences of other people's code in the binary
// ask for: the file NOTICE with their texts, and
// cmd/citynode/modules.txt, which the binary carries so that
// `citynode version --deps` can name the licence of each module.
//
//	notice          write both files
//	notice -check   fail if they are not what would be written
//
// The modules are those of cmd/citynode on every system that citynode is checked
// for, with cgo and without. Their texts come from the module cache. A module
// without a licence, or with a text that is no known licence, is an error: a
// person must look at it.
package main
