//! The DevTools protocol over two pipes: no port, no WebSocket. <https://chromedevtools.github.io/devtools-protocol/>
//!
//! Chromium reads from file descriptor 3 and writes to 4, messages of JSON that end with a zero byte.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Chromium;

/// A browser that says nothing for so long has died of something.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running browser.
pub(super) struct Pipe {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    /// What it told unasked.
    events: Vec<Value>,
    last_id: u64,
    /// Its profile.
    _profile: TempDir,
}

impl Pipe {
    pub(super) fn start(chromium: &Chromium) -> Result<Self> {
        let profile = tempfile::tempdir()?;
        let mut command = Command::new("sh");
        command
            .args(["-c", "exec 3<&0 4>&1 0</dev/null 1>&2; exec \"$@\"", "sh"])
            .arg(&chromium.program)
            .args([
                "--headless",
                "--remote-debugging-pipe",
                "--disable-gpu",
                "--hide-scrollbars",
            ])
            // It opens our own pages only; without this it does not start as root, or where namespaces are forbidden.
            .args(["--no-sandbox", "--disable-dev-shm-usage", "--no-first-run"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .env("HOME", profile.path())
            .envs(chromium.environment.clone())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // What it says there is of graphics cards and buses that are not there.
            .stderr(Stdio::null());
        let mut child = command.spawn().context("start the browser")?;
        let (Some(to), Some(out)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("the browser has no pipes");
        };
        Ok(Self {
            child,
            to,
            from: read(out),
            events: Vec::new(),
            last_id: 0,
            _profile: profile,
        })
    }

    /// Calls a method, and waits for its answer.
    pub(super) fn call(&mut self, session: Option<&str>, method: &str, parameters: Value) -> Result<Value> {
        self.last_id += 1;
        let id = self.last_id;
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if let Some(session) = session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).with_context(|| format!("call {method}"))?;
        loop {
            let mut message = self
                .next()
                .with_context(|| format!("wait for the answer of {method}"))?;
            if message["id"] == id {
                if let Some(error) = message.get("error") {
                    bail!("{method} failed: {error}");
                }
                return Ok(message["result"].take());
            }
            self.events.push(message);
        }
    }

    /// Waits until the browser has told of an event.
    pub(super) fn wait_for(&mut self, method: &str) -> Result<()> {
        while !self.events.iter().any(|event| event["method"] == method) {
            let message = self.next().with_context(|| format!("wait for {method}"))?;
            self.events.push(message);
        }
        Ok(())
    }

    /// What it has told of since it was last asked.
    pub(super) fn take_events(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.events)
    }

    fn next(&mut self) -> Result<Value> {
        let answered = self.from.recv_timeout(PATIENCE);
        answered.with_context(|| match self.child.try_wait() {
            Ok(Some(status)) => format!("the browser has ended with {status}"),
            Ok(None) | Err(_) => "the browser says nothing".to_owned(),
        })
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        // It ends its own processes when asked to; killed, it would leave them.
        if self.call(None, "Browser.close", json!({})).is_err() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

fn read(out: ChildStdout) -> Receiver<Value> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for message in BufReader::new(out).split(0).map_while(Result::ok) {
            let Ok(message) = serde_json::from_slice(&message) else {
                continue;
            };
            if sender.send(message).is_err() {
                return;
            }
        }
    });
    receiver
}
