package memory

import (
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
)

// Bytes returns the memory that this process may use: of the machine, of its control
// groups, or as the runtime was told, whatever is least. Where nothing can be learnt it
// returns as much as there can be.
func Bytes() uint64 {
	least := uint64(debug.SetMemoryLimit(-1)) // which sets nothing
	for _, limit := range append(groupLimits("/proc/self/cgroup", "/sys/fs/cgroup"), machineMemory("/proc/meminfo")) {
		least = min(least, limit)
	}
	return least
}

// machineMemory returns the memory of a Linux machine.
func machineMemory(meminfo string) uint64 {
	text, err := os.ReadFile(meminfo)
	if err != nil {
		return math.MaxUint64
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "MemTotal:" {
			continue
		}
		if kib, err := strconv.ParseUint(fields[1], 10, 54); err == nil {
			return kib << 10
		}
	}
	return math.MaxUint64
}

// groupLimits returns the limits of the control groups that the process is in, of either
// version. A limit of a group above counts too.
func groupLimits(groups, root string) (limits []uint64) {
	text, err := os.ReadFile(groups)
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		// A line is number:controllers:path; in version 2 there are no controllers.
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		dir, file := filepath.Join(root, parts[2]), "memory.max"
		if parts[1] == "memory" {
			dir, file = filepath.Join(root, "memory", parts[2]), "memory.limit_in_bytes"
		}
		for ; len(dir) >= len(root); dir = filepath.Dir(dir) {
			if limit, ok := readLimit(filepath.Join(dir, file)); ok {
				limits = append(limits, limit)
			}
		}
	}
	return limits
}

// readLimit reads a file that has a number of bytes, or "max".
func readLimit(path string) (uint64, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	limit, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	return limit, err == nil
}
