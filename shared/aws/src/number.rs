//! Numbers as the SDKs take them.

use outrigger_engine::ports::provider::CallError;

/// A property's value as the SDKs take it.
///
/// # Errors
/// When it is too large.
pub fn number(call: &str, property: &str, value: u32) -> Result<i32, CallError> {
    i32::try_from(value).map_err(|_| CallError::invalid(call, format!("{property} is too large: {value}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_is_refused() {
        assert_eq!(number("kinesis:CreateStream", "shards", 2), Ok(2));
        let error = CallError::invalid("kinesis:CreateStream", "shards is too large: 4294967295");
        assert_eq!(number("kinesis:CreateStream", "shards", u32::MAX), Err(error));
    }
}
