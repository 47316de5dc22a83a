//! `AWS::ApiGateway::DomainName`: a regional domain name of one's own, with TLS 1.2.

use aws_sdk_apigateway::Client;
use aws_sdk_apigateway::operation::get_domain_name::GetDomainNameOutput;
use aws_sdk_apigateway::types::{
    DomainNameStatus, EndpointConfiguration, EndpointType, PatchOperation, SecurityPolicy,
};
use outrigger_aws::{TAGS, TAGS_GONE, missing_tags, not_at_rest, surplus_tags, unchangeable};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Condition, Difference, Observed, Progress, Target};
use outrigger_model::properties::ApiDomain;
use outrigger_model::resource::is_ours;

use crate::call::{changed, deleted, found, not_created};
use crate::{patch, tags};

/// How long to leave a domain name alone after a call.
const POLL_SECONDS: u32 = 2;

const CERTIFICATE: &str = "certificate";
/// Regional, always.
const ENDPOINT_TYPE: &str = "endpoint_type";
/// TLS 1.2, always.
const SECURITY_POLICY: &str = "security_policy";

/// The domain name, whoever's it is: <https://docs.aws.amazon.com/apigateway/latest/api/API_GetDomainName.html>.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &ApiDomain,
) -> Result<Option<Observed>, CallError> {
    let answer = client.get_domain_name().domain_name(&wanted.domain).send().await;
    let there = found("apigateway:GetDomainName", answer)?;
    Ok(there.map(|there| observed(target, wanted, &there)))
}

fn observed(target: &Target, wanted: &ApiDomain, there: &GetDomainNameOutput) -> Observed {
    let actual_tags = tags::read(there.tags());
    let of_tags = [
        missing_tags(&target.resource.tags, &actual_tags),
        surplus_tags(&target.tags_gone, &actual_tags),
    ];
    let attributes = [
        ("target", there.regional_domain_name()),
        ("zone_id", there.regional_hosted_zone_id()),
    ];
    let known = attributes.into_iter().filter_map(|(name, value)| Some((name, value?)));
    Observed {
        id: wanted.domain.clone(),
        attributes: known.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        condition: condition(there),
        ours: is_ours(&actual_tags, &target.resource.tags),
        differences: settings(wanted, there).into_iter().chain(of_tags).flatten().collect(),
        pending: Vec::new(),
        duplicates: Vec::new(),
    }
}

fn settings(wanted: &ApiDomain, there: &GetDomainNameOutput) -> [Option<Difference>; 3] {
    let types = there
        .endpoint_configuration()
        .map_or(&[][..], EndpointConfiguration::types);
    let endpoint_type = types.first().map_or("", EndpointType::as_str);
    let certificate = there.regional_certificate_arn().unwrap_or_default();
    let policy = there.security_policy().map_or("", SecurityPolicy::as_str);
    [
        Difference::between(ENDPOINT_TYPE, &EndpointType::Regional.as_str(), &endpoint_type),
        Difference::between(CERTIFICATE, &wanted.certificate.as_str(), &certificate),
        Difference::between(SECURITY_POLICY, &SecurityPolicy::Tls12.as_str(), &policy),
    ]
}

