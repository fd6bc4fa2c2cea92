// Package citynode_test holds the rules of the house that a compiler does not
// know. It reads the source as it lies there, with the parser alone, so that
// it runs in a blink and needs neither version control nor a build.
package citynode_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
)

const modulePath = "github.com/citynode/citynode"

// libp2pRooms are the rooms that know libp2p, and what of it.
var libp2pRooms = map[string]string{
	"bootstrap":            "github.com/libp2p/",
	"node":                 "github.com/libp2p/",
	"node/dispatch":        "github.com/libp2p/",
	"internal/antientropy": "github.com/libp2p/",
	"internal/connlimit":   "github.com/libp2p/",
	"internal/datadir":     "github.com/libp2p/",
	"internal/demo":        "github.com/libp2p/",
	"internal/gossip":      "github.com/libp2p/",
	"internal/hostile":     "github.com/libp2p/",
	"internal/membership":  "github.com/libp2p/",
	"internal/names":       "github.com/libp2p/",
	"internal/twins":       "github.com/libp2p/",
	"internal/operator":    "github.com/libp2p/",
	"internal/streams":     "github.com/libp2p/",
	"internal/userfile":    "github.com/libp2p/",
	"cmd/citynode":         "github.com/libp2p/",
	"protocol":             "github.com/libp2p/go-msgio", // frames, no network
}

// pureRooms have neither clock nor chance of their own, start no goroutine and
// do no I/O, but for the files listed.
var pureRooms = map[string][]string{
	"crdt":               nil,
	"crdt/sketch":        nil,
	"internal/cbor":      nil,
	"city":               {"city.go", "incarnation.go", "read.go", "watch.go"},          // the actor
	"internal/durable":   {"writer.go", "incarnationjournal.go", "fill.go", "facts.go"}, // the shell
	"internal/history":   nil,
	"internal/reconcile": nil,
	"internal/sim":       nil,
}

func TestPackagesImportOnlyAlongTheArrows(t *testing.T) { holds(t, importsAgainstTheArrows) }
func TestEveryArrowIsAnImport(t *testing.T)             { holds(t, arrowsWithoutImports) }
func TestNoRoomHasTooManyFiles(t *testing.T)            { holds(t, tooManyFiles) }
func TestEveryGoroutineIsInTheTable(t *testing.T)       { holds(t, goroutinesOffTheTable) }
func TestEveryLockIsInTheTable(t *testing.T)            { holds(t, locksOffTheTable) }
func TestDocLinksLeadSomewhere(t *testing.T)            { holds(t, brokenDocLinks) }
func TestLibp2pStaysInItsRooms(t *testing.T)            { holds(t, libp2pOutside) }
func TestPureRoomsArePure(t *testing.T)                 { holds(t, impurities) }
func TestEveryPackageHasADocFile(t *testing.T)          { holds(t, missingDocFiles) }
func TestEveryExportedNameIsDocumented(t *testing.T)    { holds(t, undocumented) }
func TestNoTestSleepsOutsideABubble(t *testing.T)       { holds(t, sleeps) }
func TestWhatTheTextsNameExists(t *testing.T)           { holds(t, danglingNames) }
func TestGoCodeInTextsIsTested(t *testing.T)            { holds(t, untestedGo) }
func TestWhatIsGuaranteedIsTested(t *testing.T)         { holds(t, untestedPromises) }
func TestEveryDependencyIsExplained(t *testing.T)       { holds(t, unexplainedDependencies) }

// A rule looks at the repository and says what is wrong with it.
type rule func(*repo) []string

func holds(t *testing.T, r rule) {
	t.Helper()
	src, err := source()
	if err != nil {
		t.Fatal(err)
	}
	if len(src.files) == 0 {
		t.Fatal("no Go file found")
	}
	for _, fault := range slices.Sorted(slices.Values(r(src))) {
		t.Error(fault)
	}
}

// source is the repository, read once for all rules.
var source = sync.OnceValues(func() (*repo, error) { return read(os.DirFS(".")) })

// repo is the source tree.
type repo struct {
	fs.FS
	fset  *token.FileSet
	files []*file
}

// file is one Go file of it.
type file struct {
	*ast.File
	path    string // from the root, with slashes
	room    string // its folder, "." for the root
	test    bool
	imports map[string]string // path to the name it goes by in this file
}

