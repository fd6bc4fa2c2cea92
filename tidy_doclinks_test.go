package citynode_test

import (
	"go/ast"
	"go/doc/comment"
	"path"
	"slices"
	"strings"
)

// symbols are the names that doc links to a room can have: Name, Type.Method,
// Type.Field.
type symbols map[string]bool

// symbolsOf returns those of each room, tests left out.
func symbolsOf(r *repo) map[string]symbols {
	all := map[string]symbols{}
	for _, f := range r.files {
		if f.test {
			continue
		}
		if all[f.room] == nil {
			all[f.room] = symbols{}
		}
		for _, decl := range f.Decls {
			all[f.room].add(decl)
		}
	}
	return all
}

func (s symbols) add(decl ast.Decl) {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		s[functionName(decl)] = true
	case *ast.GenDecl:
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					s[name.Name] = true
				}
			case *ast.TypeSpec:
				s[spec.Name.Name] = true
				s.addMembers(spec)
			}
		}
	}
}

// addMembers adds the fields of a struct, or the methods of an interface.
func (s symbols) addMembers(t *ast.TypeSpec) {
	var members *ast.FieldList
	switch x := t.Type.(type) {
	case *ast.StructType:
		members = x.Fields
	case *ast.InterfaceType:
		members = x.Methods
	default:
		return
	}
	for _, member := range members.List {
		for _, name := range member.Names {
			s[t.Name.Name+"."+name.Name] = true
		}
	}
}

// brokenDocLinks finds the links to our own names, or to packages that nobody
// knows, that lead nowhere.
func brokenDocLinks(r *repo) (faults []string) {
	all := symbolsOf(r)
	packages := packagesNamedIn(r)
	for _, f := range r.files {
		if f.test {
			continue
		}
		for _, doc := range docsOf(f) {
			for _, link := range docLinks(doc.Text(), packages[f.room]) {
				if broken(link, f.room, all) {
					faults = append(faults, r.at(doc)+": the link ["+linkText(link)+"] leads nowhere")
				}
			}
		}
	}
	return faults
}

// packagesNamedIn returns, for each room, the names by which its files know the
// packages that they import.
func packagesNamedIn(r *repo) map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, f := range r.files {
		if all[f.room] == nil {
			all[f.room] = map[string]string{f.Name.Name: ""}
		}
		if f.test {
			continue
		}
		for imported, name := range f.imports {
			all[f.room][name] = imported
		}
	}
	return all
}

// docsOf returns the doc comments of a file, those of fields and methods too.
func docsOf(f *file) (docs []*ast.CommentGroup) {
	ast.Inspect(f.File, func(n ast.Node) bool {
		var doc *ast.CommentGroup
		switch n := n.(type) {
		case *ast.File:
			doc = n.Doc
		case *ast.FuncDecl:
			doc = n.Doc
		case *ast.GenDecl:
			doc = n.Doc
		case *ast.TypeSpec:
			doc = n.Doc
		case *ast.ValueSpec:
			doc = n.Doc
		case *ast.Field:
			doc = n.Doc
		case *ast.BlockStmt:
			return false
		}
		if doc != nil {
			docs = append(docs, doc)
		}
		return true
	})
	return docs
}

// unknownPackage begins the import path of a package that no file of the room
// imports and that is not of the standard library.
const unknownPackage = "?"

// docLinks returns all links to names in a comment, as go doc reads it.
func docLinks(text string, packages map[string]string) (links []*comment.DocLink) {
	parser := comment.Parser{
		LookupPackage: func(name string) (string, bool) {
			if imported, ok := packages[name]; ok {
				return imported, true
			}
			if imported, ok := comment.DefaultLookupPackage(name); ok {
				return imported, true
			}
			return unknownPackage + name, true
		},
		LookupSym: func(string, string) bool { return true },
	}
	walk := func(texts []comment.Text) {
		for _, t := range texts {
			if link, ok := t.(*comment.DocLink); ok {
				links = append(links, link)
			}
		}
	}
	for _, block := range parser.Parse(text).Content {
		switch b := block.(type) {
		case *comment.Paragraph:
			walk(b.Text)
		case *comment.Heading:
			walk(b.Text)
		case *comment.List:
			for _, item := range b.Items {
				for _, inner := range item.Content {
					if p, ok := inner.(*comment.Paragraph); ok {
						walk(p.Text)
					}
				}
			}
		}
	}
	return links
}

// broken reports whether a link is to a name of ours that is not there. A word
// in brackets that names neither a package nor one in it is no link.
func broken(link *comment.DocLink, room string, all map[string]symbols) bool {
	if strings.HasPrefix(link.ImportPath, unknownPackage) {
		return link.Name != ""
	}
	if link.ImportPath != "" {
		target, ours := strings.CutPrefix(link.ImportPath, modulePath+"/")
		if !ours {
			return false
		}
		room = target
	}
	name := link.Name
	if link.Recv != "" {
		name = link.Recv + "." + name
	}
	return all[room] == nil || name != "" && !all[room][name]
}

func linkText(link *comment.DocLink) string {
	parts := []string{path.Base(link.ImportPath), link.Recv, link.Name}
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" || s == "." })
	return strings.TrimPrefix(strings.Join(parts, "."), unknownPackage)
}
