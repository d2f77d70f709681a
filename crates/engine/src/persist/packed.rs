//! Texts into which the database packs many rows: handing a row over costs its driver more than reading it does.

use octro_model::Timestamp;

/// What is packed, read from the front: numbers with commas between them, and bytes of a known length.
pub(crate) struct Packed<'a>(pub(crate) &'a [u8]);

impl<'a> Packed<'a> {
    /// The digits up to the next comma.
    fn digits(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| *byte == b',').unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at_checked(end).unwrap_or((self.0, &[]));
        self.0 = rest.split_first().map_or(rest, |(_, rest)| rest);
        digits
    }

    /// The next number.
    pub(crate) fn number(&mut self) -> Option<i64> {
        whole(self.digits())
    }

    /// As many bytes as are asked for.
    pub(crate) fn bytes(&mut self, length: i64) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(bytes)
    }

    /// The next moment, which has not come if it is left out.
    pub(crate) fn end(&mut self) -> Option<Timestamp> {
        match self.digits() {
            [] => Some(Timestamp::MAX),
            digits => whole(digits).map(Timestamp::from_micros),
        }
    }
}

fn whole(text: &[u8]) -> Option<i64> {
    let (digits, negative) = match text {
        [b'-', digits @ ..] => (digits, true),
        digits => (digits, false),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value = 0_i64;
    for digit in digits {
        let digit = i64::from(digit.checked_sub(b'0').filter(|digit| *digit < 10)?);
        // Downwards, because there is one negative number more than there are positive ones.
        value = value.checked_mul(10)?.checked_sub(digit)?;
    }
    if negative { Some(value) } else { value.checked_neg() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_can_be_read() {
        for number in [0, 7, -7, i64::MAX, i64::MIN] {
            assert_eq!(Packed(number.to_string().as_bytes()).number(), Some(number));
        }
        for wrong in ["", "-", "9223372036854775808", "-9223372036854775809", "1e3", "1.5", "+1"] {
            assert_eq!(Packed(wrong.as_bytes()).number(), None, "{wrong}");
        }
    }
}
