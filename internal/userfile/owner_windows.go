package userfile

import "io/fs"

// OwnedByUser returns true: folders are private by their place in the user's
// profile.
func OwnedByUser(fs.FileInfo) bool { return true }

// OpenToOthers returns false: mode bits say nothing here.
func OpenToOthers(fs.FileInfo) bool { return false }
