//! The whole of it on the local AWS, over the real wire: the control plane from its template, the real Lambda binaries
//! under Step Functions, IAM enforced.

mod apis;
mod buses;
mod cargo_lambda;
mod clients;
mod clusters;
mod concurrency;
mod copies;
mod database_agent;
mod documented;
mod drift;
mod events;
mod everything;
mod faults;
mod functions;
mod gates;
mod global_database;
mod handover;
mod harness;
mod iot_ingest;
mod killed;
mod logs;
mod multi_region_dr;
mod nat;
mod parameters;
mod plans;
mod policies;
mod postgres_ha;
mod regions;
#[path = "../adapters_ingress/requests.rs"]
#[allow(dead_code, reason = "shared with the adapters' tests, which send more of them")]
mod requests;
mod rollback;
mod secrets;
mod secure_pipeline;
mod seen;
mod side_by_side;
mod stand_up;
mod storage;
mod traffic;
mod two_regions;
mod updates;
