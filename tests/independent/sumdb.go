// Judges a log of Octro with the software of the Go project's checksum database (golang.org/x/mod/sumdb): signed notes,
// inclusion, consistency, and the whole tree made anew from its entries. Octro's own code takes no part in it.
//
//	sumdb checkpoint NOTE KEY...
//	sumdb inclusion PROOF LEAF KEY...
//	sumdb log FOLDER [-seen NOTE]... KEY...
//	sumdb proof PROOF FOLDER KEY...     that what an octro-proof/v1 file cites stands so in the published log
//	sumdb cases FOLDER...     all cases of these folders; ends with `N passed, N failed`
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A file that the judge was promised and cannot read: no judgement at all.
type unreadable struct{ error }

func read(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, unreadable{err}
	}
	return data, nil
}

// A witness's key (type 4 of C2SP signed-note): the package's own verifiers know only type 1.
type witness struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (w witness) Name() string    { return w.name }
func (w witness) KeyHash() uint32 { return w.hash }
func (w witness) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(signature), text)
	return ed25519.Verify(w.key, []byte(message), signature[8:])
}

func newWitness(text string) (note.Verifier, error) {
	parts := strings.SplitN(text, "+", 3)
	if len(parts) != 3 {
		return nil, unreadable{errors.New("the witness's key is not name+id+base64")}
	}
	data, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(data) != 1+ed25519.PublicKeySize || data[0] != 4 {
		return nil, unreadable{errors.New("the witness's key is not one of type 4")}
	}
	id := sha256.Sum256(append([]byte(parts[0]+"\n"), data...))
	hash := binary.BigEndian.Uint32(id[:])
	if fmt.Sprintf("%08x", hash) != parts[1] {
		return nil, unreadable{errors.New("the witness's key has another id")}
	}
	return witness{parts[0], hash, data[1:]}, nil
}

// Opens a note that one of the keys, and the witness if there is one, must have signed.
func open(data []byte, keys []string, witnessed string) (tlog.Tree, error) {
	var verifiers []note.Verifier
	for _, key := range keys {
		verifier, err := note.NewVerifier(key)
		if err != nil {
			return tlog.Tree{}, unreadable{err}
		}
		verifiers = append(verifiers, verifier)
	}
	opened, err := note.Open(data, note.VerifierList(verifiers...))
	if err != nil {
		return tlog.Tree{}, err
	}
	if witnessed != "" {
		verifier, err := newWitness(witnessed)
		if err != nil {
			return tlog.Tree{}, err
		}
		if _, err := note.Open(data, note.VerifierList(verifier)); err != nil {
			return tlog.Tree{}, err
		}
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] != opened.Sigs[0].Name {
		return tlog.Tree{}, errors.New("the note is no checkpoint of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

func openFile(path string, keys []string, witnessed string) (tlog.Tree, error) {
	data, err := read(path)
	if err != nil {
		return tlog.Tree{}, err
	}
	return open(data, keys, witnessed)
}

func hashes(text string) ([]tlog.Hash, error) {
	var all []tlog.Hash
	for _, line := range strings.Split(text, "\n") {
		if line == "" {
			continue
		}
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return nil, err
		}
		all = append(all, hash)
	}
	return all, nil
}

// That the leaf is in the tree: a file of C2SP tlog-proof.
func inclusion(proof, leaf string, keys []string) error {
	data, err := read(proof)
	if err != nil {
		return err
	}
	entry, err := read(leaf)
	if err != nil {
		return err
	}
	head, signed, found := strings.Cut(string(data), "\n\n")
	lines := strings.SplitN(head, "\n", 3)
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("the file is no tlog-proof")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return err
	}
	path, err := hashes(strings.Join(lines[2:], ""))
	if err != nil {
		return err
	}
	tree, err := open([]byte(signed), keys, "")
	if err != nil {
		return err
	}
	return tlog.CheckRecord(path, tree.N, tree.Hash, index, tlog.RecordHash(entry))
}

// That one checkpoint's tree continues another's.
func consistency(old, new, proof string, keys []string) error {
	before, err := openFile(old, keys, "")
	if err != nil {
		return err
	}
	now, err := openFile(new, keys, "")
	if err != nil {
		return err
	}
	data, err := read(proof)
	if err != nil {
		return err
	}
	path, err := hashes(string(data))
	if err != nil {
		return err
	}
	return tlog.CheckTree(path, now.N, now.Hash, before.N, before.Hash)
}

// A published piece: the partial one, or, when that has given way to the full one, its beginning.
func piece(folder, path string) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(folder, path))
	if full, _, partial := strings.Cut(path, ".p/"); err != nil && partial {
		return os.ReadFile(filepath.Join(folder, full))
	}
	return data, err
}

