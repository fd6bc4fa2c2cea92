package operator

import "io/fs"

// ownedByUser returns true: folders are private by their place in the user's
// profile.
func ownedByUser(fs.FileInfo) bool { return true }

// openToOthers returns false: mode bits say nothing here.
func openToOthers(fs.FileInfo) bool { return false }
