//! Lists, read page by page to their end.

use aws_smithy_async::future::pagination_stream::PaginationStream;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use outrigger_engine::ports::provider::{CallError, CallErrorKind};

use crate::call_error;

/// How many pages of a list are read: far more than what is listed here ever has.
const PAGES_MAX: usize = 50;

/// Reads a list to its end: `pages(call, codes, request.into_paginator().send(), |page| page.vpcs)`.
///
/// # Errors
/// That of the first page that could not be read, as [`call_error`] maps it; `Invalid` when there is no end of pages.
pub async fn pages<Page, Item, E>(
    call: &str,
    codes: &[(&str, CallErrorKind)],
    mut pages: PaginationStream<Result<Page, SdkError<E, HttpResponse>>>,
    items: impl Fn(Page) -> Option<Vec<Item>>,
) -> Result<Vec<Item>, CallError>
where
    E: ProvideErrorMetadata + RequestId + std::error::Error + 'static,
{
    let mut found = Vec::new();
    for _ in 0..PAGES_MAX {
        match pages.next().await {
            None => return Ok(found),
            Some(Err(error)) => return Err(call_error(call, codes, &error)),
            Some(Ok(page)) => found.extend(items(page).unwrap_or_default()),
        }
    }
    match pages.next().await {
        None => Ok(found),
        Some(_) => Err(CallError::invalid(
            call,
            format!("the list has more than {PAGES_MAX} pages"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_async::future::pagination_stream::fn_stream::FnStream;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    type Answer = Result<Vec<usize>, SdkError<ErrorMetadata, HttpResponse>>;

    /// A list of so many pages, the last of which fails or not.
    async fn read(count: usize, fails: bool) -> Result<Vec<usize>, CallError> {
        let stream = PaginationStream::new(FnStream::new(move |sender| {
            Box::pin(async move {
                for page in 1..=count {
                    let answer: Answer = if fails && page == count {
                        Err(SdkError::construction_failure("no such list"))
                    } else {
                        Ok(vec![page; 2])
                    };
                    if sender.send(answer).await.is_err() {
                        return;
                    }
                }
            })
        }));
        pages("ec2:DescribeVpcs", &[], stream, Some).await
    }

    #[tokio::test]
    async fn a_list_is_read_to_its_end_or_not_at_all() {
        for (count, length) in [(0, 0), (1, 2), (3, 6), (PAGES_MAX, 2 * PAGES_MAX)] {
            assert_eq!(
                read(count, false).await.map(|items| items.len()),
                Ok(length),
                "{count} pages"
            );
        }
        for (count, fails, words) in [(3, true, "no such list"), (PAGES_MAX + 1, false, "more than 50 pages")] {
            let error = read(count, fails).await.unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
