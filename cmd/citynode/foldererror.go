package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/citynode/citynode/internal/datadir"
	"github.com/citynode/citynode/internal/store"
)

// folderError says what to do about a city's folder that cannot be used. Whose it is,
// and what is there, is in the error itself.
func folderError(err error) error {
	if lost, ok := errors.AsType[*datadir.LostKeyError](err); ok {
		return withoutKey(failf(exitFailure, "%w", err), store.Identity{City: lost.City, Network: lost.Network}, filepath.Dir(lost.Path))
	}
	if foreign, ok := errors.AsType[*store.ForeignError](err); ok {
		if foreign.Have.City == foreign.Want.City && foreign.Have.Network == foreign.Want.Network {
			return withoutKey(failf(exitRefused, "%w", err), foreign.Have, filepath.Dir(foreign.Dir))
		}
		return failf(exitRefused, "%w", err).
			withHint("%s is its city; or choose another --data-dir", commandOf("run "+foreign.Have.City, foreign.Have.Network))
	}
	if corrupt, ok := errors.AsType[*store.CorruptError](err); ok {
		return corruptStore(failf(exitFailure, "%w", err), storeOf(corrupt.File))
	}
	return writeError(err, "--data-dir")
}

// withoutKey says what to do about a store whose city's key is not there.
func withoutKey(e *exitError, of store.Identity, folder string) error {
	return e.withHint("put %s back from a copy; or %s gives the store up, and the other cities bring what they hold",
		datadir.KeyName, stateCommand("reset", of, folder))
}

// corruptStore says what to do about a store that is damaged.
func corruptStore(e *exitError, dir string) error {
	of, err := store.Whose(dir)
	if err != nil { // that is damaged too
		of.City = "CITY"
	}
	folder := filepath.Dir(dir)
	return e.withHint("%s looks through all of %s; %s gives it up, and the other cities bring what they hold",
		stateCommand("verify", of, folder), dir, stateCommand("reset", of, folder))
}

// storeOf returns the folder of the store that a file is of.
func storeOf(file string) string {
	dir := filepath.Dir(file)
	for up := dir; up != filepath.Dir(up); up = filepath.Dir(up) {
		if filepath.Base(up) == datadir.StoreName {
			return up
		}
	}
	return dir
}

// stateCommand returns the command that does this with a city's store, as a person is to
// type it.
func stateCommand(verb string, of store.Identity, folder string) string {
	command := commandOf("state "+verb+" "+of.City, of.Network)
	if usual, err := cityFolder("", of.Network, of.City); err != nil || usual != folder {
		command += " --data-dir " + shellWord(folder)
	}
	return command
}

// shellWord returns a text as a shell takes it for one word.
func shellWord(text string) string {
	if strings.Trim(text, shellPlain) == "" && text != "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// shellPlain are the characters that mean themselves to every shell.
const shellPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+,:@%"

// writeError says what to do where something cannot be written in a folder that
// the user chooses by a flag or a variable of the environment.
func writeError(err error, chosenBy string) error {
	if _, said := errors.AsType[*exitError](err); said || err == nil {
		return err
	}
	e := failf(exitFailure, "%w", err)
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return e.withHint("make room on the disk, or choose a folder on another one with %s", chosenBy)
	case errors.Is(err, syscall.EROFS):
		return e.withHint("the disk is read-only: make it writable, or choose a folder on another one with %s", chosenBy)
	case errors.Is(err, os.ErrPermission):
		return e.withHint("give the folder to this user, or choose one that this user can write to with %s", chosenBy)
	}
	return e
}