func read(root fs.FS) (*repo, error) {
	r := &repo{FS: root, fset: token.NewFileSet()}
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && p != "." && (strings.HasPrefix(name, ".") || slices.Contains([]string{"testdata", "node_modules", "bin"}, name)):
			return fs.SkipDir
		case d.IsDir() && p != "." && isModule(root, p):
			return fs.SkipDir // another house: it has what everybody has
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		f, err := r.parse(p)
		r.files = append(r.files, f)
		return err
	})
	return r, err
}

// isModule reports whether a folder is the root of a Go module.
func isModule(root fs.FS, dir string) bool {
	_, err := fs.Stat(root, path.Join(dir, "go.mod"))
	return err == nil
}

func (r *repo) parse(p string) (*file, error) {
	text, err := fs.ReadFile(r.FS, p)
	if err != nil {
		return nil, err
	}
	tree, err := parser.ParseFile(r.fset, p, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f := &file{File: tree, path: p, room: path.Dir(p), test: strings.HasSuffix(p, "_test.go"), imports: map[string]string{}}
	for _, spec := range tree.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		f.imports[imported] = strings.TrimPrefix(path.Base(imported), "go-")
		if regexp.MustCompile(`^v\d+$`).MatchString(path.Base(imported)) {
			f.imports[imported] = path.Base(path.Dir(imported))
		}
		if spec.Name != nil {
			f.imports[imported] = spec.Name.Name
		}
	}
	return f, nil
}

// at is where a node is, for a fault to begin with.
func (r *repo) at(n ast.Node) string { return r.fset.Position(n.Pos()).String() }

// uses calls found for each mention of a name that the package imported as
// importPath exports.
func (f *file) uses(importPath string, found func(at ast.Node, name string)) {
	local, ok := f.imports[importPath]
	if !ok {
		return
	}
	ast.Inspect(f.File, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == local {
				found(sel, sel.Sel.Name)
			}
		}
		return true
	})
}

// supports returns the room whose tests the package at dir is for, if it is one
// that supports tests.
func supports(dir string) (room string, ok bool) {
	room = path.Dir(dir)
	return room, path.Base(dir) == path.Base(room)+"test"
}

func libp2pOutside(r *repo) (faults []string) {
	for _, f := range r.files {
		room := f.room
		if supported, ok := supports(room); ok {
			room = supported
		}
		for imported := range f.imports {
			prefix, some := libp2pRooms[room]
			if strings.HasPrefix(imported, "github.com/libp2p/") && (!some || !strings.HasPrefix(imported, prefix)) {
				faults = append(faults, f.path+": "+imported+" is not for "+f.room)
			}
		}
	}
	return faults
}

// What a pure room must not import or call.
var (
	impureImports = regexp.MustCompile(`^(net|os|syscall|log|crypto/rand|sync|io/ioutil|testing)(/|$)`)
	clockCalls    = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}
	seededRand    = []string{"New", "NewPCG", "NewChaCha8", "NewSource", "NewZipf", "Rand", "Source", "PCG", "ChaCha8", "Zipf"}
)

func impurities(r *repo) (faults []string) {
	for _, f := range r.files {
		shells, pure := pureRooms[f.room]
		if !pure || f.test {
			continue
		}
		fault := func(at ast.Node, what string) { faults = append(faults, r.at(at)+": "+what+" in a pure room") }
		for _, p := range []string{"math/rand", "math/rand/v2"} {
			f.uses(p, func(at ast.Node, name string) {
				if !slices.Contains(seededRand, name) && !slices.Contains(shells, path.Base(f.path)) {
					fault(at, "the global rand."+name)
				}
			})
		}
		if slices.Contains(shells, path.Base(f.path)) {
			continue
		}
		for imported := range f.imports {
			if impureImports.MatchString(imported) {
				fault(f.Name, "import of "+imported)
			}
		}
		f.uses("time", func(at ast.Node, name string) {
			if slices.Contains(clockCalls, name) {
				fault(at, "time."+name)
			}
		})
		ast.Inspect(f.File, func(n ast.Node) bool {
			if _, ok := n.(*ast.GoStmt); ok {
				fault(n, "a goroutine")
			}
			return true
		})
	}
	return faults
}

