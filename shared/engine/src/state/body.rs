//! The bodies of items: one byte that names the format, then JSON, compressed.

use std::io::Read;

use flate2::Compression;
use flate2::read::{ZlibDecoder, ZlibEncoder};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ports::store::{BODY_BYTES_MAX, StoreError};

/// JSON, compressed with zlib.
const FORMAT_JSON_ZLIB: u8 = 1;

/// The longest JSON that a body is read into; a longer one was not written by us.
const JSON_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The body of the item `sort`. The same content always makes the same bytes.
pub(super) fn encode<T: Serialize>(sort: &str, content: &T) -> Result<Vec<u8>, StoreError> {
    compress(sort, &json(sort, content)?)
}

/// The JSON that a body of the item `sort` is made of.
pub(super) fn json<T: Serialize>(sort: &str, content: &T) -> Result<Vec<u8>, StoreError> {
    let json = serde_json::to_vec(content).map_err(|error| corrupt(sort, &error))?;
    if json.len() > JSON_BYTES_MAX {
        return Err(StoreError::TooLarge {
            sort: sort.to_owned(),
            bytes: json.len(),
        });
    }
    Ok(json)
}

/// Makes a body of JSON.
pub(super) fn compress(sort: &str, json: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut body = vec![FORMAT_JSON_ZLIB];
    ZlibEncoder::new(json, Compression::default())
        .read_to_end(&mut body)
        .map_err(|error| corrupt(sort, &error))?;
    if body.len() > BODY_BYTES_MAX {
        return Err(StoreError::TooLarge {
            sort: sort.to_owned(),
            bytes: body.len(),
        });
    }
    Ok(body)
}

/// The content of the item `sort`; the default for an empty body, which an item has that nobody has given one.
pub(super) fn decode_or_default<T: DeserializeOwned + Default>(sort: &str, body: &[u8]) -> Result<T, StoreError> {
    if body.is_empty() {
        return Ok(T::default());
    }
    decode(sort, body)
}

/// The content of the item `sort`.
pub(super) fn decode<T: DeserializeOwned>(sort: &str, body: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(&decompress(sort, body)?).map_err(|error| corrupt(sort, &error))
}

/// The JSON that a body is made of.
pub(super) fn decompress(sort: &str, body: &[u8]) -> Result<Vec<u8>, StoreError> {
    let compressed = match body.split_first() {
        Some((&FORMAT_JSON_ZLIB, compressed)) => compressed,
        Some((format, _)) => {
            return Err(corrupt(
                sort,
                &format!("its format is {format}, this version of outrigger reads {FORMAT_JSON_ZLIB}"),
            ));
        }
        None => return Err(corrupt(sort, &"it has no body")),
    };
    let mut json = Vec::new();
    // One more than the limit, to tell what is as long as the limit from what is longer.
    ZlibDecoder::new(compressed)
        .take(JSON_BYTES_MAX as u64 + 1)
        .read_to_end(&mut json)
        .map_err(|error| corrupt(sort, &error))?;
    if json.len() > JSON_BYTES_MAX {
        return Err(corrupt(sort, &format!("it is longer than {JSON_BYTES_MAX} bytes")));
    }
    Ok(json)
}

fn corrupt(sort: &str, reason: &impl ToString) -> StoreError {
    StoreError::Corrupt {
        sort: sort.to_owned(),
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that do not compress, from a fixed linear congruential generator.
    fn noise(bytes: usize) -> String {
        let mut seed = 7_u64;
        let mut text = String::new();
        while text.len() < bytes {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            text.push_str(&format!("{:08x}", seed >> 32));
        }
        text
    }

    #[test]
    fn bodies_read_back_as_written() {
        let content = vec!["a".repeat(1000), "b".to_owned()];
        let body = encode("lane#network", &content).unwrap();
        assert!(body.len() < 100, "{} bytes", body.len());
        assert_eq!(body, encode("lane#network", &content).unwrap());
        assert_eq!(decode::<Vec<String>>("lane#network", &body).unwrap(), content);
        assert_eq!(
            decode_or_default::<Vec<String>>("lane#network", &[]).unwrap(),
            Vec::<String>::new()
        );
    }

    #[test]
    fn what_we_did_not_write_is_an_error() {
        let table: [(&[u8], &str); 4] = [
            (&[], "it has no body"),
            (&[9, 1, 2], "its format is 9"),
            (&[1, 1, 2], "corrupt deflate stream"),
            (&compress("x", b"[1,").unwrap(), "EOF while parsing"),
        ];
        for (body, reason) in table {
            let error = decode::<Vec<u8>>("lane#network", body).unwrap_err().to_string();
            assert!(error.contains("lane#network") && error.contains(reason), "{error}");
        }
    }

    #[test]
    fn what_is_too_long_is_an_error_both_ways() {
        let error = encode("blob#x", &noise(2 * BODY_BYTES_MAX)).unwrap_err();
        assert!(matches!(error, StoreError::TooLarge { bytes, .. } if bytes > BODY_BYTES_MAX));
        let error = encode("blob#x", &"a".repeat(JSON_BYTES_MAX)).unwrap_err();
        assert!(matches!(error, StoreError::TooLarge { .. }));
        // A small body that would fill the memory.
        let bomb = compress("blob#x", &vec![b' '; JSON_BYTES_MAX + 1]).unwrap();
        let error = decompress("blob#x", &bomb).unwrap_err().to_string();
        assert!(error.contains("longer than"), "{error}");
    }
}
