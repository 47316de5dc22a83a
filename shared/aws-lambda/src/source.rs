//! Where the code of functions comes from: the control plane's own.

use aws_sdk_lambda::Client;
use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_sdk_lambda::types::{Architecture, Runtime};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use outrigger_aws::fetch;
use outrigger_engine::ports::provider::{CallError, CallErrorKind};
use sha2::{Digest as _, Sha256};

use crate::call::found;

/// The longest package that CreateFunction takes in a call, in bytes:
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
const PACKAGE_BYTES_MAX: usize = 50 * 1024 * 1024;

const GET: &str = "lambda:GetFunction";

/// One of the control plane's functions.
pub(crate) struct Source {
    pub(crate) client: Client,
    pub(crate) function: String,
}

/// What is installed there.
pub(crate) struct Installed {
    /// Of its package, in base64.
    pub(crate) sha256: String,
    pub(crate) runtime: Option<Runtime>,
    pub(crate) handler: Option<String>,
    pub(crate) architectures: Vec<Architecture>,
    location: String,
}

impl Source {
    /// What is installed. <https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html>
    pub(crate) async fn installed(&self) -> Result<Installed, CallError> {
        let request = self.client.get_function().function_name(&self.function);
        let Some(GetFunctionOutput {
            configuration: Some(configuration),
            code,
            ..
        }) = found(GET, request.send().await)?
        else {
            let message = format!(
                "the control plane has no function {}, whose code is wanted",
                self.function
            );
            return Err(CallError::invalid(GET, message));
        };
        Ok(Installed {
            sha256: configuration.code_sha256.unwrap_or_default(),
            runtime: configuration.runtime,
            handler: configuration.handler,
            architectures: configuration.architectures.unwrap_or_default(),
            location: code.and_then(|code| code.location).unwrap_or_default(),
        })
    }
}

impl Installed {
    /// The package: exactly what is installed, or nothing.
    pub(crate) async fn package(&self) -> Result<Vec<u8>, CallError> {
        let package = fetch(GET, &self.location, PACKAGE_BYTES_MAX).await?;
        match STANDARD.encode(Sha256::digest(&package)) == self.sha256 {
            true => Ok(package),
            // Another one was installed in between, or it was cut off.
            false => Err(CallError {
                kind: CallErrorKind::Unknown,
                ..CallError::invalid(GET, "the package is another one than was told")
            }),
        }
    }
}