func missingDocFiles(r *repo) (faults []string) {
	documented := map[string]bool{}
	for _, f := range r.files {
		if f.test || f.room == "." {
			continue
		}
		documented[f.room] = documented[f.room] || path.Base(f.path) == "doc.go" && f.Doc != nil
	}
	for room, ok := range documented {
		if !ok {
			faults = append(faults, room+": no doc.go with a package comment")
		}
	}
	return faults
}

// wellKnown are methods whose meaning is that of the interface they are of.
var wellKnown = []string{"Error", "Unwrap", "Is", "String"}

func undocumented(r *repo) (faults []string) {
	for _, f := range r.files {
		if f.test || f.Name.Name == "main" {
			continue
		}
		for _, decl := range f.Decls {
			for _, name := range undocumentedIn(decl) {
				faults = append(faults, r.at(name)+": "+name.Name+" has no comment that begins with its name")
			}
		}
	}
	return faults
}

func undocumentedIn(decl ast.Decl) (names []*ast.Ident) {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		method := decl.Recv != nil
		if method && (!receiver(decl).IsExported() || slices.Contains(wellKnown, decl.Name.Name)) {
			return nil
		}
		if decl.Name.IsExported() && !describes(decl.Doc, decl.Name.Name) {
			names = append(names, decl.Name)
		}
	case *ast.GenDecl:
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				name, group := spec.Name.Name, decl.Lparen.IsValid()
				said := describes(spec.Doc, name) || describes(decl.Doc, name) || group && mentions(decl.Doc, name)
				if spec.Name.IsExported() && !said {
					names = append(names, spec.Name)
				}
			case *ast.ValueSpec: // a comment on the group speaks for all of it
				for _, name := range spec.Names {
					if name.IsExported() && decl.Doc == nil && spec.Doc == nil && spec.Comment == nil {
						names = append(names, name)
					}
				}
			}
		}
	}
	return names
}

// receiver returns the name of the type that a method is of.
func receiver(method *ast.FuncDecl) *ast.Ident {
	for e := method.Recv.List[0].Type; ; {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.Ident:
			return x
		default:
			return ast.NewIdent("_")
		}
	}
}

func describes(doc *ast.CommentGroup, name string) bool {
	return doc != nil && regexp.MustCompile(`^((A|An|The) )?`+name+`\b`).MatchString(doc.Text())
}

// mentions is enough for the types of a group, which share one comment.
func mentions(doc *ast.CommentGroup, name string) bool {
	return doc != nil && regexp.MustCompile(`\b`+name+`\b`).MatchString(doc.Text())
}

func sleeps(r *repo) (faults []string) {
	for _, f := range r.files {
		if _, bubble := f.imports["testing/synctest"]; !f.test || bubble {
			continue
		}
		f.uses("time", func(at ast.Node, name string) {
			if name == "Sleep" {
				faults = append(faults, r.at(at)+": a test sleeps outside a bubble")
			}
		})
	}
	return faults
}

