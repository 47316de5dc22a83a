//! Operations of an update: <https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html>.

use aws_sdk_apigateway::types::{Op, PatchOperation};

pub(crate) fn replace(path: impl Into<String>, value: impl Into<String>) -> PatchOperation {
    of(Op::Replace, path, value)
}

pub(crate) fn add(path: impl Into<String>, value: impl Into<String>) -> PatchOperation {
    of(Op::Add, path, value)
}

pub(crate) fn remove(path: impl Into<String>, value: impl Into<String>) -> PatchOperation {
    of(Op::Remove, path, value)
}

fn of(op: Op, path: impl Into<String>, value: impl Into<String>) -> PatchOperation {
    PatchOperation::builder().op(op).path(path).value(value).build()
}
