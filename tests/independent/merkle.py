"""Judges trees of Octro with PyPI's pymerkle: inclusion, and a whole log whose tree it builds anew from the entries, with its
own proofs that the tree continues those seen before. It looks at no signature. Octro's own code takes no part in it.

    python merkle.py inclusion PROOF LEAF
    python merkle.py log FOLDER [NOTE-SEEN-BEFORE...]
    python merkle.py cases FOLDER...     all cases that it can judge; ends with `N passed, N failed`
"""

import base64
import json
import os
import sys

from pymerkle import InclusionProof, InmemoryTree, InvalidProof, verify_consistency, verify_inclusion

WIDTH = 256


class Refused(Exception):
    """What is judged is not as it should be."""


def read(path):
    with open(path, "rb") as file:
        return file.read()


def checkpoint(note):
    """Size and root of a note; who signed it is for others to judge."""
    lines = note.decode().split("\n\n")[0].split("\n")
    if len(lines) != 3:
        raise Refused("the note is no checkpoint")
    return int(lines[1]), base64.b64decode(lines[2], validate=True)


def inclusion(proof, leaf):
    head, note = proof.split(b"\n\n", 1)
    first, index, *hashes = head.decode().split("\n")
    if first != "c2sp.org/tlog-proof@v1" or not index.startswith("index "):
        raise Refused("the file is no tlog-proof")
    size, root = checkpoint(note)
    # pymerkle counts from one, and begins a path with the leaf's own hash.
    index = int(index.removeprefix("index ")) + 1
    if not 1 <= index <= size:
        raise Refused("the index is beyond the tree")
    base = InmemoryTree("sha256").hash_buff(leaf)
    path = [base] + [base64.b64decode(line, validate=True) for line in hashes]
    given = InclusionProof("sha256", True, size, index, turns(index - 1, size), path)
    try:
        verify_inclusion(base, root, given, index=index, size=size, algorithm="sha256")
    except InvalidProof as error:
        raise Refused(str(error)) from error


def turns(index, size):
    """On which side each hash of a path stands (RFC 9162, 2.1.3.2): pymerkle wants it said, and checks it against its own."""
    rule, last = [], size - 1
    while last > 0:
        if index % 2 == 1 or index == last:
            rule.append(1)
            while index % 2 == 0 and index > 0:
                index, last = index // 2, last // 2
        else:
            rule.append(0)
        index, last = index // 2, last // 2
    return rule + [0]


def name(place):
    text = f"{place % 1000:03}"
    while place >= 1000:
        place //= 1000
        text = f"x{place % 1000:03}/{text}"
    return text


def piece(folder, kind, place, width):
    """A published piece: the partial one, or, when that has given way to the full one, its beginning."""
    full = os.path.join(folder, "tile", kind, name(place))
    part = full if width == WIDTH else f"{full}.p/{width}"
    for path in (part, full):
        if os.path.isfile(path):
            return read(path)
    raise Refused(f"{part} is missing")


def widths(count):
    return [(place, min(WIDTH, count - place * WIDTH)) for place in range(-(-count // WIDTH))]


def entries(folder, size):
    for place, width in widths(size):
        data, at, count = piece(folder, "entries", place, width), 0, 0
        while at < len(data):
            length = int.from_bytes(data[at : at + 2], "big")
            entry = data[at + 2 : at + 2 + length]
            if at + 2 + length > len(data):
                raise Refused(f"bundle {place} is cut short")
            if count < width:
                yield entry
            at, count = at + 2 + length, count + 1
        if count not in (width, WIDTH):
            raise Refused(f"bundle {place} has {count} entries")


def log(folder, seen):
    size, root = checkpoint(read(os.path.join(folder, "checkpoint")))
    tree = InmemoryTree("sha256")
    for entry in entries(folder, size):
        tree.append_entry(entry)
    if tree.get_root() != root:
        raise Refused("the entries do not have the root of the checkpoint")
    level, hashes = 0, [tree.get_leaf(index) for index in range(1, size + 1)]
    while hashes:
        for place, width in widths(len(hashes)):
            expected = b"".join(hashes[place * WIDTH : place * WIDTH + width])
            if piece(folder, str(level), place, width)[: len(expected)] != expected:
                raise Refused(f"tile {level}/{place} is forged")
        full = [hashes[at : at + WIDTH] for at in range(0, len(hashes) // WIDTH * WIDTH, WIDTH)]
        level, hashes = level + 1, [folded(tree, one) for one in full]
    for path in seen:
        before, old = checkpoint(read(path))
        if before > size:
            raise Refused(f"the log had {before} entries before, and now has {size}")
        try:
            verify_consistency(old, root, tree.prove_consistency(before, size), before, size, "sha256")
        except InvalidProof as error:
            raise Refused(f"it does not continue the checkpoint of {before} entries: {error}") from error
    return size, root


def folded(tree, hashes):
    while len(hashes) > 1:
        hashes = [tree.hash_pair(*hashes[at : at + 2]) for at in range(0, len(hashes), 2)]
    return hashes[0]


def can_judge(one):
    return one["kind"] in ("inclusion", "log") and one["breaks"] in ("", "tree")


def judge(folder, one):
    file = lambda key: os.path.join(folder, one[key])
    if one["kind"] == "inclusion":
        inclusion(read(file("proof")), read(file("leaf")))
    else:
        log(file("folder"), [os.path.join(folder, path) for path in one["seen"]])


def cases(folders):
    passed = failed = 0
    for folder in folders:
        for one in filter(can_judge, json.loads(read(os.path.join(folder, "cases.json")))):
            found = None
            try:
                judge(folder, one)
            except Refused as error:
                found = error
            if (found is None) == one["good"]:
                passed += 1
                if os.environ.get("VERBOSE"):
                    print(f"ok {one['name']}: {found}")
            else:
                failed += 1
                print(f"FAILED {one['name']}: expected good={one['good']}, found: {found}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def main(words):
    try:
        match words:
            case ["cases", _, *_]:
                return cases(words[1:])
            case ["inclusion", proof, leaf]:
                inclusion(read(proof), read(leaf))
                print("good: the leaf is in the tree of the checkpoint, whose signature this does not judge")
            case ["log", folder, *seen]:
                size, root = log(folder, seen)
                print(f"good: all {size} entries, all tiles, root {base64.b64encode(root).decode()}")
            case _:
                print("merkle.py inclusion PROOF LEAF | log FOLDER [SEEN...] | cases FOLDER...", file=sys.stderr)
                return 2
    except Refused as error:
        print(f"refused: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
