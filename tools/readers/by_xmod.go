// Claims about notes and trees, put to golang.org/x/mod: its sumdb packages read the checkpoints and proofs of Go's checksum database.
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type claim struct {
	Kind, Note, Vkey, Root, Entry string
	OldRoot                       string `json:"old_root"`
	NewRoot                       string `json:"new_root"`
	Index, Size, Old, New         int64
	Path, Entries                 []string
	Tiles                         map[string]string
}

func hash(text string) tlog.Hash {
	parsed, err := tlog.ParseHash(text)
	if err != nil {
		panic(err)
	}
	return parsed
}

func read(text string) []byte {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return data
}

func hashes(path []string) []tlog.Hash {
	var found []tlog.Hash
	for _, each := range path {
		found = append(found, hash(each))
	}
	return found
}

// The note is the word of the key, and says this size and root.
func checkpoint(c claim) error {
	verifier, err := note.NewVerifier(c.Vkey)
	if err != nil {
		return err
	}
	opened, err := note.Open([]byte(c.Note), note.VerifierList(verifier))
	if err != nil {
		return err
	}
	lines := strings.Split(opened.Text, "\n")
	if lines[0] != verifier.Name() || lines[1] != fmt.Sprint(c.Size) || lines[2] != c.Root {
		return fmt.Errorf("the note says something else")
	}
	return nil
}

type memory []tlog.Hash

func (m memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var found []tlog.Hash
	for _, index := range indexes {
		found = append(found, m[index])
	}
	return found, nil
}

// The root over all entries.
func root(c claim) error {
	var stored memory
	for number, entry := range c.Entries {
		more, err := tlog.StoredHashes(int64(number), read(entry), stored)
		if err != nil {
			return err
		}
		stored = append(stored, more...)
	}
	made, err := tlog.TreeHash(int64(len(c.Entries)), stored)
	if err == nil && made != hash(c.Root) {
		err = fmt.Errorf("another root")
	}
	return err
}

// The tiles as they are published, of 256 hashes each.
type published map[string]string

func (p published) Height() int { return 8 }

func (p published) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		data, there := p[strings.Replace(tile.Path(), "tile/8/", "tile/", 1)]
		if !there {
			return nil, fmt.Errorf("no %s", tile.Path())
		}
		found = append(found, read(data))
	}
	return found, nil
}

func (p published) SaveTiles([]tlog.Tile, [][]byte) {}

// The tiles lead from the root to the leaf hash of every entry.
func tiles(c claim) error {
	var indexes []int64
	for number := range c.Entries {
		indexes = append(indexes, tlog.StoredHashIndex(0, int64(number)))
	}
	tree := tlog.Tree{N: int64(len(c.Entries)), Hash: hash(c.Root)}
	found, err := tlog.TileHashReader(tree, published(c.Tiles)).ReadHashes(indexes)
	if err != nil {
		return err
	}
	for number, each := range found {
		if each != tlog.RecordHash(read(c.Entries[number])) {
			return fmt.Errorf("the tiles hold another leaf at %d", number)
		}
	}
	return nil
}

// nil where the claim holds, what is wrong where it does not.
func judged(c claim) (said *string) {
	var err error
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("%v", problem)
		}
		if err != nil {
			text := err.Error()
			said = &text
		}
	}()
	switch c.Kind {
	case "checkpoint":
		err = checkpoint(c)
	case "inclusion":
		if err = checkpoint(c); err == nil {
			err = tlog.CheckRecord(hashes(c.Path), c.Size, hash(c.Root), c.Index, tlog.RecordHash(read(c.Entry)))
		}
	case "consistency":
		err = tlog.CheckTree(hashes(c.Path), c.New, hash(c.NewRoot), c.Old, hash(c.OldRoot))
	case "root":
		err = root(c)
	case "tiles":
		err = tiles(c)
	default:
		err = fmt.Errorf("-")
	}
	return said
}

func main() {
	var claims []claim
	if err := json.NewDecoder(os.Stdin).Decode(&claims); err != nil {
		panic(err)
	}
	said := make([]*string, len(claims))
	for at, each := range claims {
		said[at] = judged(each)
	}
	answer := map[string]any{"reader": "golang.org/x/mod " + os.Args[1], "said": said}
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		panic(err)
	}
}
