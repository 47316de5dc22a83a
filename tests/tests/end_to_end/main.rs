//! The whole of it on the local AWS, over the real wire: the control plane from its template, the real Lambda binaries
//! under Step Functions, IAM enforced.

mod cargo_lambda;
mod clients;
mod concurrency;
mod faults;
mod handover;
mod harness;
mod logs;
mod secrets;
mod stand_up;