// The entries of a published log, in bundles of 256.
func entries(folder string, size int64, each func(int64, []byte) error) error {
	for first := int64(0); first < size; first += 256 {
		width := size - first
		if width > 256 {
			width = 256
		}
		name := tlog.Tile{H: 8, L: -1, N: first / 256, W: int(width)}.Path()
		data, err := piece(folder, strings.Replace(name, "tile/8/data/", "tile/entries/", 1))
		if err != nil {
			return err
		}
		count := int64(0)
		for ; len(data) > 0; count++ {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				return fmt.Errorf("%s is cut short", name)
			}
			length := 2 + int(binary.BigEndian.Uint16(data))
			if count < width {
				if err := each(first+count, data[2:length]); err != nil {
					return err
				}
			}
			data = data[length:]
		}
		if count != width && count != 256 {
			return fmt.Errorf("%s has %d entries", name, count)
		}
	}
	return nil
}

// Makes the whole tree anew from the entries, and compares the checkpoint, every tile, and the checkpoints seen before.
// The entries are shown to `each`, too.
func log(folder string, seen []tlog.Tree, keys []string, each func(int64, []byte)) (tlog.Tree, error) {
	tree, err := openFile(filepath.Join(folder, "checkpoint"), keys, "")
	if err != nil {
		return tree, err
	}
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			if index >= int64(len(stored)) {
				return nil, errors.New("a hash beyond the tree")
			}
			found[i] = stored[index]
		}
		return found, nil
	})
	err = entries(folder, tree.N, func(index int64, entry []byte) error {
		more, err := tlog.StoredHashes(index, entry, reader)
		stored = append(stored, more...)
		each(index, entry)
		return err
	})
	if err != nil {
		return tree, err
	}
	root, err := tlog.TreeHash(tree.N, reader)
	if err != nil {
		return tree, err
	}
	if root != tree.Hash {
		return tree, errors.New("the entries do not have the root that was signed")
	}
	tiles := tlog.NewTiles(8, 0, tree.N)
	for i, tile := range tiles {
		// Go 1.19 lists all widths that a partial tile ever had; only the last one need be published.
		if i+1 < len(tiles) && tiles[i+1].L == tile.L && tiles[i+1].N == tile.N {
			continue
		}
		expected, err := tlog.ReadTileData(tile, reader)
		if err != nil {
			return tree, err
		}
		found, err := piece(folder, strings.Replace(tile.Path(), "tile/8/", "tile/", 1))
		if err != nil {
			return tree, err
		}
		if !bytes.HasPrefix(found, expected) {
			return tree, fmt.Errorf("%s is forged", tile.Path())
		}
	}
	for _, before := range seen {
		if before.N > tree.N {
			return tree, fmt.Errorf("the log had %d entries before, and now has %d", before.N, tree.N)
		}
		proof, err := tlog.ProveTree(tree.N, before.N, reader)
		if err != nil {
			return tree, err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash); err != nil {
			return tree, fmt.Errorf("it does not continue the checkpoint of %d entries: %w", before.N, err)
		}
	}
	return tree, nil
}

