//! The geometry of tiles (C2SP `tlog-tiles`): which hashes a tile holds, and under which path it is published.

use octro_verify::Hash;

/// How many hashes a full tile has.
pub const WIDTH: u64 = 256;

/// The highest level at which a tree of at most 2^63 - 1 leaves has a hash.
pub(crate) const LEVEL_MAX: u8 = 7;

/// How many hashes the tree of `size` leaves has at `level`: those of complete subtrees of 256^level leaves.
pub const fn hashes_at(size: u64, level: u8) -> u64 {
    if level > LEVEL_MAX { 0 } else { size >> (8 * level as u32) }
}

/// The levels at which the tree of `size` leaves has hashes.
pub(crate) fn levels(size: u64) -> impl Iterator<Item = u8> {
    (0..=LEVEL_MAX).take_while(move |level| hashes_at(size, *level) > 0)
}

/// The tiles of `level` that the tree of `size` leaves has from place `from` on: place and width.
pub(crate) fn tiles(size: u64, level: u8, from: u64) -> impl Iterator<Item = (u64, u64)> {
    let hashes = hashes_at(size, level);
    (from..hashes.div_ceil(WIDTH)).map(move |place| (place, (hashes - place * WIDTH).min(WIDTH)))
}

/// The path of a tile of hashes.
pub fn path(level: u8, place: u64, width: u64) -> String {
    named(&level.to_string(), place, width)
}

/// The path of a bundle of entries.
pub fn bundle_path(place: u64, width: u64) -> String {
    named("entries", place, width)
}

fn named(level: &str, place: u64, width: u64) -> String {
    let mut text = format!("{:03}", place % 1000);
    let mut rest = place / 1000;
    while rest > 0 {
        text = format!("x{:03}/{text}", rest % 1000);
        rest /= 1000;
    }
    if width == WIDTH { format!("tile/{level}/{text}") } else { format!("tile/{level}/{text}.p/{width}") }
}

/// Hashes one behind another.
pub(crate) fn concatenated(hashes: &[Hash]) -> Vec<u8> {
    hashes.concat()
}

/// The hashes that stand one behind another; `None` if it is no whole number of them.
pub(crate) fn split(bytes: &[u8]) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    rest.is_empty().then(|| hashes.to_vec())
}

/// Entries as a bundle: of each its length in two bytes, and its bytes.
pub(crate) fn bundle<'a>(leaves: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for leaf in leaves {
        // A leaf has at most 4,096 bytes; a longer one that somebody forged shows by its hash.
        bytes.extend(u16::try_from(leaf.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend(leaf);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        assert_eq!(path(0, 0, 256), "tile/0/000");
        assert_eq!(path(1, 1_234_067, 256), "tile/1/x001/x234/067");
        assert_eq!(path(0, 255, 9), "tile/0/255.p/9");
        assert_eq!(bundle_path(1_000, 1), "tile/entries/x001/000.p/1");
    }

    #[test]
    fn tiles_of_odd_sizes() {
        assert_eq!(levels(0).count(), 0);
        assert_eq!(tiles(0, 0, 0).count(), 0);
        assert_eq!(tiles(255, 0, 0).collect::<Vec<_>>(), [(0, 255)]);
        assert_eq!(tiles(256, 0, 0).collect::<Vec<_>>(), [(0, 256)]);
        assert_eq!(tiles(257, 0, 0).collect::<Vec<_>>(), [(0, 256), (1, 1)]);
        assert_eq!(tiles(65_537, 1, 0).collect::<Vec<_>>(), [(0, 256)]);
        assert_eq!(tiles(65_537, 2, 0).collect::<Vec<_>>(), [(0, 1)]);
        assert_eq!(levels(u64::MAX >> 1).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(hashes_at(u64::MAX, 200), 0);
    }

    #[test]
    fn a_bundle_says_how_long_each_entry_is() {
        assert_eq!(bundle([b"ab".as_slice(), b"".as_slice()]), [0, 2, b'a', b'b', 0, 0]);
        assert_eq!(split(&[0; 33]), None);
        assert_eq!(split(&[1; 64]).map(|hashes| hashes.len()), Some(2));
    }
}
