package citynode_test

import (
	"go/ast"
	"io/fs"
	"strings"
)

// goroutinesOffTheTable finds goroutines that begin in a function that no row of
// the table names, and rows that name functions that are not there.
func goroutinesOffTheTable(r *repo) (faults []string) {
	rows := r.table("goroutine")
	if len(rows) == 0 {
		return []string{mapFile + ": there is no table of goroutines"}
	}
	begins := map[string]bool{} // file, a space, function
	functions := map[string]bool{}
	for _, f := range r.files {
		if f.test || forTests(f.room) {
			continue
		}
		for _, decl := range f.Decls {
			if function, ok := decl.(*ast.FuncDecl); ok {
				key := f.path + " " + functionName(function)
				functions[key] = true
				if beginsGoroutine(function) {
					begins[key] = true
				}
			} else if beginsGoroutine(decl) {
				faults = append(faults, r.at(decl)+": a goroutine begins outside a function")
			}
		}
	}
	for _, row := range rows {
		places := row.places()
		if len(places) == 0 {
			faults = append(faults, mapFile+": the goroutine "+row["goroutine"]+" has no file")
		}
		for _, p := range places {
			if _, err := fs.Stat(r, p.file); err != nil || len(p.names) == 0 {
				faults = append(faults, mapFile+": the goroutine "+row["goroutine"]+" names no function of a file "+p.file)
			}
			for _, name := range p.names {
				key := p.file + " " + name
				if !functions[key] {
					faults = append(faults, mapFile+": the goroutine "+row["goroutine"]+": there is no "+name+" in "+p.file)
				}
				delete(begins, key)
			}
		}
	}
	for key := range begins {
		file, function, _ := strings.Cut(key, " ")
		faults = append(faults, file+": "+function+" begins a goroutine that no row of "+mapFile+" has")
	}
	return faults
}

// beginsGoroutine reports whether there is a go statement, or a call of a method
// Go, which groups of goroutines have.
func beginsGoroutine(in ast.Node) (found bool) {
	ast.Inspect(in, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = true
		case *ast.CallExpr:
			method, ok := n.Fun.(*ast.SelectorExpr)
			found = found || ok && method.Sel.Name == "Go"
		}
		return !found
	})
	return found
}

// functionName returns a function's name as the tables have it.
func functionName(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	return receiver(f).Name + "." + f.Name.Name
}