func ignore(int64, []byte) {}

func openAll(paths, keys []string) ([]tlog.Tree, error) {
	var all []tlog.Tree
	for _, path := range paths {
		tree, err := openFile(path, keys, "")
		if err != nil {
			return nil, err
		}
		all = append(all, tree)
	}
	return all, nil
}

// An entry of a proof of Octro's own form: whole, short (without `leaf`) or linked (without `index`).
type entry struct {
	Index   *int64
	Leaf    *string
	At, T   json.Number
	To      string
	Program string
}

// What the next short entry leaves out: the transition before it.
type transition struct {
	K, Control, To, Program string
	N                       int64
	hash                    [32]byte
}

// The leaf that an entry stands for; a short one follows the last transition of the claim's control.
func (last *transition) text(of entry, control string) (string, error) {
	var leaf string
	switch {
	case of.Leaf != nil:
		leaf = *of.Leaf
	case last.N == 0:
		return "", errors.New("a short entry has no transition before it")
	default:
		program := of.Program
		if program == "" {
			program = last.Program
		}
		leaf = fmt.Sprintf(`{"at":%s,"control":"%s","from":"%s","k":"transition","n":%d,"prev":"%x","program":"%s","t":%s,"to":"%s","v":1}`,
			of.At, control, last.To, last.N+1, last.hash, program, of.T, of.To)
	}
	var read transition
	if json.Unmarshal([]byte(leaf), &read) == nil && read.K == "transition" && read.Control == control {
		*last = read
		last.hash = tlog.RecordHash([]byte(leaf))
	}
	return leaf, nil
}

// That a proof of Octro's own form cites a checkpoint which the published log continues, and entries that stand in it: where
// the proof says so, or, if they are linked, anywhere. What follows from these entries is for a verifier of that form to say.
func proof(path, folder string, keys []string) (int, error) {
	data, err := read(path)
	if err != nil {
		return 0, err
	}
	var given struct {
		Format     string
		Checkpoint string
		Claim      struct{ Control string }
		Entries    []entry
	}
	if err := json.Unmarshal(data, &given); err != nil {
		return 0, err
	}
	short := given.Format == "octro-proof/v1-short" || given.Format == "octro-proof/v1-linked"
	if !short && given.Format != "octro-proof/v1" {
		return 0, fmt.Errorf("the form `%s` is not known here", given.Format)
	}
	cited, err := open([]byte(given.Checkpoint), keys, "")
	if err != nil {
		return 0, err
	}
	leaves := make(map[int64]string)
	linked := make(map[string]bool)
	var last transition
	for place, entry := range given.Entries {
		if entry.Leaf == nil && !short || entry.Index == nil && given.Format != "octro-proof/v1-linked" {
			return 0, fmt.Errorf("entry %d of the proof has no index or no leaf", place)
		}
		leaf, err := last.text(entry, given.Claim.Control)
		if err != nil {
			return 0, err
		}
		if entry.Index == nil {
			linked[leaf] = true
			continue
		}
		if *entry.Index >= cited.N {
			return 0, fmt.Errorf("entry %d is beyond the checkpoint", *entry.Index)
		}
		if _, twice := leaves[*entry.Index]; twice {
			return 0, fmt.Errorf("entry %d is there twice", *entry.Index)
		}
		leaves[*entry.Index] = leaf
	}
	_, err = log(folder, []tlog.Tree{cited}, keys, func(index int64, entry []byte) {
		if leaf, found := leaves[index]; found && leaf == string(entry) {
			delete(leaves, index)
		}
		if index < cited.N {
			delete(linked, string(entry))
		}
	})
	if err == nil && len(leaves)+len(linked) > 0 {
		err = fmt.Errorf("%d of its entries do not stand so in the log, and %d linked ones nowhere in it", len(leaves), len(linked))
	}
	return len(given.Entries), err
}

