//! The few HTTP requests to the local AWS that are not AWS calls.

use std::time::Duration;

use anyhow::{Context, Result};
use ureq::Agent;

/// An answer: its status, and its body as text.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

fn agent() -> Agent {
    Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(5)))
        .http_status_as_error(false)
        // It is on loopback: a proxy from the environment has no business here.
        .proxy(None)
        .build()
        .into()
}

/// GETs an address.
pub(super) fn get(address: &str) -> Result<Answer> {
    read(agent().get(address).call(), "GET", address)
}

/// PUTs a JSON text to an address.
pub(super) fn put(address: &str, body: &str) -> Result<Answer> {
    let request = agent().put(address).header("content-type", "application/json");
    read(request.send(body), "PUT", address)
}

fn read(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>, method: &str, address: &str) -> Result<Answer> {
    let what = || format!("{method} {address}");
    let mut answer = answer.with_context(what)?;
    Ok(Answer {
        status: answer.status().as_u16(),
        body: answer.body_mut().read_to_string().with_context(what)?,
    })
}
