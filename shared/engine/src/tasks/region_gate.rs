//! The task of `region-gate`: whether the region that it runs in is the stack's primary.
//!
//! Load balancers and Global Accelerator send traffic where this answers with 200. They fail open, so whatever is not known
//! to be primary answers 503, on every path.

use outrigger_model::{Region, StackId, Topology};
use serde::{Deserialize, Serialize};

use crate::state::State;

/// The one path that a primary answers on. A gate's load balancer asks for no other; whoever else invokes it might.
const PATH: &str = "/active";

/// A request, as a load balancer hands it to a function:
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html#receive-event-from-load-balancer>.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Request {
    /// `GET`.
    pub http_method: String,
    /// Without the query.
    pub path: String,
}

/// What is answered: the body of the answer, but for its status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gate {
    /// The status of HTTP: 200 or 503.
    #[serde(skip)]
    pub status: u16,
    /// The region that answers.
    pub region: Region,
    /// The topology's epoch, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// Why.
    pub reason: &'static str,
}

/// What is known of the topology.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known<'a> {
    /// It was read.
    Read(&'a Topology),
    /// The stack has none: it does not stand, or has one region.
    Absent,
    /// It could not be read.
    Unread,
}

/// Reads the topology, and answers. It fails never: what cannot be read is no primary.
pub async fn region_gate(state: &State, stack: &StackId, here: &Region, request: &Request) -> Gate {
    match state.topology(stack).await {
        Ok(Some(topology)) => answer(here, request, Known::Read(&topology)),
        Ok(None) => answer(here, request, Known::Absent),
        Err(error) => {
            tracing::warn!(%error, "the topology could not be read");
            answer(here, request, Known::Unread)
        }
    }
}

/// What a region answers to a request, by what it knows of the topology.
pub fn answer(here: &Region, request: &Request, known: Known<'_>) -> Gate {
    let (status, reason) = match known {
        _ if request.path != PATH || request.http_method != "GET" => {
            (503, "only GET /active is ever answered with 200")
        }
        Known::Unread => (503, "the topology could not be read"),
        Known::Absent => (503, "the stack has no topology"),
        Known::Read(topology) if topology.primary == *here => (200, "this region is primary"),
        Known::Read(topology) if topology.secondaries.contains(here) => (503, "this region is a secondary"),
        Known::Read(_) => (503, "this region is none of the stack's"),
    };
    Gate {
        status,
        region: here.clone(),
        epoch: match known {
            Known::Read(topology) => Some(topology.epoch),
            Known::Absent | Known::Unread => None,
        },
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_to_be_primary_is_open() {
        let topology = Topology {
            primary: Region::new("us-east-2"),
            secondaries: vec![Region::new("us-east-1")],
            epoch: 7,
        };
        let read = Known::Read(&topology);
        let table = [
            ("us-east-2", "GET", "/active", read, 200, "this region is primary"),
            ("us-east-1", "GET", "/active", read, 503, "this region is a secondary"),
            (
                "us-west-2",
                "GET",
                "/active",
                read,
                503,
                "this region is none of the stack's",
            ),
            (
                "us-east-2",
                "GET",
                "/active",
                Known::Absent,
                503,
                "the stack has no topology",
            ),
            (
                "us-east-2",
                "GET",
                "/active",
                Known::Unread,
                503,
                "the topology could not be read",
            ),
            (
                "us-east-2",
                "GET",
                "/",
                read,
                503,
                "only GET /active is ever answered with 200",
            ),
            (
                "us-east-2",
                "GET",
                "/active/",
                read,
                503,
                "only GET /active is ever answered with 200",
            ),
            (
                "us-east-2",
                "POST",
                "/active",
                read,
                503,
                "only GET /active is ever answered with 200",
            ),
            (
                "us-east-2",
                "",
                "",
                read,
                503,
                "only GET /active is ever answered with 200",
            ),
        ];
        for (here, method, path, known, status, reason) in table {
            let request = Request {
                http_method: method.to_owned(),
                path: path.to_owned(),
            };
            let gate = answer(&Region::new(here), &request, known);
            assert_eq!(
                (gate.status, gate.reason),
                (status, reason),
                "{here} {method} {path} {known:?}"
            );
            assert_eq!(gate.epoch, (known == read).then_some(7));
        }
    }

    #[test]
    fn requests_are_read_as_a_load_balancer_writes_them() {
        let event = serde_json::json!({
            "requestContext": {"elb": {"targetGroupArn": "arn"}}, "httpMethod": "GET", "path": "/active",
            "queryStringParameters": {}, "headers": {"user-agent": "ELB-HealthChecker/2.0"}, "body": "", "isBase64Encoded": false,
        });
        let request: Request = serde_json::from_value(event).unwrap();
        assert_eq!(
            (request.http_method.as_str(), request.path.as_str()),
            ("GET", "/active")
        );
        assert_eq!(serde_json::from_str::<Request>("{}").unwrap(), Request::default());
    }
}
