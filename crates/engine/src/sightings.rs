//! Sightings: "seen again, unchanged". They make up most of what a source says, so a batch keeps them as a few bytes
//! each: groups of one moment, in each the resources' numbers as differences, all as LEB128 varints.
//!
//! ```text
//! group*   group = moment (zigzag difference to the previous group's, in microseconds) count number-difference*
//! ```

use octro_model::Timestamp;

/// Writes groups of (moment, resources). The resources of a group are sorted here.
pub(crate) fn encode(groups: &mut [(Timestamp, Vec<i64>)]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut moment = 0_i64;
    for (at, resources) in groups {
        resources.sort_unstable();
        let step = at.micros().wrapping_sub(moment);
        moment = at.micros();
        put(&mut out, ((step << 1) ^ (step >> 63)) as u64);
        put(&mut out, resources.len() as u64);
        let mut last = 0;
        for resource in resources.iter() {
            put(&mut out, resource.wrapping_sub(last) as u64);
            last = *resource;
        }
    }
    out
}

/// Reads what [`encode`] wrote, calling `seen` for each. Bytes that make no sense end the reading with `false`.
pub(crate) fn decode(bytes: &[u8], mut seen: impl FnMut(Timestamp, i64)) -> bool {
    let mut rest = bytes;
    let mut moment = 0_i64;
    while !rest.is_empty() {
        let Some((step, count)) = take(&mut rest).zip(take(&mut rest)) else { return false };
        moment = moment.wrapping_add(((step >> 1) as i64) ^ -((step & 1) as i64));
        let at = Timestamp::from_micros(moment);
        let mut resource = 0_i64;
        for _ in 0..count {
            let Some(step) = take(&mut rest) else { return false };
            resource = resource.wrapping_add(step as i64);
            seen(at, resource);
        }
    }
    true
}

fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, tail) = rest.split_first()?;
        *rest = tail;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sightings_come_back_and_cost_little() {
        let at = Timestamp::from_secs(1_700_000_000);
        let mut groups =
            vec![(at, (1..=1_000).rev().collect()), (at.plus(octro_model::Span::HOUR), vec![7, 900_000])];
        let bytes = encode(&mut groups);
        assert!(bytes.len() < 1_030, "{}", bytes.len());
        let mut seen = Vec::new();
        assert!(decode(&bytes, |at, resource| seen.push((at, resource))));
        let expected: Vec<_> =
            groups.iter().flat_map(|(at, all)| all.iter().map(|one| (*at, *one))).collect();
        assert_eq!(seen, expected);
        assert!(!decode(&bytes[..bytes.len() - 1], |_, _| ()));
        assert!(!decode(&[0x80; 12], |_, _| ()));
    }
}