type oneCase struct {
	Name, Kind, Note, Witness, Proof, Leaf, Old, New, Hashes, Folder string
	Good                                                             bool
	Keys, Seen                                                       []string
}

func (c oneCase) judge(at string) error {
	in := func(path string) string { return filepath.Join(at, path) }
	switch c.Kind {
	case "checkpoint":
		_, err := openFile(in(c.Note), c.Keys, c.Witness)
		return err
	case "inclusion":
		return inclusion(in(c.Proof), in(c.Leaf), c.Keys)
	case "consistency":
		return consistency(in(c.Old), in(c.New), in(c.Hashes), c.Keys)
	case "log":
		var seen []string
		for _, path := range c.Seen {
			seen = append(seen, in(path))
		}
		before, err := openAll(seen, c.Keys)
		if err != nil {
			return err
		}
		_, err = log(in(c.Folder), before, c.Keys, ignore)
		return err
	case "proof":
		_, err := proof(in(c.Proof), in(c.Folder), c.Keys)
		return err
	}
	return unreadable{fmt.Errorf("no such kind: %s", c.Kind)}
}

// Judges the cases of a folder; answers how many were judged rightly and how many not.
func judged(at string) (passed, failed int, err error) {
	data, err := read(filepath.Join(at, "cases.json"))
	if err != nil {
		return 0, 0, err
	}
	var all []oneCase
	if err := json.Unmarshal(data, &all); err != nil {
		return 0, 0, err
	}
	for _, one := range all {
		err := one.judge(at)
		var missing unreadable
		if errors.As(err, &missing) || (err == nil) != one.Good {
			failed++
			fmt.Printf("FAILED %s: expected good=%v, found: %v\n", one.Name, one.Good, err)
			continue
		}
		passed++
		if os.Getenv("VERBOSE") != "" {
			fmt.Printf("ok %s: %v\n", one.Name, err)
		}
	}
	return passed, failed, nil
}

func cases(folders []string) error {
	passed, failed := 0, 0
	for _, folder := range folders {
		right, wrong, err := judged(folder)
		if err != nil {
			return err
		}
		passed, failed = passed+right, failed+wrong
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 || passed == 0 {
		return errors.New("not all cases were judged rightly")
	}
	return nil
}

func main() {
	err := errors.New("sumdb checkpoint NOTE KEY... | inclusion PROOF LEAF KEY... | log FOLDER [-seen NOTE]... KEY... | proof PROOF FOLDER KEY... | cases FOLDER...")
	arguments := os.Args[1:]
	is := func(command string, least int) bool {
		return len(arguments) >= least && arguments[0] == command
	}
	switch {
	case is("checkpoint", 3):
		var tree tlog.Tree
		if tree, err = openFile(arguments[1], arguments[2:], ""); err == nil {
			fmt.Printf("good: %d entries, root %v\n", tree.N, tree.Hash)
		}
	case is("inclusion", 4):
		if err = inclusion(arguments[1], arguments[2], arguments[3:]); err == nil {
			fmt.Println("good: the leaf is in the log")
		}
	case is("log", 3):
		var tree tlog.Tree
		var seen []string
		rest := arguments[2:]
		for len(rest) > 2 && rest[0] == "-seen" {
			seen, rest = append(seen, rest[1]), rest[2:]
		}
		var before []tlog.Tree
		if before, err = openAll(seen, rest); err != nil {
			break
		}
		if tree, err = log(arguments[1], before, rest, ignore); err == nil {
			fmt.Printf("good: all %d entries, all tiles, root %v\n", tree.N, tree.Hash)
		}
	case is("proof", 4):
		var entries int
		if entries, err = proof(arguments[1], arguments[2], arguments[3:]); err == nil {
			fmt.Printf("good: all %d entries of the proof stand so in the log\n", entries)
		}
	case is("cases", 2):
		err = cases(arguments[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "refused:", err)
		os.Exit(1)
	}
}