// What the texts name: commands and paths in code, and targets of links.
var (
	codeSpan    = regexp.MustCompile("(?s)```.*?```|`[^`\n]+`")
	makeCommand = regexp.MustCompile("(?m)(?:^|[`$;&] ?)make((?: [A-Za-z0-9_=./:-]+)+)")
	ourPath     = regexp.MustCompile("`((?:cmd|node|city|crdt|protocol|bootstrap|internal|docs|examples|spec|deploy)/[A-Za-z0-9_./-]+|[A-Z]+\\.md)`")
	link        = regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)]*)?\)`)
	makeTarget  = regexp.MustCompile(`(?m)^([A-Za-z0-9_-]+)[ \t]*:(?:[^=]|$)`)
)

func danglingNames(r *repo) (faults []string) {
	targets := map[string]bool{}
	for _, m := range makeTarget.FindAllStringSubmatch(r.text("Makefile"), -1) {
		targets[m[1]] = true
	}
	for _, name := range r.texts() {
		text := r.text(name)
		for _, code := range codeSpan.FindAllString(text, -1) {
			for _, m := range makeCommand.FindAllStringSubmatch(code, -1) {
				for word := range strings.FieldsSeq(m[1]) {
					if !strings.ContainsAny(word, "=") && !strings.HasPrefix(word, "-") && !targets[word] {
						faults = append(faults, name+": there is no `make "+word+"`")
					}
				}
			}
		}
		for _, m := range ourPath.FindAllStringSubmatch(text, -1) {
			if _, err := fs.Stat(r, path.Clean(m[1])); err != nil {
				faults = append(faults, name+": there is no "+m[1])
			}
		}
		for _, m := range link.FindAllStringSubmatch(codeSpan.ReplaceAllString(text, ""), -1) { // relative to the text's folder
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			if _, err := fs.Stat(r, path.Join(path.Dir(name), m[1])); err != nil {
				faults = append(faults, name+": there is no "+m[1])
			}
		}
	}
	return faults
}

// texts returns the paths of what is written for people: at the root and under
// docs.
func (r *repo) texts() (names []string) {
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "examples/*.md", "examples/*/*.md"} {
		found, _ := fs.Glob(r, pattern) // the patterns are well-formed
		names = append(names, found...)
	}
	return names
}

// text is the contents of a file at the root, empty if there is none.
func (r *repo) text(name string) string {
	text, err := fs.ReadFile(r, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		panic(err)
	}
	return string(text)
}

var (
	requirement  = regexp.MustCompile(`(?m)^(?:require )?\s*(\S+\.\S+/\S+|\S+\.\S+) v\S+[ \t]*(//.*)?$`)
	majorVersion = regexp.MustCompile(`/v\d+$`)
)

func unexplainedDependencies(r *repo) (faults []string) {
	why := r.text("ARCHITECTURE.md")
	if why == "" {
		return nil
	}
	for _, m := range requirement.FindAllStringSubmatch(r.text("go.mod"), -1) {
		module := strings.TrimPrefix(majorVersion.ReplaceAllString(m[1], ""), "github.com/")
		said := regexp.MustCompile(regexp.QuoteMeta(module) + `($|[^A-Za-z0-9-])`)
		if !strings.HasPrefix(m[2], "// indirect") && !said.MatchString(why) {
			faults = append(faults, "ARCHITECTURE.md: no line says why "+module+" is required")
		}
	}
	return faults
}

// Tables of one row each, for the rules on them.
const (
	goroutines = "| goroutine | where |\n|---|---|\n| the loop | `city/a.go` `c.serve` |\n"
	locks      = "| lock | where | guards |\n|---|---|---|\n| of c | `city/a.go` `c.mu` | `n` |\n"
	tested     = "| promise | tests |\n|---|---|\n| **A.** It is so. | `city.TestA` `city/testdata/b.txt` |\n"
)

// goFiles are n files of one package.
func goFiles(room, text string, n int) map[string]string {
	files := map[string]string{room + "/a_test.go": text}
	for i := range n {
		files[room+"/a"+strconv.Itoa(i)+".go"] = text
	}
	return files
}

