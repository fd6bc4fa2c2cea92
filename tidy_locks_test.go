package citynode_test

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strings"
)

// A lock is a mutex of the program.
type lock struct {
	at      ast.Node
	name    string // Type.field
	comment string
	fields  []string // all fields of the type
	after   []string // those of them that stand after the lock
}

// locksIn returns the mutexes that are fields, and those that are variables under
// their own names.
func locksIn(f *file) (locks []lock) {
	name, ok := f.imports["sync"]
	if !ok {
		return nil
	}
	isLock := func(e ast.Expr) bool {
		sel, ok := e.(*ast.SelectorExpr)
		if !ok {
			return false
		}
		x, ok := sel.X.(*ast.Ident)
		return ok && x.Name == name && (sel.Sel.Name == "Mutex" || sel.Sel.Name == "RWMutex")
	}
	ast.Inspect(f.File, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.TypeSpec:
			locks = append(locks, locksOf(n, isLock)...)
			return false
		case *ast.ValueSpec:
			if isLock(n.Type) {
				for _, v := range n.Names {
					locks = append(locks, lock{at: n, name: v.Name, comment: n.Doc.Text() + n.Comment.Text()})
				}
			}
		}
		return true
	})
	return locks
}

func locksOf(t *ast.TypeSpec, isLock func(ast.Expr) bool) (locks []lock) {
	var fields []string
	ast.Inspect(t.Type, func(n ast.Node) bool {
		field, ok := n.(*ast.Field)
		if !ok {
			return true
		}
		names := field.Names
		if len(names) == 0 && isLock(field.Type) {
			names = []*ast.Ident{field.Type.(*ast.SelectorExpr).Sel}
		}
		for _, name := range names {
			fields = append(fields, name.Name)
			if isLock(field.Type) {
				locks = append(locks, lock{at: field, name: t.Name.Name + "." + name.Name, comment: field.Doc.Text() + field.Comment.Text()})
			}
		}
		return true
	})
	for i := range locks {
		locks[i].fields = fields
		_, field, _ := strings.Cut(locks[i].name, ".")
		locks[i].after = fields[slices.Index(fields, field)+1:]
	}
	return locks
}

// locksOffTheTable finds locks that no row of the table names or that do not say
// what they guard, and rows that are not true.
func locksOffTheTable(r *repo) (faults []string) {
	rows := r.table("lock")
	if len(rows) == 0 {
		return []string{mapFile + ": there is no table of locks"}
	}
	locks := map[string]lock{}
	for _, f := range r.files {
		if f.test || forTests(f.room) {
			continue
		}
		for _, l := range locksIn(f) {
			locks[f.path+" "+l.name] = l
			if !strings.Contains(l.comment, "guards") {
				faults = append(faults, r.at(l.at)+": "+l.name+" does not say what it guards")
			}
		}
	}
	for _, row := range rows {
		for _, p := range row.places() {
			for _, name := range p.names {
				l, ok := locks[p.file+" "+name]
				if !ok {
					faults = append(faults, mapFile+": there is no lock "+name+" in "+p.file)
					continue
				}
				delete(locks, p.file+" "+name)
				faults = append(faults, unguardable(l, codeIn(row["guards"]))...)
			}
		}
		if len(codeIn(row["guards"])) == 0 {
			faults = append(faults, mapFile+": the row of the lock "+row["lock"]+" names nothing that it guards")
		}
	}
	for _, l := range locks {
		faults = append(faults, r.at(l.at)+": no row of "+mapFile+" has the lock "+l.name)
	}
	return faults
}

// guardsTheRest is how a comment says that a lock guards all fields after it.
var guardsTheRest = regexp.MustCompile(`guards (the rest|all below)`)

// unguardable finds fields that a row says a lock guards and its type does not
// have, and those that the lock's comment means and the row leaves out.
func unguardable(l lock, guarded []string) (faults []string) {
	for _, field := range guarded {
		if token.IsIdentifier(field) && !slices.Contains(l.fields, field) {
			faults = append(faults, mapFile+": "+l.name+" cannot guard "+field+", its type has no such field")
		}
	}
	meant := l.after
	if !guardsTheRest.MatchString(l.comment) {
		words := regexp.MustCompile(`\w+`).FindAllString(l.comment, -1)
		meant = slices.DeleteFunc(slices.Clone(l.fields), func(field string) bool { return !slices.Contains(words, field) })
	}
	for _, field := range meant {
		if !slices.Contains(guarded, field) {
			faults = append(faults, mapFile+": the row of "+l.name+" leaves out "+field)
		}
	}
	return faults
}