/// "If the status is UPDATING, the domain cannot be modified further until the existing operation is complete."
fn condition(there: &GetDomainNameOutput) -> Condition {
    let Some(status) = there.domain_name_status() else {
        return Condition::Ready;
    };
    let broken = |what: &str| Condition::Broken {
        reason: format!(
            "the domain name is {}: {}; {what}",
            status.as_str(),
            there.domain_name_status_message().unwrap_or("AWS does not say why")
        ),
    };
    match status {
        DomainNameStatus::Updating | DomainNameStatus::Pending => Condition::Changing {
            status: status.as_str().to_owned(),
        },
        DomainNameStatus::Failed => broken("put right what it names, then try again"),
        DomainNameStatus::PendingCertificateReimport => broken("import its certificate again"),
        DomainNameStatus::PendingOwnershipVerification => {
            broken("give it a certificate that Certificate Manager has issued itself")
        }
        _ => Condition::Ready,
    }
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &ApiDomain,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    if let Some(progress) = not_at_rest(observed, POLL_SECONDS) {
        return Ok(progress);
    }
    let Some(observed) = observed else {
        return create(client, target, wanted).await;
    };
    let Some(difference) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    let path = format!("/domainnames/{}", observed.id);
    // https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateDomainName.html
    let update = |operation: PatchOperation| async move {
        let request = client.update_domain_name().domain_name(&observed.id);
        let answer = request.patch_operations(operation).send().await;
        changed("apigateway:UpdateDomainName", answer)
    };
    match difference.property {
        CERTIFICATE => update(patch::replace("/regionalCertificateArn", &wanted.certificate)).await,
        SECURITY_POLICY => update(patch::replace("/securityPolicy", SecurityPolicy::Tls12.as_str())).await,
        TAGS => tags::put(client, target, &path).await,
        TAGS_GONE => tags::remove(client, target, &path, difference).await,
        _ => Ok(unchangeable("a domain name", difference)),
    }
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_CreateDomainName.html>
async fn create(client: &Client, target: &Target, wanted: &ApiDomain) -> Result<Progress, CallError> {
    let answer = client
        .create_domain_name()
        .domain_name(&wanted.domain)
        .regional_certificate_arn(&wanted.certificate)
        .endpoint_configuration(EndpointConfiguration::builder().types(EndpointType::Regional).build())
        .security_policy(SecurityPolicy::Tls12)
        .set_tags(Some(tags::at_creation(target)))
        .send()
        .await;
    match answer {
        Ok(_) => Ok(Progress::created(&wanted.domain, POLL_SECONDS)),
        Err(error) => {
            let refused = not_created("apigateway:CreateDomainName", &error);
            // It may be another account's, or one for the edge: "The domain name you provided already exists."
            match refused.message.contains("already exists") {
                true => Err(CallError {
                    kind: CallErrorKind::Exists,
                    ..refused
                }),
                false => Err(refused),
            }
        }
    }
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_DeleteDomainName.html>
pub(crate) async fn delete(client: &Client, id: &str) -> Result<Progress, CallError> {
    let answer = client.delete_domain_name().domain_name(id).send().await;
    deleted("apigateway:DeleteDomainName", answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_is_told() {
        let wanted = ApiDomain {
            domain: "api.example.com".to_owned(),
            certificate: "arn:one".to_owned(),
        };
        let there = || {
            GetDomainNameOutput::builder()
                .regional_certificate_arn("arn:one")
                .security_policy(SecurityPolicy::Tls12)
                .endpoint_configuration(EndpointConfiguration::builder().types(EndpointType::Regional).build())
        };
        let of = |there: GetDomainNameOutput| -> Vec<&str> {
            let found = settings(&wanted, &there).into_iter().flatten();
            found.map(|difference| difference.property).collect()
        };
        assert_eq!(of(there().build()), [""; 0]);
        assert_eq!(of(there().regional_certificate_arn("arn:two").build()), [CERTIFICATE]);
        assert_eq!(
            of(there().security_policy(SecurityPolicy::Tls10).build()),
            [SECURITY_POLICY]
        );
        let edge = EndpointConfiguration::builder().types(EndpointType::Edge).build();
        assert_eq!(of(there().endpoint_configuration(edge).build()), [ENDPOINT_TYPE]);
    }

    #[test]
    fn what_waits_for_somebody_is_broken() {
        let of = |status| condition(&GetDomainNameOutput::builder().domain_name_status(status).build());
        assert_eq!(of(DomainNameStatus::Available), Condition::Ready);
        assert!(matches!(of(DomainNameStatus::Updating), Condition::Changing { .. }));
        assert!(matches!(
            of(DomainNameStatus::PendingOwnershipVerification),
            Condition::Broken { .. }
        ));
    }
}
