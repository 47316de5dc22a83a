//! Which of the versions that AWS offers a document's version stands for.

use outrigger_model::document::VersionPolicy;

/// The version to create, among those offered.
///
/// # Errors
/// When none fits: what was asked for, and what is offered of the same major version.
pub fn resolve(wanted: &str, policy: VersionPolicy, offered: &[String]) -> Result<String, String> {
    // "7.0" stands for every 7.0.x where AWS itself leaves the last number out (ElastiCache).
    if offered.iter().any(|version| version == wanted) {
        return Ok(wanted.to_owned());
    }
    let wanted_numbers = numbers(wanted);
    let mut same_major: Vec<&String> = offered
        .iter()
        .filter(|version| numbers(version).first() == wanted_numbers.first())
        .collect();
    same_major.sort_by_key(|version| numbers(version));
    let listed = || {
        let versions: Vec<&str> = same_major.iter().map(|version| version.as_str()).collect();
        if versions.is_empty() {
            "no version with the same major number".to_owned()
        } else {
            versions.join(", ")
        }
    };
    match policy {
        VersionPolicy::Exact => Err(format!(
            "version {wanted} is not offered in this region; there is {}; choose one, or set `version_policy: nearest_minor`",
            listed()
        )),
        VersionPolicy::NearestMinor => same_major
            .iter()
            .find(|version| numbers(version) >= wanted_numbers)
            .or(same_major.last())
            .map(|version| (*version).clone())
            .ok_or_else(|| format!("version {wanted} is not offered in this region; there is {}", listed())),
    }
}

fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_resolve() {
        let offered: Vec<String> = ["15.7", "15.10", "15.15", "16.2"].map(str::to_owned).to_vec();
        let check = |wanted: &str, policy: VersionPolicy, expected: Option<&str>| {
            assert_eq!(resolve(wanted, policy, &offered).ok().as_deref(), expected, "{wanted}");
        };
        check("15.15", VersionPolicy::Exact, Some("15.15"));
        check("15.4", VersionPolicy::Exact, None);
        check("15.4", VersionPolicy::NearestMinor, Some("15.7"));
        check("15.8", VersionPolicy::NearestMinor, Some("15.10"));
        check("15.99", VersionPolicy::NearestMinor, Some("15.15"));
        check("14.1", VersionPolicy::NearestMinor, None);
    }
}
