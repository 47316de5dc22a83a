//! AWS's request ids of the calls that providers make: what AWS's support asks for first.
//!
//! Every answer passes the one HTTP client of the configuration, which notes its request id in a task-local while a
//! provider's `ensure` or `delete` runs, and does nothing otherwise. (The SDK has interceptors too, but those are
//! installed client by client; the HTTP client is the one place that all of a configuration's clients share.)

use std::cell::RefCell;

use async_trait::async_trait;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider as TlsProvider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, ConnectorBuilder};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::{RuntimeComponents, RuntimeComponentsBuilder};
use aws_smithy_types::config_bag::ConfigBag;
use aws_types::request_id::RequestId;
use outrigger_engine::executor::Providers;
use outrigger_engine::ports::provider::{CallError, Observed, Progress, Provider, Target};
use outrigger_model::Kind;

tokio::task_local! {
    /// The request id of the last answer, while somebody wants to know it.
    static LAST: RefCell<Option<String>>;
}

/// The providers of a function as one provider, whose answers carry AWS's request id of the call that was made.
///
/// # Assumptions
/// - A provider's changing call is the last one it makes: what it has to read, it reads before.
pub struct Traced(Providers);

impl Traced {
    /// Watches these providers.
    pub fn new(providers: Providers) -> Self {
        Self(providers)
    }
}

#[async_trait]
impl Provider for Traced {
    fn kinds(&self) -> &'static [Kind] {
        Kind::ALL
    }

    async fn observe(&self, target: &Target) -> Result<Option<Observed>, CallError> {
        self.0.of(target.resource.key.kind)?.observe(target).await
    }

    async fn ensure(&self, target: &Target, observed: Option<&Observed>) -> Result<Progress, CallError> {
        let provider = self.0.of(target.resource.key.kind)?;
        traced(provider.ensure(target, observed)).await
    }

    async fn delete(&self, target: &Target, observed: &Observed) -> Result<Progress, CallError> {
        let provider = self.0.of(target.resource.key.kind)?;
        traced(provider.delete(target, observed)).await
    }

    async fn kept(&self, target: &Target) -> Result<Vec<String>, CallError> {
        self.0.of(target.resource.key.kind)?.kept(target).await
    }
}

/// Fills in the request id of the last call that was answered meanwhile.
async fn traced(work: impl Future<Output = Result<Progress, CallError>>) -> Result<Progress, CallError> {
    LAST.scope(RefCell::new(None), async {
        let progress = work.await?;
        Ok(match progress {
            Progress::InProgress {
                id,
                poll_after_seconds,
                request_id,
            } => Progress::InProgress {
                id,
                poll_after_seconds,
                request_id: request_id.or_else(|| LAST.with(RefCell::take)),
            },
            Progress::Done => Progress::Done,
            Progress::Blocked { reason } => Progress::Blocked { reason },
        })
    })
    .await
}

/// A configuration's HTTP client, or else the SDK's own, with request ids noted on the way.
pub(crate) fn noting(client: Option<SharedHttpClient>) -> SharedHttpClient {
    SharedHttpClient::new(Noting(client.unwrap_or_else(default_client)))
}

/// What the SDK takes where nothing is configured: hyper with rustls, and the environment's proxy.
fn default_client() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        let mut connector = ConnectorBuilder::default().tls_provider(TlsProvider::Rustls(CryptoMode::AwsLc));
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.set_proxy_config(Some(ProxyConfig::from_env()));
        connector.build()
    })
}

/// An HTTP client whose connectors note request ids.
#[derive(Debug)]
struct Noting(SharedHttpClient);

impl HttpClient for Noting {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(NotingConnector(self.0.http_connector(settings, components)))
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        HttpClient::validate_base_client_config(&self.0, components, config)
    }

    fn validate_final_config(&self, components: &RuntimeComponents, config: &ConfigBag) -> Result<(), BoxError> {
        HttpClient::validate_final_config(&self.0, components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}

/// A connector that notes request ids.
#[derive(Debug)]
struct NotingConnector(SharedHttpConnector);

impl HttpConnector for NotingConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.0.call(request);
        if LAST.try_with(|_| ()).is_err() {
            // Nobody wants to know: most calls are observations.
            return answer;
        }
        HttpConnectorFuture::new(async move {
            let answer = answer.await?;
            // An answer is awaited in the task that asked.
            drop(LAST.try_with(|last| last.replace(answer.request_id().map(str::to_owned))));
            Ok(answer)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
    use aws_smithy_types::body::SdkBody;

    use super::*;

    /// Answers each call with the next of these request ids.
    #[derive(Debug)]
    struct Answers(Mutex<Vec<Option<&'static str>>>);

    impl HttpConnector for Answers {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            let mut answer = HttpResponse::new(200.try_into().unwrap(), SdkBody::empty());
            if let Some(id) = self.0.lock().unwrap().remove(0) {
                answer.headers_mut().insert("x-amzn-requestid", id);
            }
            HttpConnectorFuture::ready(Ok(answer))
        }
    }

    fn connector(ids: &[Option<&'static str>]) -> NotingConnector {
        NotingConnector(SharedHttpConnector::new(Answers(Mutex::new(ids.to_vec()))))
    }

    #[tokio::test]
    async fn the_last_request_id_is_told_of_what_was_called() {
        let check = async |ids: &[Option<&'static str>], progress: Progress, expected: Option<&str>| {
            let connector = connector(ids);
            let work = async {
                for _ in ids {
                    connector.call(HttpRequest::empty()).await.unwrap();
                }
                Ok(progress)
            };
            match traced(work).await.unwrap() {
                Progress::InProgress { request_id, .. } => assert_eq!(request_id.as_deref(), expected, "{ids:?}"),
                Progress::Done | Progress::Blocked { .. } => assert_eq!(expected, None),
            }
        };
        check(&[Some("read"), Some("write")], Progress::changed(1), Some("write")).await;
        check(&[Some("write")], Progress::created("id", 1), Some("write")).await;
        // Not every service tells one.
        check(&[Some("read"), None], Progress::changed(1), None).await;
        check(&[], Progress::changed(1), None).await;
        check(&[Some("read")], Progress::Done, None).await;
    }

    #[tokio::test]
    async fn two_at_a_time_do_not_mix() {
        let one = async |id: &'static str| {
            let connector = connector(&[Some(id)]);
            let work = async {
                tokio::task::yield_now().await;
                connector.call(HttpRequest::empty()).await.unwrap();
                tokio::task::yield_now().await;
                Ok(Progress::changed(1))
            };
            match traced(work).await {
                Ok(Progress::InProgress { request_id, .. }) => request_id,
                other => panic!("{other:?}"),
            }
        };
        let (first, second) = tokio::join!(one("a"), one("b"));
        assert_eq!((first.as_deref(), second.as_deref()), (Some("a"), Some("b")));
    }

    #[tokio::test]
    async fn outside_nothing_is_noted() {
        let answer = connector(&[Some("read")]).call(HttpRequest::empty()).await.unwrap();
        assert_eq!(answer.request_id(), Some("read"));
        assert!(LAST.try_with(|_| ()).is_err());
    }
}
