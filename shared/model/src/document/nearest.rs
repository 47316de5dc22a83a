//! What a misspelt name was probably meant to be.

/// How like two names must be: 1 is the same.
const LIKENESS_MIN: f64 = 0.8;
/// So many candidates are looked at.
const CANDIDATES_MAX: usize = 500;

/// The candidate that is most like a name, if one is like it.
pub(super) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = plain(name);
    let likeness = |candidate: &&str| {
        let candidate = plain(candidate);
        let likeness = strsim::jaro_winkler(&name, &candidate);
        // `instance_class` means `class`.
        let contains = |one: &str, other: &str| other.len() >= 3 && one.contains(other);
        match contains(&name, &candidate) || contains(&candidate, &name) {
            true => likeness.max(LIKENESS_MIN),
            false => likeness,
        }
    };
    candidates
        .into_iter()
        .take(CANDIDATES_MAX)
        .map(|candidate| (likeness(&candidate), candidate))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}

/// What would be right instead of a name: the nearest candidate, or else all of them.
pub(super) fn instead(name: &str, candidates: &[&str]) -> String {
    match nearest(name, candidates.iter().copied()) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => expected(candidates),
    }
}

/// `expected one of a, b, c`; of many, the first.
pub(super) fn expected(candidates: &[&str]) -> String {
    const SHOWN_MAX: usize = 30;
    match candidates {
        [] => "there are none here".to_owned(),
        [one] => format!("expected `{one}`"),
        many => {
            let shown: Vec<&str> = many.iter().take(SHOWN_MAX).copied().collect();
            let more = if many.len() > SHOWN_MAX { ", ..." } else { "" };
            format!("expected one of {}{more}", shown.join(", "))
        }
    }
}

/// Bounded, in lower case.
fn plain(name: &str) -> String {
    name.chars().take(100).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let known = [
            "databases",
            "caches",
            "streams",
            "class",
            "retention_days",
            "CPUUtilization",
        ];
        let table = [
            ("databse", Some("databases")),
            ("Caches", Some("caches")),
            ("instance_class", Some("class")),
            ("retention", Some("retention_days")),
            ("cpu", Some("CPUUtilization")),
            ("colour", None),
            ("x", None),
            ("", None),
        ];
        for (name, expected) in table {
            assert_eq!(nearest(name, known), expected, "{name}");
        }
    }
}
