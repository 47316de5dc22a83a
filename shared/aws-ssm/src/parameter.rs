//! `AWS::SSM::Parameter`, of the tier Standard.
//!
//! # Caveats
//! - A SecureString is encrypted with the key that AWS manages for Parameter Store, in each region its own; its value passes
//!   through this process when it is copied to another region.
//! - Between the look at the first region's value and the call that copies it, somebody may have set another one: the next
//!   look finds that.

use std::collections::BTreeMap;

use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::{ParameterTier, ParameterType as SdkType, ResourceTypeForTagging};
use outrigger_aws::{TAGS, TAGS_GONE, is_code, missing_tags, surplus_keys, surplus_tags, unchangeable};
use outrigger_engine::ports::provider::{CallError, CallErrorKind, Condition, Difference, Observed, Progress, Target};
use outrigger_model::Region;
use outrigger_model::properties::{Parameter, ParameterType};
use outrigger_model::resource::is_ours;
use secrecy::{ExposeSecret, SecretString};

use crate::calls::{self, DENIED, GET_PARAMETER, NOT_FOUND, PUT_PARAMETER, failed, to_sdk};
use crate::{POLL_SECONDS, generated};

/// The most bytes of a value in the tier Standard (PutParameter).
const VALUE_BYTES_MAX: usize = 4096;

/// The parameter in another region that a value is copied from.
pub(crate) struct Source {
    pub(crate) client: Client,
    pub(crate) region: Region,
    pub(crate) name: String,
}

