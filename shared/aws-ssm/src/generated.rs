//! Values that nobody has to know.

use secrecy::SecretString;

/// How long a generated value is: 190 bits of it cannot be guessed.
const LENGTH: usize = 32;
/// What every place takes that a value may be written to.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// Of random bytes that stand for no character, one in 32, there are never so many.
const BYTES: usize = 4 * LENGTH;

/// A value that the operating system's random numbers make; `None` where it gives none.
pub(crate) fn value() -> Option<SecretString> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).ok()?;
    of(&bytes).map(SecretString::from)
}

/// Each character as probable as each other: what would favour some is left out.
fn of(bytes: &[u8]) -> Option<String> {
    let count = ALPHABET.len();
    let fair = 256 - 256 % count;
    let value: String = bytes
        .iter()
        .map(|byte| usize::from(*byte))
        .filter(|number| *number < fair)
        .filter_map(|number| ALPHABET.get(number % count))
        .take(LENGTH)
        .map(|byte| char::from(*byte))
        .collect();
    (value.len() == LENGTH).then_some(value)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn values_are_long_and_others_each_time() {
        let (one, other) = (value().unwrap(), value().unwrap());
        assert_eq!(one.expose_secret().len(), LENGTH);
        assert!(one.expose_secret().chars().all(|char| char.is_ascii_alphanumeric()));
        assert_ne!(one.expose_secret(), other.expose_secret());
    }

    #[test]
    fn no_character_is_more_probable_than_another() {
        let mut counts: BTreeMap<char, usize> = BTreeMap::new();
        for byte in 0..=255 {
            if let Some(value) = of(&[byte; LENGTH]) {
                *counts.entry(value.chars().next().unwrap()).or_default() += 1;
            }
        }
        assert_eq!(counts.len(), ALPHABET.len());
        assert!(counts.values().all(|count| *count == 4), "{counts:?}");
        assert_eq!(of(&[0; LENGTH - 1]), None);
        assert_eq!(of(&[255; BYTES]), None);
    }
}
