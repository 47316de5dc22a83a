//! The whole of it on the local AWS, over the real wire: the control plane from its template, the real Lambda binaries
//! under Step Functions, IAM enforced.

mod apis;
mod cargo_lambda;
mod clients;
mod concurrency;
mod documented;
mod drift;
mod events;
mod everything;
mod faults;
mod handover;
mod harness;
mod killed;
mod logs;
mod plans;
mod policies;
mod postgres_ha;
#[path = "../adapters_ingress/requests.rs"]
#[allow(dead_code, reason = "shared with the adapters' tests, which send more of them")]
mod requests;
mod rollback;
mod secrets;
mod seen;
mod stand_up;
mod updates;