/// DescribeParameters and ListTagsForResource, and the value where it is ours and says something: one that was generated is
/// whatever it is.
pub(crate) async fn observe(
    client: &Client,
    target: &Target,
    wanted: &Parameter,
    source: Option<&Source>,
) -> Result<Option<Observed>, CallError> {
    let name = &target.resource.physical_name;
    let Some(parameter) = calls::describe(client, name).await? else {
        return Ok(None);
    };
    let Some(tags) = calls::tags(client, name).await? else {
        return Ok(None);
    };
    let ours = is_ours(&tags, &target.resource.tags);
    let mut differences: Vec<Difference> = kind_differs(wanted, parameter.r#type()).into_iter().collect();
    // The value of another's parameter is none of our business, and one of another type is no value of this one.
    if ours && differences.is_empty() {
        match value_differs(client, name, wanted, source).await? {
            Compared::Absent => return Ok(None),
            Compared::Same => {}
            Compared::Differs(difference) => differences.push(difference),
        }
    }
    differences.extend(missing_tags(&target.resource.tags, &tags));
    differences.extend(surplus_tags(&target.tags_gone, &tags));
    let arn = parameter.arn().unwrap_or_default().to_owned();
    Ok(Some(Observed {
        attributes: BTreeMap::from([("arn".to_owned(), arn.clone()), ("name".to_owned(), name.clone())]),
        id: arn,
        condition: Condition::Ready,
        ours,
        differences,
        duplicates: Vec::new(),
        pending: Vec::new(),
    }))
}

fn kind_differs(wanted: &Parameter, actual: Option<&SdkType>) -> Option<Difference> {
    let told = match actual {
        Some(SdkType::String) => "string",
        Some(SdkType::SecureString) => "secure_string",
        Some(other) => other.as_str(),
        None => "",
    };
    let wanted = match wanted.kind {
        ParameterType::String => "string",
        ParameterType::SecureString => "secure_string",
    };
    Difference::between("type", &wanted, &told)
}

/// How a value stands to the one that is wanted.
enum Compared {
    /// It cannot be read any more.
    Absent,
    Same,
    Differs(Difference),
}

async fn value_differs(
    client: &Client,
    name: &str,
    wanted: &Parameter,
    source: Option<&Source>,
) -> Result<Compared, CallError> {
    let (expected, region) = match (&wanted.value, source) {
        (Some(value), _) => (SecretString::from(value.text()), None),
        (None, None) => return Ok(Compared::Same),
        (None, Some(source)) => match calls::value(&source.client, &source.name).await? {
            Some(value) => (value, Some(&source.region)),
            // That it is gone is told of that one.
            None => return Ok(Compared::Same),
        },
    };
    let Some(actual) = calls::value(client, name).await? else {
        return Ok(Compared::Absent);
    };
    Ok(match difference(&expected, &actual, region) {
        None => Compared::Same,
        Some(difference) => Compared::Differs(difference),
    })
}

/// Of a value that is copied from another region, neither side is told.
fn difference(expected: &SecretString, actual: &SecretString, copied_from: Option<&Region>) -> Option<Difference> {
    let (expected, actual) = (expected.expose_secret(), actual.expose_secret());
    (expected != actual).then(|| match copied_from {
        None => Difference::new("value", &expected, &actual),
        Some(region) => Difference::new("value", &format!("that of {region}"), &format!("differs from {region}")),
    })
}

pub(crate) async fn ensure(
    client: &Client,
    target: &Target,
    wanted: &Parameter,
    source: Option<&Source>,
    observed: Option<&Observed>,
) -> Result<Progress, CallError> {
    let name = &target.resource.physical_name;
    let Some(observed) = observed else {
        let value = match known_value(wanted, source).await? {
            Some(value) => value,
            None => generated::value()
                .ok_or_else(|| CallError::invalid(PUT_PARAMETER, "the operating system gives no random numbers"))?,
        };
        put(client, target, wanted, &value, false).await?;
        return Ok(Progress::changed(POLL_SECONDS));
    };
    let Some(first) = observed.differences.first() else {
        return Ok(Progress::Done);
    };
    match first.property {
        // https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_AddTagsToResource.html
        TAGS => client
            .add_tags_to_resource()
            .resource_type(ResourceTypeForTagging::Parameter)
            .resource_id(name)
            .set_tags(Some(to_sdk(&target.resource.tags)?))
            .send()
            .await
            .map(drop)
            .map_err(|error| failed("ssm:AddTagsToResource", &error))?,
        // https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_RemoveTagsFromResource.html
        TAGS_GONE => client
            .remove_tags_from_resource()
            .resource_type(ResourceTypeForTagging::Parameter)
            .resource_id(name)
            .set_tag_keys(Some(surplus_keys(first)))
            .send()
            .await
            .map(drop)
            .map_err(|error| failed("ssm:RemoveTagsFromResource", &error))?,
        "value" => match known_value(wanted, source).await? {
            Some(value) => put(client, target, wanted, &value, true).await?,
            None => return Ok(Progress::Done),
        },
        _ => return Ok(unchangeable("a parameter", first)),
    }
    Ok(Progress::changed(POLL_SECONDS))
}

/// The value that is wanted; `None` where it is to be generated.
async fn known_value(wanted: &Parameter, source: Option<&Source>) -> Result<Option<SecretString>, CallError> {
    if let Some(value) = &wanted.value {
        return Ok(Some(SecretString::from(value.text())));
    }
    let Some(source) = source else {
        return Ok(None);
    };
    match calls::value(&source.client, &source.name).await? {
        Some(value) => Ok(Some(value)),
        None => Err(CallError {
            kind: CallErrorKind::NotYet,
            ..CallError::invalid(
                GET_PARAMETER,
                format!("there is no parameter {} in {} to copy", source.name, source.region),
            )
        }),
    }
}

/// PutParameter: <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html>. Without `overwrite` it
/// refuses a name that is taken; with it, it takes no tags, and leaves the tier as it is.
async fn put(
    client: &Client,
    target: &Target,
    wanted: &Parameter,
    value: &SecretString,
    overwrite: bool,
) -> Result<(), CallError> {
    let value = value.expose_secret();
    if value.len() > VALUE_BYTES_MAX {
        let message = format!(
            "the value has {} bytes; at most {VALUE_BYTES_MAX} are possible in the tier Standard",
            value.len()
        );
        return Err(CallError::invalid(PUT_PARAMETER, message));
    }
    let kind = match wanted.kind {
        ParameterType::String => SdkType::String,
        ParameterType::SecureString => SdkType::SecureString,
    };
    let tags = (!overwrite).then(|| to_sdk(&target.resource.tags)).transpose()?;
    client
        .put_parameter()
        .name(&target.resource.physical_name)
        .r#type(kind)
        .value(value)
        .overwrite(overwrite)
        .set_tier((!overwrite).then_some(ParameterTier::Standard))
        .set_tags(tags)
        .send()
        .await
        .map(drop)
        .map_err(|error| without(failed(PUT_PARAMETER, &error), wanted, value))
}

/// What is wrong with a parameter of a call, AWS quotes.
fn without(error: CallError, wanted: &Parameter, value: &str) -> CallError {
    match wanted.kind {
        ParameterType::String => error,
        ParameterType::SecureString => CallError {
            message: error.message.replace(value, "..."),
            ..error
        },
    }
}

/// DeleteParameter: <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteParameter.html>.
pub(crate) async fn delete(client: &Client, name: &str) -> Result<Progress, CallError> {
    match client.delete_parameter().name(name).send().await {
        Ok(_) => Ok(Progress::changed(POLL_SECONDS)),
        Err(error) if is_code(&error, NOT_FOUND) => Ok(Progress::Done),
        // What is not there has no tags, by which it would be allowed.
        Err(error) if is_code(&error, DENIED) && calls::describe(client, name).await?.is_none() => Ok(Progress::Done),
        Err(error) => Err(failed("ssm:DeleteParameter", &error)),
    }
}

#[cfg(test)]
mod tests {
    use outrigger_model::properties::Input;

    use super::*;

    #[test]
    fn a_copied_value_is_told_on_neither_side() {
        let secret = |text: &str| SecretString::from(text);
        let region = Region::new("us-east-1");
        let of = |from: Option<&Region>| {
            difference(&secret("one"), &secret("other"), from)
                .map(|difference| format!("{} / {}", difference.wanted, difference.actual))
        };
        assert_eq!(of(None).unwrap(), r#""one" / "other""#);
        assert_eq!(
            of(Some(&region)).unwrap(),
            r#""that of us-east-1" / "differs from us-east-1""#
        );
        assert_eq!(difference(&secret("one"), &secret("one"), Some(&region)), None);
    }

    #[test]
    fn a_secret_is_taken_out_of_what_aws_says() {
        let parameter = |kind| Parameter {
            kind,
            value: None,
            copy_of: None,
        };
        let said = || CallError::invalid(PUT_PARAMETER, "value 'hunter2' is wrong");
        let secure = without(said(), &parameter(ParameterType::SecureString), "hunter2");
        assert_eq!(secure.message, "value '...' is wrong");
        let plain = without(said(), &parameter(ParameterType::String), "hunter2");
        assert_eq!(plain.message, said().message);
    }

    #[test]
    fn the_type_is_told_as_it_is_wanted() {
        let wanted = Parameter {
            kind: ParameterType::String,
            value: Some(Input::Text("on".to_owned())),
            copy_of: None,
        };
        assert_eq!(kind_differs(&wanted, Some(&SdkType::String)), None);
        let told = kind_differs(&wanted, Some(&SdkType::SecureString)).unwrap();
        let expected = serde_json::to_value(&wanted).unwrap();
        assert_eq!((told.property, &told.wanted), ("type", &expected["type"]));
        assert_eq!(told.actual, "secure_string");
        assert_eq!(
            kind_differs(&wanted, Some(&SdkType::StringList)).unwrap().actual,
            "StringList"
        );
    }
}
