//! Whether the version of a cluster's engine can do what is asked of its capacity.

use outrigger_model::document::{Cluster, Code, Problem};

/// The first minor version of each major that can pause, and the first that grows beyond 128 ACU; later majors can.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.how-it-works.html#aurora-serverless-v2.how-it-works.capacity>
const PAUSES: [(u32, u32); 4] = [(13, 15), (14, 12), (15, 7), (16, 3)];
const GROWS: [(u32, u32); 4] = [(13, 13), (14, 10), (15, 5), (16, 1)];

/// How far an instance of an older version grows.
const CAPACITY_ACU_MAX_BEFORE: f64 = 128.0;

/// What a version, as it was resolved, cannot do of what a cluster is to do. `place` is the cluster's.
pub fn problems(place: &str, cluster: &Cluster, engine_version: &str) -> Vec<Problem> {
    let refuse = |property: &str, cannot: String, instead: &str, firsts: &[(u32, u32)]| {
        let versions: Vec<String> = firsts.iter().map(|(major, minor)| format!("{major}.{minor}")).collect();
        Problem::at(
            Code::Version,
            format!("{place}.{property}"),
            format!("Aurora PostgreSQL {engine_version} {cannot}"),
        )
        .help(format!(
            "expected {instead}, or a version from one of {} on",
            versions.join(", ")
        ))
    };
    let pauses = (cluster.capacity_acu_min == 0.0 && !is_from(engine_version, &PAUSES)).then(|| {
        let cannot = "cannot pause".to_owned();
        refuse("capacity_acu_min", cannot, "0.5 or more", &PAUSES)
    });
    let is_large = cluster.capacity_acu_max > CAPACITY_ACU_MAX_BEFORE;
    let grows = (is_large && !is_from(engine_version, &GROWS)).then(|| {
        let cannot = format!("grows to {CAPACITY_ACU_MAX_BEFORE} ACU at the most");
        let instead = format!("{CAPACITY_ACU_MAX_BEFORE} or less");
        refuse("capacity_acu_max", cannot, &instead, &GROWS)
    });
    pauses.into_iter().chain(grows).collect()
}

/// Whether a version is at least the first one of its major; later majors are.
fn is_from(version: &str, firsts: &[(u32, u32)]) -> bool {
    let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
    let (major, minor) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    match firsts.iter().find(|(of, _)| *of == major) {
        Some((_, first)) => minor >= *first,
        None => firsts.iter().all(|(of, _)| *of < major),
    }
}

#[cfg(test)]
mod tests {
    use outrigger_model::document::parse;
    use serde_json::json;

    use super::*;

    #[test]
    fn only_recent_versions_pause_and_grow_beyond_128_acu() {
        let told = |least: f64, most: f64, version: &str| -> Vec<String> {
            let document = json!({
                "stack": "a", "environment": "b", "region": "us-east-1",
                "network": { "cidr": "10.0.0.0/16", "zones": 2, "private": {} },
                "clusters": { "main": {
                    "engine": "aurora_postgresql", "version": "15.4", "instances": 1, "database": "c", "user": "d",
                    "capacity_acu_min": least, "capacity_acu_max": most,
                } },
            });
            let document = parse(&document).unwrap();
            let problems = problems("clusters.main", &document.clusters["main"], version);
            problems.iter().map(|problem| problem.place.clone()).collect()
        };
        let (least, most) = ("clusters.main.capacity_acu_min", "clusters.main.capacity_acu_max");
        assert_eq!(told(0.0, 256.0, "15.4"), [least, most]);
        assert_eq!(told(0.0, 128.0, "15.6"), [least]);
        assert_eq!(told(0.0, 256.0, "16.2"), [least]);
        assert_eq!(told(0.5, 256.0, "12.22"), [most]);
        for version in ["15.7", "15.10", "16.3", "17.4"] {
            assert!(told(0.0, 256.0, version).is_empty(), "{version}");
        }
        assert!(told(0.5, 128.0, "13.6").is_empty());
    }
}