// A rule that finds nothing may have stopped to look: each must find the fault
// made for it, and only that.
func TestEachRuleFindsItsFault(t *testing.T) {
	const doc = "// Package p is one.\npackage p\n"
	const fence = "```"
	const imports = fence + "imports\ncity ->\n  crdt # the lattice\ncrdt -> nothing of ours\ncity (tests) -> internal/{sim,page}\n" + fence
	for _, c := range []struct {
		name  string
		rule  rule
		files map[string]string
		want  string // what the one fault contains; empty: there is none
	}{
		{"an arrow backward", importsAgainstTheArrows, map[string]string{mapFile: imports, "crdt/a.go": doc + `import _ "` + modulePath + `/city"`}, "must not import city"},
		{"an arrow forward", importsAgainstTheArrows, map[string]string{mapFile: imports, "city/a.go": doc + `import _ "` + modulePath + `/crdt"`}, ""},
		{"an arrow for tests in the program", importsAgainstTheArrows, map[string]string{mapFile: imports, "city/a.go": doc + `import _ "` + modulePath + `/internal/sim"`}, "must not import internal/sim"},
		{"an arrow for tests", importsAgainstTheArrows, map[string]string{mapFile: imports, "city/a_test.go": doc + `import _ "` + modulePath + `/internal/page"`}, ""},
		{"a room without a line", importsAgainstTheArrows, map[string]string{mapFile: imports, "util/a.go": doc}, "not in the table"},
		{"a test that imports its own room", importsAgainstTheArrows, map[string]string{mapFile: imports, "city/a_test.go": doc + `import _ "` + modulePath + `/city"`}, ""},
		{"test support in a test", importsAgainstTheArrows, map[string]string{mapFile: imports, "city/a_test.go": doc + `import _ "` + modulePath + `/crdt/crdttest"`}, ""},
		{"test support in the program", importsAgainstTheArrows, map[string]string{mapFile: imports, "city/a.go": doc + `import _ "` + modulePath + `/crdt/crdttest"`}, "must not import crdt/crdttest"},
		{"no table of imports", importsAgainstTheArrows, map[string]string{mapFile: "", "README.md": ""}, "no block of imports"},
		{"an arrow that nothing goes along", arrowsWithoutImports, map[string]string{mapFile: fence + "imports\ncity -> crdt\n" + fence, "city/a.go": doc}, "city does not import crdt"},
		{"an arrow for tests that no test goes along", arrowsWithoutImports, map[string]string{mapFile: fence + "imports\ncity -> crdt\ncity (tests) -> node\n" + fence, "city/a.go": doc + `import _ "` + modulePath + `/crdt"`}, "no test of city imports node"},
		{"a line of no room", arrowsWithoutImports, map[string]string{mapFile: fence + "imports\ncity -> nothing of ours\n" + fence, "README.md": ""}, "there is no package city"},
		{"as many files as there may be", tooManyFiles, goFiles("city", doc, filesMax), ""},
		{"a file too many", tooManyFiles, goFiles("city", doc, filesMax+1), "city has too many files"},
		{"a goroutine that is not in the table", goroutinesOffTheTable, map[string]string{mapFile: goroutines, "city/a.go": doc + "type c[K any] struct{}\nfunc (*c[K]) serve() { go f() }\nfunc f() { new(sync.WaitGroup).Go(f) }"}, "f begins a goroutine"},
		{"goroutines in the table", goroutinesOffTheTable, map[string]string{mapFile: goroutines, "city/a.go": doc + "type c struct{}\nfunc (*c) serve() { go f() }", "city/a_test.go": doc + "func g() { go f() }", "city/citytest/a.go": doc + "func g() { go f() }"}, ""},
		{"a row of a function that is gone", goroutinesOffTheTable, map[string]string{mapFile: goroutines, "city/a.go": doc}, "there is no c.serve in city/a.go"},
		{"locks in the table", locksOffTheTable, map[string]string{mapFile: locks, "city/a.go": doc + "import \"sync\"\ntype c struct {\n\tmu sync.Mutex // guards n\n\tn int\n}"}, ""},
		{"a lock that is not in the table", locksOffTheTable, map[string]string{mapFile: locks, "city/a.go": doc + "import \"sync\"\ntype c struct {\n\tmu sync.Mutex // guards n\n\tn int\n}\ntype d struct {\n\t// RWMutex guards all.\n\tsync.RWMutex\n}"}, "the lock d.RWMutex"},
		{"a lock without a word on what it guards", locksOffTheTable, map[string]string{mapFile: locks, "city/a.go": doc + "import \"sync\"\ntype c struct {\n\tmu sync.Mutex\n\tn int\n}"}, "c.mu does not say"},
		{"a field that is gone", locksOffTheTable, map[string]string{mapFile: locks, "city/a.go": doc + "import \"sync\"\ntype c struct {\n\tmu sync.Mutex // guards it\n\tm int\n}"}, "c.mu cannot guard n"},
		{"a named field that the row leaves out", locksOffTheTable, map[string]string{mapFile: locks, "city/a.go": doc + "import \"sync\"\ntype c struct {\n\tmu sync.Mutex // guards n, and what m points to\n\tn int\n\tm int\n}"}, "leaves out m"},
		{"a field that the row leaves out", locksOffTheTable, map[string]string{mapFile: locks, "city/a.go": doc + "import \"sync\"\ntype c struct {\n\tl int\n\tmu sync.Mutex // guards the rest\n\tn int\n\tm int\n}"}, "leaves out m"},
		{"a lock that is gone", locksOffTheTable, map[string]string{mapFile: locks, "city/a.go": doc}, "no lock c.mu in city/a.go"},
		{"doc links", brokenDocLinks, map[string]string{"city/a.go": doc + "// T is like [errors.Is], [net/http.Client] and [fmt]. See [T.F], [*T], [U.M], [V], [p.V], a[i], [note].\ntype T struct{ F int }\n// U is [T.G].\ntype U interface{ M() }\n// V is.\nvar V T\n// G is.\nfunc (T) G() {}"}, ""},
		{"a doc link to nowhere", brokenDocLinks, map[string]string{"city/a.go": doc + "// T is [T.H].\ntype T struct{}"}, "[T.H] leads nowhere"},
		{"a doc link to a package that is gone", brokenDocLinks, map[string]string{"city/a.go": doc + "// T is [journal.T].\ntype T struct{}"}, "[journal.T] leads nowhere"},
		{"a doc link to another room", brokenDocLinks, map[string]string{"crdt/a.go": doc, "city/a.go": doc + "import \"" + modulePath + "/crdt\"\n// T is [crdt.T].\ntype T struct{ crdt.S }"}, "[crdt.T] leads nowhere"},
		{"libp2p in the core", libp2pOutside, map[string]string{"city/a.go": doc + `import _ "github.com/libp2p/go-libp2p/core/peer"`}, "is not for city"},
		{"libp2p in protocol", libp2pOutside, map[string]string{"protocol/a.go": doc + `import _ "github.com/libp2p/go-libp2p"`}, "is not for protocol"},
		{"frames in protocol", libp2pOutside, map[string]string{"protocol/a.go": doc + `import _ "github.com/libp2p/go-msgio"`}, ""},
		{"a socket in the core", impurities, map[string]string{"crdt/a.go": doc + `import _ "net/http"`}, "import of net/http"},
		{"a clock in the core", impurities, map[string]string{"city/a.go": doc + "import clock \"time\"\nvar t = clock.Now()"}, "time.Now"},
		{"a clock in the actor", impurities, map[string]string{"city/city.go": doc + "import \"time\"\nvar t = time.Now()"}, ""},
		{"chance in the core", impurities, map[string]string{"city/a.go": doc + "import \"math/rand/v2\"\nvar n = rand.IntN(6)"}, "rand.IntN"},
		{"seeded chance in the core", impurities, map[string]string{"city/a.go": doc + "import \"math/rand/v2\"\nvar r = rand.New(rand.NewPCG(1, 2))"}, ""},
		{"a goroutine in the core", impurities, map[string]string{"crdt/a.go": doc + "func f() { go f() }"}, "goroutine"},
		{"no doc.go", missingDocFiles, map[string]string{"crdt/a.go": doc}, "no doc.go"},
		{"a doc.go that says nothing", missingDocFiles, map[string]string{"crdt/doc.go": "package crdt"}, "no doc.go"},
		{"a function without a comment", undocumented, map[string]string{"crdt/a.go": doc + "func F() {}"}, "F has no comment"},
		{"a comment on something else", undocumented, map[string]string{"crdt/a.go": doc + "// Returns it.\nfunc F() {}"}, "F has no comment"},
		{"a method of a generic type", undocumented, map[string]string{"crdt/a.go": doc + "// T is.\ntype T[K any] struct{}\nfunc (t *T[K]) M() {}"}, "M has no comment"},
		{"a method of a hidden type", undocumented, map[string]string{"crdt/a.go": doc + "type t int\nfunc (t) M() {}"}, ""},
		{"a constant without a comment", undocumented, map[string]string{"crdt/a.go": doc + "const C = 1"}, "C has no comment"},
		{"a group with one comment", undocumented, map[string]string{"crdt/a.go": doc + "// Kinds.\nconst (\n\tA = 1\n\tB = 2\n)"}, ""},
		{"a type of a group that its comment forgets", undocumented, map[string]string{"crdt/a.go": doc + "// A is, B too.\ntype (\n\tA int\n\tB int\n\tC int\n)"}, "C has no comment"},
		{"a sleep in a test", sleeps, map[string]string{"node/a_test.go": doc + "import \"time\"\nfunc f() { time.Sleep(1) }"}, "sleeps"},
		{"a sleep in a bubble", sleeps, map[string]string{"node/a_test.go": doc + "import (\n\"testing/synctest\"\n\"time\"\n)\nfunc f() { synctest.Wait(); time.Sleep(1) }"}, ""},
		{"a make target that is not", danglingNames, map[string]string{"README.md": "Run `make tea`, make sure.", "Makefile": "test: build\nX := y\n"}, "no `make tea`"},
		{"a make target in a block", danglingNames, map[string]string{"README.md": "```\nmake test SEEDS=3   # all\nmake X\n```", "Makefile": "test: build\nX := y\n"}, "no `make X`"},
		{"a link to nowhere", danglingNames, map[string]string{"README.md": "[a](Makefile#x) [b](nowhere.md) [c](https://example.org/)", "Makefile": ""}, "no nowhere.md"},
		{"links from a folder", danglingNames, map[string]string{"docs/wire/README.md": "[a](sync.md) [b](../../README.md) [c](../gone.md)", "docs/wire/sync.md": "", "README.md": ""}, "no ../gone.md"},
		{"a path to nowhere", danglingNames, map[string]string{"ARCHITECTURE.md": "`city/core.go`, `PATH/city/x`"}, "no city/core.go"},
		{"Go code that no test has", untestedGo, map[string]string{"README.md": fence + "go\nf()\ng()\n" + fence, "a/a_test.go": doc + "func h() {\n\tf()\n\tif true {\n\t\tg()\n\t}\n}"}, "begins with f()"},
		{"Go code that a test has", untestedGo, map[string]string{"README.md": fence + "go\nf()\ng()\n" + fence, "a/a_test.go": doc + "func h() {\n\tf()\n\tg()\n}"}, ""},
		{"another module", importsAgainstTheArrows, map[string]string{mapFile: imports, "examples/go.mod": "module m\n", "examples/a/a.go": doc}, ""},
		{"a promise with its tests", untestedPromises, map[string]string{mapFile: tested, "README.md": promises + "\n- **A.** It\n  is so.\n", "city/a_test.go": doc + "func TestA() {}", "city/testdata/b.txt": ""}, ""},
		{"a promise that no row has", untestedPromises, map[string]string{mapFile: tested, "README.md": promises + "\n- **A.** It is so. It is more.\n", "city/a_test.go": doc + "func TestA() {}", "city/testdata/b.txt": ""}, "has: It is more."},
		{"a row of no promise", untestedPromises, map[string]string{mapFile: tested, "README.md": promises + "\n## What is not\n\n- **A.** It is so.\n", "city/a_test.go": doc + "func TestA() {}"}, "does not promise: **A.** It is so."},
		{"a promise whose test is gone", untestedPromises, map[string]string{mapFile: tested, "README.md": promises + "\n- **A.** It is so.\n", "city/a_test.go": doc + "func testA() {}", "city/testdata/b.txt": ""}, "there is no test city.TestA"},
		{"a promise whose script is gone", untestedPromises, map[string]string{mapFile: tested, "README.md": promises + "\n- **A.** It is so.\n", "city/a_test.go": doc + "func TestA() {}"}, "there is no test city/testdata/b.txt"},
		{"a promise without a test", untestedPromises, map[string]string{mapFile: "| promise | tests |\n|---|---|\n| **A.** It is so. | |\n", "README.md": promises + "\n- **A.** It is so.\n", "city/a_test.go": doc}, "no test is named for: **A.**"},
		{"a dependency nobody explains", unexplainedDependencies, map[string]string{
			"go.mod":          "module x.org/y\n\ngo 1.26.0\n\nrequire (\n\tgithub.com/libp2p/go-libp2p v0.51.0\n\tgo.uber.org/fx v1.0.0 // indirect\n)\nrequire github.com/fxamacker/cbor/v2 v2.9.6\n",
			"ARCHITECTURE.md": "libp2p/go-libp2p-pubsub, fxamacker/cbor",
		}, "libp2p/go-libp2p is required"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := fstest.MapFS{}
			for name, text := range c.files {
				root[name] = &fstest.MapFile{Data: []byte(text)}
			}
			src, err := read(root)
			if err != nil {
				t.Fatal(err)
			}
			faults := c.rule(src)
			switch {
			case c.want == "" && len(faults) == 0:
			case c.want != "" && len(faults) == 1 && strings.Contains(faults[0], c.want):
			default:
				t.Errorf("found %q, want one fault with %q", faults, c.want)
			}
		})
	}
}
