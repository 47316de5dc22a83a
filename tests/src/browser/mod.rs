//! A real browser without a window, for looking at pages: it loads a file, is asked about what it shows, and takes pictures.

mod install;
mod pipe;

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::Project;
pub use install::Chromium;
use pipe::Pipe;

/// How much of a page is on a picture, in pixels.
const PICTURE_HEIGHT_MAX: u64 = 8_000;

/// A browser with one page; it ends when it is dropped.
pub struct Browser {
    pipe: Pipe,
    session: String,
}

/// How a page is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// On a screen, in light colours.
    Light,
    /// On a screen, in dark colours.
    Dark,
    /// On paper.
    Print,
}

impl Browser {
    /// Starts a browser; installs one into the ignored folder if there is none.
    ///
    /// # Errors
    /// When there is none and none can be installed: what to do is in the error.
    pub fn start(project: &Project) -> Result<Self> {
        let mut pipe = Pipe::start(&Chromium::find(project)?)?;
        let made = pipe.call(None, "Target.createTarget", json!({"url": "about:blank"}))?;
        let attach = json!({"targetId": made["targetId"], "flatten": true});
        let attached = pipe.call(None, "Target.attachToTarget", attach)?;
        let session = attached["sessionId"].as_str().context("the browser named no session")?;
        let mut browser = Self {
            session: session.to_owned(),
            pipe,
        };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}))?;
        }
        Ok(browser)
    }

    fn call(&mut self, method: &str, parameters: Value) -> Result<Value> {
        self.pipe.call(Some(&self.session), method, parameters)
    }

    /// Sets how wide the window is, and how pages are looked at.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub fn look(&mut self, width: u32, look: Look) -> Result<()> {
        let metrics = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", metrics)?;
        let (media, colours) = match look {
            Look::Light => ("screen", "light"),
            Look::Dark => ("screen", "dark"),
            Look::Print => ("print", "light"),
        };
        let features = json!([{"name": "prefers-color-scheme", "value": colours}]);
        self.call(
            "Emulation.setEmulatedMedia",
            json!({"media": media, "features": features}),
        )?;
        Ok(())
    }

    /// Loads a file, and answers what went wrong in it: errors and messages on the console, and requests to anywhere else.
    ///
    /// # Errors
    /// When it cannot be loaded.
    pub fn open(&mut self, file: &Path) -> Result<Vec<String>> {
        let url = format!("file://{}", file.canonicalize()?.display());
        self.pipe.take_events();
        let loaded = self.call("Page.navigate", json!({"url": url}))?;
        if let Some(error) = loaded["errorText"].as_str() {
            bail!("cannot load {url}: {error}");
        }
        self.pipe.wait_for("Page.loadEventFired")?;
        // What the page has set off by then is told before the answer to this.
        self.evaluate("document.title")?;
        let wrongs = self.pipe.take_events().into_iter().filter_map(|event| {
            let parameters = &event["params"];
            match event["method"].as_str()? {
                "Network.requestWillBeSent" => {
                    let asked = parameters["request"]["url"].as_str().unwrap_or_default();
                    (asked != url).then(|| format!("it requests {asked}"))
                }
                "Runtime.exceptionThrown" | "Runtime.consoleAPICalled" | "Log.entryAdded" => {
                    Some(parameters.to_string())
                }
                _ => None,
            }
        });
        Ok(wrongs.collect())
    }

    /// What an expression of JavaScript comes to, in the page.
    ///
    /// # Errors
    /// When it throws.
    pub fn evaluate(&mut self, expression: &str) -> Result<Value> {
        let asked = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let mut answer = self.call("Runtime.evaluate", asked)?;
        ensure!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        Ok(answer["result"]["value"].take())
    }

    /// Takes a picture of the page down to where pictures get too large, as PNG.
    ///
    /// # Errors
    /// When it cannot be taken or written.
    pub fn screenshot(&mut self, file: &Path) -> Result<()> {
        let size = "[document.documentElement.clientWidth, document.documentElement.scrollHeight]";
        let size = self.evaluate(size)?;
        let height = size[1]
            .as_u64()
            .context("the page has no height")?
            .min(PICTURE_HEIGHT_MAX);
        let clip = json!({"x": 0, "y": 0, "width": size[0], "height": height, "scale": 1});
        let asked = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        self.keep("Page.captureScreenshot", asked, file)
    }

    /// Prints the page, as PDF.
    ///
    /// # Errors
    /// When it cannot be printed or written.
    pub fn print(&mut self, file: &Path) -> Result<()> {
        self.keep("Page.printToPDF", json!({"preferCSSPageSize": true}), file)
    }

    fn keep(&mut self, method: &str, parameters: Value, file: &Path) -> Result<()> {
        let answer = self.call(method, parameters)?;
        let bytes = BASE64.decode(answer["data"].as_str().context("the browser sent no picture")?)?;
        std::fs::write(file, bytes).with_context(|| format!("write {}", file.display()))
    }
}
