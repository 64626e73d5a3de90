//! Answers of servers, and errors in place of them.

use std::error::Error;

use reqwest::Response;
use thiserror::Error;

/// An answer cannot be read.
#[derive(Debug, Error)]
pub enum BodyError {
    /// The connection failed.
    #[error(transparent)]
    Failed(#[from] reqwest::Error),
    /// It is longer than this number of bytes.
    #[error("it is larger than {0} bytes")]
    TooLarge(u64),
}

/// Reads an answer of at most `limit` bytes. Servers that users choose could fill the memory otherwise.
///
/// # Errors
/// The connection fails, or the answer is longer.
pub async fn body(mut answer: Response, limit: u64) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await? {
        body.extend_from_slice(&part);
        if body.len() as u64 > limit {
            return Err(BodyError::TooLarge(limit));
        }
    }
    Ok(body)
}

/// An error with its causes, which say why an address was refused.
#[must_use]
pub fn causes(error: &dyn Error) -> String {
    caused(error.to_string(), error)
}

/// A message followed by the causes of an error.
#[must_use]
pub fn caused(message: String, error: &dyn Error) -> String {
    std::iter::successors(error.source(), |cause| (*cause).source())
        .fold(message, |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_more_is_read_than_the_limit() -> Result<(), Box<dyn Error>> {
        let answer = |text: &'static str| Response::from(http::Response::new(text));
        assert_eq!(body(answer("12345"), 5).await?, b"12345");
        let error = body(answer("123456"), 5).await.err().ok_or("it was read")?;
        assert_eq!(error.to_string(), "it is larger than 5 bytes");
        Ok(())
    }
}
