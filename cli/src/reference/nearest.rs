//! Which of the names that there are was probably meant.

/// How like two names must be: 1 is the same.
const LIKENESS_MIN: f64 = 0.8;

/// The path that is most like another, or whose last part is; `None` where nothing is like it.
pub(super) fn nearest<'a>(path: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |candidate: &str| {
        let whole = strsim::jaro_winkler(path, candidate);
        let last = candidate.rsplit('.').next().unwrap_or(candidate);
        // A part of a path says less than all of it.
        whole.max(0.95 * strsim::jaro_winkler(path, last))
    };
    known
        .map(|candidate| (likeness(candidate), candidate))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        // Of those that are as like as each other, the shortest.
        .max_by(|(one, a), (other, b)| one.total_cmp(other).then(b.len().cmp(&a.len())))
        .map(|(_, candidate)| candidate)
}
